"""Fitts' law test on a ring of targets (ISO 9241-9): trial by trial, and what it came to. Pure.

The cursor moves in a square of half width 1. Where a figure has a name in the standard, that name
is used; movement time ends when the target is entered for the last time, so without the dwell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from acquisition.stream import Refused


@dataclass(frozen=True)
class Ring:
    """Targets of one size, evenly on one circle, taken crosswise. Lengths in half widths."""

    targets_n: int = 8
    distance: float = 1.2
    """diameter of the circle"""
    width: float = 0.35
    """diameter of a target"""
    dwell_s: float = 1.0
    """how long the cursor has to stay in it"""
    timeout_s: float = 20.0
    """a trial that takes longer has failed"""

    def __post_init__(self) -> None:
        if not 3 <= self.targets_n <= 64:
            raise Refused(f"A ring has 3 to 64 targets, not {self.targets_n}.")
        if not 0.0 < self.width < self.distance <= 2.0 - self.width:
            raise Refused(
                f"A target is narrower than the ring, and the ring with its targets fits the "
                f"square of 2: not width {self.width} on a ring of {self.distance}."
            )
        if not 0.0 <= self.dwell_s < self.timeout_s:
            raise Refused(
                f"The dwell is shorter than the time-out, not {self.dwell_s} s of "
                f"{self.timeout_s} s."
            )


Point = tuple[float, float]


def targets(ring: Ring) -> list[Point]:
    """Centres in the order in which they are to be reached: to and fro across the ring."""
    n = ring.targets_n
    order = [(k // 2 + (k % 2) * (n // 2)) % n for k in range(n)]
    if n % 2:  # an odd ring is crossed by the same angle every time
        order = [k * (n // 2) % n for k in range(n)]
    radius = ring.distance / 2
    angles = [2 * math.pi * k / n for k in order]
    return [(radius * math.cos(a), radius * math.sin(a)) for a in angles]


class Trial(NamedTuple):
    """One way to one target, so far."""

    target: Point
    origin: Point
    at: Point
    time_s: float = 0.0
    path: float = 0.0
    """length of the way so far"""
    inside_s: float = 0.0
    """since the target was entered; 0 outside"""
    entered_s: float = 0.0
    """when it was entered last"""
    entries_n: int = 0
    done: bool = False
    reached: bool = False


class Result(NamedTuple):
    """What one trial came to."""

    reached: bool
    time_s: float
    """movement time: to the last entry, or the whole trial where it failed"""
    difficulty_bit: float
    throughput_bit_s: float
    """0 where it failed"""
    path_efficiency: float
    """straight way over the way gone, 0 .. 1"""
    overshoots_n: int
    """times that the target was left again"""


def begin(target: Point, at: Point) -> Trial:
    """A trial whose cursor stands where the last one ended."""
    return Trial(target, at, at)


def step(ring: Ring, trial: Trial, velocity: Point, seconds: float) -> Trial:
    """The trial after the cursor moved for so long; velocity in half widths per second."""
    if trial.done:
        return trial
    before = trial.at
    at = tuple(max(-1.0, min(1.0, p + v * seconds)) for p, v in zip(before, velocity, strict=True))
    at = (at[0], at[1])
    time_s = trial.time_s + seconds
    inside = math.dist(at, trial.target) <= ring.width / 2
    was_inside = trial.inside_s > 0.0
    entered_s = time_s if inside and not was_inside else trial.entered_s
    inside_s = trial.inside_s + seconds if inside else 0.0
    reached = inside and time_s - entered_s >= ring.dwell_s
    return Trial(
        trial.target,
        trial.origin,
        at,
        time_s,
        trial.path + math.dist(before, at),
        inside_s,
        entered_s,
        trial.entries_n + (inside and not was_inside),
        reached or time_s >= ring.timeout_s,
        reached,
    )


def result(ring: Ring, trial: Trial) -> Result:
    """The figures of a trial that is done. Refuses one that is not."""
    if not trial.done:
        raise Refused("A trial has no result before it was reached or timed out.")
    straight = math.dist(trial.origin, trial.target)
    difficulty = math.log2(straight / ring.width + 1.0)
    time_s = trial.entered_s if trial.reached else trial.time_s
    throughput = difficulty / time_s if trial.reached and time_s > 0.0 else 0.0
    return Result(
        trial.reached,
        time_s,
        difficulty,
        throughput,
        min(1.0, straight / trial.path) if trial.path > 0.0 else 0.0,
        max(0, trial.entries_n - 1) if trial.reached else trial.entries_n,
    )


def summary(results: Sequence[Result]) -> dict[str, float | int]:
    """The figures of a test; throughput, time and path over the targets that were reached.

    Refuses a test without trials.
    """
    if not results:
        raise Refused("A test without trials has no figures: do at least one.")
    good = [r for r in results if r.reached]
    return {
        "trials": len(results),
        "completion": len(good) / len(results),
        "throughput_bit_s": fmean(r.throughput_bit_s for r in good) if good else 0.0,
        "time_s": fmean(r.time_s for r in good) if good else 0.0,
        "difficulty_bit": fmean(r.difficulty_bit for r in results),
        "path_efficiency": fmean(r.path_efficiency for r in good) if good else 0.0,
        "overshoots_per_trial": fmean(r.overshoots_n for r in results),
    }

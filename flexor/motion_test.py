"""Motion test: how soon a gesture is understood, and how long until it surely is. Pure.

As BioPatRec has it (Ortiz-Catalan 2013): selection time runs from the first movement to the first
right decision, completion time to the 20th; a motion that needs longer than the time-out failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from acquisition.stream import Refused


@dataclass(frozen=True)
class MotionTest:
    """What counts as done."""

    right_n: int = 20
    """right decisions that complete a motion"""
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.right_n < 1 or not self.timeout_s > 0.0:
            raise Refused(
                f"A motion is completed by at least 1 decision within some seconds, not by "
                f"{self.right_n} within {self.timeout_s} s."
            )


class Motion(NamedTuple):
    """One motion on its way."""

    gesture: str
    moved_s: float | None = None
    """when anything but rest was first decided, from the prompt"""
    first_s: float | None = None
    """when the gesture was first decided"""
    right_n: int = 0
    decided_n: int = 0
    """decisions since the first movement"""
    time_s: float = 0.0
    done: bool = False
    completed: bool = False


def step(test: MotionTest, motion: Motion, decided: str, rest: str, time_s: float) -> Motion:
    """The motion after one decision, `time_s` after the prompt."""
    if motion.done:
        return motion
    moved_s = motion.moved_s
    if moved_s is None and decided != rest:
        moved_s = time_s
    right = decided == motion.gesture
    first_s = time_s if right and motion.first_s is None else motion.first_s
    right_n = motion.right_n + right
    completed = right_n >= test.right_n
    return Motion(
        motion.gesture,
        moved_s,
        first_s,
        right_n,
        motion.decided_n + (moved_s is not None),
        time_s,
        completed or time_s >= test.timeout_s,
        completed,
    )


def summary(motions: Sequence[Motion]) -> dict[str, float | int | None]:
    """The figures of a test: of the motions that were completed, but for the share of them.

    Refuses a test without motions, and one that is not done.
    """
    if not motions or not all(m.done for m in motions):
        raise Refused("A motion test has figures when all of its motions are done.")
    good = [m for m in motions if m.completed]
    waits = [(m.first_s or 0.0) - (m.moved_s or 0.0) for m in good]
    takes = [m.time_s - (m.moved_s or 0.0) for m in good]
    return {
        "motions": len(motions),
        "completion": len(good) / len(motions),
        "selection_s": fmean(waits) if good else None,
        "completion_s": fmean(takes) if good else None,
        "accuracy": fmean(m.right_n / m.decided_n for m in good) if good else None,
    }

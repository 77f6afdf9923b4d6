"""What a calibration asks of its wearer, and where its target is at each moment. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from acquisition.stream import Refused

HOLD, RAMP, FOLLOW = "hold", "ramp", "follow"
SECONDS = {HOLD: 3.0, RAMP: 5.0, FOLLOW: 15.0}
"""How long each kind of contraction lasts, unless asked otherwise: a hold gives some hundred
windows; a ramp is slow enough to be followed; a minute of following in four would tire."""
READY_S = 2.0
"""Rest before each contraction; its calm part is what rest is learnt from."""
LEAST_READY_S, LONGEST_S = 1.5, 60.0
RETRIES_N = 2
"""Times that one contraction is asked for again by itself; more would be nagging."""
POSITIONS = ("hanging", "bent", "forward", "raised")
"""Of the arm: beside the body, elbow bent before the body, stretched out, reaching up. A change of
posture is the commonest cause of a hand that does not obey."""
FOLLOW_HZ, SWELL_HZ = 0.15, 0.037
"""A slow wave that a wearer can follow (a muscle's force follows up to 2 Hz), and its swell, so
that it is no habit."""
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Wanted:
    """The settings of a calibration."""

    gestures: tuple[str, ...]
    """to be told apart from rest and from each other, in the order in which they are asked for"""
    repetitions: int = 3
    """of holding each gesture, in each position"""
    ramps: int = 1
    """of raising and lowering it slowly, in each position: proportional control needs light
    contractions too"""
    follows: int = 0
    """of following a moving target, once, in the first position"""
    positions: tuple[str, ...] = ("bent",)
    rest: str = "rest"
    ready_s: float = READY_S
    hold_s: float = SECONDS[HOLD]
    ramp_s: float = SECONDS[RAMP]
    follow_s: float = SECONDS[FOLLOW]
    refuses: bool = True
    """whether a movement that looks like none of the gestures is to move nothing"""

    def __post_init__(self) -> None:
        names = (*self.gestures, self.rest, *self.positions)
        for name in names:
            if not _WORD.fullmatch(name):
                raise Refused(f'"{name}" cannot be calibrated: a name is one word, as hand_close.')
        if not self.gestures or len(set(self.gestures)) != len(self.gestures):
            raise Refused(f"A calibration needs distinct gestures, not {list(self.gestures)}.")
        if self.rest in self.gestures:
            raise Refused(f'"{self.rest}" comes between the gestures by itself: leave it out.')
        if not self.positions or len(set(self.positions)) != len(self.positions):
            raise Refused(f"A calibration needs distinct positions, not {list(self.positions)}.")
        if self.repetitions < 2 or min(self.ramps, self.follows) < 0:
            raise Refused(
                f"A calibration needs 2 repetitions or more, not {self.repetitions}: one is held "
                "out to tell how right it is."
            )
        if self.repetitions + self.ramps + self.follows > 20:
            raise Refused("A calibration asks for 20 repetitions of a gesture at most.")
        for what in ("ready_s", "hold_s", "ramp_s", "follow_s"):
            seconds, least = getattr(self, what), LEAST_READY_S
            if not (math.isfinite(seconds) and least <= seconds <= LONGEST_S):
                raise Refused(
                    f"A calibration takes {what} from {least} to {LONGEST_S:g} s, not {seconds:g}."
                )


@dataclass(frozen=True)
class Task:
    """One contraction that is asked for."""

    gesture: str
    shape: str
    """HOLD, RAMP or FOLLOW"""
    position: str
    repetition: int
    """of this gesture in this position, from 1, whatever the shape"""
    seconds: float
    retry: int = 0
    """times that it was asked for before"""

    @property
    def key(self) -> tuple[str, str, int]:
        """(gesture, position, repetition): a later take of the same key replaces the earlier."""
        return self.gesture, self.position, self.repetition

    def again(self) -> Task:
        return replace(self, retry=self.retry + 1)


def tasks_of(wanted: Wanted) -> tuple[Task, ...]:
    """All contractions in their order: position by position, each repetition through all gestures,
    so that no two repetitions of a gesture resemble each other because they were neighbours. The
    last one is held: it is what a fit is scored on."""
    made = []
    for position in wanted.positions:
        follows = wanted.follows if position == wanted.positions[0] else 0
        shapes = [(HOLD, wanted.hold_s)] * (wanted.repetitions - 1)
        shapes += [(RAMP, wanted.ramp_s)] * wanted.ramps + [(FOLLOW, wanted.follow_s)] * follows
        shapes.append((HOLD, wanted.hold_s))
        for n, (shape, seconds) in enumerate(shapes, 1):
            made += [Task(g, shape, position, n, seconds) for g in wanted.gestures]
    return tuple(made)


def target_at(task: Task, second: float) -> float:
    """Where the target is, 0 (rest) .. 1 (a comfortable contraction), so long after the prompt."""
    if not 0.0 <= second < task.seconds:
        return 0.0
    if task.shape == HOLD:
        return 1.0
    if task.shape == RAMP:
        share = second / task.seconds
        return min(1.0, 2.2 * share, 2.2 * (1.0 - share))
    wave = 0.5 * (1.0 - math.cos(2.0 * math.pi * FOLLOW_HZ * second))
    return wave * (0.7 + 0.3 * math.cos(2.0 * math.pi * SWELL_HZ * second))


def rises_s(task: Task, share: float) -> float:
    """Seconds from the prompt until the target is there for the first time."""
    steps = range(round(100 * task.seconds))
    return next((n / 100 for n in steps if target_at(task, n / 100) >= share), task.seconds)


def seconds_of(wanted: Wanted) -> float:
    """How long it takes when nothing has to be repeated."""
    return sum(wanted.ready_s + task.seconds for task in tasks_of(wanted))

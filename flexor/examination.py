"""A test of control as it is done: live intents in, a picture and at the end figures out.

The tests themselves are flexor.fitts, flexor.tac and flexor.motion_test; this is what turns the
intents of a run into their steps, for a page or a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown
from flexor import fitts, motion_test, tac
from flexor.virtual_wearer import Mind, Person, decide
from models.intent import Intent

SPEED, SPEED_DEG_S = 1.0, 60.0
"""What full strength moves: half widths per second of the ring, degrees per second of the limb."""
HOLD_S = 0.15
"""A decision moves no longer than a command moves a hand."""
STEP_S = 0.1
"""Longest time that one step moves: what a page missed is not made up for. The clock runs on."""
EFFORT = 0.5
"""With which a virtual wearer makes the gestures of the motion test."""
READY_S = 3.0
"""From the start to the first target, and between two motions."""
Axes = tuple[tuple[str, str], ...]


@dataclass
class Examination:
    """One test on its way."""

    kind: str
    axes: Axes
    """gestures that move each axis up and down"""
    gestures: Sequence[str]
    """of the motion test, rest not among them"""
    rest: str
    begun_s: float
    queue: list[Any] = field(default_factory=list)
    now: Any = None
    results: list[Any] = field(default_factory=list)
    ring: fitts.Ring = field(default_factory=fitts.Ring)
    _turn_s: float = 0.0
    _intent: Intent | None = None
    _intent_s: float = float("-inf")
    _since_s: float = 0.0
    _pace: float = 1.0

    @property
    def now_s(self) -> float:
        """The second until which it has gone on, of the clock that it is told."""
        return self._turn_s

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return not self.queue and self.now is None

    def turn(self, intents: Sequence[Intent], now_s: float) -> None:
        """Goes on by what was decided since the last turn."""
        if intents:
            self._intent, self._intent_s = intents[-1], now_s
        seconds = max(0.0, now_s - self._turn_s)
        self._pace = min(1.0, STEP_S / seconds) if seconds else 1.0
        self._turn_s = now_s
        if self.done or now_s - self._since_s < READY_S:
            return
        KINDS[self.kind].step(self, intents, now_s, seconds)

    def velocity(self, now_s: float, full: float, axes_n: int) -> tuple[float, ...]:
        """(axis,) that the newest intent moves; none when it is old."""
        if self._intent is None or now_s - self._intent_s > HOLD_S or self._intent.rejected:
            return (0.0,) * axes_n
        gesture, along = self._intent.gesture, full * self._intent.strength * self._pace
        return tuple(along * ((gesture == up) - (gesture == low)) for up, low in self.axes[:axes_n])

    def picture(self, now_s: float) -> dict[str, Any]:
        """What is drawn now."""
        wait_s = max(0.0, READY_S - (now_s - self._since_s))
        return {
            "kind": self.kind,
            "done": self.done,
            "left": len(self.queue) + (self.now is not None),
            "wait_s": round(wait_s, 1),
            **KINDS[self.kind].draw(self),
        }

    def wanted(self, person: Person, mind: Mind, now_s: float) -> tuple[str, float]:
        """(gesture, effort) that a virtual wearer who does the test means now."""
        picture = self.picture(now_s)
        if self.kind == "motion":
            asked = picture["asked"] if picture["moving"] else None
            return (asked or self.rest, EFFORT if asked else 0.0)
        ring = self.kind == "fitts"
        at, target = (
            picture["at" if ring else "at_deg"],
            picture["target" if ring else "target_deg"],
        )
        if target is None or picture["wait_s"] > 0:
            return self.rest, 0.0
        moving = self.velocity(now_s, SPEED if ring else SPEED_DEG_S, 2)
        tolerance = self.ring.width / 2 if ring else POSTURES.tolerance_deg
        return decide(person, mind, now_s, at, moving, target, tolerance)

    def figures(self) -> dict[str, Any]:
        """What it came to. Refuses a test that is not done."""
        if not self.done:
            raise Refused("The test is not done yet: finish it, or begin another.")
        return KINDS[self.kind].summary(self.results)


@dataclass(frozen=True)
class Kind:
    """How one kind of test goes on."""

    begin: Callable[[Examination], list[Any]]
    step: Callable[[Examination, Sequence[Intent], float, float], None]
    draw: Callable[[Examination], dict[str, Any]]
    summary: Callable[[Any], dict[str, Any]]
    axes_n: int


POSTURES, MOTIONS = tac.Tac(freedoms_n=2), motion_test.MotionTest()


def examine(
    kind: str,
    axes: Axes,
    labels: Sequence[str],
    rest: str,
    now_s: float,
    targets_n: int = fitts.Ring.targets_n,
) -> Examination:
    """A test that begins now. Refuses gestures that the run does not know, or that serve twice.

    now_s: of the clock that its turns are told. targets_n: of the ring.
    """
    refuse_unknown(kind, KINDS, "test")
    needed = [gesture for pair in axes[: KINDS[kind].axes_n] for gesture in pair]
    unknown = sorted(set(needed) - set(labels))
    if unknown:
        raise Refused(f"The axes use {unknown}, and the model knows {list(labels)}.")
    if len(axes) < KINDS[kind].axes_n or len(set(needed)) != len(needed):
        raise Refused(f"The test needs {KINDS[kind].axes_n} axes of two gestures each, all others.")
    gestures = [label for label in labels if label != rest]
    made = Examination(
        kind, axes, gestures, rest, now_s, ring=fitts.Ring(targets_n), _turn_s=now_s, _since_s=now_s
    )
    made.queue = KINDS[kind].begin(made)
    return made


def _fitts_step(
    test: Examination, _intents: Sequence[Intent], now_s: float, seconds: float
) -> None:
    if test.now is None:
        at = test.results[-1][1] if test.results else (0.0, 0.0)
        test.now = fitts.begin(test.queue.pop(0), at)
    x, y = test.velocity(now_s, SPEED, 2)
    test.now = fitts.step(test.ring, test.now, (x, y), seconds)
    if test.now.done:
        test.results.append((fitts.result(test.ring, test.now), test.now.at))
        test.now = None


def _fitts_draw(test: Examination) -> dict[str, Any]:
    at = test.now.at if test.now else test.results[-1][1] if test.results else (0.0, 0.0)
    target = test.now.target if test.now else test.queue[0] if test.queue else None
    return {
        "at": at,
        "target": target,
        "targets": fitts.targets(test.ring),
        "width": test.ring.width,
        "dwell": min(1.0, test.now.inside_s / test.ring.dwell_s) if test.now else 0.0,
    }


def _tac_step(test: Examination, _intents: Sequence[Intent], now_s: float, seconds: float) -> None:
    if test.now is None:
        test.now = tac.begin(POSTURES, test.queue.pop(0))
    moving = test.velocity(now_s, SPEED_DEG_S, POSTURES.freedoms_n)
    test.now = tac.step(POSTURES, test.now, moving, seconds)
    if test.now.done:
        test.results.append(tac.outcome(test.now))
        test.now = None
        test._since_s = now_s - READY_S + 1.0  # a moment to let go


def _tac_draw(test: Examination) -> dict[str, Any]:
    target = test.now.target_deg if test.now else test.queue[0] if test.queue else None
    return {
        "at_deg": test.now.at_deg if test.now else (0.0,) * POSTURES.freedoms_n,
        "target_deg": target,
        "tolerance_deg": POSTURES.tolerance_deg,
        "range_deg": POSTURES.range_deg,
    }


def _motion_step(test: Examination, intents: Sequence[Intent], now_s: float, _s: float) -> None:
    if test.now is None:
        test.now = motion_test.Motion(test.queue.pop(0))
        test._since_s = now_s - READY_S
    for intent in intents:
        at_s = now_s - (test._since_s + READY_S)
        test.now = motion_test.step(MOTIONS, test.now, intent.gesture, test.rest, at_s)
    if test.now.done:
        test.results.append(test.now)
        test.now = None
        test._since_s = now_s


def _motion_draw(test: Examination) -> dict[str, Any]:
    asked = test.now.gesture if test.now else test.queue[0] if test.queue else None
    right = test.now.right_n / MOTIONS.right_n if test.now else 0.0
    return {"asked": asked, "moving": test.now is not None, "right": min(1.0, right)}


KINDS: dict[str, Kind] = {
    "fitts": Kind(
        lambda test: list(fitts.targets(test.ring)),
        _fitts_step,
        _fitts_draw,
        lambda results: fitts.summary([r for r, _ in results]),
        2,
    ),
    "tac": Kind(lambda _: list(tac.postures(POSTURES)), _tac_step, _tac_draw, tac.summary, 2),
    "motion": Kind(
        lambda test: list(test.gestures), _motion_step, _motion_draw, motion_test.summary, 0
    ),
}
"""name -> how it goes on"""

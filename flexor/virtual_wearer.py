"""A virtual wearer in a closed loop: sees, decides late, makes gestures, and corrects. Pure.

The model of a person who steers a cursor by velocities: what it sees is old by the visual delay,
it moves along one axis at a time (gestures are made one after the other), aims from far and brakes
near, lets go where the cursor would come to rest inside, and changes its mind no faster than
people do. Its muscles then are the simulator's, with their own ramp and unsteadiness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

Point = tuple[float, ...]
"""(axis,) of what is steered, in its own unit"""


SURE = 0.6
"""Share of the tolerance within which the wearer lets go; of a circle, the square inside it."""


@dataclass(frozen=True)
class Person:
    """How the wearer steers."""

    delay_s: float = 0.2
    """from what is seen to the muscle's order: simple visual reaction (Welford 1980)"""
    coast_s: float = 0.3
    """how long the cursor still goes on as it does before letting go shows: known by practice"""
    think_s: float = 0.1
    """shortest time between two changes of mind"""
    strong: float = 0.6
    """effort far from the target, as a share of the greatest"""
    weak: float = 0.25
    """effort close to it"""
    near: float = 2.0
    """distance along an axis below which it is close, in tolerances"""
    rest: str = "rest"
    axes: tuple[tuple[str, str], ...] = (
        ("wrist_flexion", "wrist_extension"),
        ("hand_open", "hand_close"),
        ("radial_deviation", "ulnar_deviation"),
    )
    """gestures that move each axis up and down; only as many are used as there are"""


@dataclass
class Mind:
    """What the wearer has seen and means now."""

    seen: list[tuple[float, Point, Point]] = field(default_factory=list)
    """(second, cursor, its velocity), from old to new"""
    gesture: str = "rest"
    effort: float = 0.0
    decided_s: float = -math.inf


def decide(
    person: Person,
    mind: Mind,
    now_s: float,
    at: Point,
    velocity: Point,
    target: Point,
    tolerance: float,
) -> tuple[str, float]:
    """(gesture, effort) that the wearer means now; the mind moves on.

    tolerance: how far from the target along one axis is still good.
    """
    mind.seen.append((now_s, at, velocity))
    while len(mind.seen) > 1 and mind.seen[1][0] <= now_s - person.delay_s:
        mind.seen.pop(0)
    then_s, seen, moving = mind.seen[0]
    if now_s - then_s < person.delay_s - 1e-9 or now_s - mind.decided_s < person.think_s - 1e-9:
        return mind.gesture, mind.effort
    error = tuple(
        t - (p + v * person.coast_s) for t, p, v in zip(target, seen, moving, strict=True)
    )
    wanted = _wanted(person, mind, error, tolerance)
    if wanted != (mind.gesture, mind.effort):
        mind.gesture, mind.effort = wanted
        mind.decided_s = now_s
    return wanted


def _wanted(person: Person, mind: Mind, error: Point, tolerance: float) -> tuple[str, float]:
    """The axis with more left, unless the one in use is not yet done; rest when both are."""
    done = SURE * tolerance
    axes = range(len(error))
    axis = max(axes, key=lambda i: abs(error[i]))
    for i in axes:
        if mind.gesture in person.axes[i] and abs(error[i]) > done:
            axis = i
    if abs(error[axis]) <= done:
        return person.rest, 0.0
    gesture = person.axes[axis][0 if error[axis] > 0.0 else 1]
    return gesture, person.strong if abs(error[axis]) > person.near * tolerance else person.weak

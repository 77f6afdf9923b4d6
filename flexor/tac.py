"""Target achievement control test: bring a virtual limb into a posture and keep it there. Pure.

Simon et al. 2011: every degree of freedom has to be within the tolerance at once, and to stay there
for the dwell, before the time is over. The limb begins neutral, at 0 of every degree of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from statistics import fmean
from typing import NamedTuple

from acquisition.stream import Refused

Posture = tuple[float, ...]
"""(degree of freedom,) deg"""


@dataclass(frozen=True)
class Tac:
    """What has to be reached, and how well."""

    freedoms_n: int = 3
    reach_deg: float = 40.0
    """how far a posture is from neutral in each degree of freedom that it moves"""
    moved_n: tuple[int, ...] = (1, 2)
    """how many degrees of freedom a posture moves"""
    tolerance_deg: float = 5.0
    dwell_s: float = 2.0
    timeout_s: float = 15.0
    range_deg: float = 90.0
    """the limb ends here, on both sides"""

    def __post_init__(self) -> None:
        if not 1 <= self.freedoms_n <= 8:
            raise Refused(f"The test has 1 to 8 degrees of freedom, not {self.freedoms_n}.")
        if not self.moved_n or not all(1 <= n <= self.freedoms_n for n in self.moved_n):
            raise Refused(
                f"A posture moves 1 to {self.freedoms_n} degrees of freedom, not {self.moved_n}."
            )
        if not 0.0 < 2 * self.tolerance_deg < self.reach_deg <= self.range_deg:
            raise Refused(
                f"A posture lies outside the tolerance and within the range: not "
                f"{self.reach_deg} deg with {self.tolerance_deg} and {self.range_deg} deg."
            )
        if not 0.0 <= self.dwell_s < self.timeout_s:
            raise Refused(
                f"The dwell is shorter than the time-out, not {self.dwell_s} s of "
                f"{self.timeout_s} s."
            )


def postures(tac: Tac) -> list[Posture]:
    """Every posture that moves so many degrees of freedom, both ways each."""
    found = []
    for moved_n in tac.moved_n:
        for which in combinations(range(tac.freedoms_n), moved_n):
            for signs in product((1.0, -1.0), repeat=moved_n):
                posture = [0.0] * tac.freedoms_n
                for i, sign in zip(which, signs, strict=True):
                    posture[i] = sign * tac.reach_deg
                found.append(tuple(posture))
    return found


class Attempt(NamedTuple):
    """One posture on its way."""

    target_deg: Posture
    at_deg: Posture
    time_s: float = 0.0
    inside_since_s: float = math.inf
    path_deg: float = 0.0
    entries_n: int = 0
    done: bool = False
    reached: bool = False


class Outcome(NamedTuple):
    """What one attempt came to."""

    reached: bool
    time_s: float
    """to the last entry; the whole attempt where it failed"""
    path_efficiency: float
    """shortest way, one degree of freedom after the other, over the way gone"""
    overshoots_n: int
    moved_n: int


def begin(tac: Tac, target_deg: Posture) -> Attempt:
    """An attempt from neutral. Refuses a posture of another number of degrees of freedom."""
    if len(target_deg) != tac.freedoms_n:
        raise Refused(
            f"The test has {tac.freedoms_n} degrees of freedom and the posture {len(target_deg)}."
        )
    return Attempt(target_deg, (0.0,) * tac.freedoms_n)


def step(tac: Tac, attempt: Attempt, velocity_deg_s: Posture, seconds: float) -> Attempt:
    """The attempt after the limb moved for so long."""
    if attempt.done:
        return attempt
    at = tuple(
        max(-tac.range_deg, min(tac.range_deg, p + v * seconds))
        for p, v in zip(attempt.at_deg, velocity_deg_s, strict=True)
    )
    time_s = attempt.time_s + seconds
    goals = zip(at, attempt.target_deg, strict=True)
    inside = all(abs(p - t) <= tac.tolerance_deg for p, t in goals)
    since_s = min(attempt.inside_since_s, time_s) if inside else math.inf
    reached = time_s - since_s >= tac.dwell_s
    gone = sum(abs(p - b) for p, b in zip(at, attempt.at_deg, strict=True))
    return Attempt(
        attempt.target_deg,
        at,
        time_s,
        since_s,
        attempt.path_deg + gone,
        attempt.entries_n + (inside and attempt.inside_since_s == math.inf),
        reached or time_s >= tac.timeout_s,
        reached,
    )


def outcome(attempt: Attempt) -> Outcome:
    """The figures of an attempt that is done. Refuses one that is not."""
    if not attempt.done:
        raise Refused("An attempt has no figures before the posture was reached or time was up.")
    straight = sum(map(abs, attempt.target_deg))
    return Outcome(
        attempt.reached,
        attempt.inside_since_s if attempt.reached else attempt.time_s,
        min(1.0, straight / attempt.path_deg) if attempt.path_deg else 0.0,
        attempt.entries_n - attempt.reached,
        sum(t != 0.0 for t in attempt.target_deg),
    )


def summary(outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    """The figures of a test; time and path over what was reached. Refuses a test without any."""
    if not outcomes:
        raise Refused("A test without postures has no figures: do at least one.")
    good = [o for o in outcomes if o.reached]
    return {
        "postures": len(outcomes),
        "completion": len(good) / len(outcomes),
        "time_s": fmean(o.time_s for o in good) if good else 0.0,
        "path_efficiency": fmean(o.path_efficiency for o in good) if good else 0.0,
        "overshoots_per_posture": fmean(o.overshoots_n for o in outcomes),
    }

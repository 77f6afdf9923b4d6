"""Whether the muscles are hardly stronger than at the calibrated rest: then nothing is to move.

The shape of rest with a tone in the arm resembles a weak gesture's, and its strength does not. How
far above rest a gesture is, as a mean over the channels of the logarithm of their power, differs
less among repetitions than its shape does: on later cycles of the 19 pre-training users of the
MyoArmbandDataset no gesture's window lies below 0.47 of the way to the weakest gesture of the
first cycle. Only ever turns a gesture into rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from models.decision import Decision
from models.familiar import FLOOR_SHARE, Floats

SHARE = 0.3
"""Part of the way from rest to the weakest gesture that is rest still. The 19 users lose nothing up
to 0.45; of the evaluation users one makes gestures much weaker than calibrated, and would lose 5
points at 0.45, 1.2 at 0.35 and 0.2 at 0.25."""


class State(NamedTuple):
    rest: int
    usual: Floats
    """(channel,)"""


@dataclass(frozen=True)
class Still:
    """Decides rest while the mean rise above the calibrated rest is below `rise`."""

    usual: tuple[float, ...]
    """(channel,): logarithm of the power at rest behind the filters"""
    rise: float
    """of the logarithm of the power, mean over the channels"""
    floor: float
    """added to each power, in the square of the unit behind the filters"""

    def start(self, labels: tuple[str, ...], rest: str) -> State:
        if not (self.floor > 0 and self.rise > 0 and np.isfinite([*self.usual, self.rise]).all()):
            raise Refused(f"What is still needs numbers, a rise and a floor above 0, not {self}.")
        return State(labels.index(rest), np.array(self.usual, np.float64))

    def step(self, decision: Decision, state: State) -> Decision:
        if decision.power is None or decision.gesture == state.rest:
            return decision
        above = np.log(decision.power + self.floor) - state.usual
        known = above[~np.isnan(above)]  # a guessed channel's strength tells nothing
        if not len(known) or known.mean() >= self.rise:
            return decision
        return decision._replace(gesture=state.rest)


def still_from(power: Any, gestures: NDArray[np.int64], rest: int) -> Still | None:
    """From the windows of a calibration; None where a gesture is no stronger than rest.

    power: (window, channel) mean square behind the filters; gestures: (window,) label numbers.
    """
    floor = FLOOR_SHARE * float(np.median(power[gestures == rest]))
    logs = np.log(np.asarray(power, np.float64) + floor)
    usual = np.median(logs[gestures == rest], axis=0)
    above = (logs - usual).mean(axis=1)
    weakest = min(float(np.median(above[gestures == k])) for k in set(gestures.tolist()) - {rest})
    if not (weakest > 0 and floor > 0):
        return None
    told = tuple(float(v) for v in np.round(usual, 4))
    return Still(told, round(SHARE * weakest, 4), floor)

"""Whether the electrodes sit one place further round the arm than when they were calibrated.

Nothing that a turned band gives looks familiar; with its channels renamed by one place it does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from acquisition.stream import Samples
from models.contract import Contract
from models.familiar import Familiar
from models.familiar import State as Known
from preprocessing.stage import Chain, offline

ASK_S = 1.0
"""Decisions of so long are looked at; and so long passes from one look to the next."""
FOREIGN_SHARE = 0.7
"""Of them refused: worth a look."""
FITTING_SHARE = 0.7
"""Of the renamed windows that are familiar: then it is the place."""
TOLD = {
    1: "The electrodes sit one place further round than in the calibration: turn the band until "
    "each electrode is where the one before it is now, or calibrate again.",
    -1: "The electrodes sit one place further round than in the calibration: turn the band until "
    "each electrode is where the one after it is now, or calibrate again.",
}
"""places by which the channels have to be moved -> what to do"""


@dataclass
class Rotation:
    """What is needed to look, and when that was last done."""

    contract: Contract
    familiar: Familiar | None
    known: Known | None
    refused: deque[bool] = field(default_factory=deque)
    told: int = 0
    """places, when it was told; 0 before"""


def rotation(contract: Contract) -> Rotation:
    """Nothing seen. Without a familiar stage nothing can be told."""
    stages = (stage for stage in contract.decision if isinstance(stage, Familiar))
    familiar = next(stages, None)
    known = None if familiar is None else familiar.start(contract.labels, contract.rest)
    return Rotation(contract, familiar, known)


def turned(state: Rotation, refused: bool, newest: Samples) -> str:
    """Takes one decision; a sentence as soon as it is seen that the band is turned.

    newest: (time, channel) raw samples of the last second.
    """
    if state.familiar is None:
        return ""
    state.refused.append(refused)
    if len(state.refused) < ASK_S / state.contract.hop_s:
        return ""
    often = np.mean(state.refused) > FOREIGN_SHARE
    if not often:
        state.refused.popleft()
        return ""
    state.refused.clear()
    places = next((k for k in TOLD if _fits(state, np.roll(newest, k, axis=1))), 0)
    if places in (0, state.told):
        return ""
    state.told = places
    return TOLD[places]


def _fits(state: Rotation, x: Any) -> bool:
    contract, familiar = state.contract, state.familiar
    if familiar is None or state.known is None or len(x) < 2 * contract.windows.length_samples:
        return False
    cut = contract.chain.stages.index(contract.windows) + 1
    level = x - x.mean(axis=0)  # an offset that begins at once would ring in the filters
    windows = offline(Chain(contract.chain.stages[:cut]), level.astype(np.float32), contract.spec)
    power = np.square(windows).mean(axis=2)
    return bool((familiar.nearest(power, state.known) <= familiar.limit).mean() > FITTING_SHARE)

"""Whether the electrodes sit one place further round the arm than when they were calibrated.

Nothing that a turned band gives looks familiar; with its channels renamed by one place it does.
That is told at once. When it was so in several gestures, the channels are renamed, as soon as the
wearer rests: no grip begins by it. It may go back in the same way. A head that follows its wearer
finds turns by itself (models.slip), and is left to it.

Measured on the MyoArmbandDataset, a band as it sits: on the later cycles of the 19 pre-training
users and in the 18 test sessions of the evaluation users nothing was ever renamed. Of bands turned
by one place this finds 55 % within 5 s after a calibration of one cycle, 94 % after four.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from acquisition.stream import Chunk, Samples
from models.contract import Contract
from models.familiar import Familiar
from models.familiar import State as Known
from models.intent import Intent
from preprocessing.stage import Chain, offline

ASK_S = 1.0
"""Decisions of so long are looked at; and so long passes from one look to the next."""
FOREIGN_SHARE = 0.7
"""Of them refused: worth a look."""
FITTING_SHARE = 0.7
"""Of the renamed windows that are familiar: then it is the place."""
LEAD_SHARE = 0.3
"""So many more than in the other place."""
KNOWN_SHARE = 0.3
"""Of the decisions that are gestures as they come: the channels have their right names."""
LOOKS_N, GESTURES_N = 2, 3
"""In a row, and gestures among them, that make it sure."""
GESTURE_S = 0.2
"""Of a gesture that count as one."""
REST_S = 0.2
PLACES = (0, 1, -1)
TOLD = {
    1: "The electrodes sit one place further round than in the calibration: turn the band until "
    "each electrode is where the one before it is now, or calibrate again.",
    -1: "The electrodes sit one place further round than in the calibration: turn the band until "
    "each electrode is where the one after it is now, or calibrate again.",
}
"""places by which the channels have to be moved -> what to do"""
RENAMED = "The channels are renamed by one place from now on: so the gestures fit the calibration."
FOUND = "The ring of electrodes sits in another way than before: it is decided as it sits now."
BACK = "The channels have their own names again: so the gestures fit the calibration."


@dataclass
class Rotation:
    """What is needed to look, and what came of it."""

    contract: Contract
    familiar: Familiar | None
    known: Known | None
    newest: deque[tuple[bool, bool]] = field(default_factory=deque)
    """(refused, a gesture) of each decision of the last ASK_S"""
    told: int = 0
    """places, when it was told; 0 before"""
    places: int = 0
    """by which the channels are renamed"""
    sure: int = 0
    """by which they will be at the next rest"""
    maybe: int = 0
    """of the last look"""
    gestures: set[int] = field(default_factory=set)
    """that looked familiar in that place"""
    looks_n: int = 0
    rested_n: int = 0
    """decisions in a row"""


def rotation(contract: Contract) -> Rotation:
    """Nothing seen. Without a familiar stage nothing can be told."""
    stages = (stage for stage in contract.decision if isinstance(stage, Familiar))
    by_itself = contract.head is not None and contract.head.ring_n and contract.adaptation
    familiar = None if by_itself else next(stages, None)
    known = None if familiar is None else familiar.start(contract.labels, contract.rest)
    return Rotation(contract, familiar, known)


def renamed(state: Rotation, chunk: Chunk) -> Chunk:
    """The chunk with its channels in the places of the calibration."""
    if not state.places:
        return chunk
    return replace(chunk, samples=np.roll(chunk.samples, state.places, axis=1))


def places_of(state: Rotation, channels: tuple[int, ...]) -> tuple[int, ...]:
    """Where these channels are, once renamed."""
    n = len(state.contract.spec.channels)
    return tuple((channel + state.places) % n for channel in channels)


def turned(state: Rotation, intent: Intent, newest: Samples) -> str:
    """Takes one decision; a sentence as soon as it is seen that the band is turned, and where the
    channels are renamed because of it (`places` has changed then).

    newest: (time, channel) raw samples of the last second.
    """
    if state.familiar is None:
        return ""
    resting = intent.gesture == state.contract.rest
    state.rested_n = state.rested_n + 1 if resting and not intent.rejected else 0
    if state.sure != state.places and state.rested_n * state.contract.hop_s >= REST_S:
        state.places = state.sure
        return RENAMED if state.places else BACK
    state.newest.append((intent.rejected, not resting))
    if len(state.newest) < ASK_S / state.contract.hop_s:
        return ""
    refused, gestures = np.mean(state.newest, axis=0)
    if gestures > KNOWN_SHARE:
        _forget(state)
    if refused <= FOREIGN_SHARE:
        state.newest.popleft()
        return ""
    state.newest.clear()
    return _asked(state, newest)


def _asked(state: Rotation, newest: Samples) -> str:
    """One look at the other places; a sentence when one fits for the first time."""
    looks = {k: _look(state, np.roll(newest, k, axis=1)) for k in PLACES if k != state.places}
    best = max(looks, key=lambda k: looks[k][0])
    share, gestures = looks.pop(best)
    if share <= FITTING_SHARE or share - max(s for s, _ in looks.values()) <= LEAD_SHARE:
        _forget(state)
        return ""
    if best != state.maybe or not state.looks_n:
        _forget(state)
        state.maybe = best
    state.looks_n += 1
    state.gestures |= gestures
    if state.looks_n >= LOOKS_N and len(state.gestures) >= GESTURES_N:
        state.sure = best
        _forget(state)
    if best in (0, state.told):
        return ""
    state.told = best
    return TOLD[best]


def _forget(state: Rotation) -> None:
    state.maybe = state.looks_n = 0
    state.gestures = set()


def _look(state: Rotation, x: Any) -> tuple[float, set[int]]:
    """(share of the windows that are familiar, gestures among them)"""
    contract, familiar = state.contract, state.familiar
    if familiar is None or state.known is None or len(x) < 2 * contract.windows.length_samples:
        return 0.0, set()
    cut = contract.chain.stages.index(contract.windows) + 1
    level = x - x.mean(axis=0)  # an offset that begins at once would ring in the filters
    windows = offline(Chain(contract.chain.stages[:cut]), level.astype(np.float32), contract.spec)
    apart = familiar.distances(np.square(windows).mean(axis=2), state.known)
    fits = apart.min(axis=1) <= familiar.limit
    counts = np.bincount(apart.argmin(axis=1)[fits], minlength=len(contract.labels))
    often = set(np.flatnonzero(counts * contract.hop_s >= GESTURE_S).tolist())
    return float(fits.mean()), often - {contract.labels.index(contract.rest)}

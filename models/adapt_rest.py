"""What is rest by how strong it is, not by its shape alone: rest looks much like a weak gesture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.head import Head, Matrix, scores
from preprocessing.bands import BANDS

WEAK = 0.25
"""Part of the way from rest to a calibrated gesture that is rest still, so that a tone in the arm
moves nothing. Of 0.2, 0.25, 0.35 and 0.5 the most that costs the 19 pre-training users no more
than 0.1 points of their gestures; their rest then moves in 0.00 % instead of 0.19 % of windows."""
QUIET = 0.36
"""Without a calibration: part of the way from a session's quietest to its loudest, in logarithms
of power, up to which a window is rest. Of the 19 users' rest nothing lies above 0.39, and of their
gestures nothing below 0.39."""
LOUD, LOW = 0.95, 0.05
"""Quantiles of the blocks that stand for the loudest and the quietest: a jolt tells neither."""
RISE = 2.0
"""Natural logarithm of the power between them, before they say anything: a session that was only
rest has no loudest yet. The 19 users' sessions have 2.5 and more."""
BLOCKS_N = 10


@dataclass(frozen=True)
class Levels:
    """How quiet and how loud a session is."""

    quiet: float
    loud: float

    def quiet_ones(self, energies: Matrix) -> NDArray[np.bool_]:
        """(window,): which of these are rest."""
        return np.asarray(energies < self.quiet + QUIET * (self.loud - self.quiet))


def energies(head: Head, features: NDArray[np.float32]) -> Matrix:
    """(window,): mean logarithm of the power of features (window, feature) of a ring."""
    return np.asarray(features[:, _powers(head.ring_n)].mean(axis=1, dtype=np.float64))


@lru_cache(maxsize=8)
def _powers(channels_n: int) -> NDArray[np.int64]:
    """Which features are of one channel with itself, in every band."""
    rows, columns = np.triu_indices(channels_n)
    alone = np.flatnonzero(rows == columns)
    return np.concatenate([alone + band * len(rows) for band in range(len(BANDS))])


def levels(head: Head, blocks: NDArray[np.float32]) -> Levels | None:
    """What blocks (block, feature) tell of a session; None as long as they tell too little, and
    for a head that knows no ring, or was calibrated: it knows rest by its labels."""
    if head.calibrated or not head.ring_n or len(blocks) < BLOCKS_N:
        return None
    low, loud = np.quantile(energies(head, blocks), (LOW, LOUD))
    return Levels(float(low), float(loud)) if loud - low > RISE else None


def rest_scores(head: Head, embedded: Matrix, means: Matrix, rest: int) -> Matrix:
    """(window, gesture): models.head.scores, with rest as likely as a weak gesture would be, for
    a head that was calibrated."""
    found = scores(head, embedded, means)
    if not head.calibrated:
        return found
    weak = means[rest] + WEAK * (means - means[rest])
    found[:, rest] = scores(head, embedded, weak).max(axis=1)
    return found


def rest_lead(found: Matrix, rest: int) -> Matrix:
    """(window,): by how much log-density rest leads all gestures, of scores (window, gesture)."""
    return np.asarray(found[:, rest] - np.delete(found, rest, axis=1).max(axis=1))

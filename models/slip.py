"""Whether a ring of electrodes has turned since its calibration, told in seconds of use.

Each short block is asked how likely it is, as some gesture of the calibration, in every way that
the ring can be worn. Log-likelihoods against the way in use are summed: a Bayes factor that must
outgrow what is known beforehand, that a band nearly always sits as it was calibrated. It may go
both ways, so a turn that was wrong is taken back like any other.

Constants: chosen on the 19 pre-training users of the MyoArmbandDataset, each left out of the head
and calibrated on one cycle, on the other three: with their band turned by an electrode either way,
all are found within 3.3 s of all gestures in turn; as it sits, none is turned, not even where two
gestures of six were left out of the calibration and are made all the same. With two gestures
instead of three (GESTURES_N) that happened 18 times in 57.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.head import Head, Matrix
from preprocessing.ring import order_of

Means = tuple[Matrix, Matrix]
"""(gesture, dimension), of the calibration, for every turn; and those in use, for the turn in use,
which has the better of both"""
BLOCK_WINDOWS = 10
"""Windows of a block: a quarter of a second at a hop of 25 ms."""
MOST = 20.0
"""Log-likelihood that one block says at most: neighbouring windows resemble each other."""
ASKED = 120.0
"""Bayes factor, as a logarithm, for a turn by one electrode: six clear blocks."""
FAR_TIMES = 1.5
"""So many times more for a turn by more, or for the other way round."""
MARGIN = 40.0
"""Lead over every other turn."""
DEPTH = 100.0
"""As far a turn's evidence falls below nothing: what fitted before is not forgotten at once."""
STRANGE = 60.0
"""Log-likelihood below a gesture's centre at which a block is none of the known gestures."""
GESTURES_N = 3
"""Gestures, rest apart, in which a turn must have fitted better: one unknown movement, however
long it is held, turns nothing."""


@dataclass
class Slipping:
    """What was seen since the ring was last found to sit in another way."""

    evidence: Matrix
    """(turn,)"""
    gestures: NDArray[np.bool_]
    """(turn, gesture) that fitted better in that turn"""
    block: Matrix
    """(feature,) sum of the windows of the block that is being filled"""
    filled_n: int = 0


def slipping(head: Head) -> Slipping:
    """Nothing seen."""
    turns_n, features_n = head.turns.shape
    gestures = np.zeros((turns_n, len(head.means)), bool)
    return Slipping(np.zeros(turns_n), gestures, np.zeros(features_n))


def slipped(head: Head, means: Means, features: Any, now: int, rest: int, state: Slipping) -> int:
    """The turn after the window (feature,): `now`, or another one as soon as that is clear."""
    state.block += features
    state.filled_n += 1
    if state.filled_n < BLOCK_WINDOWS:
        return now
    block = state.block / BLOCK_WINDOWS
    state.block[:], state.filled_n = 0.0, 0
    if np.isfinite(block).all():
        turned = block[head.turns] @ head.projection + head.offset
        _weigh(head, turned, means, now, rest, state)
    found = _clearest(head, state)
    if found is None:
        return now
    state.evidence[:], state.gestures[:] = 0.0, False
    return found


def as_calibrated(head: Head, channels: Any, turn: int) -> Any:
    """What (channel,) electrodes tell, in the places that they had at the calibration."""
    n, out = head.ring_n, np.empty_like(channels)
    out[order_of(head.turn, n)] = channels[order_of(turn, n)]
    return out


def _weigh(head: Head, turned: Matrix, means: Means, now: int, rest: int, state: Slipping) -> None:
    """Adds what a block says; turned: (turn, dimension) its embedding in every way."""
    density, gesture, centre = _densities(head, turned, means[0])
    own, own_gesture, own_centre = _densities(head, turned[now : now + 1], means[1])
    mine = max(density[now], own[0])
    better = np.clip(density - mine, -MOST, MOST)
    known = density > centre - STRANGE
    resting = (known[now] and gesture[now] == rest) or (
        own[0] > own_centre[0] - STRANGE and own_gesture[0] == rest
    )
    speaks = known & (gesture != rest) & (not resting)
    state.evidence += np.where(speaks, better, np.minimum(better, 0.0))
    np.maximum(state.evidence, -DEPTH, out=state.evidence)
    state.evidence[now] = 0.0
    for turn in np.flatnonzero(speaks & (better > MOST / 2)):
        state.gestures[turn, gesture[turn]] = True
    state.gestures[state.evidence <= 0] = False


def _clearest(head: Head, state: Slipping) -> int | None:
    """The turn for which enough speaks, or None."""
    best = int(state.evidence.argmax())
    others = np.delete(state.evidence, best).max()
    n = head.ring_n
    places = (best - head.turn) % n
    near = best // n == head.turn // n and min(places, n - places) <= 1
    asked = ASKED * (1.0 if near else FAR_TIMES)
    enough = state.evidence[best] > asked and state.evidence[best] - others > MARGIN
    return best if enough and state.gestures[best].sum() >= GESTURES_N else None


def _densities(head: Head, x: Matrix, means: Matrix) -> tuple[Matrix, NDArray[np.int64], Matrix]:
    """(log-density of each x (n, dimension) under all gestures, the likeliest gesture, that
    gesture's log-density at its centre), but for a constant."""
    apart = np.matmul(x[None] - means[:, None], head.factors)
    each = head.scales[:, None] - 0.5 * (apart * apart).sum(axis=2)
    top, gesture = each.max(axis=0), each.argmax(axis=0)
    whole = top + np.log(np.exp(each - top).sum(axis=0))
    return whole, gesture, head.scales[gesture]

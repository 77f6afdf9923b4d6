"""Calibration on the device: a head from a minute of prompted gestures, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from models.head import Head, Matrix, of_one_view
from models.turns import turn_products

WORTH = 1.0
"""Independent observations in one repetition of a gesture, however long it is held: what differs
between repetitions is not seen in one. Of 0.5, 1, 3 and 10 the best on the pre-training users."""
OWN_SCATTER = 0.5
"""Share of the wearer's own scatter in the scatter that decisions assume."""
SHRINK = 0.1
"""Towards equal scatter in all directions: a minute tells little of 40 dimensions."""
AS_WORN = 0.4
"""Mean log-probability by which another turn of the ring must explain the labels better."""


def calibrated(
    head: Head,
    features: NDArray[np.float32],
    gestures: NDArray[np.int64],
    repetitions: NDArray[np.int64],
    block_windows: int,
    weight: float,
) -> Head:
    """The head of one wearer, from windows of features (window, feature) in stream order.

    gestures, repetitions (window,): what was held, as an index into the labels, and which
    repetition of it this is. block_windows and weight: of the adaptation. Refuses a calibration
    that lacks a gesture, or holds one for less than a block.
    """
    blocks, held, which = _blocks(features, gestures, repetitions, block_windows)
    gestures_n = len(head.means)
    missing = [k for k in range(gestures_n) if not (held == k).any()]
    if missing:
        raise Refused(
            f"The calibration lacks the gestures {missing} (by number), or holds them for less "
            f"than {block_windows} windows; record them again."
        )
    turn = _turn(head, blocks, held)
    x = head.embed(blocks, turn)
    means = np.stack([x[held == k].mean(axis=0) for k in range(gestures_n)])
    windows_n = np.bincount(held, minlength=gestures_n)
    repeated = np.array([len(set(which[held == k])) for k in range(gestures_n)])
    seen = weight * windows_n
    counts = seen / (1 + seen / (WORTH * repeated))
    factors = _factors(head, head.embed(features, turn), gestures)
    return replace(head, labelled_n=counts, labelled=means, factors=factors, turn=turn)


def _blocks(
    features: NDArray[np.float32],
    gestures: NDArray[np.int64],
    repetitions: NDArray[np.int64],
    block_windows: int,
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """(blocks (block, feature), gesture and repetition of each); a block never spans two."""
    changes = np.flatnonzero(np.diff(gestures) | np.diff(repetitions)) + 1
    out: list[NDArray[np.float32]] = []
    held, which = [], []
    for part in np.split(np.arange(len(gestures)), changes):
        for first in range(0, len(part) - block_windows + 1, block_windows):
            out.append(features[part[first : first + block_windows]].mean(axis=0))
            held.append(gestures[part[0]])
            which.append(repetitions[part[0]])
    return np.array(out), np.array(held, np.int64), np.array(which, np.int64)


def _turn(head: Head, blocks: NDArray[np.float32], held: NDArray[np.int64]) -> int:
    """How the ring is worn, by the labels; as usual where nothing is clearly better."""
    scores = []
    for turn in head.turns if head.ring_n else ():
        x = blocks[:, turn] @ head.turn_spread
        products = turn_products(head, x - x.mean(axis=0))
        top = products.max(axis=1)
        whole = top + np.log(np.exp(products - top[:, None]).sum(axis=1))
        scores.append(float((products[np.arange(len(held)), held] - whole).mean()))
    best = int(np.argmax(scores)) if scores else 0
    return best if scores and scores[best] - scores[0] > AS_WORN else 0


def _factors(head: Head, x: Matrix, gestures: NDArray[np.int64]) -> Matrix:
    """(gesture, dimension, dimension): decisions' precisions with the wearer's own scatter."""
    means = np.stack([x[gestures == k].mean(axis=0) for k in range(len(head.means))])
    away = x - means[gestures]
    n = x.shape[1]
    own = away.T @ away / len(x)
    own = (1 - SHRINK) * own + SHRINK * np.trace(own) / n * np.eye(n)
    general = np.linalg.inv(np.matmul(head.factors, head.factors.transpose(0, 2, 1)))
    mixed = np.where(of_one_view(head.views), (1 - OWN_SCATTER) * general + OWN_SCATTER * own, 0.0)
    return factors_of(mixed)


def factors_of(covariances: Matrix | Sequence[Matrix]) -> Matrix:
    """Lower triangular factors (gesture, dimension, dimension) of the precisions."""
    return np.linalg.cholesky(np.linalg.inv(np.asarray(covariances)))

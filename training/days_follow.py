"""Decisions on a whole session's features, as the decoder makes them window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.adapt import Adaptation, Adapted, Adapter
from models.head import Head, Matrix

SHRINK = 0.02
"""As in the reference figures of the linear discriminant."""
AT_ONCE = 4096
"""Windows that are decided together where nothing adapts."""


def followed(
    head: Head, settings: Adaptation | None, rest: int, features: NDArray[np.float32]
) -> tuple[NDArray[np.int64], Adapted]:
    """(gesture of each window, what the adaptation did) of features (window, feature) in stream
    order; settings None: nothing adapts.

    What adapts changes at the end of a block only, so that a block is decided at once without
    any difference from deciding each window before it is learnt from.
    """
    adapter = Adapter(head, settings, rest)
    state = adapter.start()
    step = settings.block_windows if settings else AT_ONCE
    out = np.empty(len(features), np.int64)
    for first in range(0, len(features), step):
        x = features[first : first + step]
        found = adapter.scores(head.embed(x, state.turn), state, x)
        out[first : first + step] = found.argmax(axis=1)
        for row in x if settings else ():
            adapter.learn(row[None], state)
    return out, state.counts


def linear(
    features: NDArray[Any], gestures: NDArray[np.int64], gestures_n: int
) -> tuple[Matrix, Matrix]:
    """(weights (feature, gesture), offsets (gesture,)) of a linear discriminant with equal priors,
    the covariance shrunk by SHRINK; every gesture must be there."""
    x = features.astype(np.float64)
    means = np.stack([x[gestures == k].mean(axis=0) for k in range(gestures_n)])
    away = x - means[gestures]
    shared = away.T @ away / len(x)
    n = len(shared)
    shared = (1 - SHRINK) * shared + SHRINK * np.trace(shared) / n * np.eye(n)
    weights = np.linalg.solve(shared, means.T)
    return weights, -0.5 * np.einsum("kd,dk->k", means, weights)

"""How a ring of electrodes is worn, found without labels: rotated, or the other way round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.head import Head, Matrix

ASKED_BLOCKS = 64
"""Blocks that are looked at, spread evenly over the memory: more cost time and change nothing."""
LEAD, MARGIN = 1.0, 0.5
"""Mean log-density by which another turn must fit better than the one in use, and than every
other. Of 19 users left out one at a time these turn two, both by one electrode; one of them stands
at a wrong turn for 16 s first. A wearer between two places may be turned wrongly and stay so."""
GESTURES_SEEN, BLOCKS_EACH = 4, 3
"""A turn is only told from use that shows at least so many gestures: rest alone fits any turn."""


def turn_found(head: Head, blocks: NDArray[np.float32], now: int, prior_blocks: float) -> int:
    """The turn that fits blocks of features (block, feature) best, or `now` where none is
    clearly better."""
    step = max(1, len(blocks) // ASKED_BLOCKS)
    asked = blocks[::step]
    fits = []
    seen = []
    for turn in range(len(head.turns)):
        density, gestures = _fit(head, asked[:, head.turns[turn]], len(blocks), prior_blocks)
        fits.append(density)
        seen.append(gestures)
    best = int(np.argmax(fits))
    others = max(value for turn, value in enumerate(fits) if turn != best)
    enough = (np.bincount(seen[best]) >= max(1, BLOCKS_EACH // step)).sum() >= GESTURES_SEEN
    clear = fits[best] - fits[now] > LEAD and fits[best] - others > MARGIN
    return best if enough and clear else now


def turn_products(head: Head, x: Matrix) -> Matrix:
    """(block, gesture): log-densities of turned, whitened blocks without their shift, under the
    gestures of many users, but for what all gestures share."""
    return np.asarray(x @ head.turn_means.T - 0.5 * (head.turn_means**2).sum(axis=1))


def _fit(
    head: Head, features: NDArray[np.float32], blocks_n: int, prior_blocks: float
) -> tuple[float, NDArray[np.int64]]:
    """(mean log-density of the blocks under the gestures of many users, most likely gestures),
    the session's own shift taken off as far as it is known."""
    share = blocks_n / (blocks_n + prior_blocks)
    x = features @ head.turn_spread
    x = x - (1 - share) * head.turn_shift - share * x.mean(axis=0)
    products = turn_products(head, x)
    top = products.max(axis=1)
    density = top + np.log(np.exp(products - top[:, None]).sum(axis=1)) - 0.5 * (x**2).sum(axis=1)
    return float(density.mean()), products.argmax(axis=1)

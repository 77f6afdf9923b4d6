"""The refit: the head's means afresh from its priors and from blocks without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.adapt_rest import rest_lead, rest_scores
from models.head import Head, Matrix, posterior_means, scores

if TYPE_CHECKING:
    from models.adapt import Adaptation

ALIKE = 2.5


def refit(
    head: Head,
    blocks: Matrix,
    reference: Matrix,
    settings: Adaptation,
    rest: int,
    quiet: NDArray[np.bool_] | None = None,
) -> Matrix:
    """(gesture, dimension): the means after expectation-maximisation over blocks (block,
    dimension), from the reference and the head's priors alone. quiet (block,): which of them are
    rest by their strength, where that is known."""
    means, worth = reference, worths(blocks, settings.alike_blocks)
    resting, toned = _resting(head, blocks, reference, settings.rest_margin, rest)
    if quiet is not None:
        resting |= quiet
    if not head.calibrated:
        share = worth.sum() / (settings.prior_blocks + worth.sum())
        middle = worth @ blocks / worth.sum()
        means = reference + share * (middle - reference.mean(axis=0))
    for _ in range(settings.iterations):
        shares = belongings(blocks, means, settings)
        shares[resting] = np.arange(len(means)) == rest
        shares[toned] = 0.0
        shares *= worth[:, None]
        seen = shares.sum(axis=0)
        centres = (shares.T @ blocks) / np.maximum(seen, 1e-9)[:, None]
        counts = settings.weight * seen
        if head.calibrated:
            both = counts + head.labelled_n
            labelled = head.labelled_n[:, None] * head.labelled
            centres = (counts[:, None] * centres + labelled) / both[:, None]
            counts = both
        means = posterior_means(head, counts, centres, settings.own)
    return means


def _resting(
    head: Head, blocks: Matrix, reference: Matrix, margin: float, rest: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(block,): whether the reference is sure that it is rest; and whether it takes it for rest
    without being sure, such as a tone in the arm: that teaches nothing, else the gesture that it
    resembles would come down to it, and rest would move the hand. What a calibration is no surer
    of as a gesture teaches nothing either."""
    sure = rest_lead(scores(head, blocks, reference), rest) > margin
    lead = rest_lead(rest_scores(head, blocks, reference, rest), rest)
    doubted = lead > (-margin if head.calibrated else 0.0)
    return np.asarray(sure), np.asarray(doubted & ~sure)


def worths(blocks: Matrix, alike_blocks: float) -> Matrix:
    """(block,): 1 where a block has few like it, less in a crowd: a crowd counts as
    `alike_blocks`. Blocks of one gesture differ by 2 a dimension on average; alike is within
    ALIKE."""
    squares = (blocks**2).sum(axis=1)
    distances = squares[:, None] + squares[None] - 2 * blocks @ blocks.T
    crowd = (distances < ALIKE * blocks.shape[1]).sum(axis=1)
    return np.asarray(np.minimum(1.0, alike_blocks / crowd))


def belongings(blocks: Matrix, means: Matrix, settings: Adaptation) -> Matrix:
    """(block, gesture): to which gesture each block belongs, and how much at all (0 .. 1)."""
    products = blocks @ means.T - 0.5 * (means**2).sum(axis=1)
    top = products.max(axis=1, keepdims=True)
    shares = np.exp((products - top) / settings.temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    shares[shares < settings.certain] = 0.0
    distance = ((blocks**2).sum(axis=1) - 2 * top[:, 0]) / blocks.shape[1]
    return np.asarray(shares / (1 + np.maximum(distance - 1, 0) / settings.doubt)[:, None])

"""Hand-crafted band covariances and a network on raw windows in one graph, and one head on both.

Each view of a window has dimensions of its own, and what the two say is summed: where the wearer
goes, both follow by what they say together. That needs a calibration. Somebody of whom nothing is
known gets the covariances alone: for them the network's view costs the pre-training users points
(docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from torch import nn

from models.head import Head
from preprocessing.recentre import Recentre
from preprocessing.stage import Chain, Stage
from training.build import network_for
from training.covariance import BLOCK_S, Family, fit_family
from training.datasets import Segment
from training.raw_head import (
    RawFamily,
    bands_n,
    chain_of,
    family_of,
    mean_of,
    wearers_raw,
    windows_of,
)
from training.raw_makers import FAMILIES
from training.raw_ring import Worn, fit_worn, turn_of, turned, with_turn
from training.raw_tuned import THINNED
from training.raw_weights import kept_weights
from training.recipe import Recentring, Recipe
from training.windows import reference, sessions, spec_of

COVARIANCES_N, NETWORK_N = 24, 16
"""Dimensions of each view."""
ALIKE_BLOCKS = 5.0
"""Re-centring counts blocks alike as this many at most."""
RECIPE = replace(FAMILIES["second_order_episodic"], recentring=Recentring(prior_blocks=50))
"""The network's; its pre-training is that of the rows without covariances."""


@dataclass(frozen=True, eq=False)
class Combined:
    """What many users taught."""

    labels: tuple[str, ...]
    alone: Family
    """the covariances, for somebody of whom nothing is known"""
    worn: Worn
    both: RawFamily
    """for who has calibrated"""


def fit_combined(
    segments: Sequence[Segment],
    labels: tuple[str, ...],
    recipe: Recipe,
    ring_n: int,
    folder: Path,
) -> Combined:
    """From the sessions of many users. folder: keeps the network's weights for a later call with
    the same recipe and users."""
    alone = fit_family(segments, labels, recipe.signal, ring_n)
    worn, same = fit_worn(segments, labels, ring_n)
    spec, users = spec_of(same), sessions(same)
    channels_n = len(spec.channels)
    network = network_for(recipe, channels_n, len(labels))
    weights = kept_weights(same, labels, recipe, folder, None, episodes=True)
    network.load_state_dict(dict(weights))
    network.eval()
    embedding_n = cast("nn.Linear", network.head).in_features
    hop = THINNED * recipe.signal.hop_samples
    known = [windows_of(parts, recipe, labels, hop, both=True)[:2] for parts in users]
    centre = mean_of([reference(parts, recipe) for parts in users])
    both = family_of(
        network,
        known,
        labels,
        recipe,
        chain_of(recipe, centre, both=True),
        spec,
        round(BLOCK_S * spec.rate_hz / hop),
        both=True,
        views=((embedding_n, NETWORK_N), (bands_n(channels_n), COVARIANCES_N)),
    )
    return Combined(labels, alone, worn, both)


def wearers_both(combined: Combined, own: Sequence[Segment]) -> tuple[Head, Chain]:
    """(head, chain) after a calibration: `own` are segments of one session of the wearer. The
    ring's turn is told from the labels; all of it is in closed form."""
    turn = turn_of(combined.worn, own, combined.labels)
    head, chain = wearers_raw(combined.both, turned(own, turn), combined.labels)
    even = Chain(tuple(_even(stage) for stage in chain.stages))
    return head, with_turn(even, combined.both.spec.channels, turn)


def _even(stage: Stage) -> Stage:
    """A re-centring that a long rest does not draw to itself."""
    return replace(stage, alike_blocks=ALIKE_BLOCKS) if isinstance(stage, Recentre) else stage

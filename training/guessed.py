"""What a guessed channel does to what a head decides on, measured on the people it was taught by.

Each person's stream is heard whole, and once more for each channel with that channel guessed, as
the live path guesses it from what it learnt of the same person when all was well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Samples, Spec
from models.guessed import Guessed
from models.head import Head, Matrix
from preprocessing.mask import Mask
from preprocessing.packed import HALF, packed
from preprocessing.ring import order_of
from preprocessing.stage import Chain, Stage, offline
from preprocessing.windows import Windows

DIRECTIONS_N = 4
"""Of 2, 4, 8 and all 40 the fewest that cost the left-out users no more than all do."""
SPARSE = 4
"""Neighbouring windows share nearly all samples: one in so many is enough."""
GUESS_N = 20
"""Samples that are guessed at once here; live it is a hop, which makes no difference but time."""


def guessed_from(
    people: Sequence[tuple[Samples, int]], spec: Spec, chain: Chain, head: Head
) -> Guessed:
    """people: (samples (time, channel) with rest and all gestures, how the ring is worn
    (models.head.Head.turn)) of each. chain: to the features, in the order of the channels."""
    sparse = Chain(tuple(_sparser(stage) for stage in chain.stages))
    channels_n = len(spec.channels)
    moved: list[list[Matrix]] = [[] for _ in range(channels_n)]
    for stream, turn in people:
        x = np.ascontiguousarray(stream[:, order_of(turn, channels_n)])
        whole = _embedded(sparse, x, spec, head)
        for channel in range(channels_n):
            moved[channel].append(_embedded(sparse, _guess(x, channel, spec), spec, head) - whole)
    shift = np.array([np.mean([m.mean(axis=0) for m in own], axis=0) for own in moved])
    pairs = zip(moved, shift, strict=True)
    spread = np.array([_directions([m - centre for m in own]) for own, centre in pairs])
    return Guessed(channels_n, shift.shape[1], packed(shift, HALF), packed(spread, HALF))


def _sparser(stage: Stage) -> Stage:
    if isinstance(stage, Windows):
        return replace(stage, hop_samples=SPARSE * stage.hop_samples)
    return stage


def _embedded(chain: Chain, x: Samples, spec: Spec, head: Head) -> Matrix:
    return np.asarray(offline(chain, x, spec) @ head.projection + head.offset)


def _guess(x: Samples, channel: int, spec: Spec) -> Samples:
    """(time, channel) with that channel guessed from the others."""
    mask, second = Mask(), round(spec.rate_hz)
    state = mask.start(spec)
    for at in range(0, len(x) - second + 1, second):
        mask.learn(x[at : at + second], state)
    mask.choose((channel,), state)
    parts = [mask.step(x[at : at + GUESS_N], state) for at in range(0, len(x), GUESS_N)]
    return np.concatenate(parts)


def _directions(away: Sequence[NDArray[np.float64]]) -> Matrix:
    """(direction, dimension) whose squares add up to most of the covariance; every person counts
    alike."""
    covariance = np.mean([m.T @ m / len(m) for m in away], axis=0)
    values, vectors = np.linalg.eigh(covariance)
    kept = slice(-DIRECTIONS_N, None)
    return np.asarray((vectors[:, kept] * np.sqrt(values[kept])).T)

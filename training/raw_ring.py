"""How each person wears a ring of electrodes, told from labels; and the stage that tells it from
use. Both rest on band covariances of many users, as the head on hand-crafted features does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.calibrate import calibrated
from models.head import Head
from preprocessing.bands import BandCovariance, ring_turns
from preprocessing.channels import Pick
from preprocessing.filters import Highpass
from preprocessing.packed import packed
from preprocessing.ring import Ring, order_of
from preprocessing.stage import Chain
from preprocessing.windows import Windows
from training.covariance import features
from training.datasets import Segment
from training.head import Session, aligned, fit_head
from training.recipe import Signal
from training.windows import sessions

WINDOW_SAMPLES, WINDOWS_N = 52, 2
"""A block of half a second at 200 Hz, whatever the network's window."""
WEIGHT = 1.0
"""Of a block of a calibration; the turn does not depend on it."""


@dataclass(frozen=True, eq=False)
class Worn:
    """What many users taught about the ring."""

    stage: Ring
    head: Head
    """for the labels of a calibration"""
    signal: Signal


def fit_worn(
    segments: Sequence[Segment], labels: Sequence[str], ring_n: int
) -> tuple[Worn, list[Segment]]:
    """(what is known of the ring, the segments with everybody's electrodes in the same order)."""
    signal = replace(Signal(), window_samples=WINDOW_SAMPLES, hop_samples=WINDOW_SAMPLES)
    users = sessions(segments)
    known = []
    for parts in users:
        x, held, _ = features(parts, _chain(signal), labels, signal)
        known.append(Session(x, held))
    head = fit_head(known, len(labels), WINDOWS_N, ring_n)
    ways = ring_turns(ring_n)
    same: list[Segment] = []
    for parts, before, after in zip(users, known, aligned(known, len(labels), ring_n), strict=True):
        fits = [np.array_equal(before.features[:, way], after.features) for way in ways]
        same += turned(parts, fits.index(True))
    return Worn(_stage(head), head, signal), same


def turn_of(worn: Worn, own: Sequence[Segment], labels: Sequence[str]) -> int:
    """How one wearer wears the ring, by the labels of a calibration; 0, as most do, where nothing
    else is clearly better."""
    x, held, cycles = features(own, _chain(worn.signal), labels, worn.signal)
    inside = held >= 0
    told = (x[inside], held[inside], cycles[inside])
    return calibrated(worn.head, *told, WINDOWS_N, WEIGHT).turn


def turned(segments: Sequence[Segment], turn: int) -> list[Segment]:
    """The segments with their electrodes in the order that the network knows; the spec stays."""
    if not turn:
        return list(segments)
    return [
        replace(part, samples=np.ascontiguousarray(part.samples[:, _order(part, turn)]))
        for part in segments
    ]


def with_turn(chain: Chain, channels: tuple[str, ...], turn: int) -> Chain:
    """The chain for a wearer whose turn is known: the electrodes are picked in its order first."""
    if not turn:
        return chain
    picked = Pick(tuple(channels[n] for n in order_of(turn, len(channels))))
    return Chain((picked, *chain.stages))


def with_ring(chain: Chain, worn: Worn) -> Chain:
    """The chain for somebody new: the ring is asked for right behind the high-pass."""
    first, *others = chain.stages
    return Chain((first, worn.stage, *others))


def _order(part: Segment, turn: int) -> list[int]:
    return order_of(turn, part.samples.shape[1])


def _chain(signal: Signal) -> Chain:
    return Chain(
        (
            Highpass(signal.highpass_hz, signal.highpass_order),
            Windows(signal.window_samples, signal.hop_samples),
            BandCovariance(),
        )
    )


def _stage(head: Head) -> Ring:
    """The head's knowledge of turns as a stage, the whitening as a triangle of half the size."""
    triangle = np.linalg.cholesky(head.turn_spread @ head.turn_spread.T)
    over = np.linalg.solve(head.turn_spread, triangle)
    rows, columns = np.tril_indices(len(triangle))
    return Ring(
        packed(triangle[rows, columns]),
        packed(head.turn_means @ over),
        packed(head.turn_shift @ over),
        WINDOW_SAMPLES,
        WINDOWS_N,
    )

"""How a ring of electrodes is worn, found from use alone, before anything rests on their order.

The same question that models.turns asks for a head on covariances, asked of the signal itself: so
that a network on raw samples need not know in how many ways an armband can be put on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from preprocessing.bands import BANDS, BandCovariance, ring_turns
from preprocessing.blocks import through_blocks
from preprocessing.packed import unpacked
from preprocessing.stage import Array

Matrix = NDArray[np.float64]
ASKED_BLOCKS = 64
"""Blocks that are looked at, spread evenly over the memory."""
GESTURES_SEEN, BLOCKS_EACH = 4, 3
"""A turn is only told from use that shows at least so many gestures: rest alone fits any turn."""


@dataclass
class State:
    """What was seen, and how the ring is thought to be worn."""

    white: Matrix
    """(feature, feature)"""
    gestures: Matrix
    """(gesture, feature), whitened"""
    shift: Matrix
    """(feature,), whitened"""
    features: Any
    """state of BandCovariance"""
    block: Array
    """(time, channel): the newest samples, until they fill a block"""
    filled_n: int
    memory: Array
    """(memory_blocks, feature), newest last"""
    held_n: int
    blocks_n: int
    turn: int


@dataclass(frozen=True)
class Ring:
    """(time, channel) -> (time, channel): the electrodes in the order that the network knows.

    Every `ask_blocks` blocks, what was seen so far is held against what many users' gestures look
    like, in each of the ways to wear the ring (preprocessing.bands.ring_turns). A clearly better
    way orders the samples behind that block; none before it is touched.
    """

    whitening: str
    """base64 of float32, lower triangle (feature, feature): whitens the blocks of one gesture"""
    gestures: str
    """base64 of float32 (gesture, feature), whitened; their mean is 0"""
    shift: str
    """base64 of float32 (feature,), whitened: what that mean is of"""
    window_samples: int = 52
    windows_n: int = 2
    """A block is the mean of so many windows' features: half a second."""
    ridge: float = 0.2
    """of the covariances, in the stream's unit squared"""
    begin_blocks: int = 35
    ask_blocks: int = 8
    memory_blocks: int = 400
    prior_blocks: float = 40.0
    """Blocks that the users' mean shift is worth."""
    lead: float = 1.0
    margin: float = 0.5
    """Mean log-density by which another way must fit better than the one in use, and than every
    other. As in models.turns."""

    def start(self, spec: Spec) -> tuple[State, Spec]:
        features_n = len(BANDS) * len(spec.channels) * (len(spec.channels) + 1) // 2
        triangle, gestures, shift = (
            unpacked(text, "The ring's numbers")
            for text in (self.whitening, self.gestures, self.shift)
        )
        rows, columns = np.tril_indices(features_n)
        sizes = (len(triangle), len(gestures) % features_n, len(shift))
        if sizes != (len(rows), 0, features_n) or not len(gestures):
            raise Refused(
                f"The stream has {len(spec.channels)} channels, and the ring was learned on "
                f"another number; calibrate with this electrode set."
            )
        if self.window_samples < 2 or min(self.windows_n, self.ask_blocks) < 1:
            raise Refused("A ring needs windows of 2 samples, and 1 of them and of blocks to ask.")
        if not GESTURES_SEEN <= self.begin_blocks <= self.memory_blocks:
            raise Refused(
                f"A ring remembers {self.memory_blocks} blocks and begins after "
                f"{self.begin_blocks}; it needs {GESTURES_SEEN} or more, and to remember them."
            )
        white = np.zeros((features_n, features_n))
        white[rows, columns] = triangle
        state = State(
            white,
            gestures.reshape(-1, features_n),
            shift,
            BandCovariance(self.ridge).start(spec)[0],
            np.empty((self.windows_n * self.window_samples, len(spec.channels)), np.float32),
            0,
            np.empty((self.memory_blocks, features_n), np.float32),
            0,
            0,
            0,
        )
        return state, spec

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        found = through_blocks(
            x, state, lambda x: _ordered(x, state.turn), lambda: self._learn(state)
        )
        return found, state

    def delay_s(self, spec: Spec) -> float:
        return 0.0

    def _learn(self, state: State) -> None:
        """The full block is remembered, and now and then the question is asked."""
        windows = state.block.reshape(self.windows_n, self.window_samples, -1).transpose(0, 2, 1)
        found, state.features = BandCovariance(self.ridge).step(
            np.ascontiguousarray(windows), state.features
        )
        if state.held_n == len(state.memory):
            state.memory[:-1] = state.memory[1:]
            state.held_n -= 1
        state.memory[state.held_n] = found.mean(axis=0)
        state.held_n += 1
        state.blocks_n += 1
        if state.held_n >= self.begin_blocks and state.blocks_n % self.ask_blocks == 0:
            state.turn = self._worn(state)

    def _worn(self, state: State) -> int:
        """The way that fits the memory best, or the one in use where none is clearly better."""
        blocks = state.memory[: state.held_n]
        step = max(1, len(blocks) // ASKED_BLOCKS)
        share = len(blocks) / (len(blocks) + self.prior_blocks)
        turns = ring_turns(state.block.shape[1])
        fits, seen = [], []
        for turn in turns:
            x = blocks[::step][:, turn] @ state.white
            x = x - (1 - share) * state.shift - share * x.mean(axis=0)
            products = x @ state.gestures.T - 0.5 * (state.gestures**2).sum(axis=1)
            top = products.max(axis=1)
            whole = top + np.log(np.exp(products - top[:, None]).sum(axis=1))
            fits.append(float((whole - 0.5 * (x**2).sum(axis=1)).mean()))
            seen.append(np.bincount(products.argmax(axis=1)))
        best = int(np.argmax(fits))
        others = max(value for turn, value in enumerate(fits) if turn != best)
        enough = (seen[best] >= max(1, BLOCKS_EACH // step)).sum() >= GESTURES_SEEN
        clear = fits[best] - fits[state.turn] > self.lead and fits[best] - others > self.margin
        return best if enough and clear else state.turn


def order_of(turn: int, channels_n: int) -> list[int]:
    """Which electrode each place of the network's ring takes, for a turn of `ring_turns`."""
    ring = np.arange(channels_n)
    way = ring if turn < channels_n else ring[::-1]
    return [int(n) for n in np.roll(way, -(turn % channels_n))]


def _ordered(x: Array, turn: int) -> Array:
    return np.ascontiguousarray(x[:, order_of(turn, x.shape[1])]) if turn else x

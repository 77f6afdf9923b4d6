"""Overlapping windows over a stream, the same whatever the chunks were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from acquisition.stream import Refused, Spec
from preprocessing.stage import Array


@dataclass
class State:
    """Samples that a window may still need: `held[first:end]`, (time, channel)."""

    held: Array
    first: int
    end: int


@dataclass(frozen=True)
class Windows:
    """(time, channel) -> (window, channel, time). Window k rests on the samples
    k * hop .. k * hop + length - 1 since the start."""

    length_samples: int
    hop_samples: int

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        if not 0 < self.hop_samples <= self.length_samples:
            raise Refused(
                f"A window of {self.length_samples} samples needs a hop from 1 to that, "
                f"not {self.hop_samples}."
            )
        rate_hz = spec.rate_hz / self.hop_samples
        after = Spec(rate_hz, spec.channels, spec.unit, spec.scale, spec.full_scale)
        room = np.empty((4 * self.length_samples, len(spec.channels)), np.float32)
        return State(room, 0, 0), after

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        length, hop = self.length_samples, self.hop_samples
        first, end = state.first, state.end + len(x)
        if end > len(state.held):
            self._make_room(state, len(x))
            first, end = state.first, state.end + len(x)
        held = state.held
        held[state.end : end] = x
        n = max(0, (end - first - length) // hop + 1)
        state.first, state.end = first + n * hop, end
        if n == 1:  # the live case, without the cost of the general one
            return np.ascontiguousarray(held[first : first + length].T)[None], state
        if not n:
            return np.empty((0, held.shape[1], length), np.float32), state
        windows = sliding_window_view(held[first:end], length, axis=0)[: n * hop : hop]
        return np.ascontiguousarray(windows), state

    def _make_room(self, state: State, n: int) -> None:
        """Moves what is held to the front, of a larger array where the chunk is a long one."""
        kept = state.held[state.first : state.end].copy()
        if len(kept) + n > len(state.held):
            state.held = np.empty((len(kept) + n, kept.shape[1]), np.float32)
        state.held[: len(kept)] = kept
        state.first, state.end = 0, len(kept)

    def delay_s(self, spec: Spec) -> float:
        """The middle of a window is half a window old."""
        return (self.length_samples - 1) / 2 / spec.rate_hz

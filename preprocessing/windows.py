"""Overlapping windows over a stream, the same whatever the chunks were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from acquisition.stream import Refused, Spec
from preprocessing.stage import Array


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
        return np.empty((0, len(spec.channels)), np.float32), after

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        x = np.concatenate([state, x])
        length, hop = self.length_samples, self.hop_samples
        n = (len(x) - length) // hop + 1
        if n <= 0:
            return np.empty((0, x.shape[1], length), np.float32), x
        if n == 1:  # the live case, without the cost of the general one
            return np.ascontiguousarray(x[:length].T)[None], x[hop:]
        windows = sliding_window_view(x, length, axis=0)[: n * hop : hop]
        return np.ascontiguousarray(windows), x[n * hop :]

    def delay_s(self, spec: Spec) -> float:
        """The middle of a window is half a window old."""
        return (self.length_samples - 1) / 2 / spec.rate_hz

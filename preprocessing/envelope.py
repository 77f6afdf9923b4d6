"""The envelope of a signal: how strongly each muscle works, sample by sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisition.stream import Refused, Spec
from preprocessing.filters import kernel
from preprocessing.stage import Array

CORNER = 1.0 / math.sqrt(math.sqrt(2.0) - 1.0)
"""Two equal poles at `corner` halve the power at corner / CORNER."""


@dataclass(frozen=True)
class Envelope:
    """The rectified signal behind a low-pass of two equal poles: never negative, no overshoot.

    Takes a signal without offset: a high-pass stands before it. At 3 Hz it follows a muscle's
    force (half its power lies below 2 to 3 Hz; science 4.3) and is 68 ms late.
    """

    low_hz: float = 3.0

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        if not 0 < self.low_hz < spec.rate_hz / 10:
            raise Refused(
                f"An envelope up to {self.low_hz} Hz does not fit a stream at {spec.rate_hz} Hz; "
                f"choose one between 0 and {spec.rate_hz / 10} Hz."
            )
        pole = self._pole(spec)
        sos = np.array([[(1 - pole) ** 2, 0.0, 0.0, 1.0, -2 * pole, pole * pole]])
        return (sos, np.zeros((len(spec.channels), 1, 2))), spec

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        if len(x):
            y = np.abs(x.T).astype(np.float64, order="C")
            kernel()(state[0], y, state[1])
            x = y.T.astype(np.float32, order="C")
        return x, state

    def delay_s(self, spec: Spec) -> float:
        """Of slow changes."""
        pole = self._pole(spec)
        return 2 * pole / (1 - pole) / spec.rate_hz

    def _pole(self, spec: Spec) -> float:
        return math.exp(-2 * math.pi * self.low_hz * CORNER / spec.rate_hz)

"""The course of each muscle's effort over a window: what continuous control rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisition.stream import Refused, Spec
from preprocessing.stage import Array

KINDS = ("log_mav", "log_wl", "mav")
"""In each step: logarithms of the mean absolute value and of the waveform length per sample, and
the mean absolute value itself. A muscle's force follows the third, angles follow the first two
nearer (measured on the lower limb set: a linear fit gains 0.1 to 0.2 of R2 in gait by them)."""


@dataclass(frozen=True)
class Course:
    """(window, channel, time) -> (window, feature): each of KINDS for each channel in each of the
    newest `steps_n` steps of `step_samples`. Kinds first, then channels, then steps, oldest first.

    A step rests on its own samples alone, so that windows one step apart share all but one.
    """

    step_samples: int
    steps_n: int
    floor: float = 0.03
    """Added before a logarithm, in the stream's unit: of re-centred signals, 1 / 30 of the usual
    effort, below which there is mostly noise."""

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        if self.step_samples < 2 or self.steps_n < 1 or self.floor <= 0:
            raise Refused(
                f"A course needs steps of 2 samples at least, not {self.step_samples}, one step, "
                f"not {self.steps_n}, and a floor above 0, not {self.floor}."
            )
        names = tuple(
            f"{kind}:{channel}:{step}"
            for kind in KINDS
            for channel in spec.channels
            for step in range(self.steps_n)
        )
        return None, Spec(spec.rate_hz, names, "feature")

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        n, channels_n, _ = x.shape
        newest = x[:, :, -self.steps_n * self.step_samples :]
        steps = newest.reshape(n, channels_n, self.steps_n, self.step_samples)
        mav = np.abs(steps).mean(axis=3)
        wl = np.abs(np.diff(steps, axis=3)).mean(axis=3)
        floor = np.float32(self.floor)
        rows = np.concatenate([np.log(mav + floor), np.log(wl + floor), mav], axis=1)
        return rows.reshape(n, len(KINDS) * channels_n * self.steps_n), state

    def delay_s(self, spec: Spec) -> float:
        """None beside the window's."""
        return 0.0

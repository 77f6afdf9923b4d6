"""What is done to each sample's channels: pick, common reference, standardise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisition.stream import Refused, Spec
from preprocessing.stage import Array


@dataclass(frozen=True)
class Pick:
    """Keeps the named channels, in the order named."""

    channels: tuple[str, ...]

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        missing = [c for c in self.channels if c not in spec.channels]
        if missing:
            raise Refused(f"The stream has the channels {list(spec.channels)}, not {missing}.")
        columns = np.array([spec.channels.index(c) for c in self.channels])
        after = Spec(spec.rate_hz, self.channels, spec.unit, spec.scale, spec.full_scale)
        return columns, after

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        return np.ascontiguousarray(x[:, state]), state

    def delay_s(self, spec: Spec) -> float:
        return 0.0


@dataclass(frozen=True)
class CommonReference:
    """Subtracts from every sample the mean of its channels: what all electrodes share is not
    muscle. Needs at least three channels, or little is left."""

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        if len(spec.channels) < 3:
            raise Refused(
                f"A common reference needs at least 3 channels, and the stream has "
                f"{len(spec.channels)}; leave it out."
            )
        return None, spec

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        return x - x.mean(axis=1, keepdims=True), state

    def delay_s(self, spec: Spec) -> float:
        return 0.0


@dataclass(frozen=True)
class Standardize:
    """(x - mean) / std per column, with numbers fixed by training, cut at +-`clip`.

    Serves samples (time, channel) and features (window, feature). The cut keeps a burst inside
    the range that an int8 network was calibrated for.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    clip: float = 10.0
    """in standard deviations"""

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        if not len(self.mean) == len(self.std) == len(spec.channels):
            raise Refused(
                f"The stream has {len(spec.channels)} columns, and the standardisation was made "
                f"for {len(self.mean)} means and {len(self.std)} deviations."
            )
        if not all(s > 0 for s in self.std) or self.clip <= 0:
            raise Refused("Standardisation needs deviations and a cut above 0.")
        if not any(self.mean) and all(s == 1 for s in self.std):
            return None, spec
        return (np.array(self.mean, np.float32), 1 / np.array(self.std, np.float32)), spec

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        y = np.minimum(x if state is None else (x - state[0]) * state[1], self.clip)
        return np.maximum(y, -self.clip, out=y), state

    def delay_s(self, spec: Spec) -> float:
        return 0.0

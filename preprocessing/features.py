"""Hand-crafted features of a window: time domain (Hudgins 1993) and log-covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from preprocessing.stage import Array

TIME_DOMAIN = ("mav", "rms", "wl", "zc", "ssc", "log_mav", "log_rms", "log_wl")
"""Mean absolute value, root mean square, waveform length per sample, zero crossings and slope
sign changes as shares of the window, and logarithms of the first three."""


@dataclass(frozen=True)
class TimeDomain:
    """(window, channel, time) -> (window, feature), feature-major: all channels of the first
    feature, then of the second. Finite for every finite window, a dead channel included."""

    features: tuple[str, ...] = ("mav", "wl", "zc", "ssc")
    threshold: float = 0.0
    """A crossing or a change of slope counts when it is larger than this, in the stream's unit."""
    floor: float = 1e-3
    """Added before a logarithm, in the stream's unit, so that silence stays finite."""

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        unknown = [f for f in self.features if f not in TIME_DOMAIN]
        if unknown or not self.features:
            raise Refused(f"There are the features {list(TIME_DOMAIN)}, not {unknown}.")
        names = tuple(f"{f}:{c}" for f in self.features for c in spec.channels)
        return None, Spec(spec.rate_hz, names, "feature")

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        if not len(x):
            return np.empty((0, len(self.features) * x.shape[1]), np.float32), state
        return np.concatenate([self._feature(f, x) for f in self.features], axis=1), state

    def delay_s(self, spec: Spec) -> float:
        return 0.0

    def _feature(self, name: str, x: Array) -> Any:
        if name.startswith("log_"):
            return np.log(self._feature(name[4:], x) + np.float32(self.floor))
        if name == "mav":
            return np.abs(x).mean(axis=2)
        if name == "rms":
            return np.sqrt((x * x).mean(axis=2))
        steps = np.diff(x, axis=2)
        if name == "wl":
            return np.abs(steps).mean(axis=2)
        if name == "zc":
            crosses = (x[..., 1:] * x[..., :-1] < 0) & (np.abs(steps) > self.threshold)
            return crosses.mean(axis=2, dtype=np.float32)
        turns = steps[..., 1:] * steps[..., :-1] < 0
        large = np.maximum(np.abs(steps[..., 1:]), np.abs(steps[..., :-1])) > self.threshold
        return (turns & large).mean(axis=2, dtype=np.float32)


@dataclass(frozen=True)
class LogCovariance:
    """(window, channel, time) -> (window, feature): upper triangle of the matrix logarithm of
    the window's covariance + ridge * I, off-diagonals times the square root of 2, so that the
    length of a difference is the log-Euclidean distance (Arsigny 2006)."""

    ridge: float = 1.0
    """In the stream's unit squared; keeps the logarithm finite when a channel is silent."""

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        if self.ridge <= 0:
            raise Refused(f"A log-covariance needs a ridge above 0, not {self.ridge}.")
        n = len(spec.channels)
        rows, columns = np.triu_indices(n)
        weights = np.where(rows == columns, 1.0, np.sqrt(2.0))
        names = tuple(
            f"logcov:{spec.channels[i]}:{spec.channels[j]}"
            for i, j in zip(rows, columns, strict=True)
        )
        return (rows, columns, weights), Spec(spec.rate_hz, names, "feature")

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        rows, columns, weights = state
        if not len(x):
            return np.empty((0, len(rows)), np.float32), state
        logs = symmetric_log(covariance(x) + self.ridge * np.eye(x.shape[1]))
        return (logs[:, rows, columns] * weights).astype(np.float32), state

    def delay_s(self, spec: Spec) -> float:
        return 0.0


def covariance(x: Array) -> Any:
    """Second moments (window, channel, channel) of (window, channel, time), without removing
    the mean: filtered EMG has none."""
    wide = x.astype(np.float64)
    return np.matmul(wide, wide.transpose(0, 2, 1)) / x.shape[2]


def symmetric_log(m: NDArray[np.float64]) -> Any:
    """Matrix logarithm of symmetric positive matrices (..., n, n)."""
    values, vectors = np.linalg.eigh(m)
    return np.matmul(vectors * np.log(values)[..., None, :], np.swapaxes(vectors, -1, -2))

"""Log-covariance in two bands: what a window says about who contracts, and how slowly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from preprocessing.features import covariance, symmetric_log
from preprocessing.stage import Array

BANDS = ("low", "high")
"""Half the sum and half the difference of neighbouring samples: at 200 Hz the halves of the
spectrum below and above 50 Hz, at the price of one addition a sample."""


@dataclass(frozen=True)
class BandCovariance:
    """(window, channel, time) -> (window, feature): for each of BANDS the upper triangle of the
    matrix logarithm of the band's covariance + ridge * I, off-diagonals times the square root
    of 2, as in LogCovariance.

    In these numbers a change of gain, of contact or of the skin is nearly the same addition to
    every gesture (log-Euclidean, Arsigny 2006), which is what models.adapt follows.
    """

    ridge: float = 0.2
    """In the stream's unit squared. Of 0.05, 0.2 and 1 squared counts of a Myo the middle one;
    accuracy differs by a quarter of a point."""

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        if self.ridge <= 0:
            raise Refused(f"A log-covariance needs a ridge above 0, not {self.ridge}.")
        rows, columns = np.triu_indices(len(spec.channels))
        weights = np.where(rows == columns, 1.0, np.sqrt(2.0))
        names = tuple(
            f"{band}:{spec.channels[i]}:{spec.channels[j]}"
            for band in BANDS
            for i, j in zip(rows, columns, strict=True)
        )
        return (rows, columns, weights), Spec(spec.rate_hz, names, "feature")

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        rows, columns, weights = state
        n, channels_n, _ = x.shape
        if not n:
            return np.empty((0, len(BANDS) * len(rows)), np.float32), state
        after, before = x[..., 1:], x[..., :-1]
        halves = np.concatenate([after + before, after - before]) * np.float32(0.5)
        logs = symmetric_log(covariance(halves) + self.ridge * np.eye(channels_n))
        triangles = (logs[:, rows, columns] * weights).astype(np.float32)
        return np.concatenate([triangles[:n], triangles[n:]], axis=1), state

    def delay_s(self, spec: Spec) -> float:
        return 0.0


@dataclass(frozen=True)
class BandsAndWindow:
    """(window, channel, time) -> (window, feature): what BandCovariance gives, and behind it all
    samples of the window, channel by channel: for a graph that rests on both."""

    length_samples: int
    """of the windows"""
    ridge: float = 0.03
    """In the stream's unit squared; for a re-centred stream, where a session's usual power is 1."""

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        state, bands = BandCovariance(self.ridge).start(spec)
        samples = tuple(f"{c}:{n}" for c in spec.channels for n in range(self.length_samples))
        return state, Spec(spec.rate_hz, (*bands.channels, *samples), "feature")

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        bands, state = BandCovariance(self.ridge).step(x, state)
        flat = x.reshape(len(x), x.shape[1] * self.length_samples)
        return np.concatenate([bands, flat], axis=1, dtype=np.float32), state

    def delay_s(self, spec: Spec) -> float:
        return 0.0


def ring_turns(channels_n: int) -> NDArray[np.int64]:
    """(turn, feature): the order of the features that each way of wearing a ring of electrodes
    asks for.

    Turn r < channels_n: rotated by r electrodes. Turn channels_n + r: the same, put on the other
    way round (or worn on the other arm), so that the electrodes run backwards.
    """
    place = np.zeros((channels_n, channels_n), np.int64)
    rows, columns = np.triu_indices(channels_n)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    ring = np.arange(channels_n)
    turns = [np.roll(way, -r) for way in (ring, ring[::-1]) for r in range(channels_n)]
    one = np.stack([place[turn][:, turn][rows, columns] for turn in turns])
    return np.concatenate([one + band * len(rows) for band in range(len(BANDS))], axis=1)

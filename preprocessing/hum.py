"""Mains interference taken out of raw samples, where there is so much that it must be.

A sine and a cosine per harmonic follow each channel slowly and are subtracted: what is lost of the
muscles is as narrow as the following is slow. A stage of the chain would change what networks were
trained on; this acts only on a stream in which the line was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Samples, Spec

Floats = NDArray[np.float64]


@dataclass
class State:
    """What is known of the line in each channel."""

    turns: Floats
    """(wave,) turns per sample of each harmonic"""
    weights: Floats
    """(2 x wave, channel)"""
    gain: float
    sample_n: int = 0
    mean: Floats | None = None
    """(channel,) offset, followed as slowly"""


@dataclass(frozen=True)
class Hum:
    """Settings. Harmonics above half the rate are sought where they fold down to, as in a device
    that leaves samples out without a filter (science 4.2)."""

    line_hz: float = 50.0
    follow_s: float = 0.25
    """Time constant: 0.6 Hz of the muscles' band go with each harmonic, and the grid's frequency
    may wander by a tenth of that."""
    harmonics_n: int = 5

    def start(self, spec: Spec) -> State:
        turns = self.line_hz * np.arange(1, self.harmonics_n + 1) / spec.rate_hz
        turns = np.unique(np.round(np.abs(turns - np.round(turns)), 9))
        turns = turns[turns * spec.rate_hz > 1]  # what folds to nothing is an offset
        channels_n = len(spec.channels)
        gain = 2 / (self.follow_s * spec.rate_hz)
        return State(turns, np.zeros((2 * len(turns), channels_n)), gain)

    def step(self, x: Samples, state: State) -> Samples:
        """x, (time, channel), without the line as far as it is known; follows it."""
        if not len(x) or not len(state.turns):
            return x
        time = np.arange(state.sample_n, state.sample_n + len(x))
        state.sample_n += len(x)
        angle = 2 * np.pi * np.mod(np.outer(time, state.turns), 1.0)
        waves = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
        if state.mean is None:
            state.mean = x[0].astype(np.float64)
        off = x - state.mean
        out: Floats = off - waves @ state.weights
        state.weights += state.gain * (waves.T @ out)
        mean, state.mean = state.mean, state.mean + 0.5 * state.gain * out.sum(axis=0)
        return (out + mean).astype(np.float32)

"""Channels that are not to be believed, guessed from the others.

A network was trained with all of its channels. Without one it does better on a guess than on
nothing: the others tell the part that they share with it, and noise as loud as they are stands for
the part that was its own (measured on the virtual wearer, mean over channels of the accuracy that
one lost channel costs: 5 points when it is zero, 3.4 when only the shared part is there, 1 so).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Samples, Spec

Floats = NDArray[np.float64]
USUAL_N = 10
"""Seconds of the stream that a calibration's covariance is worth."""


@dataclass
class State:
    """What is known of the channels when they are well, and which are guessed now."""

    rate_hz: float
    moment: Floats
    """(channel, channel) sum of covariances"""
    mean: Floats
    """(channel,) sum of means"""
    moments_n: int = 0
    means_n: int = 0
    bad: tuple[int, ...] = ()
    others: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    shares: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """(other, bad)"""
    own: Floats = field(default_factory=lambda: np.empty(0))
    """(bad,) standard deviation of what the others do not tell"""
    loud: float = 1.0
    """power of the others against their mean power, followed over `smooth_s`"""
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(107))


@dataclass(frozen=True)
class Mask:
    """Settings. `learn` takes healthy raw samples, `step` any."""

    most_share: float = 0.25
    """Of the channels that can be guessed; with more of them bad nothing can stand for them."""
    own_share: float = 0.8
    """Of its own noise that a guessed channel gets: a little less is safer than too much."""
    smooth_s: float = 0.1

    def start(self, spec: Spec, usual: Floats | None = None) -> State:
        """A state that knows the wearer's usual covariance (channel, channel), or nothing."""
        n = len(spec.channels)
        if usual is None:
            return State(spec.rate_hz, np.zeros((n, n)), np.zeros(n))
        return State(spec.rate_hz, USUAL_N * usual, np.zeros(n), USUAL_N)

    def learn(self, x: Samples, state: State) -> None:
        """Takes in how the channels go together. x: (time, channel), a second of it or so."""
        x64 = x.astype(np.float64)
        state.mean += x64.mean(axis=0)
        off = x64 - x64.mean(axis=0)
        state.moment += off.T @ off / len(off)
        state.moments_n += 1
        state.means_n += 1

    def can(self, bad: tuple[int, ...], state: State) -> bool:
        """Whether these channels can be guessed."""
        return state.moments_n > 0 and len(bad) <= self.most_share * len(state.mean)

    def choose(self, bad: tuple[int, ...], state: State) -> None:
        """Guesses these channels from now on."""
        state.bad = bad
        if not bad:
            return
        state.others = np.array([i for i in range(len(state.mean)) if i not in bad], np.intp)
        moment = state.moment / state.moments_n
        among = moment[state.others][:, state.others]
        among = among + 1e-3 * np.trace(among) / len(among) * np.eye(len(among))
        across = moment[state.others][:, list(bad)]
        state.shares = np.linalg.solve(among, across)
        told = (state.shares * across).sum(axis=0)
        state.own = np.sqrt(np.maximum(np.diag(moment)[list(bad)] - told, 0.0))

    def step(self, x: Samples, state: State) -> Samples:
        """x, (time, channel), with the bad channels guessed; x itself where there are none."""
        if not state.bad or not len(x):
            return x
        mean = state.mean / max(1, state.means_n)
        off = x[:, state.others] - mean[state.others]
        usual = np.diag(state.moment)[state.others] / state.moments_n
        now = float((off * off / np.maximum(usual, 1e-12)).mean())
        keep = math.exp(-len(x) / (self.smooth_s * state.rate_hz))
        if math.isfinite(now):
            state.loud = keep * state.loud + (1 - keep) * now
        noise = state.rng.standard_normal((len(x), len(state.bad)))
        own = self.own_share * math.sqrt(state.loud) * state.own * noise
        out = x.copy()
        out[:, list(state.bad)] = mean[list(state.bad)] + off @ state.shares + own
        return out

"""What one contraction looked like: features, levels and when it began. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Samples, Spec
from flexor.calibration_plan import Task, target_at
from preprocessing.bands import BandCovariance
from preprocessing.features import LogCovariance, TimeDomain
from preprocessing.filters import Highpass
from preprocessing.stage import Array, Chain, Stage, offline
from preprocessing.windows import Windows

Floats = NDArray[np.float64]

HIGHPASS_HZ = 20.0
"""Above what moves with the electrode (SENIAM)."""
WINDOW_S, HOP_S = 0.26, 0.025
"""As every artifact of ours decides."""
RING_N = 16
"""With more channels than this a covariance has more entries than a minute can tell."""
TWO_BANDS_HZ = 500.0
"""Up to this rate half the spectrum on either side is muscle; above, one band has all of it."""
RIDGE_SHARE = 0.1
"""Of the power that a channel has at rest: what keeps the logarithm of silence finite."""
SETTLE_S = 0.5
"""From prompt to steady contraction: reaction 0.2 s, rise 0.15 to 0.3 s (models.score)."""
CALM_S = 0.8
"""From the end of a contraction until the muscles are at rest again."""
FIRM, NONE = 0.3, 0.05
"""Of the target: above, a window is of the gesture; below, of nothing. Between, it is not used."""
REACTION_S = 0.3
"""So far behind a moving target the wearer's force is."""
FIRMEST = 0.8
"""Percentile of a contraction's envelope that is its level: one that was let go has one too."""
SMOOTH_S = 0.075
"""Of the envelope that tells when a contraction began."""
LEVEL_SHARE = 0.3
"""Of the way from rest to the contraction: there it has begun."""


@dataclass(frozen=True)
class Eye:
    """What turns samples into features; the fitted artifact has the same chain."""

    chain: Chain
    spec: Spec

    @property
    def windows(self) -> Windows:
        return next(stage for stage in self.chain.stages if isinstance(stage, Windows))


@dataclass(frozen=True, eq=False)
class Look:
    """One contraction and the rest before it, window by window."""

    task: Task
    features: Array
    """(window, feature)"""
    power: Floats
    """(window, channel) mean square behind the filters"""
    begin_s: Floats
    """(window,) first sample of the window, in seconds from the prompt"""
    end_s: Floats
    """(window,) newest sample"""
    target: Floats
    """(window,) the target in the middle of the window, as late as the wearer is"""
    onset_s: float
    """when the contraction began, in seconds from the prompt; nan where it never did"""
    rest_level: float
    """median of the envelope at rest, in the stream's unit"""
    level: float
    """of the contraction, where it is firm"""
    tail_level: float
    """the same of its last fifth"""
    ready_s: float

    @property
    def levels(self) -> Floats:
        """(window,) root mean square over the channels, as the decoder has it."""
        return np.asarray(np.sqrt(self.power.mean(axis=1)))

    @property
    def held(self) -> NDArray[np.bool_]:
        """(window,) whether it is of the gesture."""
        return np.asarray((self.begin_s >= SETTLE_S - HOP_S) & (self.target >= FIRM))

    @property
    def resting(self) -> NDArray[np.bool_]:
        """(window,) whether it is of the rest before; not what comes after an early start."""
        began = self.onset_s if self.onset_s < 0.0 else 0.0
        calm = self.begin_s >= CALM_S - self.ready_s
        return np.asarray(calm & (self.end_s <= began - HOP_S))


def eye_for(spec: Spec, rest: Samples) -> Eye:
    """What a calibration from scratch looks with.

    rest: (time, channel) of the wearer at rest: tells how much silence there is.
    """
    power = (
        offline(Highpass(HIGHPASS_HZ), rest - rest[:1], spec)[-len(rest) // 2 :].astype(np.float64)
        ** 2
    )
    quiet = float(np.median(power.mean(axis=0))) or spec.scale**2
    ridge = round(RIDGE_SHARE * quiet, 9) or 1e-9
    length = max(2, round(WINDOW_S * spec.rate_hz))
    hop = max(1, round(HOP_S * spec.rate_hz))
    stages: tuple[Stage, ...] = (Highpass(HIGHPASS_HZ), Windows(length, hop))
    if len(spec.channels) > RING_N:
        floor = round(float(np.sqrt(ridge)), 9)
        features: Stage = TimeDomain(("log_rms", "log_wl"), floor=floor)
    elif spec.rate_hz <= TWO_BANDS_HZ:
        features = BandCovariance(ridge)
    else:
        features = LogCovariance(ridge)
    return Eye(Chain((*stages, features)), spec)


def look(eye: Eye, task: Task, samples: Samples, ready_n: int) -> Look:
    """What the samples (time, channel) of a rest of `ready_n` and a contraction behind it were."""
    rate_hz, windows = eye.spec.rate_hz, eye.windows
    samples = samples - samples[:1]  # an offset must not ring through the high-pass
    cut_at = eye.chain.stages.index(windows)
    before = Chain(eye.chain.stages[: cut_at + 1])
    state, between = before.start(eye.spec)
    cut, _ = before.step(samples, state)
    features = offline(Chain(eye.chain.stages[cut_at + 1 :]), cut, between)
    first = np.arange(len(cut)) * windows.hop_samples - ready_n
    begin_s = first / rate_hz
    end_s = (first + windows.length_samples - 1) / rate_hz
    middle_s = (begin_s + end_s) / 2 - (REACTION_S if task.shape != "hold" else 0.0)
    ready_s = ready_n / rate_hz
    envelope, onset_s = began(eye.spec, samples, ready_n)
    steady = envelope[ready_n + round(SETTLE_S * rate_hz) :]
    calm = envelope[round(min(CALM_S, ready_s / 2) * rate_hz) : ready_n]
    tail = steady[-max(1, len(steady) // 5) :]
    return Look(
        task,
        features,
        np.square(cut, dtype=np.float64).mean(axis=2),
        begin_s,
        end_s,
        np.array([target_at(task, second) for second in middle_s]),
        onset_s,
        float(np.median(calm)),
        float(np.quantile(steady, FIRMEST)),
        float(np.median(tail)),
        ready_s,
    )


def began(spec: Spec, samples: Samples, ready_n: int) -> tuple[Floats, float]:
    """((time,) envelope over all channels, seconds from the prompt to the contraction or nan)."""
    rate_hz = spec.rate_hz
    square = offline(Highpass(HIGHPASS_HZ), samples, spec).astype(np.float64) ** 2
    n = max(1, round(SMOOTH_S * rate_hz))
    sums = np.cumsum(np.concatenate([np.zeros(n), square.mean(axis=1)]))
    envelope = np.sqrt(np.maximum((sums[n:] - sums[:-n]) / n, 0.0))
    calm_n = round(min(CALM_S, ready_n / rate_hz / 2) * rate_hz)
    low = float(np.median(envelope[calm_n:ready_n]))
    high = float(np.quantile(envelope[ready_n:], 0.7))
    above = envelope > low + LEVEL_SHARE * (high - low)
    above[:calm_n] = False
    lasting = np.flatnonzero(np.convolve(above, np.ones(n), "valid") >= n - 0.5)
    if not len(lasting) or high <= low:
        return envelope, float("nan")
    # The envelope is half its span late.
    return envelope, float((lasting[0] - n / 2 - ready_n) / rate_hz)

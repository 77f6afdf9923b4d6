"""What the device makes of the voltage: filters, decimation, counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.simulator.anatomy import Floats
from acquisition.stream import Samples

_TRANSFORM_N = 512


@dataclass(frozen=True)
class FrontEnd:
    """A device's analog and digital input stage, in µV on one side and counts on the other."""

    high_pass_hz: float
    low_pass_hz: float
    """Both second-order Butterworth."""
    notches_hz: tuple[float, ...]
    notch_width_hz: float
    """Between the points where a notch takes half the power."""
    keep_every: int
    """Samples of the simulation per sample that leaves; nothing guards against aliasing."""
    count_uv: float
    """Size of one count."""
    counts: int
    """Largest count."""
    common: float
    """Share of the mean of all channels that reaches each of them through the reference."""


@dataclass
class FrontEndState:
    response: NDArray[np.complex128]
    """(frequency, 1)"""
    past: Floats
    """(time, channel) newest input"""


def start(settings: FrontEnd, rate_hz: float, block_n: int, channels_n: int) -> FrontEndState:
    """Filters at rest. They are one impulse response, so that a block is one transform."""
    frequency = np.fft.rfftfreq(8 * _TRANSFORM_N, 1 / rate_hz)
    impulse = np.fft.irfft(_response(settings, frequency))
    taps_n = _TRANSFORM_N - block_n + 1
    response = np.fft.rfft(impulse[:taps_n], _TRANSFORM_N)[:, None]
    return FrontEndState(response, np.zeros((taps_n - 1, channels_n)))


def step(settings: FrontEnd, uv: Floats, state: FrontEndState) -> Floats:
    """(time / keep_every, channel) counts, not rounded yet, of a block (time, channel) in uV."""
    mixed = uv + settings.common * uv.mean(axis=1, keepdims=True)
    both = np.concatenate([state.past, mixed])
    filtered = np.fft.irfft(np.fft.rfft(both, axis=0) * state.response, _TRANSFORM_N, axis=0)
    state.past = both[len(uv) :]
    return np.asarray(filtered[-len(uv) :: settings.keep_every] / settings.count_uv)


def quantise(settings: FrontEnd, counts: Floats) -> Samples:
    """Whole counts, clipped where the device clips."""
    whole = np.clip(np.rint(counts), -settings.counts, settings.counts)
    return whole.astype(np.float32)


def _response(settings: FrontEnd, frequency: Floats) -> NDArray[np.complex128]:
    s = 1j * np.maximum(frequency, 1e-6)
    high, low, root = settings.high_pass_hz, settings.low_pass_hz, np.sqrt(2)
    out = s**2 / (s**2 + root * high * s + high**2)
    out = out * low**2 / (s**2 + root * low * s + low**2)
    for notch in settings.notches_hz:
        out = out * (s**2 + notch**2) / (s**2 + settings.notch_width_hz * s + notch**2)
    return np.asarray(out)

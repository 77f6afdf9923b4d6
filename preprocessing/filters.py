"""Causal filters as second-order sections: band-pass, high-pass, notch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from preprocessing.design import Sections, butterworth, notch
from preprocessing.stage import Array

Kernel = Callable[[Sections, NDArray[np.float64], NDArray[np.float64]], None]
State = tuple[Sections, NDArray[np.float64]]
"""(sections, delays (channel, section, 2))"""


@cache
def kernel() -> Kernel:
    """Filters (channel, time) float64 in place, delays (channel, section, 2) too.

    It is scipy's own C loop, taken from its file: importing scipy.signal as a whole costs 77 MB
    and about a second, and sosfilt's argument checks cost 24 us a call. Where the file has moved,
    scipy.signal serves.
    """
    scipy = find_spec("scipy")
    for root in (scipy.submodule_search_locations or ()) if scipy else ():
        for suffix in EXTENSION_SUFFIXES:
            path = Path(root) / "signal" / f"_sosfilt{suffix}"
            if path.exists():
                loader = ExtensionFileLoader("_sosfilt", str(path))
                spec = spec_from_loader("_sosfilt", loader)
                if spec is not None:
                    module = module_from_spec(spec)
                    loader.exec_module(module)
                    return module._sosfilt  # type: ignore[no-any-return]
    return slow_kernel


def slow_kernel(sos: Sections, x: NDArray[np.float64], delays: NDArray[np.float64]) -> None:
    """The same by scipy's public function."""
    from scipy.signal import sosfilt

    x[:], after = sosfilt(sos, x, axis=1, zi=delays.transpose(1, 0, 2))
    delays[:] = after.transpose(1, 0, 2)


def _start(sos: Sections, spec: Spec) -> tuple[State, Spec]:
    return (sos, np.zeros((len(spec.channels), len(sos), 2))), spec


def _step(x: Array, state: State) -> tuple[Array, State]:
    if len(x):
        y = x.T.astype(np.float64, order="C")
        kernel()(state[0], y, state[1])
        x = y.T.astype(np.float32, order="C")
    return x, state


def _group_delay_s(sos: Sections, hz: float, rate_hz: float) -> float:
    """-d(phase)/d(angle) at `hz`, by a small difference."""
    step = 1e-4
    angles = 2 * math.pi * hz / rate_hz + np.array([-step, step])
    powers = np.exp(-1j * np.outer(np.arange(3), angles))
    response = np.prod((sos[:, :3] @ powers) / (sos[:, 3:] @ powers), axis=0)
    return float(-np.angle(response[1] / response[0]) / (2 * step)) / rate_hz


@dataclass(frozen=True)
class Bandpass:
    """Butterworth band-pass: keeps `low_hz` to `high_hz` (SENIAM: 20 to 450 Hz at 2 kHz)."""

    low_hz: float
    high_hz: float
    order: int = 4

    def start(self, spec: Spec) -> tuple[State, Spec]:
        return _start(butterworth(self.order, self.low_hz, self.high_hz, spec.rate_hz), spec)

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        return _step(x, state)

    def delay_s(self, spec: Spec) -> float:
        """At the geometric middle of the band."""
        sos = butterworth(self.order, self.low_hz, self.high_hz, spec.rate_hz)
        return _group_delay_s(sos, math.sqrt(self.low_hz * self.high_hz), spec.rate_hz)


@dataclass(frozen=True)
class Highpass:
    """Butterworth high-pass: keeps what is above `low_hz` (for 200 Hz armbands)."""

    low_hz: float
    order: int = 3

    def start(self, spec: Spec) -> tuple[State, Spec]:
        return _start(butterworth(self.order, self.low_hz, None, spec.rate_hz), spec)

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        return _step(x, state)

    def delay_s(self, spec: Spec) -> float:
        """At a quarter of the rate, the middle of what passes."""
        sos = butterworth(self.order, self.low_hz, None, spec.rate_hz)
        return _group_delay_s(sos, spec.rate_hz / 4, spec.rate_hz)


@dataclass(frozen=True)
class Notch:
    """Removes the mains line and its harmonics below half the rate."""

    line_hz: float
    harmonics_n: int = 3
    """How many multiples of the line, the line itself included."""
    quality: float = 30.0
    """Width of a notch is its frequency divided by this."""

    def start(self, spec: Spec) -> tuple[State, Spec]:
        return _start(self._design(spec), spec)

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        return _step(x, state)

    def delay_s(self, spec: Spec) -> float:
        """Away from the notches: none to speak of."""
        return 0.0

    def _design(self, spec: Spec) -> Sections:
        multiples = [self.line_hz * (k + 1) for k in range(self.harmonics_n)]
        fitting = [hz for hz in multiples if hz < spec.rate_hz / 2]
        if not fitting:
            raise Refused(
                f"A notch at {self.line_hz} Hz does not fit a stream at {spec.rate_hz} Hz; "
                f"leave it out."
            )
        return np.concatenate([notch(hz, self.quality, spec.rate_hz) for hz in fitting])

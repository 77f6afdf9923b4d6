"""Second-order sections, designed without scipy.signal (which costs 77 MB and about a second).

Butterworth by the bilinear transform of the analogue prototype; the notch as a two-pole
resonator's complement. Both are checked against scipy.signal in the tests.
"""

from __future__ import annotations

import cmath
import math

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused

Sections = NDArray[np.float64]
"""float64, (section, 6): b0 b1 b2 a0 a1 a2 with a0 = 1; unity gain where the filter passes."""


def butterworth(
    order: int, low_hz: float | None, high_hz: float | None, rate_hz: float
) -> Sections:
    """Sections of a Butterworth band-pass, or of a high-pass (`high_hz` None).

    A band-pass of order n has 2n poles, as in scipy.signal.butter.
    """
    edges = [f for f in (low_hz, high_hz) if f is not None]
    if order < 1 or any(not 0 < f < rate_hz / 2 for f in edges) or edges != sorted(set(edges)):
        raise Refused(
            f"A Butterworth filter of order {order} with edges {edges} Hz does not fit a stream at "
            f"{rate_hz} Hz; choose rising edges between 0 and {rate_hz / 2} Hz."
        )
    warped = [2 * rate_hz * math.tan(math.pi * f / rate_hz) for f in edges]
    prototype = [cmath.exp(1j * math.pi * (2 * k + order + 1) / (2 * order)) for k in range(order)]
    if high_hz is None:
        poles = [warped[0] / p for p in prototype]
        zeros, pass_hz = [1.0] * order, rate_hz / 2
    else:
        half, centre = (warped[1] - warped[0]) / 2, math.sqrt(warped[0] * warped[1])
        roots = [(p * half, cmath.sqrt((p * half) ** 2 - centre**2)) for p in prototype]
        poles = [a + b for a, b in roots] + [a - b for a, b in roots]
        zeros = [1.0, -1.0] * order
        pass_hz = rate_hz / math.pi * math.atan(centre / (2 * rate_hz))
    digital = [(2 * rate_hz + p) / (2 * rate_hz - p) for p in poles]
    return _sections(digital, zeros, 2 * math.pi * pass_hz / rate_hz)


def notch(hz: float, quality: float, rate_hz: float) -> Sections:
    """One section that removes `hz`; its -3 dB width is hz / quality."""
    if not (0 < hz < rate_hz / 2 and quality > 0):
        raise Refused(
            f"A notch at {hz} Hz (quality {quality}) does not fit a stream at {rate_hz} Hz; "
            f"choose one between 0 and {rate_hz / 2} Hz."
        )
    angle = 2 * math.pi * hz / rate_hz
    gain = 1 / (1 + math.tan(angle / quality / 2))
    middle = -2 * math.cos(angle) * gain
    return np.array([[gain, middle, gain, 1.0, middle, 2 * gain - 1]])


def _sections(poles: list[complex], zeros: list[float], angle: float) -> Sections:
    """Pairs conjugate poles, and real ones among themselves; each section has gain 1 at `angle`."""
    tiny = 1e-10
    pairs = [(p, p.conjugate()) for p in poles if p.imag > tiny]
    real = sorted(p.real for p in poles if abs(p.imag) <= tiny)
    pairs += [
        (complex(real[i]), complex(real[i + 1] if i + 1 < len(real) else 0.0))
        for i in range(0, len(real), 2)
    ]
    at = cmath.exp(-1j * angle)
    rows = []
    for i, (p, q) in enumerate(sorted(pairs, key=lambda pair: abs(pair[0]))):
        z = [*zeros[2 * i : 2 * i + 2], 0.0, 0.0][:2]
        b = np.array([1.0, -(z[0] + z[1]), z[0] * z[1]])
        a = np.array([1.0, -(p + q).real, (p * q).real])
        powers = np.array([1.0, at, at * at])
        rows.append([*(b * abs(a @ powers) / abs(b @ powers)), *a])
    return np.array(rows)

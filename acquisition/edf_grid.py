"""What EDF and BDF can hold of a signal: whole numbers in a range, and whole records of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused

LIMITS = {"edf": 2**15 - 1, "bdf": 2**23 - 1}
"""Largest whole number of a sample, by kind of file."""
FIELD = 8
"""Characters of a number in the header."""
TRIED_RANGES = 20_000
LONGEST_RECORD_S = 10.0
RECORD_BYTES = 61_440
"""A record should not be longer (EDF specification)."""
SHORTEST_RECORD_S = 0.05
"""Shorter ones are chosen only where no other serves: each record has a stamp of its own."""
RATE_ERROR = 1e-6
"""Relative error of a rate that is let pass: what a rate written with seven digits has anyway."""


@dataclass(frozen=True, eq=False)
class Grid:
    """One channel as whole numbers."""

    counts: NDArray[np.int64]
    lowest: int
    highest: int
    physical_lowest: float
    physical_highest: float
    exact: bool
    """every value is the whole number of device counts that it was"""
    step: float
    """what one whole number is worth"""


def grid(values: NDArray[np.float64], scale: float, kind: str) -> Grid | None:
    """A channel as the device's own counts; None where they are not, or do not fit.

    `values` are finite. The range in the header is chosen so that its eight characters say the
    size of a count as exactly as they can.
    """
    counts = np.rint(values / scale)
    if not np.all(np.abs(values / scale - counts) <= 1e-3 + np.abs(counts) * 2.0**-23):
        return None
    least, most = int(counts.min()), int(counts.max())
    limit = LIMITS[kind]
    if least < -limit - 1 or most > limit:
        return None
    if least == -limit - 1:
        low, high = -limit - 1, limit
        ends = _field(low * scale), _field(high * scale)
    else:
        high = _best_range(max(most, -least, 1), limit, scale)
        low, ends = -high, (-_field(high * scale, FIELD - 1), _field(high * scale, FIELD - 1))
    return Grid(counts.astype(np.int64), low, high, *ends, exact=True, step=scale)


def rounded(values: NDArray[np.float64], kind: str) -> Grid:
    """A channel in the finest steps that hold it: values are rounded to `step`."""
    limit = LIMITS[kind]
    top = float(np.abs(values).max())
    physical = _field_up(top) if top > 0 else 1.0
    step = physical / limit
    counts = np.rint(values / step).astype(np.int64)
    return Grid(counts, -limit, limit, -physical, physical, exact=False, step=step)


def _best_range(least: int, most: int, scale: float) -> int:
    """The whole number whose physical value the header says best."""
    tried = np.arange(least, min(most, least + TRIED_RANGES) + 1, dtype=np.int64)
    exact = tried * scale
    # Digits behind the point that fit beside the sign and the digits before it.
    before = np.maximum(1, np.floor(np.log10(np.maximum(exact, 1e-12))).astype(np.int64) + 1)
    digits = np.maximum(0, FIELD - 2 - before)
    said = np.rint(exact * 10.0**digits) / 10.0**digits
    error = np.abs(said / exact - 1)
    error[said == 0] = np.inf
    return int(tried[int(error.argmin())])


def _field(value: float, room: int = FIELD) -> float:
    """The nearest number that a field of the header can say."""
    for digits in range(room, -1, -1):
        text = f"{value:.{digits}f}"
        if len(text) <= room:
            return float(text)
    raise Refused(f"A value of {value:g} has no room in the header of an EDF; write .csv or .xdf.")


def _field_up(value: float) -> float:
    """The same, not smaller than `value`, with room for a sign."""
    said = _field(value, FIELD - 1)
    digits = max(0, FIELD - 2 - len(str(int(said))))
    return said if said >= value else _field(said + 10.0**-digits, FIELD - 1)


@dataclass(frozen=True)
class Records:
    """How a file is cut into records, all of one length."""

    seconds: float
    """of one record, as the header says it"""
    samples: tuple[int, ...]
    """of one record, per rate"""


def records(rates_hz: Sequence[float], sample_bytes: Sequence[int], samples_n: int) -> Records:
    """The length of a record in which each rate has a whole number of samples.

    One of which whole ones make up `samples_n` at the first rate, near a second, is preferred.
    `sample_bytes` has, per rate, the bytes of one moment. Refuses rates that no length serves.
    """
    first_hz = rates_hz[0]
    n = np.arange(1, math.ceil(first_hz * LONGEST_RECORD_S) + 1)
    seconds = np.round(n / first_hz, 6)
    seconds[seconds <= 0] = np.inf
    worst = np.abs(n / seconds / first_hz - 1)
    for rate_hz in rates_hz[1:]:
        held = np.maximum(1, np.rint(seconds * rate_hz))
        worst = np.maximum(worst, np.abs(held / seconds / rate_hz - 1))
    size = seconds * sum(r * b for r, b in zip(rates_hz, sample_bytes, strict=True))
    # Too long, filled up or far from a second is bearable, in this order; a wrong rate is not.
    padding_n = -samples_n % n
    cost = np.abs(np.log(seconds)) + 10 * (size > RECORD_BYTES)
    cost += 3 * (padding_n > 0) + 5 * padding_n / first_hz + 10 * (seconds < SHORTEST_RECORD_S)
    good = worst <= RATE_ERROR
    if not good.any():
        said = " and ".join(f"{rate:g}" for rate in rates_hz)
        raise Refused(
            f"No record of up to {LONGEST_RECORD_S:g} s holds whole numbers of samples at {said} "
            "Hz, as EDF and BDF need; write .csv or .xdf."
        )
    best = int(np.flatnonzero(good)[cost[good].argmin()])
    length_s = float(seconds[best])
    return Records(length_s, tuple(round(length_s * rate) for rate in rates_hz))

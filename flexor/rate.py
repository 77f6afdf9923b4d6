"""Whether samples really come at the rate that everything behind them rests on.

A device set to another rate is decoded at a wrong speed and tells nothing of it, so that nobody
may arm before this was seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from acquisition.stream import Chunk

SPAN_S = 1.8
"""Found out within 2 s (science 5.3, fault 9); long enough that 0.1 s of jitter is no tenth."""
SHARE = 0.10
"""By which the rate may differ; devices that must be nearer say so (acquisition.wire)."""


@dataclass
class Rate:
    """Samples that came, lost ones counted, against the clock."""

    nominal_hz: float
    begin_s: float | None = None
    came_n: int = 0
    right: bool | None = None
    """None before it is known"""
    told: str = ""
    """what is wrong, for a person"""


def count_rate(rate: Rate, chunks: Iterable[Chunk], now_s: float) -> bool:
    """Counts what has come by now; whether this told something new. A wrong rate is measured
    again, span by span, until it is right."""
    n = sum(len(chunk.samples) + chunk.lost for chunk in chunks)
    if rate.right or not n:
        return False
    if rate.begin_s is None:  # what comes first may have waited
        rate.begin_s, rate.came_n = now_s, 0
        return False
    rate.came_n += n
    span_s = now_s - rate.begin_s
    if span_s < SPAN_S:
        return False
    measured_hz = rate.came_n / span_s
    rate.begin_s, rate.came_n = now_s, 0
    before, rate.right = rate.right, abs(measured_hz / rate.nominal_hz - 1) <= SHARE
    rate.told = (
        ""
        if rate.right
        else f"{measured_hz:.0f} samples come a second, and {rate.nominal_hz:g} were expected: set "
        "the device or its rate here right. Nothing can be armed."
    )
    return rate.right is not before

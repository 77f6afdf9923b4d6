"""What force the spikes of a muscle make: the twitch model of Fuglevand 1993."""

from __future__ import annotations

import math

import numpy as np

from acquisition.simulator.anatomy import Floats
from acquisition.simulator.units import SIZE_RANGE, Indices, Pool

SLOWEST_TWITCH_MS = 90.0
TWITCH_RANGE = 3.0
"""The slowest twitch takes three times as long as the fastest."""
LINEAR_UNTIL = 0.4
"""Twitch time over interval below which a twitch is of full size, whatever the rate."""


def twitch_ms(units: Pool) -> Floats:
    """(unit,) time from a spike to the peak of its twitch."""
    exponent = math.log(TWITCH_RANGE) / math.log(SIZE_RANGE)
    return np.asarray(SLOWEST_TWITCH_MS * units.size**-exponent)


def force(units: Pool, when_s: Floats, who: Indices, seconds: float, rate_hz: float) -> Floats:
    """(time,) force at `rate_hz`, the smallest unit's single twitch being about 1.

    `when_s` and `who` are all spikes, ordered by time within each unit.
    """
    rise = twitch_ms(units) / 1000
    n = round(seconds * rate_hz)
    total = np.zeros(n)
    for unit in np.unique(who):
        spikes = when_s[who == unit]
        impulses = np.zeros(n)
        at = np.minimum((spikes * rate_hz).astype(np.intp), n - 1)
        np.add.at(impulses, at, units.size[unit] * _gain(rise[unit] / np.diff(spikes)))
        since = np.arange(1, math.ceil(8 * rise[unit] * rate_hz)) / (rate_hz * rise[unit])
        total += np.convolve(impulses, since * np.exp(1 - since))[:n]
    return total


def _gain(rate: Floats) -> Floats:
    """(spike,) size of a twitch, given twitch time over interval for all spikes but the first."""
    known = np.concatenate([[LINEAR_UNTIL], np.maximum(rate, LINEAR_UNTIL)])
    return np.asarray(_sigmoid(known) / _sigmoid(np.array(LINEAR_UNTIL)))


def _sigmoid(rate: Floats) -> Floats:
    return np.asarray((1 - np.exp(-2 * rate**3)) / rate)

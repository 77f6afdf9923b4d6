"""The recording that every load of an artifact proves itself on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from acquisition.stream import Samples
from training.datasets import Segment
from training.recipe import Signal

GOLDEN_HOPS = 12
"""Decisions in it, beside the first."""


def golden_of(parts: Sequence[Segment], signal: Signal) -> Samples:
    """(time, channel): the end of a session's first segment and the begin of its second, a moment
    at which much happens; or the end of its only one."""
    n = signal.window_samples + GOLDEN_HOPS * signal.hop_samples
    if len(parts) < 2:
        return parts[0].samples[-n:]
    after = n // 2
    return np.concatenate([parts[0].samples[-(n - after) :], parts[1].samples[:after]])

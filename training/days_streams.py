"""Sessions of a data set as streams of features: worked once, for every model and case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from preprocessing.bands import BandCovariance
from preprocessing.features import TimeDomain
from preprocessing.filters import Highpass
from preprocessing.stage import Chain, Stage, offline
from preprocessing.windows import Windows
from training.datasets import UNLABELLED, Segment
from training.head import DIMENSIONS

TIME_DOMAIN = TimeDomain(("log_mav", "log_wl", "zc", "ssc"))
"""The hand-crafted features that every other row is held against (Hudgins 1993)."""
LEVELS = TimeDomain(("log_mav", "log_wl"))
"""What is left where covariances make no sense: envelopes, or more channels than a head can take
pairs of."""


@dataclass(frozen=True)
class Front:
    """What stands before the head. Spans are those of the protocol "myo" where the rate allows."""

    highpass_hz: float | None = 2.0
    """None: none, for envelopes"""
    window_samples: int = 52
    hop_samples: int = 10
    """50 ms at 200 Hz: twice that of the protocol "myo", for half the time"""
    covariances: bool = True
    dimensions_n: int = DIMENSIONS
    """of the head"""
    rounded: bool = True
    """whether the weights of the head's projection become int8"""

    def chain(self, features: Stage) -> Chain:
        """The stages, with those features last."""
        before = () if self.highpass_hz is None else (Highpass(self.highpass_hz, 3),)
        return Chain((*before, Windows(self.window_samples, self.hop_samples), features))

    @property
    def features(self) -> Stage:
        """What the head stands on."""
        return BandCovariance() if self.covariances else LEVELS

    @property
    def plain(self) -> Stage:
        """What the linear discriminant stands on."""
        return TIME_DOMAIN if self.covariances else LEVELS


@dataclass(frozen=True, eq=False)
class Stream:
    """One session of one user, its segments end to end in their order."""

    parts: tuple[Segment, ...]
    features: NDArray[np.float32]
    """(window, feature) for the head"""
    plain: NDArray[np.float32]
    """(window, feature) for the linear discriminant"""
    gestures: NDArray[np.int64]
    """(window,) index into the labels; -1 where a window spans two segments, or nobody knows"""
    cycles: NDArray[np.int64]
    """(window,)"""

    @property
    def user(self) -> str:
        return self.parts[0].user


def streams(
    segments: Sequence[Segment], front: Front, labels: Sequence[str], *, by_cycle: bool = False
) -> list[Stream]:
    """The streams of segments in their order; gestures that are no label are left out whole.

    by_cycle: files say nothing of the order inside a session, and cycle by cycle is taken for it.
    """
    known = [s for s in segments if s.gesture in labels or s.gesture == UNLABELLED]
    groups = groupby(known, key=lambda s: (s.user, s.session))
    out = []
    for _, group in groups:
        parts = list(group)
        if by_cycle:
            parts.sort(key=lambda s: s.cycle)
        if sum(len(p.samples) for p in parts) > 2 * front.window_samples:
            out.append(_stream(tuple(parts), front, labels))
    return out


def _stream(parts: tuple[Segment, ...], front: Front, labels: Sequence[str]) -> Stream:
    x, spec = np.concatenate([part.samples for part in parts]), parts[0].spec
    found = offline(front.chain(front.features), x, spec)
    plain = offline(front.chain(front.plain), x, spec) if front.covariances else found
    numbers = [-1 if p.gesture == UNLABELLED else labels.index(p.gesture) for p in parts]
    owner = np.repeat(np.arange(len(parts)), [len(part.samples) for part in parts])
    first = np.arange(len(found)) * front.hop_samples
    one, last = owner[first], owner[first + front.window_samples - 1]
    gestures = np.where(one == last, np.array(numbers)[one], -1)
    cycles = np.array([part.cycle for part in parts])[one]
    return Stream(parts, found, plain, gestures, cycles)

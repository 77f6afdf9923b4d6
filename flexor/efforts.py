"""The efforts of single muscles beside the decoder: as fresh as its windows, and as careful."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisition.stream import Chunk, Refused, Spec
from models.decoder import State as DecoderState
from models.decoder import Window
from preprocessing.channels import Pick
from preprocessing.envelope import Envelope
from preprocessing.filters import Highpass
from preprocessing.stage import Array, Chain

HIGHPASS_HZ, ENVELOPE_HZ = 20.0, 3.0
"""Above what moves with the electrode (SENIAM); as quick as a muscle's force."""
SETTLE_S = 0.25
"""After a start the filters remember nothing: four times the envelope's delay."""
Rows = list[tuple[float, ...]]


@dataclass(frozen=True)
class Site:
    """A muscle: one channel, or the mean of several."""

    name: str
    channels: tuple[str, ...]
    low: float
    """Envelope at rest, in the signal's unit: effort 0."""
    high: float
    """Envelope at a comfortable contraction: effort 1."""

    def __post_init__(self) -> None:
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise Refused(f"The site {self.name} needs distinct channels, not {self.channels}.")
        if not 0.0 <= self.low < self.high < math.inf:
            raise Refused(
                f"The site {self.name} needs levels with 0 <= low < high, not low {self.low} and "
                f"high {self.high}: measure them again at rest and at a comfortable contraction."
            )


class Efforts:
    """The efforts of some sites, sample by sample. Causal; any chunking gives the same, to the
    bit. Follows the decoder's verdict on gaps: what it bridges is bridged, what ends its state
    ends this one."""

    def __init__(self, sites: Sequence[Site], spec: Spec) -> None:
        """Refuses sites without names of their own, and channels that the stream lacks."""
        names = [site.name for site in sites]
        if not names or len(set(names)) != len(names):
            raise Refused(f"Sites need names of their own, not {names}.")
        for site in sites:
            missing = [name for name in site.channels if name not in spec.channels]
            if missing:
                raise Refused(
                    f"The site {site.name} rests on {missing}, and the source has the channels "
                    f"{list(spec.channels)}: name two of those."
                )
        used = tuple(dict.fromkeys(name for site in sites for name in site.channels))
        self._spec = spec
        self._channels = frozenset(spec.channels.index(name) for name in used)
        self._chain = Chain((Pick(used), Highpass(HIGHPASS_HZ), Envelope(ENVELOPE_HZ)))
        self._chain.start(spec)
        self._sites = tuple(
            (tuple(used.index(name) for name in site.channels), site.low, site.high - site.low)
            for site in sites
        )
        self._settle_n = round(SETTLE_S * spec.rate_hz)
        self._started_n = -1
        self._state: Any = None
        self._first: Array = np.zeros((1, len(spec.channels)), np.float32)
        self._last: Array = self._first

    def at(self, windows: Sequence[Window], chunk: Chunk, decoder: DecoderState) -> Rows:
        """(window,) of (site,) efforts 0 .. 1 at the newest sample of the windows that the chunk
        has just completed; () while the filters settle. Call it after each `decoder.push`, whether
        or not that gave windows."""
        x, lost = chunk.samples, chunk.lost
        if decoder.started_sample_n != self._started_n:
            self._started_n, self._state, lost = decoder.started_sample_n, None, 0
        if decoder.sample_n == decoder.started_sample_n or not len(x):
            return []
        if self._state is None:
            self._state, _ = self._chain.start(self._spec)
            self._first = x[:1].copy()
        elif lost:
            x = np.concatenate([np.repeat(self._last, lost, axis=0), x])
        self._last = x[-1:]
        # An offset of thousands of counts must not ring through the high-pass as a contraction.
        y, self._state = self._chain.step(x - self._first, self._state)
        settled_n = decoder.started_sample_n + self._settle_n
        return [
            self._efforts(y[window.sample_n - decoder.sample_n].tolist())
            if window.sample_n >= settled_n
            else ()
            for window in windows
        ]

    def rest_on(self, channels: Iterable[int]) -> bool:
        """Whether a site rests on one of these channels, by their numbers."""
        return not self._channels.isdisjoint(channels)

    def _efforts(self, envelope: list[float]) -> tuple[float, ...]:
        return tuple(
            [
                min(max((sum([envelope[i] for i in at]) / len(at) - low) / span, 0.0), 1.0)
                for at, low, span in self._sites
            ]
        )

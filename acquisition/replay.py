"""Any recording as a live source: at its own pace, or as fast as it is read."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import pairwise

from acquisition.imports import load_session
from acquisition.session import Session
from acquisition.stream import Chunk, Marker, Refused, Spec, empty_chunk

CHUNK_S = 0.010
"""Length of a chunk: two samples at 200 Hz, as a Myo armband sends them."""


def open_replay(
    argument: str,
    *,
    fast: bool = False,
    chunk_samples: int | None = None,
    loop: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Replay:
    """The recording at the path `argument` as a source.

    `fast` hands chunks over as they are read; otherwise each comes when its last sample is
    due. `loop` starts over at the end, as one continuous stream. Refuses what `load_session`
    refuses, and chunks of less than one sample.
    """
    if not argument:
        raise Refused('A replay needs a recording, e.g. "replay:session.xdf".')
    session = load_session(argument)
    if chunk_samples is None:
        chunk_samples = max(1, round(CHUNK_S * session.spec.rate_hz))
    if chunk_samples < 1:
        raise Refused(f"A chunk has at least one sample, not {chunk_samples}.")
    return Replay(session, chunk_samples, fast=fast, loop=loop, clock=clock, sleep=sleep)


class Replay:
    """A session as a source: sample n was taken at the start + n / rate, lost ones counted."""

    def __init__(
        self,
        session: Session,
        chunk_samples: int,
        *,
        fast: bool,
        loop: bool,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._session = session
        self._marker_at = [index for index, _ in session.markers]
        self._chunk_samples = chunk_samples
        self._fast = fast
        self._loop = loop
        self._clock = clock
        self._sleep = sleep
        self._pieces: Iterator[tuple[int, int, int]] = iter(())
        self._next: tuple[int, int, int] | None = None
        self._start_s = 0.0
        self._taken_n = 0
        """Samples since the start, lost ones counted."""

    @property
    def spec(self) -> Spec:
        return self._session.spec

    def start(self) -> None:
        self._pieces = _pieces(self._session, self._chunk_samples, self._loop)
        self._next = next(self._pieces, None)
        self._taken_n = 0
        self._start_s = self._clock()

    def read(self, timeout_s: float) -> Chunk | None:
        if self._next is None:
            return None
        first, end, lost = self._next
        begin_n = self._taken_n + lost
        rate_hz = self.spec.rate_hz
        if not self._fast:
            now_s = self._wait(self._start_s + (begin_n + end - first - 1) / rate_hz, timeout_s)
            if now_s is not None:
                return empty_chunk(self.spec, now_s)
        self._taken_n = begin_n + end - first
        self._next = next(self._pieces, None)
        here = slice(bisect_left(self._marker_at, first), bisect_left(self._marker_at, end))
        markers = tuple(Marker(index - first, text) for index, text in self._session.markers[here])
        samples = self._session.samples[first:end].copy()
        return Chunk(samples, self._start_s + begin_n / rate_hz, lost, markers)

    def stop(self) -> None:
        self._next = None

    def _wait(self, due_s: float, timeout_s: float) -> float | None:
        """None once it is `due_s`; the time, if the timeout came first."""
        now_s = self._clock()
        until_s = min(due_s, now_s + timeout_s)
        while now_s < until_s:
            self._sleep(until_s - now_s)
            now_s = self._clock()
        return None if now_s >= due_s else now_s


def _pieces(session: Session, chunk_samples: int, loop: bool) -> Iterator[tuple[int, int, int]]:
    """(first, end, lost before) of every chunk; a chunk never spans a gap."""
    end = len(session.samples)
    while True:
        gaps = dict(session.gaps)
        edges = sorted({0, end, *gaps})
        for begin, stop in pairwise(edges):
            for first in range(begin, stop, chunk_samples):
                yield first, min(first + chunk_samples, stop), gaps.pop(first, 0)
        if not loop:
            return

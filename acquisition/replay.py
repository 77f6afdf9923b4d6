"""Any recording as a live source: at its own pace, or as fast as it is read."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from acquisition.myo_files import MYO_GESTURES, MYO_SPEC, myo_session_files, read_myo_file
from acquisition.stream import Chunk, Marker, Refused, Samples, Spec, empty_chunk

if TYPE_CHECKING:
    from acquisition.recording import Recording

CHUNK_S = 0.010
"""Length of a chunk: two samples at 200 Hz, as a Myo armband sends them."""


@dataclass(frozen=True, eq=False)
class Session:
    """A recording as one stream."""

    spec: Spec
    samples: Samples
    """(time, channel)"""
    markers: tuple[tuple[int, str], ...]
    """(index of the sample, text), in the order of the indices"""
    gaps: tuple[tuple[int, int], ...] = ()
    """(index of the first sample behind the gap, samples lost in it)"""


def load_session(path: Path | str) -> Session:
    """The recording at `path`: an .xdf file of ours, or a session of the MyoArmbandDataset.

    A session of the MyoArmbandDataset is a folder of `classe_*.dat`. Its files are one
    continuous stream, in numeric order, with a marker that names the gesture at the start of
    each: the recording says nothing of the time between them, so nothing counts as lost.
    Refuses a path that is neither, in a sentence.
    """
    path = Path(path)
    if path.is_dir():
        return _load_myo(path)
    if not path.exists():
        raise Refused(f"There is no recording {path}.")
    return _load_xdf(path)


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


def _load_myo(folder: Path) -> Session:
    files = myo_session_files(folder)
    if not files:
        raise Refused(
            f"{folder} is a folder without classe_*.dat files; give a session of the "
            "MyoArmbandDataset, e.g. EvaluationDataset/Male0/Test0, or an .xdf file."
        )
    parts = [read_myo_file(path) for _, path in files]
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    names = [MYO_GESTURES[number % len(MYO_GESTURES)] for number, _ in files]
    markers = tuple((int(start), name) for start, name in zip(starts, names, strict=True))
    return Session(MYO_SPEC, np.concatenate(parts), markers)


def _load_xdf(path: Path) -> Session:
    from acquisition.recording import read_recording

    recording = read_recording(path)
    if not recording.chunks:
        raise Refused(f"{path} is a recording without a single sample.")
    starts = np.cumsum([0, *(len(chunk.samples) for chunk in recording.chunks)])
    gaps = tuple(
        (int(start), chunk.lost)
        for start, chunk in zip(starts[:-1], recording.chunks, strict=True)
        if chunk.lost
    )
    samples = np.concatenate([chunk.samples for chunk in recording.chunks])
    return Session(recording.spec, samples, _marker_indices(recording, starts), gaps)


def _marker_indices(recording: Recording, starts: NDArray[np.int64]) -> tuple[tuple[int, str], ...]:
    """(sample index, text) of every marker; one in a gap goes to the sample behind it.

    `starts` has the index of the first sample of every chunk, and the number of all samples.
    """
    rate_hz = recording.spec.rate_hz
    # The clocks of a device jitter, and a search needs an order.
    clocks = np.maximum.accumulate([chunk.clock_s for chunk in recording.chunks])
    found = []
    for marker in recording.markers:
        # Half a sample of room, so that the rounding of a clock does not move a marker.
        i = int(np.searchsorted(clocks, marker.clock_s + 0.5 / rate_hz, side="right")) - 1
        i = max(i, 0)
        index = int(starts[i]) + max(0, round((marker.clock_s - clocks[i]) * rate_hz))
        found.append((min(index, int(starts[i + 1]), int(starts[-1]) - 1), marker.text))
    return tuple(sorted(found, key=lambda row: row[0]))

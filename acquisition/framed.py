"""From bytes to chunks for a device that sends frames: one class, and a row of facts per device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from acquisition.framing import Framer
from acquisition.port import Arrival
from acquisition.sample_clock import CRYSTAL, SampleClock
from acquisition.sequence import ArrivalWatch, Frames, Ints, Run, Sequence
from acquisition.stream import Chunk, Counts, Marker, Samples, Spec

MOTION_KEPT = 256
"""Chunks of the second stream that wait at most; the oldest are dropped."""


class Parser(Protocol):
    """Turns what arrives into chunks. Never raises for what can arrive."""

    def feed(self, arrival: Arrival) -> list[Chunk]: ...

    def take_motion(self) -> list[Chunk]: ...


@dataclass(frozen=True)
class Layout:
    """What a device's frames hold. All functions are pure."""

    frame_n: int
    """bytes of a frame"""
    framer: Callable[[Counts], Framer]
    samples: Callable[[Frames], Samples]
    """(frame, byte) -> (time, channel), `samples_per_frame` rows each, in the spec's unit"""
    samples_per_frame: int = 1
    counters: Callable[[Frames], Ints] | None = None
    """(frame, byte) -> (frame,); None for a device that does not count: arrivals are watched"""
    modulus: int = 0
    """values of the counter before it wraps"""
    motion: Callable[[Frames], Samples] | None = None
    """(frame, byte) -> (time, channel) of the second stream; as many rows as there are"""
    motion_every: int = 0
    """where not 0: only frames whose counter is a multiple of it give motion, a row each"""
    trigger: Callable[[Frames], NDArray[np.bool_]] | None = None
    """(frame, byte) -> (frame,): whether the trigger input is high; each rise gives a marker"""
    jitter_s: float = 0.0
    """Without a counter: the least loss that arrivals can show above their jitter"""
    granule: int = 1
    """Without a counter: losses come in multiples of so many frames, as a transport sends them"""
    drift: float = CRYSTAL
    """share by which the device's clock may be slow"""


class MotionTrack:
    """The second stream of a device, stamped by whatever it came with."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._next_s: float | None = None
        self._waiting: deque[Chunk] = deque(maxlen=MOTION_KEPT)

    def add(self, rows: Samples, newest_s: float) -> None:
        """(time, channel) rows, the last taken at `newest_s`. A hole in time counts as lost."""
        if not len(rows):
            return
        rate_hz = self._spec.rate_hz
        begin_s = newest_s - (len(rows) - 1) / rate_hz
        lost = 0
        if self._next_s is not None:
            lost = max(0, round((begin_s - self._next_s) * rate_hz))
            if not lost:  # on the raster: arrivals jitter, samples do not
                begin_s = max(begin_s, self._next_s - 0.5 / rate_hz)
        self._next_s = begin_s + len(rows) / rate_hz
        self._waiting.append(Chunk(rows, begin_s, lost))

    def take(self) -> list[Chunk]:
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class Framed:
    """Bytes of one stream to chunks: framing, order, loss, clock, units."""

    def __init__(
        self, layout: Layout, spec: Spec, counts: Counts, motion_spec: Spec | None = None
    ) -> None:
        self._layout, self._spec, self._counts = layout, spec, counts
        self._framer = layout.framer(counts)
        self._sequence = Sequence(layout.modulus, counts) if layout.counters else None
        self._watch = ArrivalWatch(
            self._frame_s,
            layout.modulus if layout.counters else layout.granule,
            layout.jitter_s,
            layout.drift,
        )
        self._clock = SampleClock(spec.rate_hz, layout.drift)
        self._frame_n = 0
        """frames so far, lost ones counted"""
        self._owed = 0
        """samples known to be lost, to be told with the next chunk"""
        self._motion = MotionTrack(motion_spec) if layout.motion and motion_spec else None
        self._high: bool | None = None
        """whether the trigger was high in the newest frame"""

    def feed(self, arrival: Arrival) -> list[Chunk]:
        return self.take(self._framer.feed(arrival.data), arrival.at_s)

    def take(self, frames: Frames, at_s: float) -> list[Chunk]:
        """The chunks that (frame, byte) frames give which arrived at `at_s`."""
        if not len(frames):
            return []
        layout = self._layout
        if self._sequence is None or layout.counters is None:
            runs = [Run(0, frames)]
        else:
            runs = self._sequence.take(frames, layout.counters(frames))
        if not runs:
            return []
        ends = []
        for run in runs:
            self._frame_n += run.lost + len(run.frames)
            ends.append(self._frame_n)
        missed = self._watch.lost(self._frame_n, at_s)
        self._frame_n += missed
        self._owe(missed)
        newest_s = self._clock.stamp(self._frame_n * layout.samples_per_frame, at_s)
        return [
            self._chunk(run, newest_s - (ends[-1] - end) * self._frame_s)
            for run, end in zip(runs, ends, strict=True)
        ]

    def take_motion(self) -> list[Chunk]:
        return self._motion.take() if self._motion is not None else []

    @property
    def _frame_s(self) -> float:
        return self._layout.samples_per_frame / self._spec.rate_hz

    def _owe(self, frames_n: int) -> None:
        samples_n = frames_n * self._layout.samples_per_frame
        self._owed += samples_n
        self._counts.lost_samples += samples_n

    def _chunk(self, run: Run, newest_s: float) -> Chunk:
        """The chunk of a run whose last sample was taken at `newest_s`."""
        self._owe(run.lost)
        lost, self._owed = self._owed, 0
        samples = self._layout.samples(run.frames)
        self._counts.samples += len(samples)
        self._move(run.frames, newest_s)
        begin_s = newest_s - (len(samples) - 1) / self._spec.rate_hz
        return Chunk(samples, begin_s, lost, self._triggers(run.frames))

    def _move(self, frames: Frames, newest_s: float) -> None:
        """Takes the motion of frames whose last was taken at `newest_s`."""
        layout = self._layout
        if self._motion is None or layout.motion is None:
            return
        if layout.motion_every and layout.counters is not None:
            carrying = np.flatnonzero(layout.counters(frames) % layout.motion_every == 0)
            if not len(carrying):
                return
            newest_s -= (len(frames) - 1 - int(carrying[-1])) * self._frame_s
            frames = frames[carrying]
        self._motion.add(layout.motion(frames), newest_s)

    def _triggers(self, frames: Frames) -> tuple[Marker, ...]:
        """A marker at each frame with which the trigger rose."""
        if self._layout.trigger is None:
            return ()
        high = self._layout.trigger(frames)
        before, self._high = self._high, bool(high[-1])
        if not high.any():
            return ()
        rose = high & ~np.concatenate([[high[0] if before is None else before], high[:-1]])
        n = self._layout.samples_per_frame
        return tuple(Marker(int(i) * n, "trigger") for i in np.flatnonzero(rose))


def unsigned(frames: Frames, first: int, count: int, width: int, *, big: bool) -> Ints:
    """(frame, count) integers of `width` bytes each, from byte `first` of (frame, byte) frames."""
    part = frames[:, first : first + count * width].reshape(len(frames), count, width)
    weights = 256 ** np.arange(width, dtype=np.int64)
    return part @ (weights[::-1] if big else weights)


def signed(frames: Frames, first: int, count: int, width: int, *, big: bool) -> Ints:
    """The same in two's complement."""
    values = unsigned(frames, first, count, width, big=big)
    half = 1 << (8 * width - 1)
    return (values ^ half) - half

"""The reader thread: it reads and parses, nothing else, and hands chunks to the control loop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from acquisition.stream import Chunk, Device, DeviceError, DeviceLost, Source


class _Backlog:
    """Chunks that wait: bounded, the oldest dropped and counted as lost."""

    def __init__(self, max_samples: int) -> None:
        self.max_samples = max_samples
        self.chunks: deque[Chunk] = deque()
        self.held_n = 0
        self.dropped_n = 0

    def put(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        self.held_n += len(chunk.samples)
        missing = 0
        while self.held_n > self.max_samples and len(self.chunks) > 1:
            old = self.chunks.popleft()
            self.held_n -= len(old.samples)
            self.dropped_n += len(old.samples)
            missing += old.lost + len(old.samples)
        if missing:
            first = self.chunks[0]
            self.chunks[0] = replace(first, lost=first.lost + missing)

    def take(self) -> list[Chunk]:
        taken = list(self.chunks)
        self.chunks.clear()
        self.held_n = 0
        return taken


class Inbox:
    """Chunks between two threads: bounded, the oldest dropped and counted as lost.

    One lock guards everything, so that what is taken is never torn. Motion is kept where
    `max_motion_samples` leaves room for it, and wakes nobody.
    """

    def __init__(self, max_samples: int, max_motion_samples: int = 0) -> None:
        self._emg = _Backlog(max_samples)
        self._motion = _Backlog(max_motion_samples)
        self._ready = threading.Condition()
        self._ended = False
        self._error: DeviceError | None = None

    @property
    def dropped_samples(self) -> int:
        """samples that the control loop was too slow to take"""
        return self._emg.dropped_n

    @property
    def dropped_motion_samples(self) -> int:
        """the same of the second stream"""
        return self._motion.dropped_n

    @property
    def keeps_motion(self) -> bool:
        """Whether there is room for a second stream."""
        return self._motion.max_samples > 0

    def put(self, chunk: Chunk) -> None:
        """Never blocks. What does not fit is dropped from the old end, and the oldest chunk that
        stays says so in its `lost`."""
        with self._ready:
            self._emg.put(chunk)
            self._ready.notify()

    def put_motion(self, chunk: Chunk) -> None:
        """The same for the second stream."""
        with self._ready:
            self._motion.put(chunk)

    def end(self, error: DeviceError | None = None) -> None:
        """No chunk comes after this; `error` is why, None for a proper end."""
        with self._ready:
            self._ended, self._error = True, error
            self._ready.notify()

    def take(self, timeout_s: float) -> list[Chunk]:
        """All chunks that wait, oldest first; none after `timeout_s` without any, or at the end."""
        with self._ready:
            if not self._emg.chunks and not self._ended and timeout_s > 0:
                self._ready.wait(timeout_s)
            return self._emg.take()

    def take_motion(self) -> list[Chunk]:
        """All chunks of the second stream that wait, oldest first. Never waits."""
        with self._ready:
            return self._motion.take()

    @property
    def ended(self) -> bool:
        """Whether the source is done and everything was taken."""
        return self._ended and not self._emg.chunks

    @property
    def error(self) -> DeviceError | None:
        """Why the source ended, None while it lives or where it ended properly."""
        return self._error


class Reader:
    """Runs a source in a thread of its own. A context: the source is stopped when it is left."""

    def __init__(self, source: Source, inbox: Inbox, poll_s: float = 0.05) -> None:
        self._source, self._inbox, self._poll_s = source, inbox, poll_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flexor-reader", daemon=True)

    def __enter__(self) -> Reader:
        self._source.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(2.0)
        if self._thread.is_alive():  # a device that is being sought may take its time
            _quietly(self._source.stop)

    def _hand_over(self, device: Device) -> None:
        """Motion nobody wants is taken all the same: it must not pile up in the driver."""
        chunks = device.take_motion()
        if self._inbox.keeps_motion:
            for chunk in chunks:
                self._inbox.put_motion(chunk)

    def _run(self) -> None:
        error: DeviceError | None = None
        device = moving(self._source)
        try:
            while not self._stopping.is_set():
                chunk = self._source.read(self._poll_s)
                if device is not None:
                    self._hand_over(device)
                if chunk is None:
                    break
                if len(chunk.samples) or chunk.lost or chunk.markers:
                    self._inbox.put(chunk)
        except DeviceError as found:
            error = found
        except Exception as found:
            error = DeviceLost(f"The source failed ({type(found).__name__}: {found}).")
        finally:
            _quietly(self._source.stop)
            self._inbox.end(error)


def moving(source: Source) -> Device | None:
    """The source, if it is a device that tells of motion."""
    if isinstance(source, Device) and source.motion_spec is not None:
        return source
    return None


def room_for(source: Source, seconds: float, *, motion: bool = True) -> Inbox:
    """An inbox in which so many seconds of the source may wait, motion included where wanted."""
    device = moving(source) if motion else None
    spec = None if device is None else device.motion_spec
    kept = 0 if spec is None else max(1, round(seconds * spec.rate_hz))
    return Inbox(round(seconds * source.spec.rate_hz), kept)


def _quietly(stop: Callable[[], None]) -> None:
    """A device that is gone may refuse to be stopped; it is gone all the same."""
    try:
        stop()
    except (DeviceError, OSError):
        return

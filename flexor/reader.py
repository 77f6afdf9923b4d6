"""The reader thread: it reads and parses, nothing else, and hands chunks to the control loop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from acquisition.stream import Chunk, DeviceError, DeviceLost, Source


class Inbox:
    """Chunks between two threads: bounded, the oldest dropped and counted as lost.

    One lock guards everything, so that what is taken is never torn.
    """

    def __init__(self, max_samples: int) -> None:
        self._max_samples = max_samples
        self._chunks: deque[Chunk] = deque()
        self._held_n = 0
        self._ready = threading.Condition()
        self._ended = False
        self._error: DeviceError | None = None
        self.dropped_samples = 0
        """samples that the control loop was too slow to take"""

    def put(self, chunk: Chunk) -> None:
        """Never blocks. What does not fit is dropped from the old end, and the oldest chunk that
        stays says so in its `lost`."""
        with self._ready:
            self._chunks.append(chunk)
            self._held_n += len(chunk.samples)
            missing = 0
            while self._held_n > self._max_samples and len(self._chunks) > 1:
                old = self._chunks.popleft()
                self._held_n -= len(old.samples)
                self.dropped_samples += len(old.samples)
                missing += old.lost + len(old.samples)
            if missing:
                first = self._chunks[0]
                self._chunks[0] = replace(first, lost=first.lost + missing)
            self._ready.notify()

    def end(self, error: DeviceError | None = None) -> None:
        """No chunk comes after this; `error` is why, None for a proper end."""
        with self._ready:
            self._ended, self._error = True, error
            self._ready.notify()

    def take(self, timeout_s: float) -> list[Chunk]:
        """All chunks that wait, oldest first; none after `timeout_s` without any, or at the end."""
        with self._ready:
            if not self._chunks and not self._ended and timeout_s > 0:
                self._ready.wait(timeout_s)
            taken = list(self._chunks)
            self._chunks.clear()
            self._held_n = 0
            return taken

    @property
    def ended(self) -> bool:
        """Whether the source is done and everything was taken."""
        return self._ended and not self._chunks

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

    def _run(self) -> None:
        error: DeviceError | None = None
        try:
            while not self._stopping.is_set():
                chunk = self._source.read(self._poll_s)
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


def _quietly(stop: Callable[[], None]) -> None:
    """A device that is gone may refuse to be stopped; it is gone all the same."""
    try:
        stop()
    except (DeviceError, OSError):
        return

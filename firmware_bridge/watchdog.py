"""Stops a hand that would hold its last target for ever, when the process that drives it stalls.

Most hands have no timeout of their own (protocols C5). So a process of its own holds the same port
and the bytes that stop the hand; when it was not fed for a moment, or its feeder died, it sends
them.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

STALL_S = 0.120
"""Not fed for so long while armed: the stop goes out well within 150 ms."""
ARM, DISARM, FEED = b"A", b"D", b"F"
HEAD = struct.Struct("<cI")
"""kind, bytes that follow"""
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from firmware_bridge.watchdog_process import main; "
    "main(int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))"
)


class Watchdog(Protocol):
    """What a link needs of its watchdog. None of it ever waits."""

    def arm(self, stop: bytes) -> None:
        """From now on `stop` is sent when nothing is fed. Again: with newer bytes."""
        ...

    def feed(self) -> None: ...

    def disarm(self) -> None: ...

    def close(self) -> None: ...


class NoWatchdog:
    """For hands that stop by themselves."""

    def arm(self, stop: bytes) -> None:
        """The hand has a timeout of its own."""

    def feed(self) -> None:
        """Nothing waits for it."""

    def disarm(self) -> None:
        """Nothing is armed."""

    def close(self) -> None:
        """Nothing runs."""


class WatchdogProcess:
    """A process that shares the hand's port. It ends with this one."""

    def __init__(self, port_fd: int, stall_s: float = STALL_S, frame_n: int = 0) -> None:
        """`frame_n`: bytes that the port takes at once, as a CAN socket does; 0 for all."""
        root = str(Path(__file__).resolve().parent.parent)
        numbers = [str(port_fd), str(stall_s), str(frame_n)]
        words = [sys.executable, "-I", "-S", "-c", _CHILD, root, *numbers]
        # A session of its own: Ctrl-C must not end it before the hand is let go.
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(port_fd,),
            start_new_session=True,
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise OSError("the watchdog has no pipes")
        self.process.stdout.readline()  # it watches from here on
        self._pipe = self.process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        self._stop = b""

    def arm(self, stop: bytes) -> None:
        if stop != self._stop:
            self._stop = stop
            self._say(ARM, stop)

    def feed(self) -> None:
        if self._stop:
            self._say(FEED)

    def disarm(self) -> None:
        if self._stop:
            self._stop = b""
            self._say(DISARM)

    def close(self) -> None:
        """Ends it in order: an armed one sends its stop first."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            with suppress(OSError):
                self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _say(self, kind: bytes, data: bytes = b"") -> None:
        # A full or broken pipe means that it stands still itself; the hand is still driven by us.
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._pipe, HEAD.pack(kind, len(data)) + data)

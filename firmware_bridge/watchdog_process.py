"""The watchdog's own process: no libraries, a port, a pipe, and the bytes that stop the hand."""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import suppress

from firmware_bridge.watchdog import ARM, DISARM, HEAD

REPEATS_N = 3
"""The stop is sent so often, in case a byte of it is lost."""
REPEAT_S = 0.010


def main(port_fd: int, stall_s: float, frame_n: int = 0) -> None:
    """Until the pipe at standard input ends. Says one line when it has begun."""
    sys.stdout.write("watching\n")
    sys.stdout.flush()
    stop, heard, fed_s = b"", b"", time.monotonic()
    while True:
        left_s = max(0.0, fed_s + stall_s - time.monotonic()) if stop else None
        if not select.select([0], [], [], left_s)[0]:
            send(port_fd, stop, frame_n)
            stop = b""
            continue
        data = os.read(0, 65536)
        if not data:
            if stop:
                send(port_fd, stop, frame_n)
            return
        heard, fed_s = heard + data, time.monotonic()
        stop, heard = obey(stop, heard)


def obey(stop: bytes, heard: bytes) -> tuple[bytes, bytes]:
    """(the bytes that are armed after all whole messages, what is left of the last)."""
    while len(heard) >= HEAD.size:
        kind, length = HEAD.unpack_from(heard)
        if len(heard) < HEAD.size + length:
            break
        body, heard = heard[HEAD.size : HEAD.size + length], heard[HEAD.size + length :]
        if kind == ARM:
            stop = body
        elif kind == DISARM:
            stop = b""
    return stop, heard


def send(port_fd: int, stop: bytes, frame_n: int = 0) -> None:
    """In pieces of `frame_n` bytes, or all at once for 0.

    The port may be full or gone: then there is nothing that could be done from here.
    """
    size_n = frame_n or len(stop)
    for _ in range(REPEATS_N):
        for begin in range(0, len(stop), size_n):
            with suppress(OSError):
                os.write(port_fd, stop[begin : begin + size_n])
        time.sleep(REPEAT_S)

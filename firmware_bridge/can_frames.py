"""CAN frames as bytes, so that dialects of devices on a CAN bus are as pure as the others.

A frame is Linux's own `struct can_frame`, 16 bytes: what a raw socket takes and gives. So the
watchdog's process, which has no libraries, can write one.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_LAYOUT = struct.Struct("<IB3x8s")
FRAME_N = _LAYOUT.size
EXTENDED, REMOTE, ERROR = 1 << 31, 1 << 30, 1 << 29
STANDARD_IDS_N = 1 << 11
LONGEST_N = 8


class CanFrame(NamedTuple):
    """One frame of classic CAN."""

    number: int
    """its id: 11 bits, or 29 where it is extended"""
    data: bytes = b""
    extended: bool = False
    remote: bool = False
    """asks for the frame of this id"""


def pack(*frames: CanFrame) -> bytes:
    """The frames one behind the other."""
    return b"".join(
        _LAYOUT.pack(
            frame.number | frame.extended * EXTENDED | frame.remote * REMOTE,
            len(frame.data),
            frame.data,
        )
        for frame in frames
    )


def unpack(data: bytes) -> CanFrame | None:
    """One frame; None for what can be none."""
    word, length, content = _LAYOUT.unpack(data)
    extended, number = bool(word & EXTENDED), word & (ERROR - 1)
    if length > LONGEST_N or word & ERROR or not (extended or number < STANDARD_IDS_N):
        return None
    return CanFrame(number, content[:length], extended, bool(word & REMOTE))


class CanFrames:
    """Collects bytes into frames. What is no frame is dropped and counted."""

    def __init__(self) -> None:
        self.damaged_n = 0
        self._rest = b""

    def split(self, data: bytes) -> list[CanFrame]:
        """The whole frames that these bytes complete."""
        held = self._rest + data
        whole_n = len(held) // FRAME_N * FRAME_N
        self._rest = held[whole_n:]
        frames = [unpack(held[at : at + FRAME_N]) for at in range(0, whole_n, FRAME_N)]
        self.damaged_n += frames.count(None)
        return [frame for frame in frames if frame is not None]

"""Whole frames out of bytes that may begin, break and lie anywhere: for replies with a length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class FrameCutter:
    """Finds frames that begin with `head`, tell their length, and check.

    It holds no more than `max_n` bytes. A frame that is not whole yet never hides a whole one
    behind it: what only looked like a beginning is given up for it.
    """

    head: bytes
    length_of: Callable[[bytes], int | None]
    """of what begins with a head: bytes of the frame, 0 for none, None while that is not known"""
    right: Callable[[bytes], bool]
    max_n: int
    damaged_n: int = 0
    _rest: bytes = b""

    def cut(self, data: bytes) -> list[bytes]:
        """The whole frames that these bytes complete."""
        held, found = self._rest + data, []
        at, open_at = 0, -1
        while (at := held.find(self.head, at)) >= 0:
            begun = held[at : at + self.max_n]
            length_n = self.length_of(begun)
            frame = begun[:length_n] if length_n and length_n <= self.max_n else b""
            if length_n is None or len(frame) < length_n <= self.max_n:
                open_at = at if open_at < 0 else open_at
                at += 1
            elif frame and self.right(frame):
                self.damaged_n += open_at >= 0
                found.append(frame)
                at, open_at = at + len(frame), -1
                held, at = held[at:], 0
            else:
                self.damaged_n += open_at < 0
                at += 1
        if open_at >= 0:
            self._rest = held[open_at:]
        else:
            self._rest = held[-(len(self.head) - 1) :] if len(self.head) > 1 else b""
        return found

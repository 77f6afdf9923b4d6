"""Where frames begin and end in a stream of bytes that may start, stop and break anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from acquisition.sequence import Frames
from acquisition.stream import Counts


class Framer(Protocol):
    """Collects bytes and gives whole frames."""

    def feed(self, data: bytes) -> Frames:
        """(frame, byte): the frames that these bytes complete."""
        ...


class Messages:
    """For transports that keep messages whole, as Bluetooth does: each is one frame, or none."""

    def __init__(self, frame_n: int, counts: Counts) -> None:
        self._frame_n, self._counts = frame_n, counts

    def feed(self, data: bytes) -> Frames:
        if len(data) != self._frame_n:
            self._counts.damaged_frames += 1
            return np.empty((0, self._frame_n), np.uint8)
        return np.frombuffer(data, np.uint8).reshape(1, -1)


class Marked:
    """Frames of a fixed length that are known by bytes in fixed places.

    In step, each stretch of `frame_n` bytes is a frame if it looks like one. A stretch that does
    not is skipped whole where the next one fits again (a damaged byte), and otherwise searched
    through byte by byte (missing bytes): there a frame counts only if the next one follows it.
    """

    def __init__(
        self, frame_n: int, looks_right: Callable[[Frames], NDArray[np.bool_]], counts: Counts
    ) -> None:
        """`looks_right`: (frame, byte) to a bool for each frame; must cost nothing but compares."""
        self._frame_n, self._looks_right, self._counts = frame_n, looks_right, counts
        self._rest = b""
        self._in_step = False

    def feed(self, data: bytes) -> Frames:
        held = np.frombuffer(self._rest + data, np.uint8)
        frame_n, at = self._frame_n, 0
        found: list[Frames] = []
        while len(held) - at >= frame_n:
            whole_n = (len(held) - at) // frame_n
            stretch = held[at : at + whole_n * frame_n].reshape(whole_n, frame_n)
            right = self._looks_right(stretch)
            good_n = whole_n if right.all() else int(right.argmin())
            if self._in_step and good_n:
                found.append(stretch[:good_n])
                at += good_n * frame_n
                continue
            step = self._recover(held[at:])
            if step is None:
                break
            at += step
        self._rest = held[at:].tobytes()
        return np.concatenate(found) if found else np.empty((0, frame_n), np.uint8)

    def _recover(self, held: Frames) -> int | None:
        """Bytes to skip to where a frame begins; None while too few bytes are there to tell."""
        frame_n = self._frame_n
        if len(held) < 2 * frame_n:
            return None
        if self._in_step and self._looks_right(held[None, frame_n : 2 * frame_n])[0]:
            self._counts.damaged_frames += 1
            return frame_n
        begins = np.lib.stride_tricks.sliding_window_view(held, frame_n)
        right = self._looks_right(begins)
        pairs = right[: len(right) - frame_n] & right[frame_n:]
        step = int(pairs.argmax()) if pairs.any() else len(pairs)
        # What was searched is gone, and holding it longer would let garbage grow without bound.
        self._counts.resyncs += self._in_step
        self._counts.garbage_bytes += step
        self._in_step = bool(pairs.any())
        return step

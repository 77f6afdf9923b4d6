"""Lines of text with columns of numbers, as frames: from bytes that begin and break anywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquisition.sequence import Frames
from acquisition.stream import Counts

LINE_MAX_N = 256
"""Bytes. What is longer is no line of numbers."""
SEPARATORS = bytes.maketrans(b",;\t\r", b"    ")
NUMERALS = b"0123456789+-.eE ,;\t\r"
LARGEST = 1e12
"""A number that is larger is none that a converter gave."""
WRAP_US = 2**32
"""A board's microseconds start again after 71 minutes."""


def values(frames: Frames) -> NDArray[np.float64]:
    """(frame, byte) -> (frame, column)"""
    read: NDArray[np.float64] = np.ascontiguousarray(frames).view("<f8")
    return read


def columns(line: bytes) -> int:
    """How many numbers a line holds; 0 where it holds anything else."""
    if len(line) > LINE_MAX_N or line.translate(None, NUMERALS):
        return 0
    words = line.translate(SEPARATORS).split()
    try:
        return len([float(word) for word in words])
    except ValueError:
        return 0


class LineFrames:
    """Lines of `columns_n` numbers. Each becomes a frame of as many doubles."""

    def __init__(self, columns_n: int, counts: Counts, rate_hz: float | None = None) -> None:
        """With `rate_hz` the first column is microseconds: they become numbers of samples, so that
        a step of one period is a step of one."""
        self._columns_n, self._counts, self._rate_hz = columns_n, counts, rate_hz
        self._rest = b""
        self._skipping = True
        """whether what comes up to the next line's end is dropped: the first line is a part"""
        self._last_us: float | None = None
        self._sample_n = 0.0

    def feed(self, data: bytes) -> Frames:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines and self._skipping:
            self._counts.garbage_bytes += len(lines[0])
            lines, self._skipping = lines[1:], False
        if len(self._rest) > LINE_MAX_N:
            self._counts.resyncs += not self._skipping
            self._counts.garbage_bytes += len(self._rest)
            self._rest, self._skipping = b"", True
        rows = self._read(lines)
        if self._rate_hz is not None:
            rows[:, 0] = [self._number(at_us, self._rate_hz) for at_us in rows[:, 0].tolist()]
        return rows.view(np.uint8)

    def _read(self, lines: list[bytes]) -> NDArray[np.float64]:
        """(line, column) of the lines that hold the right number of numbers."""
        whole = [
            words
            for line in lines
            if len(line) <= LINE_MAX_N and not line.translate(None, NUMERALS)
            if len(words := line.translate(SEPARATORS).split()) == self._columns_n
        ]
        try:
            rows = np.array(whole, dtype=bytes).astype("<f8").reshape(-1, self._columns_n)
        except ValueError:  # "1.2.3" or "--5" is somewhere among them
            whole = [words for words in whole if columns(b" ".join(words))]
            rows = np.array(whole, dtype=bytes).astype("<f8").reshape(-1, self._columns_n)
        right = (np.abs(rows) < LARGEST).all(axis=1)
        good: NDArray[np.float64] = rows[right]
        empty_n = sum(not line.strip() for line in lines)
        self._counts.damaged_frames += len(lines) - empty_n - len(good)
        return good

    def _number(self, at_us: float, rate_hz: float) -> float:
        """Number of the sample taken at `at_us` of the board's clock, from that of the last."""
        if self._last_us is not None:
            step_us = (at_us - self._last_us + WRAP_US / 2) % WRAP_US - WRAP_US / 2
            self._sample_n += round(step_us * rate_hz * 1e-6)
        self._last_us = at_us
        return self._sample_n

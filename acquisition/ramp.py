"""Where frames begin in a stream that has no marks, but a word in each frame that counts frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquisition.sequence import Frames, Ints
from acquisition.stream import Counts

Bools = NDArray[np.bool_]

SPAN_N = 8
"""Steps of the ramp that are looked at to find where frames begin. A quiet channel steps by one in
a fifth of its samples: eight in a row come once in 400,000 tries, and a search tries each word."""
ENOUGH = 0.6
"""Share of these steps that must be of one: 5 of 8, so that three frames may be lost among them."""


class Ramped:
    """Frames of a fixed length that carry a 16 bit ramp: it rises by one from frame to frame.

    In step, a frame belongs if its ramp follows. Where it does not, the frames behind it tell
    whether frames are missing (they still begin at the same bytes) or bytes are (they begin
    elsewhere, which counts as a resync). No frame is given out that does not fit the ramp behind
    it, so channels never change places. Looking ahead takes `SPAN_N` + 2 frames, at the start and
    where the ramp breaks; a stream in step is given out at once.
    """

    def __init__(self, frame_n: int, ramps: tuple[int, ...], counts: Counts, *, big: bool) -> None:
        """`ramps`: first bytes of the words that count, as each probe of a hub has one; the last of
        them is the device's own. `big`: whether the high byte comes first."""
        self._frame_n, self._ramps, self._counts, self._big = frame_n, ramps, counts, big
        self._rest = b""
        self._last: int | None = None
        """ramp of the newest frame; None while the beginning of a frame is searched for"""

    def feed(self, data: bytes) -> Frames:
        held = np.frombuffer(self._rest + data, np.uint8)
        frame_n, at = self._frame_n, 0
        found: list[Frames] = []
        while whole_n := (len(held) - at) // frame_n:
            stretch = held[at : at + whole_n * frame_n].reshape(whole_n, frame_n)
            good_n = self._follow(stretch)
            if not good_n:
                begin = self._begin(held[at:])
                if begin is None:
                    break
                if begin:
                    at += begin
                    continue
                good_n, self._last = 1, int(ramp_of(stretch[:1], self._ramps[-1], big=self._big)[0])
            found.append(stretch[:good_n])
            at += good_n * frame_n
        self._rest = held[at:].tobytes()
        return np.concatenate(found) if found else np.empty((0, frame_n), np.uint8)

    def _follow(self, frames: Frames) -> int:
        """How many of the first frames follow the newest one without a gap."""
        if self._last is None:
            return 0
        ramp = ramp_of(frames, self._ramps[-1], big=self._big)
        follows = ramp == (self._last + 1 + np.arange(len(ramp)) & 0xFFFF)
        good_n = len(frames) if follows.all() else int(follows.argmin())
        if good_n:
            self._last = int(ramp[good_n - 1])
        return good_n

    def _begin(self, held: Frames) -> int | None:
        """Bytes to skip to where a frame begins, or to be searched further; None while too few
        bytes are there to tell."""
        if len(held) < (SPAN_N + 2) * self._frame_n:
            return None
        was_in_step = self._last is not None
        steps = np.stack([self._steps(held, at) for at in self._ramps])
        score = steps.sum(axis=(0, 1))
        enough = ENOUGH * SPAN_N * len(self._ramps)
        if was_in_step and score[0] >= max(enough, score.max()):
            return 0
        # A frame of garbage before good ones must not be taken for their first.
        score[~steps[:, 0].all(axis=0)] = 0
        begin = int(score.argmax())
        self._counts.resyncs += was_in_step
        if score[begin] < enough:
            self._last, begin = None, self._frame_n
        else:
            first = held[None, begin : begin + self._frame_n]
            self._last = int(ramp_of(first, self._ramps[-1], big=self._big)[0]) - 1
        self._counts.garbage_bytes += begin
        return begin

    def _steps(self, held: Frames, at: int) -> Bools:
        """(step, offset): whether a ramp at byte `at` rises by one, were frames to begin there."""
        n = (SPAN_N + 1) * self._frame_n
        pairs = np.stack([held[at : at + n], held[at + 1 : at + 1 + n]], axis=1)
        ramp = ramp_of(pairs, 0, big=self._big).reshape(SPAN_N + 1, self._frame_n)
        rises: Bools = (np.diff(ramp, axis=0) & 0xFFFF) == 1
        return rises


def ramp_of(frames: Frames, at: int, *, big: bool) -> Ints:
    """(frame,) the 16 bit numbers at byte `at` of (frame, byte) frames."""
    high, low = (at, at + 1) if big else (at + 1, at)
    return frames[:, high].astype(np.int64) << 8 | frames[:, low]

"""What a frame counter tells: which frames are missing, which came twice, which lie.

A frame whose counter does not follow is held back until the next one confirms or contradicts it:
no checksum guards these devices' counters, and one flipped bit must not count as a second of loss.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acquisition.sample_clock import CRYSTAL
from acquisition.stream import Counts

Frames = NDArray[np.uint8]
"""(frame, byte)"""
Ints = NDArray[np.int64]

_TINY = 8
"""A counter with no more values than this cannot tell late from lost: it is taken at its word."""
_LATE = 16
"""A frame so few before the newest one is late; further back it is taken for far ahead."""


class Run(NamedTuple):
    """Frames that follow each other without a gap."""

    lost: int
    """frames missing before the first"""
    frames: Frames


class Sequence:
    """Puts frames in order by a counter that wraps at `modulus`. Counts what it drops."""

    def __init__(self, modulus: int, counts: Counts) -> None:
        self._modulus, self._counts = modulus, counts
        self._late = min(_LATE, modulus // 8)
        self._last: int | None = None
        self._held: tuple[int, Frames] | None = None
        self._newest: Frames | None = None

    def take(self, frames: Frames, counters: Ints) -> list[Run]:
        """The runs that (frame, byte) `frames` with (frame,) `counters` complete, in order."""
        if not len(frames):
            return []
        if self._held is None and self._last is not None:
            following = np.arange(self._last + 1, self._last + 1 + len(counters))
            if (counters == following % self._modulus).all():
                self._last = int(counters[-1])
                self._newest = frames[-1:]
                return [Run(0, frames)]
        one = self._trust if self._modulus <= _TINY else self._weigh
        pieces: list[Run] = []
        for i, counter in enumerate(counters.tolist()):
            pieces += one(counter, frames[i : i + 1])
        return _joined(pieces)

    def _trust(self, counter: int, frame: Frames) -> list[Run]:
        if self._last is None:
            return self._accept(counter, frame, 0)
        step = (counter - self._last) % self._modulus
        if step == 0 and self._newest is not None and np.array_equal(frame, self._newest):
            self._counts.duplicate_frames += 1
            return []
        return self._accept(counter, frame, (step - 1) % self._modulus)

    def _weigh(self, counter: int, frame: Frames) -> list[Run]:
        held, self._held = self._held, None
        if self._last is None:
            if held is not None and (counter - held[0]) % self._modulus == 1:
                return self._accept(*held, 0) + self._accept(counter, frame, 0)
            self._counts.damaged_frames += held is not None
            self._held = counter, frame
            return []
        step = (counter - self._last) % self._modulus
        if step == 0 or (held is not None and counter == held[0]):
            self._counts.duplicate_frames += 1
            self._held = held
            return []
        if step > self._modulus - self._late:
            self._counts.late_frames += 1
            self._held = held
            return []
        if held is None:
            return self._follow(counter, frame, step)
        ahead = (held[0] - self._last) % self._modulus
        if step == 1 and ahead == 2:  # the two came in the wrong order
            return self._accept(counter, frame, 0) + self._accept(*held, 0)
        if ahead < step:
            accepted = self._accept(*held, ahead - 1)
            return accepted + self._follow(counter, frame, step - ahead)
        self._counts.damaged_frames += 1  # its counter fits neither neighbour
        return self._follow(counter, frame, step)

    def _follow(self, counter: int, frame: Frames, step: int) -> list[Run]:
        """Delivers the frame if it is the next; otherwise holds it until another speaks for it."""
        if step == 1:
            return self._accept(counter, frame, 0)
        self._held = counter, frame
        return []

    def _accept(self, counter: int, frame: Frames, lost: int) -> list[Run]:
        self._last, self._newest = counter, frame
        return [Run(lost, frame)]


def _joined(pieces: list[Run]) -> list[Run]:
    """Neighbours without a gap between them become one run."""
    groups: list[tuple[int, list[Frames]]] = []
    for lost, frames in pieces:
        if lost or not groups:
            groups.append((lost, [frames]))
        else:
            groups[-1][1].append(frames)
    return [Run(lost, np.concatenate(parts)) for lost, parts in groups]


class ArrivalWatch:
    """Finds lost frames of a device without a counter, or beyond what its counter can tell.

    A lost frame makes every later one arrive one frame later than its number says. So the least
    delay of each half second is compared with that of those before: jitter only adds delay, and
    two clocks drift apart slowly. A loss is told up to a second after it happened.
    """

    span_s = 0.5

    def __init__(
        self, frame_s: float, granule: int = 1, least_s: float = 0.0, drift: float = CRYSTAL
    ) -> None:
        """`frame_s`: seconds per frame; `granule`: losses come in multiples of so many frames;
        `least_s`: smaller steps are taken for jitter; `drift`: share by which the device's clock
        may be slow (a crystal: 100 ppm, and some)."""
        self._frame_s, self._granule, self._drift = frame_s, granule, drift
        self._least_s = max(0.75 * granule * frame_s, least_s)
        self._base_s: float | None = None
        """least delay so far, drift followed"""
        self._begin_s: float | None = None
        self._delay_s, self._arrivals_n = math.inf, 0

    def lost(self, frame_n: int, at_s: float) -> int:
        """Frames newly known to be lost when frame number `frame_n` arrives; the caller adds them
        to its numbers."""
        if self._begin_s is None:
            self._begin_s = at_s
        self._delay_s = min(self._delay_s, at_s - frame_n * self._frame_s)
        self._arrivals_n += 1
        spent_s = at_s - self._begin_s
        if spent_s < self.span_s or self._arrivals_n < 3:
            return 0
        delay_s, self._delay_s = self._delay_s, math.inf
        self._begin_s, self._arrivals_n = at_s, 0
        if self._base_s is None or delay_s <= self._base_s:
            self._base_s = delay_s
            return 0
        step_s, grain_s = delay_s - self._base_s, self._granule * self._frame_s
        granules = 0 if step_s < self._least_s else int(step_s / grain_s + 0.5)
        # What is left over is jitter, in a span with a loss more than in others: it must not raise
        # the base, or the next loss would look smaller than it is.
        self._base_s += min(step_s - granules * grain_s, self._drift * spent_s)
        # The delays of the next span are counted from the new numbers.
        return granules * self._granule

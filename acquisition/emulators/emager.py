"""The EMaGer sleeve: it sends from the moment that it has power."""

from __future__ import annotations

import numpy as np

from acquisition.emager import CHANNELS_N, ORDERS, RATE_HZ, SPEC
from acquisition.emulators.twin import Counts, Pace, Said, Signal, Transport, pattern


class EmagerTwin:
    """One sleeve. The lowest bit of each word marks where frames begin, whatever the signal is."""

    transport = Transport("serial", {})
    samples_per_frame = 1
    spec = SPEC
    count_range = -(2**15), 2**15 - 1
    vital = b"\x00\x01" * CHANNELS_N

    def __init__(self, signal: Signal | None = None, *, version: str = "1.0") -> None:
        self._order = np.array(ORDERS[version])
        self._first = int((self._order == 0).argmax())
        given = signal or pattern(CHANNELS_N, *self.count_range)
        self.signal: Signal = lambda first_n, n: self._marked(given(first_n, n))
        self._pace = Pace(1 / RATE_HZ)
        self._frame_n = 0

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        self._pace.start(now_s)  # its power comes with the cable
        self._frame_n = 0
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return []

    def due(self, now_s: float) -> list[Said]:
        n, first_n = self._pace.due_n(now_s), self._frame_n
        if not n:
            return []
        self._frame_n += n
        words = np.empty((n, CHANNELS_N), ">i2")
        words[:, self._order] = self._marked(self.signal(first_n, n))
        return [Said(words[k].tobytes(), sample_n=first_n + k) for k in range(n)]

    def _marked(self, counts: Counts) -> Counts:
        marked = counts | 1
        marked[:, self._first] -= 1
        return marked


def emager_twin(signal: Signal | None = None, *, version: str = "1.0") -> EmagerTwin:
    return EmagerTwin(signal, version=version)

"""Boards behind a vendor's library: what the library gives, row by row, in place of its bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from acquisition.board_rows import START, STOP, Rows, spec_of
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern

FULL_UV = 187_500
"""As of an ADS1299 at gain 24."""


class RowsTwin:
    """Gives rows from "start" to "stop", as a board of a library does."""

    transport = Transport("library", {})
    samples_per_frame = 1
    count_range = -FULL_UV, FULL_UV

    def __init__(self, rows: Rows, signal: Signal | None = None) -> None:
        self._rows = rows
        self.spec = spec_of(rows)
        self.signal = signal or pattern(len(rows.signal), *self.count_range)
        self._pace = Pace(1 / rows.rate_hz)
        self._frame_n = 0
        mask = bytearray(8 * rows.rows_n)
        if rows.counter_step:
            mask[8 * rows.counter : 8 * rows.counter + 8] = b"\xff" * 8
        self.vital = bytes(mask)

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if data == START:
            self._frame_n = 0
            self._pace.start(now_s)
        elif data == STOP:
            self._pace.stop()
        return []

    def due(self, now_s: float) -> list[Said]:
        n = self._pace.due_n(now_s)
        numbers = range(self._frame_n, self._frame_n + n)
        self._frame_n += n
        return [Said(self._frame(k), sample_n=k) for k in numbers]

    def _frame(self, n: int) -> bytes:
        row = np.zeros(self._rows.rows_n, "<f8")
        row[list(self._rows.signal)] = self.signal(n, 1)[0]
        row[self._rows.counter] = n * self._rows.counter_step % 256
        row[list(self._rows.accel[2:3])] = 1.0
        return row.tobytes()


def brainflow_twin(signal: Signal | None = None, *, board: str = "synthetic") -> RowsTwin:
    from acquisition.brainflow import describe, library

    return RowsTwin(describe(board, library()), signal)


def mindrove_twin(signal: Signal | None = None, **_: Any) -> RowsTwin:
    from acquisition.mindrove import describe, library

    return RowsTwin(describe("armband", library()), signal)

"""The OpenBCI Ganglion with firmware 3."""

from __future__ import annotations

import numpy as np

from acquisition.emulators.gatt import Gatt
from acquisition.emulators.twin import Counts, Pace, Said, Signal, Transport, pattern
from acquisition.ganglion import (
    ACCEL_G,
    AXES,
    BITS,
    COMMAND,
    CYCLE,
    FRAME_N,
    NOTIFIED,
    SAMPLES_PER_FRAME,
    SERVICE,
    SPEC,
)

LOW, HIGH = -(2**23), 2**23 - 1
GRAVITY = (0.0, 0.0, 1.0)
WORDS = b"\xceOpenBCI Ganglion v3.0.0\n"[:FRAME_N]
"""An answer in words, as firmware sends it: a number above those of frames, then text."""


class GanglionTwin:
    """One board. It streams from `b` to `s`; `n` and `N` switch the accelerometer."""

    transport = Transport("gatt", {})
    spec = SPEC
    count_range = LOW, HIGH
    samples_per_frame = SAMPLES_PER_FRAME
    vital = b"\xff" + bytes(FRAME_N - 1)
    hung_up = False
    gatt = Gatt(
        "Ganglion-58f3",
        "E6:73:73:18:40:B1",
        (SERVICE,),
        {SERVICE: {NOTIFIED: ("read", "notify"), COMMAND: ("write", "write-without-response")}},
    )

    def __init__(self, signal: Signal | None = None, *, accel: bool = True) -> None:
        """`accel` is what the host sets; with it samples have 18 bits of 24, without it 19."""
        self._accel = accel
        counts = pattern(len(SPEC.channels), LOW, HIGH)
        bits = BITS[accel]
        self.signal = signal or (lambda first_n, n: _sendable(counts(first_n, n), bits))
        self._pace = Pace(SAMPLES_PER_FRAME / SPEC.rate_hz)
        self._frame_n = 0

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        self._pace.stop()
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if line != COMMAND:
            return []
        if data == b"b":
            self._frame_n = 0
            self._pace.start(now_s)
        elif data == b"s":
            self._pace.stop()
        elif data in (b"n", b"N"):
            self._accel = data == b"n"
        elif data == b"v":
            return [Said(WORDS, NOTIFIED)]
        return []

    def due(self, now_s: float) -> list[Said]:
        n = self._pace.due_n(now_s)
        numbers = range(self._frame_n, self._frame_n + n)
        self._frame_n += n
        return [Said(self._frame(k), NOTIFIED, SAMPLES_PER_FRAME * k) for k in numbers]

    def _frame(self, n: int) -> bytes:
        bits = BITS[self._accel]
        values = self.signal(SAMPLES_PER_FRAME * n, SAMPLES_PER_FRAME).ravel() >> (24 - bits)
        negative = values < 0
        values = (values & ((1 << bits) - 2)) | negative
        places = np.arange(bits - 1, -1, -1)
        body = np.packbits((values[:, None] >> places & 1).astype(np.uint8).ravel()).tobytes()
        if not self._accel:
            return bytes([CYCLE + n % CYCLE]) + body
        return bytes([n % CYCLE]) + body + self._axis(n).to_bytes(1, "big", signed=True)

    def _axis(self, n: int) -> int:
        if n % 10 >= len(AXES):
            return 0
        place, sign = AXES[n % 10]
        return round(sign * GRAVITY[place] / ACCEL_G)


def _sendable(counts: Counts, bits: int) -> Counts:
    """Counts with zeros where nothing is sent: below the leading bits, and in the sign's place."""
    drop = 25 - bits
    return (counts >> drop) << drop


def ganglion_twin(signal: Signal | None = None, *, accel: bool = True) -> GanglionTwin:
    return GanglionTwin(signal, accel=accel)

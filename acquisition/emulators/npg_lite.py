"""The NPG-LITE at a host's Bluetooth."""

from __future__ import annotations

import numpy as np

from acquisition.chords import spec_of
from acquisition.emulators.gatt import Gatt
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern
from acquisition.npg_lite import BOARD, COMMAND, NOTIFIED, SAMPLE_N, SAMPLES_N, SERVICE


class NpgLiteTwin:
    """One board. It streams from START to STOP."""

    transport = Transport("gatt", {})
    count_range = 0, (1 << BOARD.bits) - 1
    samples_per_frame = SAMPLES_N
    vital = (b"\xff" + bytes(SAMPLE_N - 1)) * SAMPLES_N
    hung_up = False
    gatt = Gatt(
        "NPG-30:30:f9:f9:db:76",
        "30:30:F9:F9:DB:76",
        (SERVICE,),
        {SERVICE: {NOTIFIED: ("read", "notify"), COMMAND: ("read", "write")}},
    )

    def __init__(
        self, signal: Signal | None = None, *, vref: float = 0.0, gain: float = 0.0
    ) -> None:
        self.spec = spec_of(BOARD, vref, gain)
        self.signal = signal or pattern(BOARD.channels_n, *self.count_range)
        self._pace = Pace(SAMPLES_N / BOARD.rate_hz)
        self._sample_n = 0

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        self._pace.stop()
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if line == COMMAND and data == b"START":
            self._sample_n = 0
            self._pace.start(now_s)
        elif line == COMMAND and data == b"STOP":
            self._pace.stop()
        return []

    def due(self, now_s: float) -> list[Said]:
        return [self._notification() for _ in range(self._pace.due_n(now_s))]

    def _notification(self) -> Said:
        n, self._sample_n = self._sample_n, self._sample_n + SAMPLES_N
        words = self.signal(n, SAMPLES_N).astype(">u2")
        samples = [
            bytes([(n + k) % 256]) + np.ascontiguousarray(row).tobytes()
            for k, row in enumerate(words)
        ]
        return Said(b"".join(samples), NOTIFIED, n)


def npg_lite_twin(
    signal: Signal | None = None, *, vref: float = 0.0, gain: float = 0.0
) -> NpgLiteTwin:
    return NpgLiteTwin(signal, vref=vref, gain=gain)

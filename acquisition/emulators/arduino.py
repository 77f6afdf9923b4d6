"""A board that prints columns: it restarts when its port is opened, and prints until it is off."""

from __future__ import annotations

from typing import Any

from acquisition.arduino import Columns, spec_of
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern

BOOT_S = 1.5
"""from the opening of its port to the first line"""
COUNTER_WRAP = 65_536
WIDTHS = {"value": 0, "counter": 6, "time_us": 11}


class ArduinoTwin:
    """One board, and the columns that its program prints."""

    transport = Transport("serial", {})
    samples_per_frame = 1

    def __init__(self, held: Columns, bits: int, signal: Signal | None = None) -> None:
        self._held = held
        self.spec = spec_of(held)
        self.count_range = 0, 2**bits - 1
        self.signal = signal or pattern(held.channels_n, *self.count_range)
        self._digits = len(str(2**bits - 1))
        self.vital = bytes(WIDTHS[held.first] + held.channels_n * (self._digits + 1) + 1)
        self._pace = Pace(1 / held.rate_hz)
        self._frame_n = 0

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        self._pace.start(now_s + BOOT_S)
        self._frame_n = 0
        return [Said(b"EMG sensor ready\r\n")]

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return []

    def due(self, now_s: float) -> list[Said]:
        n = self._pace.due_n(now_s)
        numbers = range(self._frame_n, self._frame_n + n)
        self._frame_n += n
        return [Said(self._line(k), sample_n=k) for k in numbers]

    def _line(self, n: int) -> bytes:
        cells = [f"{v:{self._digits}d}" for v in self.signal(n, 1)[0].tolist()]
        if self._held.first == "counter":
            cells.insert(0, f"{n % COUNTER_WRAP:5d}")
        elif self._held.first == "time_us":
            cells.insert(0, f"{round(n * 1e6 / self._held.rate_hz) % 2**32:10d}")
        return (",".join(cells) + "\r\n").encode()


def arduino_twin(
    signal: Signal | None = None,
    *,
    channels: int = 1,
    rate: float = 500.0,
    first: str = "value",
    bits: int = 10,
    **_: Any,
) -> ArduinoTwin:
    """The settings are those of the source; others of its change nothing here."""
    return ArduinoTwin(Columns(channels, rate, first), bits, signal)

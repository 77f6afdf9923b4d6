"""The Trigno Control Utility with its sensors: commands, floats in volts, a batch every 13.5 ms."""

from __future__ import annotations

import numpy as np

from acquisition.delsys import (
    EMG_FRAME_N,
    END,
    FULL_UV,
    PERIOD_S,
    SLOTS,
    STEP_UV,
    open_delsys,
    rate_of,
    read_slots,
)
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern

HIGH = int(FULL_UV / STEP_UV)
BANNER = b"Delsys Trigno System Digital Protocol Version 3.3.0"
REPLIES = {b"START": b"OK", b"STOP": b"OK", b"QUIT": b"BYE"}


class DelsysTwin:
    """`sensors` are paired; the other slots send zeros."""

    transport = Transport("listen", {"": 50040, "emg": 50043, "aux": 50044})
    count_range = (-HIGH, HIGH)

    def __init__(
        self, signal: Signal | None = None, *, sensors: str | int = "1-16", rate: float = 1925.926
    ) -> None:
        self._slots = read_slots(str(sensors))
        self.spec = open_delsys(f"x,sensors={sensors},rate={rate}").spec
        self.signal = signal or pattern(len(self._slots), -HIGH, HIGH)
        self.samples_per_frame = round(rate_of(rate) * PERIOD_S)
        self._pace, self._batch_n, self._inside = Pace(PERIOD_S), 0, b""

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    @property
    def vital(self) -> bytes:
        """Nothing marks a frame: a changed byte changes a sample."""
        return bytes(self.samples_per_frame * EMG_FRAME_N)

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        if line:
            return []
        self._pace.stop()
        self._inside = b""
        return [Said(BANNER + END)]

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if line:
            return []
        *commands, self._inside = (self._inside + data).split(END)
        out = []
        for command in commands:
            if command == b"START":
                self._batch_n = 0
                self._pace.start(now_s)
            elif command == b"STOP":
                self._pace.stop()
            out.append(Said(REPLIES.get(command, b"INVALID COMMAND") + END))
        return out

    def due(self, now_s: float) -> list[Said]:
        out = []
        for _ in range(self._pace.due_n(now_s)):
            n = self.samples_per_frame
            first_n = self._batch_n * n
            self._batch_n += 1
            volts = np.zeros((n, len(SLOTS)), "<f4")
            volts[:, np.array(self._slots) - 1] = self.signal(first_n, n) * (STEP_UV / 1e6)
            out.append(Said(volts.tobytes(), "emg", first_n))
            motion = np.zeros((2, len(SLOTS), 9), "<f4")
            motion[:, np.array(self._slots) - 1, 2] = 1.0  # the arm hangs: one g along z
            out.append(Said(motion.tobytes(), "aux"))
        return out


def delsys_twin(
    signal: Signal | None = None, *, sensors: str | int = "1-16", rate: float = 1925.926
) -> DelsysTwin:
    return DelsysTwin(signal, sensors=sensors, rate=rate)

"""The OYMotion gForcePro armband."""

from __future__ import annotations

import struct

import numpy as np

from acquisition.emulators.gatt import Gatt
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern
from acquisition.gforce import (
    CHANNELS,
    COMMAND,
    DATA_N,
    EMG_FLAG,
    EMG_TYPE,
    NOTIFIED,
    PART,
    RATES,
    RESOLUTIONS,
    SERVICE,
    SET_EMG,
    SWITCH,
    samples_per_frame,
    spec_of,
)

OK, UNSUPPORTED, WRONG = 0, 1, 2
BATTERY = 0x08


class GForceTwin:
    """One armband. It sends what the switch is set to, at the rate that was last set."""

    transport = Transport("gatt", {})
    vital = b"\xff" + bytes(DATA_N)
    hung_up = False
    gatt = Gatt(
        "gForcePro+(5B12)",
        "90:7B:C6:63:5B:12",
        (SERVICE,),
        {SERVICE: {COMMAND: ("write", "notify"), NOTIFIED: ("notify",)}},
    )

    def __init__(
        self, signal: Signal | None = None, *, rate: int = 1000, bits: int = 8, parts: int = 1
    ) -> None:
        """`rate` and `bits` are what the host sets; `parts`: notifications of a frame, as where
        the MTU is small."""
        self._rate, self._bits, self._parts = rate, bits, parts
        self.spec = spec_of(rate, bits)
        self.count_range = 0, (1 << bits) - 1
        self.signal = signal or pattern(len(CHANNELS), *self.count_range)
        self._frame_n = 0
        self._pace = Pace(1.0)

    @property
    def samples_per_frame(self) -> int:
        return samples_per_frame(self._bits)

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        self._pace.stop()
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if line != COMMAND or not data:
            return []
        result, more = self._obey(data, now_s)
        return [Said(bytes([result, data[0]]) + more, COMMAND)]

    def due(self, now_s: float) -> list[Said]:
        said: list[Said] = []
        for _ in range(self._pace.due_n(now_s)):
            said += self._frame()
        return said

    def _obey(self, data: bytes, now_s: float) -> tuple[int, bytes]:
        """(result, what is told)"""
        if data[0] == SET_EMG and len(data) == 7:
            rate, mask, data_n, bits = struct.unpack("<HHBB", data[1:])
            fits = rate in RATES and bits in RESOLUTIONS and (rate, bits) != (1000, 12)
            if not fits or mask != 0xFF or data_n != DATA_N:
                return WRONG, b""
            self._rate, self._bits = rate, bits
            return OK, b""
        if data[0] == SWITCH and len(data) == 5:
            self._pace.stop()
            if struct.unpack("<I", data[1:])[0] & EMG_FLAG:
                self._frame_n = 0
                self._pace = Pace(self.samples_per_frame / self._rate)
                self._pace.start(now_s)
            return OK, b""
        return (OK, b"\x5a") if data[0] == BATTERY else (UNSUPPORTED, b"")

    def _frame(self) -> list[Said]:
        n, self._frame_n = self.samples_per_frame * self._frame_n, self._frame_n + 1
        rows = self.signal(n, self.samples_per_frame)
        body = rows.astype(np.uint8 if self._bits == 8 else "<u2").tobytes()
        message = bytes([EMG_TYPE]) + body
        if self._parts == 1:
            return [Said(message, NOTIFIED, n)]
        part_n = -(-len(message) // self._parts)
        pieces = [message[at : at + part_n] for at in range(0, len(message), part_n)]
        left = range(len(pieces) - 1, -1, -1)
        return [
            Said(bytes([PART, k]) + piece, NOTIFIED) for k, piece in zip(left, pieces, strict=True)
        ]


def gforce_twin(
    signal: Signal | None = None, *, rate: int = 1000, bits: int = 8, parts: int = 1
) -> GForceTwin:
    return GForceTwin(signal, rate=rate, bits=bits, parts=parts)

"""The OpenBCI Cyton, with or without Daisy, behind its dongle: commands and frames."""

from __future__ import annotations

import numpy as np

from acquisition.cyton import ACCEL_G, ACCEL_STOP, FRAME_N, SPECS
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern

LOW, HIGH = -(2**23), 2**23 - 1
FRAME_HZ = 250.0
"""With a Daisy the two boards take turns."""
BANNER = (
    "OpenBCI V3 8-16 channel\r\nOn Board ADS1299 Device ID: 0x3E\r\n"
    "{daisy}LIS3DH Device ID: 0x33\r\nFirmware: v3.1.2\r\n$$$"
)
RESTING = 16, -32, round(1.0 / ACCEL_G)
"""An arm at rest. No axis is 0: BrainFlow takes an acceleration without x for none at all."""


class CytonTwin:
    """One board. It streams from `b` to `s`."""

    transport = Transport("serial", {})
    count_range = LOW, HIGH
    samples_per_frame = 1
    vital = bytes([0xFF, 0xFF]) + bytes(FRAME_N - 3) + bytes([0xF0])

    def __init__(self, signal: Signal | None = None, *, daisy: bool = False) -> None:
        self._daisy = daisy
        self.spec = SPECS[daisy]
        self.signal = signal or pattern(len(self.spec.channels), LOW, HIGH)
        self._pace = Pace(1 / FRAME_HZ)
        self._frame_n = 0
        self._told = ""
        """a channel's setting, as far as it has come"""
        self.inputs: dict[str, str] = {}
        """letter of a channel -> what it was set to"""

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        out = []
        for command in data.decode("latin-1"):
            if self._told or command == "x":
                out += self._set(command)
            elif command == "b":
                self._frame_n = 0
                self._pace.start(now_s)
            elif command == "s":
                self._pace.stop()
            elif command in REPLIES and self._pace.next_s == np.inf:
                out.append(Said(self._reply(command).encode()))
        return out

    def _set(self, character: str) -> list[Said]:
        """One character more of "x1060110X", the longest that a setting is."""
        self._told += character
        if character != "X" and len(self._told) < 9:
            return []
        told, self._told = self._told, ""
        self.inputs[told[1]] = told[2:-1]
        return [Said(f"Success: Channel set for {told[1]}$$$".encode())]

    def due(self, now_s: float) -> list[Said]:
        n = self._pace.due_n(now_s)
        numbers = range(self._frame_n, self._frame_n + n)
        self._frame_n += n
        boards = 1 + self._daisy
        return [Said(self._frame(k), sample_n=k // boards) for k in numbers]

    def _reply(self, command: str) -> str:
        if command == "v":
            return BANNER.format(daisy="On Daisy ADS1299 Device ID: 0x3E\r\n" * self._daisy)
        if command == "C" and not self._daisy:
            return "no daisy to attach!8$$$"
        return REPLIES[command]

    def _frame(self, n: int) -> bytes:
        boards = 2 if self._daisy else 1
        # With a Daisy odd numbers are the Cyton's; the first pair begins at 1.
        number = (n + 1) % 256 if self._daisy else n % 256
        row = self.signal(n // boards, 1)[0]
        part = row[8 * (n % boards) : 8 * (n % boards) + 8]
        body = b"".join(int(v).to_bytes(3, "big", signed=True) for v in part)
        accel = RESTING if n % 10 == 0 else (0, 0, 0)
        aux = b"".join(v.to_bytes(2, "big", signed=True) for v in accel)
        return bytes([0xA0, number]) + body + aux + bytes([ACCEL_STOP])


REPLIES = {
    "v": BANNER,
    "d": "updating channel settings to default$$$",
    "C": "daisy attached16$$$",
    "c": "8$$$",
    "V": "v3.1.2$$$",
    "?": "Board ADS Registers\r\n$$$",
}
"""command -> answer, while it does not stream"""


def cyton_twin(signal: Signal | None = None, *, daisy: bool = False) -> CytonTwin:
    return CytonTwin(signal, daisy=daisy)

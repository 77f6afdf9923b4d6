"""The RHX program with an amplifier: commands in words, blocks of 128 samples."""

from __future__ import annotations

import re

import numpy as np

from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern
from acquisition.intan import BLOCK_N, MAGIC, open_intan, read_channels

LOW, HIGH = 0, 65535


class IntanTwin:
    """It has the channels of `channels`, and sends those that it is told to."""

    transport = Transport("listen", {"": 5000, "wave": 5001})
    count_range = (LOW, HIGH)
    samples_per_frame = BLOCK_N

    def __init__(
        self,
        signal: Signal | None = None,
        *,
        channels: str = "a-000..a-007",
        rate: float = 20000.0,
    ) -> None:
        self._has = read_channels(channels)
        self.spec = open_intan(f"x,channels={channels},rate={rate}").spec
        self.signal = signal or pattern(len(self._has), LOW, HIGH)
        self._sends: list[str] = []
        self._pace, self._block_n = Pace(BLOCK_N / rate), 0

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    @property
    def vital(self) -> bytes:
        """The magic number and all time stamps."""
        row = b"\xff" * 4 + bytes(2 * len(self._sends))
        return b"\xff" * 4 + BLOCK_N * row

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if line:
            return []
        words = data.decode("latin-1").lower().split(";")
        return [said for word in words for said in self._obey(word.strip(), now_s)]

    def due(self, now_s: float) -> list[Said]:
        out = []
        columns = [self._has.index(name) for name in sorted(self._sends)]
        for _ in range(self._pace.due_n(now_s)):
            first_n = self._block_n * BLOCK_N
            self._block_n += 1
            if columns:
                out.append(Said(self.block(first_n, columns), "wave", first_n))
        return out

    def block(self, first_n: int, columns: list[int]) -> bytes:
        rows = np.zeros((BLOCK_N, 2 + len(columns)), "<u2")
        rows[:, :2] = np.arange(first_n, first_n + BLOCK_N, dtype="<u4").view("<u2").reshape(-1, 2)
        rows[:, 2:] = self.signal(first_n, BLOCK_N)[:, columns]
        return MAGIC.tobytes() + rows.tobytes()

    def _obey(self, word: str, now_s: float) -> list[Said]:
        running = self._pace.next_s != np.inf
        output = re.fullmatch(r"set (\S+)\.tcpdataoutputenabled (true|false)", word)
        if word == "get runmode":
            return [Said(f"Return: RunMode {'Run' if running else 'Stop'}".encode())]
        if word == "get sampleratehertz":
            return [Said(f"Return: SampleRateHertz {self.spec.rate_hz:.0f}".encode())]
        if word == "set runmode run":
            self._block_n = 0
            self._pace.start(now_s)
        elif word == "set runmode stop":
            self._pace.stop()
        elif word == "execute clearalldataoutputs" and not running:
            self._sends.clear()
        elif output and output[1] in self._has and not running:
            others = [name for name in self._sends if name != output[1]]
            self._sends = others + [output[1]] * (output[2] == "true")
        elif not word.startswith("set tcpnumberdatablocksperwrite") or running:
            return [Said(b"Unrecognized parameter in command: " + word.encode())]
        return []


def intan_twin(
    signal: Signal | None = None, *, channels: str = "a-000..a-007", rate: float = 20000.0
) -> IntanTwin:
    return IntanTwin(signal, channels=channels, rate=rate)

"""A twin at the other end of a port in virtual time: ten minutes of stream in a second or two."""

from __future__ import annotations

import math

import numpy as np

from acquisition.emulators.trouble import Injected, Trouble, pass_on
from acquisition.emulators.twin import Said, Twin
from acquisition.port import Arrival
from acquisition.stream import DeviceLost


class VirtualClock:
    """Monotonic seconds that somebody moves."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class VirtualPort:
    """A `Port` to a twin. Reading moves the clock to what comes next, or by the timeout.

    `quantum_s` is the least time between two reads, as a busy machine reads.
    """

    def __init__(
        self,
        twin: Twin,
        clock: VirtualClock,
        trouble: Trouble | None = None,
        quantum_s: float = 0.0,
    ) -> None:
        self.twin, self._clock, self._quantum_s = twin, clock, quantum_s
        self.trouble = trouble or Trouble()
        self.injected = Injected()
        self._random = np.random.default_rng(self.trouble.seed)
        self._rest: dict[str, bytes] = {}
        lines = twin.transport.ports or {"": 0}
        self._answers = [said for line in lines for said in twin.greet(clock(), line)]
        self.closed = False
        self.unplugged = False
        self.deaf = False
        """whether everything that the twin says is lost"""

    def clock(self) -> float:
        return self._clock()

    def read(self, timeout_s: float) -> list[Arrival]:
        if self.unplugged or self.closed:
            raise DeviceLost("The virtual device was unplugged: plug it in again.")
        now_s, twin = self._clock(), self.twin
        if not self._answers and not any(self._rest.values()):
            wake_s = max(twin.next_s, now_s + self._quantum_s)
            self._clock.now_s = max(now_s, min(wake_s, now_s + timeout_s))
        frames = twin.due(self._clock())
        if self.deaf:
            self._clock.now_s = max(self._clock.now_s, now_s + timeout_s)
            return []
        said = pass_on(frames, self.trouble, self.injected, self._random, twin.vital)
        said, self._answers = self._answers + said, []
        if self.trouble.delay_s and said:
            self._clock.sleep(self._random.random() * self.trouble.delay_s)
        return self._arrivals(said)

    def write(self, data: bytes, line: str = "") -> None:
        if self.unplugged or self.closed:
            raise DeviceLost("The virtual device was unplugged: plug it in again.")
        self._answers += self.twin.hear(data, self._clock(), line)

    def close(self) -> None:
        self.closed = True

    def _arrivals(self, said: list[Said]) -> list[Arrival]:
        now_s = self._clock()
        if self.twin.transport.kind == "gatt":
            return [Arrival(one.data, now_s, one.line) for one in said]
        lines: dict[str, list[bytes]] = {line: [] for line in self._rest}
        for one in said:
            lines.setdefault(one.line, []).append(one.data)
        out = []
        for line, parts in lines.items():
            data = self._rest.pop(line, b"") + b"".join(parts)
            if self.trouble.split and self.twin.transport.kind not in ("library", "lsl"):
                cut = math.ceil(self._random.random() * len(data))
                data, self._rest[line] = data[:cut], data[cut:]
            if data:
                out.append(Arrival(data, now_s, line))
        return out

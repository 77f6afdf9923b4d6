"""A line on which hand and host speak in turns: what is asked waits for the answer before it.

On a bus of two wires (RS485, servo buses) a host that speaks into an answer spoils both.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from acquisition.stream import DeviceLost
from firmware_bridge.hand_port import HandPort

Turns = Callable[[bytes], list[tuple[bytes, int]]]
"""What is written, cut into parts; with each, the bytes of the answer to it, 0 for none."""
WAITING_N = 8
STALE_S = 0.100
"""What waited so long is no longer meant; a stop always is."""


@dataclass
class TurnPort:
    """A `HandPort` over another one. A stop waits for nobody: it is sent at once, and once more
    when the line is free."""

    port: HandPort
    turns: Turns
    turn_s: float
    """an answer that has not come by then comes no more"""
    clock: Callable[[], float] = time.monotonic
    _waiting: deque[tuple[bytes, int, float, bool]] = field(default_factory=deque)
    """(part, bytes of its answer, when it was written, whether it may not get lost)"""
    _answer_n: int = 0
    _free_s: float = float("-inf")

    def read(self) -> bytes:
        data = self.port.read()
        self._answer_n -= len(data)
        self._go_on()
        return data

    def write(self, data: bytes, first: bool = False) -> bool:
        if not first and len(self._waiting) >= WAITING_N:
            return False
        sent = True
        if first:
            self._waiting.clear()
            if self._busy():
                sent = self.port.write(data, True)
        now_s = self.clock()
        held = {row[0] for row in self._waiting}
        for part, answer_n in self.turns(data):
            if part not in held:
                self._waiting.append((part, answer_n, now_s, first))
        return self._go_on() and sent

    def close(self) -> None:
        """Lets what waits go out first; that takes a few turns at most."""
        with suppress(DeviceLost):
            for _ in range(len(self._waiting)):
                self._answer_n = 0
                self._go_on()
                time.sleep(min(self.turn_s, 0.005))
        self.port.close()

    def _busy(self) -> bool:
        return self._answer_n > 0 and self.clock() < self._free_s

    def _go_on(self) -> bool:
        """Sends until something is to be answered. False where something did not go out."""
        while self._waiting and not self._busy():
            part, answer_n, since_s, must = self._waiting.popleft()
            now_s = self.clock()
            if not must and now_s - since_s > STALE_S:
                continue
            if not self.port.write(part):
                if must:  # it goes out as soon as the line takes it
                    self._waiting.appendleft((part, answer_n, since_s, must))
                return False
            self._answer_n, self._free_s = answer_n, now_s + self.turn_s
        return True


def cut(length_of: Callable[[bytes], int], answer_of: Callable[[bytes], int]) -> Turns:
    """Cuts what holds whole frames: `length_of` what begins with a frame, `answer_of` a frame."""

    def turns(data: bytes) -> list[tuple[bytes, int]]:
        parts = []
        while data:
            length_n = max(1, length_of(data))
            frame, data = data[:length_n], data[length_n:]
            parts.append((frame, answer_of(frame)))
        return parts

    return turns

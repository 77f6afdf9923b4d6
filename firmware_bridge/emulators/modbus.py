"""One Modbus unit: it reads and writes registers as it is told, and answers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from firmware_bridge.frames import FrameCutter
from firmware_bridge.modbus import READ, WRITE_MANY, Framing

_MOST_N = 125


@dataclass
class Unit:
    """Registers behind one number. `read` gives the value of a register, `write` sets one."""

    framing: Framing
    number: int
    read: Callable[[int], int]
    write: Callable[[int, int], None]
    _cutter: FrameCutter = field(init=False)

    def __post_init__(self) -> None:
        framing = self.framing
        self._cutter = FrameCutter(framing.head(self.number), framing.request_n, framing.right, 300)

    def hear(self, data: bytes) -> bytes:
        """What it answers."""
        messages = map(self.framing.message, self._cutter.cut(data))
        answers = (self._obey(message) for message in messages)
        return b"".join(self.framing.wrap(self.number, answer) for answer in answers if answer)

    def _obey(self, message: bytes) -> bytes:
        if len(message) < 5:
            return b""
        kind, address, count_n = struct.unpack_from(">BHH", message)
        if kind == READ and 0 < count_n <= _MOST_N:
            words = [self.read(address + n) & 0xFFFF for n in range(count_n)]
            return struct.pack(f">BB{count_n}H", READ, 2 * count_n, *words)
        if kind == WRITE_MANY and len(message) == 6 + 2 * count_n:
            for n, word in enumerate(struct.unpack_from(f">{count_n}H", message, 6)):
                self.write(address + n, word)
            return message[:5]
        return bytes([kind | 0x80, 1])

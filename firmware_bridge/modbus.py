"""Modbus, as far as hands need it: reads and writes of registers, over a serial line or over TCP.

From the Modbus application protocol and its serial line guide: words are big endian, the CRC of a
serial frame is little endian, a TCP frame has no CRC.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from firmware_bridge.frames import FrameCutter

READ, WRITE_MANY, EXCEPTION = 0x03, 0x10, 0x80
_POLY = 0xA001
_TCP_HEAD = b"\x00\x01\x00\x00"
"""Always the same number: only one question is open at a time, and it is TCP."""
PDU_N = 253


class Framing(NamedTuple):
    """How a message (PDU) travels."""

    wrap: Callable[[int, bytes], bytes]
    """(unit, message) -> frame"""
    message: Callable[[bytes], bytes]
    """frame -> message"""
    head: Callable[[int], bytes]
    """unit -> what its frames begin with"""
    reply_n: Callable[[bytes], int | None]
    """length of a reply, as FrameCutter wants it"""
    request_n: Callable[[bytes], int | None]
    right: Callable[[bytes], bool]
    around_n: int
    """bytes of a frame beside its message"""


def crc16(data: bytes) -> int:
    """CRC-16 of Modbus: 4B37 for "123456789"."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _POLY if crc & 1 else crc >> 1
    return crc


def read_registers(address: int, count_n: int) -> bytes:
    """The message that asks for registers."""
    return struct.pack(">BHH", READ, address, count_n)


def write_registers(address: int, words: tuple[int, ...]) -> bytes:
    """The message that sets registers, each 0 to 65535."""
    n = len(words)
    return struct.pack(f">BHHB{n}H", WRITE_MANY, address, n, 2 * n, *words)


def answer_n(message: bytes) -> int:
    """Length of the answer to a message, itself a message."""
    return 2 + 2 * struct.unpack_from(">H", message, 3)[0] if message[0] == READ else 5


def registers_of(message: bytes) -> tuple[int, ...] | None:
    """Words of an answer to a read; None for any other message."""
    if len(message) < 2 or message[0] != READ or len(message) != 2 + message[1] or message[1] % 2:
        return None
    return struct.unpack(f">{message[1] // 2}H", message[2:])


def _message_n(message: bytes, request: bool) -> int | None:
    """Length of the message that these bytes begin with; 0 for none, None while not known."""
    kind = message[0]
    if kind in (READ | EXCEPTION, WRITE_MANY | EXCEPTION):
        return 0 if request else 2
    if kind not in (READ, WRITE_MANY):
        return 0
    if (kind == READ) == request:
        return 5
    place = 5 if request else 1
    return place + 1 + message[place] if len(message) > place else None


def _rtu_n(request: bool, begun: bytes) -> int | None:
    if len(begun) < 2:
        return None
    length_n = _message_n(begun[1:], request)
    return length_n + 3 if length_n else length_n


def _tcp_n(begun: bytes) -> int | None:
    if len(begun) < 6:
        return None
    length_n = int.from_bytes(begun[4:6], "big")
    return 6 + length_n if 3 <= length_n <= PDU_N + 1 else 0


def _rtu(unit: int, message: bytes) -> bytes:
    frame = bytes([unit]) + message
    return frame + struct.pack("<H", crc16(frame))


RTU = Framing(
    wrap=_rtu,
    message=lambda frame: frame[1:-2],
    head=lambda unit: bytes([unit]),
    reply_n=partial(_rtu_n, False),
    request_n=partial(_rtu_n, True),
    right=lambda frame: crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little"),
    around_n=3,
)
TCP = Framing(
    wrap=lambda unit, message: _TCP_HEAD + struct.pack(">HB", len(message) + 1, unit) + message,
    message=lambda frame: frame[7:],
    head=lambda unit: _TCP_HEAD,
    reply_n=_tcp_n,
    request_n=_tcp_n,
    right=lambda frame: True,
    around_n=7,
)


@dataclass
class Answers:
    """Registers out of the bytes that one unit answers."""

    framing: Framing
    unit: int
    longest_n: int = 64

    def __post_init__(self) -> None:
        framing = self.framing
        self._cutter = FrameCutter(
            framing.head(self.unit), framing.reply_n, framing.right, self.longest_n
        )
        self.refused_n = 0
        """messages in which the unit says that it cannot"""

    @property
    def damaged_n(self) -> int:
        return self._cutter.damaged_n

    def hear(self, data: bytes) -> list[tuple[int, ...]]:
        """The words of each answer to a read that is complete by now."""
        found = []
        for message in map(self.framing.message, self._cutter.cut(data)):
            self.refused_n += message[0] >= EXCEPTION
            words = registers_of(message)
            if words is not None:
                found.append(words)
        return found


def turns_of(framing: Framing, data: bytes) -> list[tuple[bytes, int]]:
    """Requests one by one, with the bytes of the answer to each (turn_port)."""
    turns = []
    while data:
        length_n = framing.request_n(data) or len(data)
        frame, data = data[:length_n], data[length_n:]
        turns.append((frame, framing.around_n + answer_n(framing.message(frame))))
    return turns

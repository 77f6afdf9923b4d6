"""The RH56: angles, speeds and errors in registers; it holds the last angles for ever."""

from __future__ import annotations

import struct

from firmware_bridge.emulators.modbus import Unit
from firmware_bridge.emulators.twin import Body
from firmware_bridge.frames import FrameCutter
from firmware_bridge.modbus import RTU, TCP, Framing
from firmware_bridge.rh56 import (
    ANGLE_ACT,
    ANGLE_SET,
    ERROR,
    HEAD,
    ORDER,
    READ,
    REPLY_HEAD,
    SPEC,
    SPEED_SET,
    WRITE,
    framed,
    from_hand,
    length_of,
    right,
    to_hand,
)

LOCKED_ROTOR = 0x01
AS_IT_IS = -1
_PLACES = tuple(SPEC.joint_names.index(name) for name in ORDER)


class _Hand:
    """What both of its ways to speak have in common: the words behind the registers."""

    def __init__(self) -> None:
        self.body = Body(SPEC)
        self.trip = False
        self.words: dict[int, int] = {}
        """what was written, by the number of the register of the first word and the word"""
        self._speeds = [1000] * 6

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        return b""

    def angles(self) -> tuple[int, ...]:
        return to_hand(tuple(self.body.position_deg))

    def errors(self) -> bytes:
        return bytes([LOCKED_ROTOR * self.trip] * 6)

    def set_word(self, address: int, word: int) -> None:
        """Word `address` - ANGLE_SET or SPEED_SET of the six."""
        self.words[address] = word
        if 0 <= address - SPEED_SET < 6:
            self._speeds[address - SPEED_SET] = word
        place = address - ANGLE_SET
        if not 0 <= place < 6 or word == AS_IT_IS or self.trip:
            return
        counts = [0] * 6
        counts[place] = word
        joint = _PLACES[place]
        top = SPEC.joints[joint].max_velocity_deg_s * self._speeds[place] / 1000
        self.body.drive_to(joint, from_hand(tuple(counts))[joint], max(top, 0.1))


class Rh56Twin(_Hand):
    """Behind the maker's own frames, where registers count bytes."""

    def __init__(self, hand: int = 1) -> None:
        super().__init__()
        self._hand = hand
        self._cutter = FrameCutter(HEAD, length_of, right, 260)

    def hear(self, data: bytes, now_s: float) -> bytes:
        return b"".join(self._obey(frame) for frame in self._cutter.cut(data))

    def _obey(self, frame: bytes) -> bytes:
        kind, address = frame[4], int.from_bytes(frame[5:7], "little")
        inside = frame[7:-1]
        if frame[2] != self._hand or kind not in (READ, WRITE) or not inside:
            return b""
        if kind == WRITE:
            for n, (word,) in enumerate(struct.iter_unpack("<h", inside[: len(inside) // 2 * 2])):
                self.set_word(address + n, word)
            return framed(self._hand, WRITE, address, b"\x01", REPLY_HEAD)
        memory = {ANGLE_ACT: struct.pack("<6h", *self.angles()), ERROR: self.errors()}
        row = memory.get(address, bytes(inside[0]))[: inside[0]]
        return framed(self._hand, READ, address, row, REPLY_HEAD)


class Rh56ModbusTwin(_Hand):
    """Behind Modbus, one word in a register. It takes frames of TCP and of a serial line."""

    def __init__(self, framings: tuple[Framing, ...] = (TCP, RTU), unit: int = 1) -> None:
        super().__init__()
        self._units = [Unit(framing, unit, self._word, self._set) for framing in framings]

    def hear(self, data: bytes, now_s: float) -> bytes:
        return b"".join(unit.hear(data) for unit in self._units)

    def _word(self, address: int) -> int:
        if 0 <= address - ANGLE_ACT < 6:
            return self.angles()[address - ANGLE_ACT]
        if 0 <= address - ERROR < 3:
            return int.from_bytes(self.errors()[:2], "little")
        return 0

    def _set(self, address: int, word: int) -> None:
        self.set_word(address, word - 0x10000 if word >= 0x8000 else word)

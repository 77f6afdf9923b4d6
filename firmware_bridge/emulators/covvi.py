"""The COVVI hand behind its Ethernet interface: it holds its last target when nobody speaks."""

from __future__ import annotations

from firmware_bridge.covvi import (
    COMMAND,
    DIRECT,
    FAULT,
    FULL_DEG,
    HAND,
    HEAD_N,
    LIMITS,
    ORDER,
    POSITION_ALL,
    POSITION_SET,
    POWER,
    REPLY,
    REQUEST,
    SPEC,
    START,
    STATUS_ALL,
    Covvi,
    Message,
    pack,
    unpack,
)
from firmware_bridge.emulators.twin import Body

ENDS = {digit: (40 + digit, 200 + digit) for digit in range(len(ORDER))}
"""Counts at open and closed; 0x56, the first byte of a message, lies between."""
_PLACES = tuple(SPEC.joint_names.index(name) for name in ORDER)


class CovviTwin:
    """One hand with its interface. It answers and moves only when it is switched on."""

    def __init__(self) -> None:
        self.body = Body(SPEC)
        self.trip = False
        self.powered = False
        self._rest = b""
        self._scale = Covvi()
        self._scale.ends = dict(ENDS)

    def hear(self, data: bytes, now_s: float) -> bytes:
        self._rest += data
        answers = []
        while len(self._rest) >= HEAD_N:
            message = unpack(self._rest)
            if message is None:
                if self._rest[0] == START and len(self._rest) < HEAD_N + self._rest[5] <= 21:
                    break
                self._rest = self._rest[1:]
                continue
            self._rest = self._rest[HEAD_N + len(message.data) :]
            answers.append(self._obey(message))
        return b"".join(answers)

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        if self.trip:
            self.body.let_go()
        return b""

    def _obey(self, message: Message) -> bytes:
        if message.kind == COMMAND and message.number == POWER:
            self.powered = message.data == b"\x01"
        elif message.device == HAND and self.powered:
            if message.kind == REQUEST:
                return self._tell(message.number)
            if message.kind == COMMAND:
                self._drive(message)
        return b""

    def _tell(self, number: int) -> bytes:
        if number == POSITION_ALL:
            data = bytes(self._scale.counts_of(tuple(self.body.position_deg)))
        elif number == STATUS_ALL:
            data = bytes([FAULT if self.trip and digit == 1 else 0 for digit in range(len(ORDER))])
        elif number - LIMITS in ENDS:
            data = bytes([*ENDS[number - LIMITS], 0])
        else:
            return b""
        return pack(Message(HAND, REPLY, number, data))

    def _drive(self, message: Message) -> None:
        if message.number == DIRECT and message.data[:1] == b"\x00":
            self.body.let_go()
        elif message.number == POSITION_SET and len(message.data) == 8 and not self.trip:
            speed, digits, *counts = message.data
            joints = self._scale.degrees_of(tuple(counts))
            for digit, place in enumerate(_PLACES):
                if speed and digits >> digit & 1:
                    at = min(max(joints[place], 0.0), FULL_DEG)
                    top = SPEC.joints[place].max_velocity_deg_s
                    self.body.drive_to(place, at, top * speed / 100)
            if not speed:
                self.body.let_go()

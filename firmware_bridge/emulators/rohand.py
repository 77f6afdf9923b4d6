"""The ROHand: it goes to positions and holds them for ever; stopped motors wait for a start."""

from __future__ import annotations

import struct

from firmware_bridge.emulators.twin import Body
from firmware_bridge.frames import FrameCutter
from firmware_bridge.rohand import (
    ALL,
    FAILED,
    GET_POSITIONS,
    HAND,
    HEAD,
    ORDER,
    SET_POSITIONS,
    SPEC,
    START,
    STOP,
    framed,
    from_hand,
    length_of,
    right,
    to_hand,
)

INVALID, INVALID_LENGTH, STUCK = 0x11, 0x12, 0x23
_PLACES = tuple(SPEC.joint_names.index(name) for name in ORDER)


class RoHandTwin:
    """One hand, its motors started."""

    def __init__(self, hand: int = HAND) -> None:
        self.body = Body(SPEC)
        self.trip = False
        self._hand = hand
        self._started = ALL
        self._targets = [0] * 6
        self._cutter = FrameCutter(HEAD, length_of, right, 262)

    def hear(self, data: bytes, now_s: float) -> bytes:
        return b"".join(self._obey(frame) for frame in self._cutter.cut(data))

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        return b""

    def _obey(self, frame: bytes) -> bytes:
        to, by, command, inside = frame[2], frame[3], frame[4], frame[6:-1]
        if to != self._hand:
            return b""
        if command == GET_POSITIONS and not inside:
            now = to_hand(tuple(self.body.position_deg))
            return framed(by, to, command, struct.pack("<12H", *self._targets, *now))
        code = self._do(command, inside)
        if code:
            return framed(by, to, command | FAILED, bytes([code]))
        return framed(by, to, command)

    def _do(self, command: int, inside: bytes) -> int:
        """0, or why not."""
        if command in (START, STOP) and len(inside) == 1:
            bits = inside[0] & ALL
            self._started = self._started | bits if command == START else self._started & ~bits
            for motor, joint in enumerate(_PLACES):
                if command == STOP and bits >> motor & 1:
                    self.body.drive_at(joint, 0.0)
            return 0
        if command != SET_POSITIONS:
            return INVALID
        if len(inside) != 18:
            return INVALID_LENGTH
        rows = list(struct.iter_unpack("<HB", inside))
        self._targets = [target for target, _ in rows]
        goals = from_hand(tuple(self._targets))
        for motor, (_, speed) in enumerate(rows):
            joint = _PLACES[motor]
            top = SPEC.joints[joint].max_velocity_deg_s
            if self._started >> motor & 1 and not self.trip:
                self.body.drive_to(joint, goals[joint], max(top * speed / 255, 0.1))
        if self.trip:
            self.body.let_go()
        return STUCK if self.trip else 0

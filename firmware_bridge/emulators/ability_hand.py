"""The Ability Hand: velocity and position commands, its reply, and its timeout of 300 ms."""

from __future__ import annotations

import struct

from firmware_bridge.ability_hand import (
    ADDRESS,
    FLAG,
    FULL_DEG,
    FULL_DEG_S,
    LEAVE,
    POSITION,
    READ_ONLY,
    SPEC,
    VARIANT,
    VELOCITY,
    from_hand,
    stuff,
    to_hand,
    unstuff,
)
from firmware_bridge.emulators.twin import Body

TIMEOUT_S = 0.300


class AbilityHandTwin:
    """One hand, set up for a stuffed UART."""

    def __init__(self) -> None:
        self.body = Body(SPEC)
        self.trip = False
        self._rest = b""
        self._fed_s: float | None = None
        """when the newest valid command came; None outside the remote mode"""

    def hear(self, data: bytes, now_s: float) -> bytes:
        *parts, self._rest = (self._rest + data).split(bytes([FLAG]))
        return b"".join(self._obey(frame, now_s) for frame in map(unstuff, parts) if frame)

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        if self._fed_s is not None and now_s - self._fed_s > TIMEOUT_S:
            self._leave()
        return b""

    def _leave(self) -> None:
        self.body.let_go()
        self._fed_s = None

    def _obey(self, frame: bytes, now_s: float) -> bytes:
        if len(frame) < 3 or frame[0] != ADDRESS or sum(frame) & 0xFF:
            return b""
        header = frame[1]
        if header == LEAVE:
            self._leave()
            return b""
        kind, variant = header & 0xF0, header & 0x0F
        if kind in (POSITION, VELOCITY) and len(frame) == 15:
            self._drive(kind, struct.unpack_from("<6h", frame, 2))
            self._fed_s = now_s
        elif kind == READ_ONLY:
            self._fed_s = now_s if self._fed_s is not None else None
        else:
            return b""
        return self._reply(header) if variant == VARIANT else b""

    def _drive(self, kind: int, counts: tuple[int, ...]) -> None:
        full = FULL_DEG if kind == POSITION else FULL_DEG_S
        drive = self.body.drive_to if kind == POSITION else self.body.drive_at
        for joint, value in enumerate(from_hand(counts, full)):
            drive(joint, 0.0 if self.trip and kind == VELOCITY else value)

    def _reply(self, header: int) -> bytes:
        positions = to_hand(tuple(self.body.position_deg), FULL_DEG)
        words = [word for at in positions for word in (at, 0)]
        frame = struct.pack("<B12h6hB", header, *words, *[0] * 6, int(self.trip))
        return stuff(frame + bytes([-sum(frame) & 0xFF]))

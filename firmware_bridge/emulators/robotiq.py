"""The Robotiq 2F: it follows while it is active and told to go, and stands otherwise."""

from __future__ import annotations

from firmware_bridge.emulators.modbus import Unit
from firmware_bridge.emulators.twin import Body
from firmware_bridge.modbus import RTU
from firmware_bridge.robotiq import (
    ACTIVATE,
    ACTIVATED,
    GO,
    SPEC,
    STATUS_AT,
    UNIT,
    WRITE_AT,
    from_hand,
    to_hand,
)

OVERCURRENT, WANTS_ACTIVATION = 0x0E, 0x07


class RobotiqTwin:
    """One gripper, not activated yet. Its activation takes no time here, and no movement."""

    def __init__(self, unit: int = UNIT) -> None:
        self.body = Body(SPEC)
        self.trip = False
        self.orders = [0, 0, 0]
        self._unit = Unit(RTU, unit, self._status, self._set)

    def hear(self, data: bytes, now_s: float) -> bytes:
        answer = self._unit.hear(data)
        self._follow()
        return answer

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        return b""

    def _set(self, address: int, word: int) -> None:
        if 0 <= address - WRITE_AT < 3:
            self.orders[address - WRITE_AT] = word
            if not self.orders[0] & ACTIVATE:
                self.trip = False

    def _follow(self) -> None:
        bits, position, how = self.orders
        going = ACTIVATE | GO
        if bits & going != going or self.trip:
            self.body.drive_at(0, 0.0)
            return
        top = SPEC.joints[0].max_velocity_deg_s
        # At speed 0 it still moves, at about an eighth of its fastest.
        self.body.drive_to(0, from_hand(position & 0xFF), top * (0.13 + 0.87 * (how >> 8) / 255))

    def _status(self, address: int) -> int:
        bits, position, _ = self.orders
        active = bits & ACTIVATE
        state = bits >> 8 & 0x09 | (ACTIVATED << 4 if active else 0)
        fault = OVERCURRENT if self.trip else 0 if active else WANTS_ACTIVATION
        at = to_hand(self.body.position_deg[0])
        words = (state << 8, fault << 8 | position & 0xFF, at << 8)
        return words[address - STATUS_AT] if 0 <= address - STATUS_AT < 3 else 0

"""Feetech servos: registers, sync writes and reads; they hold the last goal for ever."""

from __future__ import annotations

from firmware_bridge import feetech_packet as wire
from firmware_bridge.emulators.twin import Body
from firmware_bridge.feetech import GOAL, PRESENT, TORQUE, Feetech
from firmware_bridge.feetech_packet import Series
from firmware_bridge.frames import FrameCutter

OVERLOAD = 0x20
_MEMORY_N = 256


class FeetechTwin:
    """A bus of servos, without torque at first."""

    def __init__(self, dialect: Feetech | None = None) -> None:
        self.dialect = dialect or Feetech()
        self.body = Body(self.dialect.spec)
        self.trip = False
        self.registers = {servo: bytearray(_MEMORY_N) for servo in self.dialect.ids}
        self._cutter = FrameCutter(wire.HEAD, wire.length_of, wire.right, 260)

    def hear(self, data: bytes, now_s: float) -> bytes:
        return b"".join(self._obey(packet) for packet in self._cutter.cut(data))

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        return b""

    def _obey(self, packet: bytes) -> bytes:
        servo, kind, params = packet[2], packet[4], packet[5:-1]
        if len(params) < 2:
            return b""
        if kind == wire.WRITE:
            to = list(self.registers) if servo == wire.BROADCAST else [servo]
            for each in to:
                self._write(each, params[0], params[1:])
            answered = servo in self.registers
            self._follow()
            return wire.packed(servo, OVERLOAD * self.trip) if answered else b""
        if kind == wire.READ:
            return self._answer(servo, params)
        if kind == wire.SYNC_READ and self.dialect.series is Series.STS:
            return b"".join(self._answer(each, params) for each in params[2:])
        if kind == wire.SYNC_WRITE:
            step = params[1] + 1
            for at in range(2, len(params) - step + 1, step):
                self._write(params[at], params[0], params[at + 1 : at + step])
            self._follow()
        return b""

    def _write(self, servo: int, address: int, data: bytes) -> None:
        memory = self.registers.get(servo)
        if memory is not None and address + len(data) <= _MEMORY_N:
            memory[address : address + len(data)] = data

    def _follow(self) -> None:
        """All joints go to where all goals together put them: a finger has two servos."""
        memories = self.registers.values()
        goals = [self.dialect.series.number(bytes(memory[GOAL : GOAL + 2])) for memory in memories]
        joints = self.dialect.joints(tuple(goals))
        for joint, (goal, memory) in enumerate(zip(joints, memories, strict=True)):
            if memory[TORQUE] != 1:
                self.body.drive_at(joint, 0.0)
            elif not self.trip:
                self.body.drive_to(joint, goal)

    def _answer(self, servo: int, params: bytes) -> bytes:
        if servo not in self.registers:
            return b""
        address, width = params[0], params[1]
        memory = bytearray(self.registers[servo])
        steps = self.dialect.steps(tuple(self.body.position_deg))
        place = self.dialect.ids.index(servo)
        memory[PRESENT : PRESENT + 2] = self.dialect.series.word(steps[place])
        memory[63] = 30
        row = bytes([OVERLOAD * self.trip]) + memory[address : address + width]
        return wire.HEAD + _checked(bytes([servo, len(row) + 1]) + row)


def _checked(inside: bytes) -> bytes:
    return inside + bytes([~sum(inside) & 0xFF])

"""Dynamixel X servos: registers, sync writes and reads, and the bus watchdog that locks goals."""

from __future__ import annotations

import struct

from firmware_bridge import dynamixel_packet as wire
from firmware_bridge.dynamixel import (
    ALERT,
    BUS_WATCHDOG,
    BUS_WATCHDOG_UNIT_S,
    CURRENT_BASED_POSITION,
    GOAL_POSITION,
    MIDDLE,
    OPERATING_MODE,
    PRESENT,
    PRESENT_N,
    STEPS_PER_DEG,
    TORQUE,
    Dynamixel,
)
from firmware_bridge.emulators.twin import Body
from firmware_bridge.frames import FrameCutter

TRIPPED = 0xFF
"""The bus watchdog's register says -1."""
MODEL = struct.pack("<HB", 1200, 46)
"""XL330-M288 and its firmware, as an answer to a ping"""
_MEMORY_N = 256


class DynamixelTwin:
    """A bus of servos, as they come out of the box: no torque, no bus watchdog."""

    def __init__(self, dialect: Dynamixel | None = None) -> None:
        self.dialect = dialect or Dynamixel()
        self.body = Body(self.dialect.spec)
        self.trip = False
        self.registers = {servo: bytearray(_MEMORY_N) for servo in self.dialect.ids}
        self._cutter = FrameCutter(wire.HEAD, wire.length_of, wire.right, 4096)
        self._fed_s: float | None = None

    def hear(self, data: bytes, now_s: float) -> bytes:
        out = b""
        for packet in map(wire.unpacked, self._cutter.cut(data)):
            self._fed_s = now_s
            out += self._obey(packet)
        return out

    def advance(self, now_s: float) -> bytes:
        self._fed_s = now_s if self._fed_s is None else self._fed_s
        for joint, memory in enumerate(self.registers.values()):
            limit_n = memory[BUS_WATCHDOG]
            fed = now_s - self._fed_s <= limit_n * BUS_WATCHDOG_UNIT_S
            if limit_n not in (0, TRIPPED) and not fed:
                memory[BUS_WATCHDOG] = TRIPPED
                self.body.drive_at(joint, 0.0)
        self.body.advance(now_s)
        return b""

    def _obey(self, packet: wire.Packet) -> bytes:
        kind, params = packet.instruction, packet.params
        if kind == wire.PING and packet.id in self.registers:
            return self._answer(packet.id, MODEL)
        if len(params) < 2:
            return b""
        address = struct.unpack_from("<H", params)[0]
        if kind == wire.WRITE:
            to = self.registers if packet.id == wire.BROADCAST else (packet.id,)
            for servo in to:
                self._write(servo, address, params[2:])
            return b""
        if len(params) < 4:
            return b""
        width = struct.unpack_from("<H", params, 2)[0]
        if kind == wire.SYNC_WRITE:
            for at in range(4, len(params) - width, width + 1):
                self._write(params[at], address, params[at + 1 : at + 1 + width])
        elif kind == wire.SYNC_READ:
            known = [servo for servo in params[4:] if servo in self.registers]
            return b"".join(self._answer(s, self._read(s, address, width)) for s in known)
        elif kind == wire.FAST_SYNC_READ:
            return self._fast(params[4:], address, width)
        elif kind == wire.READ and packet.id in self.registers:
            return self._answer(packet.id, self._read(packet.id, address, width))
        return b""

    def _write(self, servo: int, address: int, data: bytes) -> None:
        memory = self.registers.get(servo)
        if memory is None or address + len(data) > _MEMORY_N:
            return
        locked = memory[BUS_WATCHDOG] == TRIPPED and 100 <= address < 120
        if locked or (address < TORQUE and memory[TORQUE]):
            return
        memory[address : address + len(data)] = data
        joint = self.dialect.ids.index(servo)
        if address == TORQUE and not memory[TORQUE]:
            self.body.drive_at(joint, 0.0)
        if address <= GOAL_POSITION < address + len(data) and memory[TORQUE]:
            self._drive(joint, memory)

    def _drive(self, joint: int, memory: bytearray) -> None:
        goal = struct.unpack_from("<i", memory, GOAL_POSITION)[0]
        if memory[OPERATING_MODE] == CURRENT_BASED_POSITION and not self.trip:
            self.body.drive_to(joint, (goal - MIDDLE) / STEPS_PER_DEG)

    def _read(self, servo: int, address: int, width: int) -> bytes:
        memory = bytearray(self.registers[servo])
        deg = self.body.position_deg[self.dialect.ids.index(servo)]
        at = MIDDLE + round(deg * STEPS_PER_DEG)
        struct.pack_into("<hii", memory, PRESENT, 0, 0, at)
        memory[PRESENT + PRESENT_N - 1] = 30
        return bytes(memory[address : address + width])

    def _answer(self, servo: int, data: bytes) -> bytes:
        return wire.packed(servo, wire.STATUS, bytes([ALERT * self.trip]) + data)

    def _fast(self, servos: bytes, address: int, width: int) -> bytes:
        """All in one; the CRCs between are not looked at by anybody."""
        error = ALERT * self.trip
        rows = [bytes([error, s]) + self._read(s, address, width) for s in servos]
        return wire.packed(wire.BROADCAST, wire.STATUS, b"\x00\x00".join(rows))

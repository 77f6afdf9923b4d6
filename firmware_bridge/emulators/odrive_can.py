"""ODrive axes on a CAN bus: modes, states, heartbeats, and a watchdog where it is set up."""

from __future__ import annotations

import struct

from firmware_bridge.can_frames import CanFrame, CanFrames, pack
from firmware_bridge.command import Mode
from firmware_bridge.emulators.twin import Body
from firmware_bridge.joint_settings import joints_of
from firmware_bridge.odrive_can import (
    CLEAR,
    CLOSED_LOOP,
    ENCODER,
    HEARTBEAT,
    IDLE,
    SET_MODES,
    SET_STATE,
    SET_TORQUE,
    SET_VELOCITY,
    SETTINGS,
    TORQUE_CONTROL,
    TURN_DEG,
    VELOCITY_CONTROL,
    frame,
)

HEARTBEAT_S = 0.020
"""As the guide says; 0.1 s as it comes"""
MOTOR_FAILED, WATCHDOG_EXPIRED = 0x40, 0x800


class OdriveCanTwin:
    """Axis 0 of the driver's usual settings. `watchdog_s` as it would be set up; 0 for none."""

    def __init__(self, watchdog_s: float = 0.0, mode: Mode = Mode.VELOCITY) -> None:
        self.body = Body(joints_of("ODrive joint", SETTINGS, (0,), mode))
        self.trip = False
        self.watchdog_s = watchdog_s
        self.state, self.error, self.mode = IDLE, 0, 0
        self._frames = CanFrames()
        self._turns_s = self._torque_nm = self._fed_s = self._next_s = 0.0

    def hear(self, data: bytes, now_s: float) -> bytes:
        answers = b""
        for told in self._frames.split(data):
            if told.number >> 5 == 0 and not told.extended:
                self._fed_s = now_s  # whatever it is
                answers += self._obey(told)
        return answers

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        running = self.state == CLOSED_LOOP
        if running and self.watchdog_s and now_s - self._fed_s > self.watchdog_s:
            self.error = WATCHDOG_EXPIRED
        self.error = MOTOR_FAILED if self.trip else self.error
        if self.error:
            self._to(IDLE)
        if now_s < self._next_s:
            return b""
        self._next_s = now_s + HEARTBEAT_S
        return pack(frame(0, HEARTBEAT, struct.pack("<IB3x", self.error, self.state)))

    def _obey(self, told: CanFrame) -> bytes:
        command, data = told.number & 0x1F, told.data
        if command == ENCODER and told.remote:
            turns, speed = self.body.position_deg[0], self.body.velocity_deg_s[0]
            told_turns = struct.pack("<ff", turns / TURN_DEG, speed / TURN_DEG)
            return pack(frame(0, ENCODER, told_turns))
        if command == CLEAR:
            self.error = 0
        elif command == SET_MODES and len(data) == 8:
            self.mode = struct.unpack("<II", data)[0]
        elif command == SET_VELOCITY and len(data) == 8:
            self._turns_s, self._torque_nm = struct.unpack("<ff", data)
            self._to(self.state)
        elif command == SET_TORQUE and len(data) == 4:
            self._torque_nm = struct.unpack("<f", data)[0]
            self._to(self.state)
        elif command == SET_STATE and len(data) == 4 and not self.error:
            self._to(struct.unpack("<I", data)[0])
        return b""

    def _to(self, state: int) -> None:
        self.state = state
        if state == CLOSED_LOOP and self.mode == TORQUE_CONTROL:
            self.body.push(0, self._torque_nm)
            return
        runs = state == CLOSED_LOOP and self.mode == VELOCITY_CONTROL
        self.body.drive_at(0, self._turns_s * TURN_DEG if runs else 0.0)

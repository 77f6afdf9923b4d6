"""One AK motor in MIT mode: it answers every command, and keeps the last for ever."""

from __future__ import annotations

import math

from firmware_bridge.can_frames import CanFrame, CanFrames, pack
from firmware_bridge.command import Mode
from firmware_bridge.emulators.twin import Body
from firmware_bridge.joint_settings import joints_of
from firmware_bridge.tmotor import (
    ENTER,
    FULL_RAD,
    LEAVE,
    MODELS,
    SETTINGS,
    Aim,
    count_of,
    decode,
)
from firmware_bridge.words import read_ids

FRICTION_NM = 0.05
"""Less torque moves no motor with a gear: so the counts next to zero stand still."""
OVER_CURRENT = 2


class TMotorTwin:
    """The motors of the driver's usual settings."""

    def __init__(self, mode: Mode = Mode.VELOCITY) -> None:
        """`mode` that its joints are made for: a motor itself takes both."""
        self.ids = read_ids(str(SETTINGS["ids"]), 1, 127)
        self.model = MODELS[str(SETTINGS["model"])]
        self.body = Body(joints_of("T-Motor joint", SETTINGS, self.ids, mode))
        self.trip = False
        self.entered: set[int] = set()
        self._frames = CanFrames()

    def hear(self, data: bytes, now_s: float) -> bytes:
        answers = []
        for frame in self._frames.split(data):
            if frame.number in self.ids and not frame.extended and len(frame.data) == 8:
                self._obey(frame)
                answers.append(self._tell(frame.number))
        return pack(*answers)

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        if self.trip:
            self.body.let_go()
        return b""

    def _obey(self, frame: CanFrame) -> None:
        joint = self.ids.index(frame.number)
        if frame.data == ENTER:
            self.entered.add(frame.number)
        elif frame.data == LEAVE:
            self.entered.discard(frame.number)
            self.body.drive_at(joint, 0.0)
        elif frame.number in self.entered and not self.trip:
            self._drive(joint, decode(frame.data, self.model))

    def _drive(self, joint: int, aim: Aim) -> None:
        """Nothing hinders this joint but friction: damping brings it to the speed asked for, and a
        torque pushes it."""
        moves = abs(aim.kd * aim.v_rad_s + aim.t_nm) > FRICTION_NM
        if moves and self.body.spec.joints[joint].max_torque_nm:
            self.body.push(joint, aim.t_nm)
        else:
            self.body.drive_at(joint, math.degrees(aim.v_rad_s) if moves else 0.0)

    def _tell(self, number: int) -> CanFrame:
        joint = self.ids.index(number)
        p_rad = math.radians(self.body.position_deg[joint])
        v_rad_s = math.radians(self.body.velocity_deg_s[joint])
        word = count_of(p_rad, -FULL_RAD, FULL_RAD, 16)
        word = word << 12 | count_of(v_rad_s, -self.model.rad_s, self.model.rad_s, 12)
        word = word << 12 | count_of(0.0, -self.model.nm, self.model.nm, 12)
        fault = OVER_CURRENT if self.trip else 0
        return CanFrame(0, bytes([number, *word.to_bytes(5, "big"), 30, fault]))

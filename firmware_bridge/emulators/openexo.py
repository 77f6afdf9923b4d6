"""An OpenExo: its controllers and motors, on the line between its boards and in the air.

It keeps the last torque for ever, whoever fell silent.
"""

from __future__ import annotations

import struct

from firmware_bridge.emulators.twin import Body
from firmware_bridge.openexo import (
    AMPLITUDE,
    CONFIG,
    DIRECTION,
    ERROR,
    GET_CONFIG,
    GET_PARAMETERS,
    GET_STATUS,
    JOINTS,
    MOTORS,
    PARAMETER,
    PARAMETERS,
    STATUS,
    TRIAL_ON,
    Message,
    answered,
    spec_of,
)
from firmware_bridge.openexo_ble import ALIVE, BEGIN, DATA, MOTORS_OFF, MOTORS_ON, writes_of
from firmware_bridge.openexo_ble import PARAMETER as LETTER
from firmware_bridge.slip import Slip

ZERO_TORQUE, PARAMETERS_N = 2, 7
CARD_NM = 5.0
"""What its card has for the amplitude: loaded where a trial begins or a controller changes"""
TRIAL_OFF = 1
TOO_HOT = 12.0
"""An error of its own"""
CONFIG_N, MOTOR = 45, 3
REAL_TIME_S, ALIVE_S = 0.020, 0.020
FEET_S = 0.030
"""Its app's command to begin calibrates the foot switches too, and no torque is given meanwhile:
seconds in the device, as short as this here"""


class Exo:
    """What both ways lead to: the joints of the driver's usual settings."""

    def __init__(self) -> None:
        self.body = Body(spec_of("", "openexo")[1])
        self.trip = False
        self.names = [joint.name for joint in self.body.spec.joints]
        self.status, self.motors_on = TRIAL_OFF, False
        self.controllers = dict.fromkeys(self.names, ZERO_TORQUE)
        self.parameters = {name: self._card() for name in self.names}
        self.calibrating = False
        self._calibrated_s = float("inf")

    def name_of(self, joint: int) -> str:
        """ "" for a joint that it does not have."""
        return next((name for name in self.names if JOINTS[name][0] == joint), "")

    def begin(self) -> None:
        self.status = TRIAL_ON
        self.parameters = {name: self._card() for name in self.names}

    def set(self, joint: int, controller: int, place: int, value: float) -> None:
        name = self.name_of(joint)
        if name and place < PARAMETERS_N:
            if controller != self.controllers[name]:
                self.controllers[name], self.parameters[name] = controller, self._card()
            self.parameters[name][place] = value

    def advance(self, now_s: float) -> None:
        self.body.advance(now_s)
        if self.calibrating:
            self._calibrated_s = min(self._calibrated_s, now_s + FEET_S)
            self.calibrating = now_s < self._calibrated_s
        else:
            self._calibrated_s = float("inf")
        self.drive()

    def drive(self) -> None:
        for i, name in enumerate(self.names):
            runs = self.motors_on and self.controllers[name] == JOINTS[name][1]
            runs = runs and not (self.trip or self.calibrating)
            given = self.parameters[name]
            sign = -1.0 if given[DIRECTION] == 1 else 1.0
            self.body.push(i, sign * given[AMPLITUDE] if runs else 0.0)

    @staticmethod
    def _card() -> list[float]:
        return [CARD_NM] + [0.0] * (PARAMETERS_N - 1)


class OpenExoTwin:
    """Its main board, on the line to its other one."""

    def __init__(self) -> None:
        self.exo = Exo()
        self.body = self.exo.body
        self._slip, self._failed = Slip(), False

    @property
    def trip(self) -> bool:
        return self.exo.trip

    @trip.setter
    def trip(self, is_so: bool) -> None:
        self.exo.trip = is_so

    def hear(self, data: bytes, now_s: float) -> bytes:
        said = b"".join(self._obey(content) for content in self._slip.split(data))
        self.exo.drive()
        return said

    def advance(self, now_s: float) -> bytes:
        self.exo.advance(now_s)
        failed, self._failed = self.trip and not self._failed, self.trip
        joint = JOINTS[self.exo.names[0]][0]
        return answered(Message(ERROR, joint, (TOO_HOT,))) if failed else b""

    def _obey(self, content: bytes) -> bytes:
        if len(content) < 2 or len(content) % 4 != 2:
            return b""
        command, joint = content[0], content[1]
        values = struct.unpack_from(f"<{len(content) // 4}f", content, 2)
        exo = self.exo
        if command == GET_STATUS:
            return answered(Message(STATUS, 0, (exo.status,)))
        if command == GET_CONFIG:
            return answered(Message(CONFIG, 0, (MOTOR,) * CONFIG_N))
        if command == GET_PARAMETERS and (name := exo.name_of(joint)):
            row = (exo.controllers[name], PARAMETERS_N, *exo.parameters[name], 0.0)
            return answered(Message(PARAMETERS, joint, row))
        if command == STATUS and values == (TRIAL_ON,):
            exo.begin()
        elif command == MOTORS and len(values) == 1:
            exo.motors_on = bool(values[0])
        elif command == PARAMETER and len(values) == 3:
            exo.set(joint, int(values[0]), int(values[1]), values[2])
        return b""


class OpenExoBleTwin:
    """The same in the air, as our relay tells of it."""

    def __init__(self) -> None:
        self.exo = Exo()
        self.body = self.exo.body
        self.trip = False
        self._failed = False
        self._alive_s = self._told_s = float("-inf")

    def hear(self, data: bytes, now_s: float) -> bytes:
        writes = writes_of(data)
        while writes:
            letter, *writes = writes
            numbers, writes = (writes[:4], writes[4:]) if letter == LETTER else ([], writes)
            self.obey(letter, b"".join(numbers))
        return b""

    def obey(self, letter: bytes, numbers: bytes) -> None:
        exo = self.exo
        if letter == BEGIN:
            exo.begin()
            exo.motors_on = exo.calibrating = True
        elif letter in (MOTORS_ON, MOTORS_OFF):
            exo.motors_on = letter == MOTORS_ON
        elif letter == LETTER and len(numbers) == 32:
            joint, controller, place, value = struct.unpack("<4d", numbers)
            exo.set(int(joint), int(controller), int(place), float(int(value) & 0xFF))
        exo.drive()

    def advance(self, now_s: float) -> bytes:
        lines = [DATA + note for note in self.notes(now_s)]
        if failed := self.failed():
            lines.append(failed)
        if now_s - self._alive_s >= ALIVE_S:
            self._alive_s = now_s
            lines.append(ALIVE)
        return "".join(line + "\n" for line in lines).encode("ascii")

    def notes(self, now_s: float) -> list[str]:
        """What it notifies by itself: its curves, while its trial runs."""
        self.exo.trip = self.trip
        self.exo.advance(now_s)
        if self.exo.status != TRIAL_ON or now_s - self._told_s < REAL_TIME_S:
            return []
        self._told_s = now_s
        return ["S?11c" + "0n" * 11]

    def failed(self) -> str:
        """Its error, once."""
        failed, self._failed = self.trip and not self._failed, self.trip
        return f"E{TOO_HOT:.0f}:{JOINTS[self.exo.names[0]][0]}" if failed else ""

"""One ODrive axis that speaks lines: it obeys those with a right check sum, and its watchdog."""

from __future__ import annotations

from firmware_bridge.command import Mode
from firmware_bridge.emulators.twin import Body
from firmware_bridge.joint_settings import joints_of
from firmware_bridge.lines import Lines
from firmware_bridge.odrive import SETTINGS, check_sum
from firmware_bridge.odrive_can import (
    CLOSED_LOOP,
    IDLE,
    TORQUE_CONTROL,
    TURN_DEG,
    VELOCITY_CONTROL,
)

MOTOR_FAILED, WATCHDOG_EXPIRED = 0x40, 0x800


class OdriveTwin:
    """Axis 0 of the driver's usual settings."""

    def __init__(self, mode: Mode = Mode.VELOCITY) -> None:
        self.body = Body(joints_of("ODrive joint", SETTINGS, (0,), mode))
        self.trip = False
        self.properties = {
            "axis0.error": 0.0,
            "axis0.requested_state": float(IDLE),
            "axis0.controller.config.control_mode": 0.0,
            "axis0.controller.config.input_mode": 0.0,
            "axis0.config.watchdog_timeout": 0.0,
            "axis0.config.enable_watchdog": 0.0,
        }
        self._lines = Lines()
        self._turns_s = self._torque_nm = self._fed_s = 0.0

    def hear(self, data: bytes, now_s: float) -> bytes:
        return b"".join(self._obey(told, now_s) for told in self._lines.split(data))

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        kept = self.properties
        guarded = kept["axis0.config.enable_watchdog"] == 1
        if guarded and now_s - self._fed_s > kept["axis0.config.watchdog_timeout"]:
            kept["axis0.error"] = WATCHDOG_EXPIRED
        if self.trip:
            kept["axis0.error"] = MOTOR_FAILED
        if kept["axis0.error"]:
            kept["axis0.requested_state"] = IDLE
        self._drive()
        return b""

    def _obey(self, told: str, now_s: float) -> bytes:
        text, star, number = told.partition("*")
        if not (star and number.isdigit() and check_sum(text) == int(number)):
            return b""
        verb, *words = text.split()
        if verb == "f":
            return _reply(f"{self.body.position_deg[0] / TURN_DEG:f} 0.000000")
        if verb == "r":
            known = self.properties.get(words[0])
            return _reply("invalid property" if known is None else f"{known:.0f}")
        if verb == "sc":
            self.properties["axis0.error"] = 0.0
        elif verb == "w" and words[0] in self.properties:
            self.properties[words[0]] = float(words[1])
        elif verb == "v":
            self._turns_s, self._torque_nm = float(words[1]), float(words[2])
        elif verb == "c":
            self._torque_nm = float(words[1])
        if verb in "vcu":
            self._fed_s = now_s
        self._drive()
        return b""

    def _drive(self) -> None:
        kept = self.properties
        runs = kept["axis0.requested_state"] == CLOSED_LOOP and not kept["axis0.error"]
        control = kept["axis0.controller.config.control_mode"]
        if runs and control == TORQUE_CONTROL:
            self.body.push(0, self._torque_nm)
        else:
            runs = runs and control == VELOCITY_CONTROL
            self.body.drive_at(0, self._turns_s * TURN_DEG if runs else 0.0)


def _reply(text: str) -> bytes:
    return f"{text}*{check_sum(text)}\r\n".encode("ascii")

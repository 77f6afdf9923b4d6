"""One ODrive axis over USB or UART (the ASCII protocol), with check sums and the axis' watchdog.

Facts: odriverobotics/ODrive@f9b5419c (docs/ascii-protocol). Replies do not say which axis they are
of: so one link drives one axis, and more joints want CAN.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import reduce
from operator import xor

from acquisition.words import Setting, refuse_choice, split_argument
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Damaged, Ear, Facts, PieceEar, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec
from firmware_bridge.joint_settings import (
    JOINT_SETTINGS,
    TORQUE_SETTINGS,
    bounded_nm,
    joints_of,
    mode_of,
)
from firmware_bridge.lines import Lines
from firmware_bridge.odrive_can import (
    CLOSED_LOOP,
    CONTROL,
    IDLE,
    PASSTHROUGH,
    TURN_DEG,
    Errors,
    refuse_gear,
)

BAUD_HZ = 115_200
WATCHDOG_S = 0.200
"""The axis switches its motor off after so long without a setpoint: behind our own 150 ms."""
SETTINGS: dict[str, Setting] = {"axis": 0, "gear": 1.0, **JOINT_SETTINGS, **TORQUE_SETTINGS}
_SUMMED = re.compile(r"([^*]+)\*(\d{1,3})")
_NUMBER = r"(-?\d{1,9}(?:\.\d{1,9})?)"
_FEEDBACK = re.compile(rf"{_NUMBER} {_NUMBER}")
_ERROR = re.compile(r"\d{1,20}")


def check_sum(text: str) -> int:
    """XOR of all characters before the star."""
    return reduce(xor, text.encode("ascii"), 0)


def line(text: str) -> bytes:
    """A command with its check sum."""
    text += " "
    return f"{text}*{check_sum(text)}\n".encode("ascii")


def write(axis: int, name: str, value: float) -> bytes:
    """Sets a property of an axis."""
    return line(f"w axis{axis}.{name} {value:g}")


class Odrive:
    """The dialect. Only setpoints feed the axis' watchdog; what is asked does not."""

    def __init__(self, spec: HandSpec, axis: int, gear: float) -> None:
        mode = Mode.TORQUE if Mode.TORQUE in spec.modes else Mode.VELOCITY
        self.facts = Facts(spec, mode, Silence.LETS_GO, WATCHDOG_S, max_rate_hz=100.0)
        self.gear = gear
        self._axis = axis
        self.errors = Errors()

    def greet(self) -> bytes:
        return self.ask()

    def ask(self) -> bytes:
        return line(f"f {self._axis}") + line(f"r axis{self._axis}.error")

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """Speed 0, torque 0 and a fed watchdog before the loop is closed."""
        axis, self.errors = self._axis, Errors()
        return (
            line("sc")  # an error of before keeps the loop open
            + write(axis, "controller.config.control_mode", CONTROL[self.facts.mode])
            + write(axis, "controller.config.input_mode", PASSTHROUGH)
            + self.stop(at_deg)
            + write(axis, "config.watchdog_timeout", WATCHDOG_S)
            + line(f"u {axis}")
            + write(axis, "config.enable_watchdog", 1)
            + write(axis, "requested_state", CLOSED_LOOP)
        )

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        if self.facts.mode is Mode.TORQUE:
            (torque_nm,) = bounded_nm(joints, self.facts.spec)
            motor_nm = float(f"{torque_nm / self.gear:.6f}")
            return Wanted(self._torque(motor_nm), (motor_nm * self.gear,))
        turns_s = float(f"{joints[0] * self.gear / TURN_DEG:.6f}")
        return Wanted(self._velocity(turns_s), (turns_s * TURN_DEG / self.gear,))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        """Speed 0, whose line has torque 0 in it; for an axis of torques torque 0 before it."""
        torque = self._torque(0.0) if self.facts.mode is Mode.TORQUE else b""
        return torque + self._velocity(0.0)

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """The watchdog last: left on, it would end in an error while nothing is wrong."""
        return write(self._axis, "requested_state", IDLE) + write(
            self._axis, "config.enable_watchdog", 0
        )

    def ear(self) -> Ear:
        return PieceEar(Lines(), self._read)

    def _velocity(self, turns_s: float) -> bytes:
        return line(f"v {self._axis} {turns_s:.6f} 0")

    def _torque(self, torque_nm: float) -> bytes:
        return line(f"c {self._axis} {torque_nm:.6f}")

    def _read(self, told: str) -> Reading | None:
        """Where the axis is, or its error. Without a right check sum it is none."""
        summed = _SUMMED.fullmatch(told)
        if summed is None or check_sum(summed[1]) != int(summed[2]):
            raise Damaged
        if at := _FEEDBACK.fullmatch(summed[1]):
            return Reading((float(at[1]) * TURN_DEG / self.gear,))
        if _ERROR.fullmatch(summed[1]):
            error = self.errors.learn(int(summed[1]))
            return Reading(trip=f"the axis has the error 0x{error:x}" if error else "")
        raise Damaged  # "invalid property" and the like, of other firmware


def open_odrive(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """One axis at a serial port: "/dev/ttyACM0,axis=0,gear=8,names=knee"; with
    "mode=torque,max_nm=8" it gives torques and takes nothing else. `port` as in tests.

    Refuses a port that is missing, busy or not permitted, and settings that are none.
    """
    url, settings = split_argument(argument, SETTINGS, "odrive")
    axis, gear = int(settings["axis"]), float(settings["gear"])
    refuse_choice("axis", axis, (0, 1))
    refuse_gear(gear)
    spec = joints_of("ODrive joint", settings, (axis,), mode_of(settings))
    return open_serial_dialect(Odrive(spec, axis, gear), url, BAUD_HZ, port, clock)

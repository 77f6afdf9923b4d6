"""An OpenExo exoskeleton over the serial line between its two boards: torques of its joints.

Facts: naubiomech/OpenExo@78718268 (UARTHandler, uart_commands, ParseIni, ControllerData). The line
has no check sum. An OpenExo runs controllers of its own: Flexor chooses the one of constant torque
and changes its amplitude. It tells no angle: each joint is taken to stand at 0, within its range.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown
from acquisition.words import Setting, split_argument
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Damaged, Ear, Facts, PieceEar, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec, Joint
from firmware_bridge.joint_settings import RISE_S, bounded_nm
from firmware_bridge.slip import Slip, slip

BAUD_HZ = 256_000
GET_PARAMETERS, PARAMETERS, GET_STATUS, STATUS, GET_CONFIG, CONFIG = 1, 2, 3, 4, 5, 6
MOTORS, REAL_TIME, PARAMETER, ERROR = 0x0E, 0x12, 0x14, 0x16
COUNTS_PER_UNIT = 100
TRIAL_ON = 2
IN_TRIAL = (TRIAL_ON, 4, 5, 6, 7)
"""on, calibrating its torque sensors or its foot switches (twice), starting its motors"""
LEFT, RIGHT = 0x40, 0x20
KINDS = {"hip": (1, 4), "knee": (2, 3), "ankle": (4, 5)}
"""joint -> (its bit, number of its controller of constant torque); an elbow has none"""
JOINTS = {
    f"{side}_{kind}": (half | bit, controller)
    for side, half in (("left", LEFT), ("right", RIGHT))
    for kind, (bit, controller) in KINDS.items()
}
"""name -> (id, controller)"""
KIND_PLACES = {"hip": 5, "knee": 6, "ankle": 7}
"""where the configuration tells of a joint's motor"""
NO_MOTOR = 1
AMPLITUDE, DIRECTION = 0, 1
"""parameters of a constant torque: Nm, and 0 or 1 for towards flexion or away"""
SETTINGS: dict[str, Setting] = {"joints": "left_knee", "max_nm": 10.0}
MOST_NM = 100.0
"""More is beyond every motor that an OpenExo has (protocols B12)."""
SPEED_DEG_S = 60.0
"""Stands where a hand has its speed: nothing here is driven by one."""


class Message(NamedTuple):
    """What the exoskeleton's main board says."""

    command: int
    joint: int
    values: tuple[float, ...]


def told(command: int, joint: int = 0, *values: float) -> bytes:
    """A frame to the main board: its numbers are floats."""
    return slip(struct.pack(f"<BB{len(values)}f", command, joint, *values))


def answered(message: Message) -> bytes:
    """A frame from the main board: its numbers are hundredths, bounded to what they hold."""
    counts = [round(value * COUNTS_PER_UNIT) for value in message.values]
    bounded = [min(max(count, -32768), 32767) for count in counts]
    return slip(struct.pack(f"<BB{len(bounded)}h", message.command, message.joint, *bounded))


def understood(content: bytes) -> Message | None:
    """A frame's content from the main board; None for what can be none."""
    if len(content) < 2 or len(content) % 2:
        return None
    counts = struct.unpack_from(f"<{len(content) // 2 - 1}h", content, 2)
    return Message(content[0], content[1], tuple(count / COUNTS_PER_UNIT for count in counts))


def spec_of(argument: str, source: str) -> tuple[str, HandSpec]:
    """(address, what it is able to do). Refuses joints that no OpenExo gives a constant torque."""
    address, settings = split_argument(argument, SETTINGS, source)
    names = str(settings["joints"]).split("+")
    for name in names:
        if name.endswith("_elbow"):
            raise Refused(
                f"{name} cannot be driven: an OpenExo's elbow has no controller of constant "
                f"torque; joints are {', '.join(JOINTS)}."
            )
        refuse_unknown(name, JOINTS, "joint of an OpenExo")
    most = float(settings["max_nm"])
    if not 0.0 < most <= MOST_NM:
        raise Refused(f"max_nm is more than 0 and at most {MOST_NM:g} Nm, not {most:g}.")
    motion = ((-90.0, 90.0), SPEED_DEG_S, 10 * SPEED_DEG_S)
    joints = tuple(Joint(name, *motion, most, most / RISE_S) for name in names)
    return address, HandSpec("OpenExo", joints, (Mode.TORQUE,), tells_angles=False)


class OpenExo:
    """The dialect. A stop is torque 0; disarming switches the motors off."""

    def __init__(self, spec: HandSpec) -> None:
        self.facts = Facts(spec, Mode.TORQUE, Silence.HOLDS, None, max_rate_hz=50.0)
        self.ids = [JOINTS[joint.name] for joint in spec.joints]
        self.still_deg = (0.0,) * len(self.ids)
        self.begun = self.in_trial = False
        """whether it was told to begin its trial, and whether it has said that it did"""
        self.missing = ""
        """the joint that its configuration gives no motor"""

    def greet(self) -> bytes:
        return told(GET_CONFIG) + self.ask()

    def ask(self) -> bytes:
        """Its status, and which controller each joint runs."""
        return told(GET_STATUS) + b"".join(told(GET_PARAMETERS, joint) for joint, _ in self.ids)

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """Torque 0 before the trial begins and once more behind it: beginning it loads the
        parameters of the exoskeleton's card."""
        self.begun, self.in_trial = True, False
        still = self.stop(at_deg)
        direction = b"".join(
            told(PARAMETER, joint, controller, DIRECTION, 0.0) for joint, controller in self.ids
        )
        begin = told(STATUS, 0, TRIAL_ON)
        return told(MOTORS, 0, 0.0) + still + begin + still + direction + told(MOTORS, 0, 1.0)

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        torques = bounded_nm(joints, self.facts.spec)
        return Wanted(self._torques(torques), torques)

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return self._torques(self.still_deg)

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        return told(MOTORS, 0, 0.0)

    def ear(self) -> Ear:
        return PieceEar(Slip(), self._read)

    def _torques(self, torques_nm: tuple[float, ...]) -> bytes:
        rows = zip(self.ids, torques_nm, strict=True)
        return b"".join(
            told(PARAMETER, joint, controller, AMPLITUDE, nm) for (joint, controller), nm in rows
        )

    def _read(self, content: bytes) -> Reading | None:
        """Of status, parameters, configuration and errors."""
        message = understood(content)
        if message is None or message.command not in (STATUS, PARAMETERS, CONFIG, ERROR, REAL_TIME):
            raise Damaged
        trip = self.missing
        if message.command == CONFIG:
            self.missing = _without_motor(self, message.values)
        elif message.values and message.command == ERROR and message.values[0]:
            trip = f"error {message.values[0]:g} at joint {message.joint}"
        elif message.values and self.begun:
            trip = trip or self._astray(message)
        if self.begun and not self.in_trial and not trip:
            return None  # armed is what it says of itself, and not that it answers
        return Reading(self.still_deg, trip=trip)

    def _astray(self, message: Message) -> str:
        """Why an exoskeleton that was armed does not do what it was told to."""
        if message.command == STATUS:
            running = message.values[0] in IN_TRIAL
            left = self.in_trial and not running
            self.in_trial = self.in_trial or running
            return f"it left its trial (status {message.values[0]:g})" if left else ""
        controller = dict(self.ids).get(message.joint)
        if message.command == PARAMETERS and self.in_trial and controller is not None:
            runs = message.values[0]
            if runs != controller:
                return f"joint {message.joint} runs controller {runs:g}, not {controller}"
        return ""


def _without_motor(exo: OpenExo, config: tuple[float, ...]) -> str:
    """The first of our joints for which no motor is configured; "" where all have theirs."""
    for joint in exo.facts.spec.joints:
        place = KIND_PLACES[joint.name.partition("_")[2]]
        if len(config) > place and config[place] == NO_MOTOR:
            return f"its configuration has no motor for {joint.name}"
    return ""


def open_openexo(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """Its main board at a serial port: "/dev/ttyUSB0,joints=left_knee+right_knee,max_nm=8".

    Refuses a port that is missing, busy or not permitted, and joints and torques that are none.
    """
    url, spec = spec_of(argument, "openexo")
    return open_serial_dialect(OpenExo(spec), url, BAUD_HZ, port, clock)

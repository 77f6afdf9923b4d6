"""An OpenExo exoskeleton over Bluetooth, as its own app speaks to it.

Facts: naubiomech/OpenExo@78718268 (ble_commands, BleParser, GattDb). A command is a letter; numbers
follow as doubles, each in a write of its own. Its firmware hands a parameter on as a byte in most
versions: so torques are whole newton metres and never below 0.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable

from firmware_bridge.command import Mode
from firmware_bridge.dialect import Damaged, Ear, Facts, PieceEar, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec
from firmware_bridge.lines import Lines
from firmware_bridge.openexo import AMPLITUDE, DIRECTION, JOINTS, spec_of

BEGIN, MOTORS_ON, MOTORS_OFF, PARAMETER = b"E", b"x", b"w", b"f"
NUMBERS_N = {PARAMETER: 4}
"""command -> doubles that follow it; none for the others"""
DOUBLE_N = 8
ALIVE, DATA, ERROR = ".", "D", "E"
"""How a line from the relay begins: the connection stands, what was notified, an error."""
_REAL_TIME = re.compile(r"DS\?\d{1,2}c.*")
_FAULT = re.compile(r"E(\d{1,4}):(\d{1,3})")


def parameter(joint: int, controller: int, place: int, value: float) -> bytes:
    """Sets one number of a joint's controller, and lets that controller run."""
    return PARAMETER + struct.pack("<4d", joint, controller, place, value)


def writes_of(data: bytes) -> list[bytes]:
    """The writes that the commands in `data` are sent in: a letter, then each double."""
    writes = []
    while data:
        letter, data = data[:1], data[1:]
        writes.append(letter)
        for _ in range(NUMBERS_N.get(letter, 0)):
            writes.append(data[:DOUBLE_N])
            data = data[DOUBLE_N:]
    return writes


class OpenExoBle:
    """The dialect. A stop is torque 0; disarming switches the motors off."""

    def __init__(self, spec: HandSpec) -> None:
        self.facts = Facts(spec, Mode.TORQUE, Silence.HOLDS, None, max_rate_hz=40.0)
        self.ids = [JOINTS[joint.name] for joint in spec.joints]
        self.still_deg = (0.0,) * len(self.ids)
        self.begun = False
        """whether it was told to begin its trial: then it has to tell of it"""

    def greet(self) -> bytes:
        """Nothing: that it is connected is all that can be known of it before its trial."""
        self.begun = False
        return b""

    def ask(self) -> bytes:
        """Nothing: it tells by itself while its trial runs."""
        return b""

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """Torque 0 before the trial begins, which switches the motors on; off at once, torque 0
        again, for the trial loads the parameters of the exoskeleton's card; then on."""
        self.begun = True
        still = self.stop(at_deg)
        direction = b"".join(parameter(*joint, DIRECTION, 0.0) for joint in self.ids)
        return still + BEGIN + MOTORS_OFF + still + direction + MOTORS_ON

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        rows = zip(joints, self.facts.spec.joints, strict=True)
        torques = tuple(float(int(min(max(nm, 0.0), joint.max_torque_nm))) for nm, joint in rows)
        return Wanted(self._torques(torques), torques)

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return self._torques(self.still_deg)

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        return MOTORS_OFF

    def ear(self) -> Ear:
        return PieceEar(Lines(), self._read)

    def _torques(self, torques_nm: tuple[float, ...]) -> bytes:
        rows = zip(self.ids, torques_nm, strict=True)
        return b"".join(parameter(*joint, AMPLITUDE, nm) for joint, nm in rows)

    def _read(self, line: str) -> Reading | None:
        """Of the relay's lines. Once its trial was begun, it has to tell of that itself."""
        if line == ALIVE:
            return None if self.begun else Reading(self.still_deg)
        if fault := _FAULT.fullmatch(line):
            trip = f"error {fault[1]} at joint {fault[2]}" if int(fault[1]) else ""
            return Reading(self.still_deg, trip=trip)
        if _REAL_TIME.fullmatch(line):
            return Reading(self.still_deg)
        if not line.startswith(DATA):
            raise Damaged
        return None  # names of its curves, its battery, and others


def open_openexo_ble(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The OpenExo at "ADDRESS,joints=left_knee,max_nm=8"; without an address, the one that is near.

    Refuses joints and torques that are none, where Bluetooth is missing, and where no OpenExo, or
    more than one, is near.
    """
    where, spec = spec_of(argument, "openexo_ble")
    exo = OpenExoBle(spec)
    if port is not None:
        return DialectLink("the OpenExo", exo, port, clock)
    from firmware_bridge.openexo_relay import open_relay

    opened, watchdog = open_relay(where)
    return DialectLink(
        f"the OpenExo{f' at {where}' if where else ''}", exo, opened, clock, watchdog
    )

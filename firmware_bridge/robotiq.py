"""Robotiq 2F grippers over Modbus RTU: one joint, 0 open to 255 closed.

Facts: castetsb/pyRobotiqGripper@5c68bf8e, with the meaning of the fault codes. The angle
(0.8 rad from open to closed for a 2F-85) is from general knowledge.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from acquisition.stream import Refused
from acquisition.words import split_argument
from firmware_bridge import modbus
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Facts, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec, Joint
from firmware_bridge.modbus import RTU, Answers
from firmware_bridge.turn_port import TurnPort

BAUD_HZ = 115_200
UNIT = 9
WRITE_AT, STATUS_AT, STATUS_N = 0x03E8, 0x07D0, 3
ACTIVATE, GO = 0x0100, 0x0800
"""rACT and rGTO, in the first word"""
ACTIVATED = 3
"""gSTA: the activation is done"""
CLOSED, CLOSED_DEG = 255, 45.8
A_PER_COUNT = 0.010
TURN_S = 0.020
FAULTS = {
    0x08: "it is too hot",
    0x0A: "its supply is too low",
    0x0B: "it is releasing by itself",
    0x0C: "it has a fault inside",
    0x0D: "its activation failed",
    0x0E: "too much current",
    0x0F: "it has released by itself",
}
"""Lower codes only say that it waits for its activation or for a command."""
MAJOR = 0x0A
"""From here on only an activation clears a fault."""
SETTINGS: dict[str, int | float | str | bool] = {"id": UNIT, "speed": 255, "force": 100}
# 85 mm in 0.6 s at its fastest are 76 deg/s.
SPEC = HandSpec("robotiq 2f", (Joint("fingers", (0.0, CLOSED_DEG), 70.0, 1500.0),))
FACTS = Facts(
    spec=SPEC,
    mode=Mode.POSITION,
    on_silence=Silence.HOLDS,
    native_timeout_s=None,
    max_rate_hz=50.0,
    holds_unpowered=True,
    asks_hz=50.0,
)


def to_hand(deg: float) -> int:
    return max(0, min(CLOSED, round(deg * CLOSED / CLOSED_DEG)))


def from_hand(count: int) -> float:
    return count * CLOSED_DEG / CLOSED


@dataclass
class Robotiq:
    """The dialect. Setpoints are positions."""

    unit: int = UNIT
    speed: int = 255
    force: int = 100
    facts: Facts = FACTS
    fault: int = field(default=0, init=False)
    """the newest one that it told"""

    def greet(self) -> bytes:
        return self.ask()

    def ask(self) -> bytes:
        return RTU.wrap(self.unit, modbus.read_registers(STATUS_AT, STATUS_N))

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """One that is active already does not move for it. After a major fault it has to be
        activated anew, and opens and closes once."""
        anew = self.order(0, 0) if self.fault >= MAJOR else b""
        return anew + self.order(ACTIVATE, to_hand(at_deg[0]))

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        count = to_hand(joints[0])
        return Wanted(self.order(ACTIVATE | GO, count), (from_hand(count),))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        """Without rGTO it stands where it is, wherever that is."""
        return self.order(ACTIVATE, to_hand(at_deg[0]) if at_deg else 0)

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """It is deaf to positions already, as long as rGTO does not come again."""
        return b""

    def ear(self) -> Ear:
        return _Ear(self)

    def turns(self, data: bytes) -> list[tuple[bytes, int]]:
        return modbus.turns_of(RTU, data)

    def order(self, bits: int, position: int) -> bytes:
        """All three words are always written, as the maker's examples do."""
        words = (bits, position, self.speed << 8 | self.force)
        return RTU.wrap(self.unit, modbus.write_registers(WRITE_AT, words))


class _Ear:
    """Takes the three words of status. The dialect learns of a fault, to clear it when armed."""

    def __init__(self, gripper: Robotiq) -> None:
        self._gripper = gripper
        self._answers = Answers(RTU, gripper.unit)

    @property
    def damaged_n(self) -> int:
        return self._answers.damaged_n + self._answers.refused_n

    def hear(self, data: bytes) -> list[Reading]:
        rows = [words for words in self._answers.hear(data) if len(words) == STATUS_N]
        return [self._read(*words) for words in rows]

    def _read(self, status: int, fault: int, position: int) -> Reading:
        code = fault >> 8 & 0x0F
        self._gripper.fault = code
        return Reading(
            (from_hand(position >> 8),),
            ((position & 0xFF) * A_PER_COUNT,),
            trip=FAULTS.get(code, ""),
        )


def robotiq_of(argument: str) -> tuple[str, Robotiq]:
    """(port, dialect) of e.g. "/dev/ttyUSB0,force=50". Refuses numbers that it does not have."""
    url, said = split_argument(argument, SETTINGS, "robotiq")
    for key, low, top in (("id", 1, 247), ("speed", 0, 255), ("force", 0, 255)):
        if not low <= int(said[key]) <= top:
            raise Refused(f"{key} of a Robotiq gripper is from {low} to {top}, not {said[key]}.")
    return url, Robotiq(int(said["id"]), int(said["speed"]), int(said["force"]))


def open_robotiq(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The gripper at a serial port. `port` stands for it, as in tests.

    Refuses wrong settings, and a port that is missing, busy or not permitted.
    """
    url, dialect = robotiq_of(argument)
    line = partial(TurnPort, turns=dialect.turns, turn_s=TURN_S, clock=clock)
    return open_serial_dialect(dialect, url, BAUD_HZ, port, clock, line)

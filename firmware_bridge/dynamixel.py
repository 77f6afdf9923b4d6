"""Dynamixel X servos on one bus (LEAP Hand and other hands built of them), protocol 2.0.

Facts: ROBOTIS-GIT/DynamixelSDK@2ded684d; leap-hand/LEAP_Hand_API@b0d00c88 (gains, limits, 180 deg
is flat). All packets but questions go to many servos at once, so that none of them is answered.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from acquisition.stream import Refused
from acquisition.words import refuse_choice, split_argument
from firmware_bridge import dynamixel_packet as wire
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Facts, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.frames import FrameCutter
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec, Joint
from firmware_bridge.turn_port import TurnPort
from firmware_bridge.words import read_ids

OPERATING_MODE, TORQUE, ANSWERS, GAINS, BUS_WATCHDOG = 11, 64, 68, 80, 98
GOAL_CURRENT, GOAL_POSITION, PRESENT = 102, 116, 126
PRESENT_N = 21
"""registers 126 to 146: current, velocity, position, ... temperature"""
CURRENT_BASED_POSITION = 5
READS_ONLY = 1
"""status return level: only questions are answered"""
BUS_WATCHDOG_N, BUS_WATCHDOG_UNIT_S = 7, 0.020
ALERT = 0x80
STEPS_PER_DEG = 4096 / 360.0
MIDDLE = 2048
MA_PER_COUNT = {"xl330": 1.0, "xm430": 2.69}
REST_SHARE = 0.3
"""of the current, for a disarmed hand that holds what it has (protocols C6)"""
LEAP_GAINS = (200, 0, 600)
"""D, I, P; those of the joints to the side are a quarter less"""
LEAP_BAUD_HZ, FACTORY_BAUD_HZ = 4_000_000, 57_600
RETURN_S = 0.0005
"""A servo waits so long before it answers, as it comes from the maker."""
SETTINGS: dict[str, int | float | str | bool] = {
    "layout": "leap",
    "ids": "",
    "low_deg": 0.0,
    "high_deg": 90.0,
    "baud_hz": 0,
    "servo": "xl330",
    "current_ma": 350,
    "fast": False,
}
# Within the maker's limits (-60..60, -18..127, -29..108, -21..117; thumb -20..120, -27..140,
# -69..109, -77..108), and without the fingers' way backwards.
_FINGER = (("_side", (-30.0, 30.0)), ("", (0.0, 110.0)), ("_pip", (0.0, 105.0)))
_LAST = (("_dip", (0.0, 105.0)),)
_THUMB = (("_rotation", (0.0, 110.0)), ("", (0.0, 110.0)), ("_pip", (0.0, 105.0)))


def _joint(name: str, range_deg: tuple[float, float]) -> Joint:
    # An XL330 turns 366 deg/s without load; a finger closes in 0.7 s with this.
    return Joint(name, range_deg, 150.0, 1500.0)


LEAP = HandSpec(
    "leap hand",
    tuple(
        _joint(finger + part, range_deg)
        for finger in ("index", "middle", "ring", "thumb")
        for part, range_deg in ((_THUMB if finger == "thumb" else _FINGER) + _LAST)
    ),
)
"""Joints in the order of the ids 0 to 15."""


@dataclass(frozen=True)
class Dynamixel:
    """The dialect: a bus of servos, one for each joint. Setpoints are positions."""

    spec: HandSpec = LEAP
    ids: tuple[int, ...] = tuple(range(16))
    gains: bool = True
    """whether LEAP's gains are written when it is armed"""
    baud_hz: int = LEAP_BAUD_HZ
    ma_per_count: float = MA_PER_COUNT["xl330"]
    current_ma: int = 350
    fast: bool = False

    @property
    def answer_n(self) -> int:
        """Bytes of the answers to one question."""
        n = len(self.ids)
        return 8 + n * (PRESENT_N + 4) if self.fast else n * (PRESENT_N + 11)

    @property
    def round_s(self) -> float:
        """How long a question and its answers take."""
        return (self.answer_n + 30) * 10 / self.baud_hz + len(self.ids) * RETURN_S

    @property
    def facts(self) -> Facts:
        return Facts(
            spec=self.spec,
            mode=Mode.POSITION,
            on_silence=Silence.STOPS,
            native_timeout_s=BUS_WATCHDOG_N * BUS_WATCHDOG_UNIT_S,
            max_rate_hz=100.0,
            asks_hz=min(50.0, 0.5 / self.round_s),
        )

    def greet(self) -> bytes:
        return self._all(ANSWERS, READS_ONLY) + self.ask()

    def ask(self) -> bytes:
        return wire.sync_read(self.ids, PRESENT, PRESENT_N, self.fast)

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """The mode can only be set without torque; a bus watchdog that tripped locks the goals."""
        sides = [0.75 if joint.name.endswith("_side") else 1.0 for joint in self.spec.joints]
        gains = [struct.pack("<3H", *(int(s * gain) for gain in LEAP_GAINS)) for s in sides]
        return b"".join(
            (
                self._all(ANSWERS, READS_ONLY),
                self._all(TORQUE, 0),
                self._all(OPERATING_MODE, CURRENT_BASED_POSITION),
                self._all(BUS_WATCHDOG, 0),
                self._each(GAINS, gains) if self.gains else b"",
                self._current(1.0),
                self.goals(at_deg),
                self._all(TORQUE, 1),
                self._all(BUS_WATCHDOG, BUS_WATCHDOG_N),
            )
        )

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        exact = tuple(round(deg * STEPS_PER_DEG) / STEPS_PER_DEG for deg in joints)
        return Wanted(self.goals(exact), exact)

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        """Holds; lets go where nobody knows what to hold."""
        return self.goals(at_deg) if at_deg else self._all(TORQUE, 0)

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """Holds with less current. The bus watchdog stays: when nobody asks, it locks the goals."""
        return self._current(REST_SHARE)

    def ear(self) -> Ear:
        return _Ear(self.ids, self.ma_per_count, self.spec.joint_names)

    def turns(self, data: bytes) -> list[tuple[bytes, int]]:
        """Only the question at the end of what is written is answered."""
        return [(data, self.answer_n if data.endswith(self.ask()) else 0)]

    def goals(self, joints: tuple[float, ...]) -> bytes:
        steps = [MIDDLE + round(deg * STEPS_PER_DEG) for deg in joints]
        return self._each(GOAL_POSITION, [struct.pack("<i", step) for step in steps])

    def _current(self, share: float) -> bytes:
        counts = struct.pack("<h", int(share * self.current_ma / self.ma_per_count))
        return self._each(GOAL_CURRENT, [counts] * len(self.ids))

    def _each(self, address: int, rows: list[bytes]) -> bytes:
        return wire.sync_write(address, dict(zip(self.ids, rows, strict=True)))

    @staticmethod
    def _all(address: int, value: int) -> bytes:
        return wire.write(wire.BROADCAST, address, bytes([value]))


class _Ear:
    """Collects a round: one answer of every servo. A servo that is silent leaves it unfinished."""

    def __init__(self, ids: tuple[int, ...], ma_per_count: float, names: tuple[str, ...]) -> None:
        self._ids, self._names, self._a_per_count = ids, names, ma_per_count / 1e3
        longest_n = 16 + 2 * len(ids) * (PRESENT_N + 11)
        self._cutter = FrameCutter(wire.HEAD, wire.length_of, wire.right, longest_n)
        self._round: dict[int, bytes] = {}
        self._missed_n = 0

    @property
    def damaged_n(self) -> int:
        return self._cutter.damaged_n + self._missed_n

    def hear(self, data: bytes) -> list[Reading]:
        readings = []
        for packet in map(wire.unpacked, self._cutter.cut(data)):
            for servo, error, row in wire.rows_of(packet, PRESENT_N):
                readings += self._take(servo, error, row)
        return readings

    def _take(self, servo: int, error: int, row: bytes) -> list[Reading]:
        if servo not in self._ids:
            return []
        tripped = []
        if error & ALERT:
            name = self._names[self._ids.index(servo)]
            trip = f"servo {servo} ({name}) reports heat, overload or a wrong voltage"
            tripped = [Reading(trip=trip)]
        if servo in self._round:
            self._round, self._missed_n = {}, self._missed_n + 1
        self._round[servo] = row
        if len(self._round) < len(self._ids):
            return tripped
        rows = [self._round[servo] for servo in self._ids]
        self._round = {}
        words = [struct.unpack_from("<hii", row) for row in rows]
        return [
            *tripped,
            Reading(
                tuple((position - MIDDLE) / STEPS_PER_DEG for _, _, position in words),
                tuple(current * self._a_per_count for current, _, _ in words),
                tuple(float(row[-1]) for row in rows),
            ),
        ]


def dynamixel_of(argument: str) -> tuple[str, Dynamixel]:
    """(port, dialect) of e.g. "/dev/ttyUSB0,layout=leap" or "/dev/ttyUSB0,ids=1+2,baud_hz=57600".

    Refuses unknown settings, ids and servos, and a bus too slow to be asked 20 times a second.
    """
    address, said = split_argument(argument, SETTINGS, "dynamixel")
    refuse_choice("layout", str(said["layout"]), ("leap",))
    refuse_choice("servo", str(said["servo"]), tuple(MA_PER_COUNT))
    spec, ids, baud_hz = LEAP, tuple(range(16)), LEAP_BAUD_HZ
    if said["ids"]:
        ids, baud_hz = read_ids(str(said["ids"]), 0, 252), FACTORY_BAUD_HZ
        range_deg = (float(said["low_deg"]), float(said["high_deg"]))
        spec = HandSpec("dynamixel bus", tuple(_joint(f"joint_{i}", range_deg) for i in ids))
    dialect = Dynamixel(
        spec,
        ids,
        not said["ids"],
        int(said["baud_hz"]) or baud_hz,
        MA_PER_COUNT[str(said["servo"])],
        int(said["current_ma"]),
        bool(said["fast"]),
    )
    if dialect.baud_hz < 1 or dialect.facts.asks_hz < 20.0:
        raise Refused(
            f"{len(ids)} servos cannot answer 20 times a second at {dialect.baud_hz} baud: give "
            f"them a faster one (baud_hz=1000000), or try fast=yes."
        )
    return address, dialect


def open_dynamixel(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The servos at a serial port. `port` stands for it, as in tests.

    Refuses wrong settings, and a port that is missing, busy or not permitted.
    """
    url, dialect = dynamixel_of(argument)
    turn_s = 2 * dialect.round_s + 0.005
    line = partial(TurnPort, turns=dialect.turns, turn_s=turn_s, clock=clock)
    return open_serial_dialect(dialect, url, dialect.baud_hz, port, clock, line)

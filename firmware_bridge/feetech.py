"""Feetech STS and SCS servos on one bus; Amazing Hand, whose fingers have two servos each.

Facts: vassar-robotics/feetech-servo-sdk@d60242c8; pollen-robotics/AmazingHand@4c5cb2f2 (ids, and
-35/35 deg for an open finger, 90/-90 for a closed one). Only questions are answered: all the rest
goes to many servos at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from acquisition.stream import Refused
from acquisition.words import refuse_choice, split_argument
from firmware_bridge import feetech_packet as wire
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Facts, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.feetech_packet import Series
from firmware_bridge.frames import FrameCutter
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec, Joint
from firmware_bridge.link import HandFlag
from firmware_bridge.turn_port import TurnPort, cut
from firmware_bridge.words import read_ids

TORQUE, ACCELERATION, GOAL, TORQUE_LIMIT, PRESENT = 40, 41, 42, 48, 56
PRESENT_N = 8
"""registers 56 to 63: position, speed, load, voltage, temperature"""
MIDDLE = {Series.STS: 2048, Series.SCS: 511}
STEPS_PER_DEG = {Series.STS: 4096 / 360.0, Series.SCS: 1024 / 300.0}
STEPS_N = {Series.STS: 4096, Series.SCS: 1024}
TOP_DEG_S = 300.0
"""speed of a servo on its way to a goal: the goals come in small steps"""
REST_PERMILLE = 300
"""of the torque, for a disarmed STS servo that holds what it has (protocols C6)"""
TROUBLES = {0x01: "voltage", 0x04: "heat", 0x08: "current", 0x20: "overload"}
FLAGS = {
    0x04: HandFlag.OVER_TEMPERATURE,
    0x08: HandFlag.OVER_CURRENT,
    0x20: HandFlag.OVER_CURRENT,
}
OPEN_DEG, SIDE_DEG, SERVO_DEG = 35.0, 30.0, 95.0
TURN_S = 0.010
SETTINGS: dict[str, int | float | str | bool] = {
    "series": "scs",
    "ids": "",
    "low_deg": 0.0,
    "high_deg": 90.0,
    "baud_hz": 1_000_000,
    "left": False,
    "middles_deg": "",
    "torque_permille": 600,
}


def _joint(name: str, low_deg: float, high_deg: float) -> Joint:
    return Joint(name, (low_deg, high_deg), 150.0, 1500.0)


AMAZING = HandSpec(
    "amazing hand",
    tuple(
        _joint(finger + part, low, high)
        for finger in ("index", "middle", "ring", "thumb")
        for part, low, high in (("", 0.0, 125.0), ("_side", -SIDE_DEG, SIDE_DEG))
    ),
)
"""Bend and side of each finger; servos 1 and 2 are the index, 7 and 8 the thumb."""


@dataclass
class Feetech:
    """The dialect: a bus of servos. Setpoints are positions."""

    spec: HandSpec = AMAZING
    ids: tuple[int, ...] = tuple(range(1, 9))
    series: Series = Series.SCS
    pairs: bool = True
    """whether two servos move a finger, as in an Amazing Hand; else each one a joint"""
    middles_deg: tuple[float, ...] = (0.0,) * 8
    """what is added to each servo's angle: its horn was not put on quite straight"""
    torque_permille: int = 600
    baud_hz: int = 1_000_000
    _asked_n: int = 0

    @property
    def facts(self) -> Facts:
        each = self.series is Series.SCS
        return Facts(
            spec=self.spec,
            mode=Mode.POSITION,
            on_silence=Silence.HOLDS,
            native_timeout_s=None,
            max_rate_hz=100.0,
            asks_hz=200.0 if each else 50.0,
        )

    def greet(self) -> bytes:
        return self.ask()

    def ask(self) -> bytes:
        """SCS servos know no question to all: each time another one is asked."""
        if self.series is Series.STS:
            return wire.sync_read(self.ids, PRESENT, PRESENT_N)
        self._asked_n += 1
        return wire.read(self.ids[self._asked_n % len(self.ids)], PRESENT, PRESENT_N)

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        return self._limit(self.torque_permille) + self.goals(at_deg) + self._torque(1)

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        steps = self.steps(joints)
        return Wanted(self._goals(steps), self.joints(steps))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        """Holds; lets go where nobody knows what to hold."""
        return self.goals(at_deg) if at_deg else self._torque(0)

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """STS servos hold with less torque. SCS servos have no such limit at hand."""
        return self._limit(REST_PERMILLE)

    def ear(self) -> Ear:
        return _Ear(self)

    def goals(self, joints: tuple[float, ...]) -> bytes:
        return self._goals(self.steps(joints))

    def steps(self, joints: tuple[float, ...]) -> tuple[int, ...]:
        """Servos' steps for joints in degrees."""
        angles = list(joints)
        if self.pairs:
            for at in range(0, len(joints), 2):
                bend, side = joints[at] - OPEN_DEG, joints[at + 1]
                pair = (side + bend, side - bend)
                angles[at : at + 2] = [min(max(a, -SERVO_DEG), SERVO_DEG) for a in pair]
        middle, per_deg = MIDDLE[self.series], STEPS_PER_DEG[self.series]
        rows = zip(angles, self.middles_deg, strict=True)
        return tuple(middle + round((angle + add) * per_deg) for angle, add in rows)

    def joints(self, steps: tuple[float, ...]) -> tuple[float, ...]:
        """Joints in degrees that the servos' steps mean."""
        middle, per_deg = MIDDLE[self.series], STEPS_PER_DEG[self.series]
        rows = zip(steps, self.middles_deg, strict=True)
        angles = [(step - middle) / per_deg - add for step, add in rows]
        if self.pairs:
            for at in range(0, len(angles), 2):
                one, two = angles[at : at + 2]
                angles[at : at + 2] = [(one - two) / 2 + OPEN_DEG, (one + two) / 2]
        return tuple(angles)

    def answer_of(self, frame: bytes) -> int:
        """Bytes that the servos answer to a packet."""
        asked_n = {wire.READ: 1, wire.SYNC_READ: len(self.ids)}.get(frame[4], 0)
        return asked_n * (PRESENT_N + 6)

    def _goals(self, steps: tuple[int, ...]) -> bytes:
        """Goal, time 0 and speed; STS servos want the acceleration before, 0 for the fastest."""
        word = self.series.word
        speed = word(round(TOP_DEG_S * STEPS_PER_DEG[self.series]))
        head = b"\x00" if self.series is Series.STS else b""
        rows = [head + word(step) + word(0) + speed for step in steps]
        address = ACCELERATION if head else GOAL
        return wire.sync_write(address, dict(zip(self.ids, rows, strict=True)))

    def _limit(self, permille: int) -> bytes:
        if self.series is Series.SCS:
            return b""
        return wire.write(wire.BROADCAST, TORQUE_LIMIT, self.series.word(permille))

    @staticmethod
    def _torque(value: int) -> bytes:
        return wire.write(wire.BROADCAST, TORQUE, bytes([value]))


class _Ear:
    """Keeps the newest answer of each servo. One that is silent for a while silences all.

    SCS servos answer one behind the other. A finger would be told where it was a round ago, and a
    stop would pull it back there: so each is carried on as it moved since its answer before.
    """

    PATIENCE_N = 3
    """rounds of the others in which a servo may stay away"""

    def __init__(self, dialect: Feetech) -> None:
        self._bus = dialect
        self._cutter = FrameCutter(wire.HEAD, wire.length_of, wire.right, PRESENT_N + 6)
        self._newest: dict[int, tuple[int, int, float, float]] = {}
        """id -> (number of the answer, steps, steps for each answer since, temperature)"""
        self._answers_n = self._absurd_n = 0

    @property
    def damaged_n(self) -> int:
        return self._cutter.damaged_n + self._absurd_n

    def hear(self, data: bytes) -> list[Reading]:
        readings = []
        for packet in self._cutter.cut(data):
            if len(packet) == PRESENT_N + 6 and packet[2] in self._bus.ids:
                readings += self._take(packet[2], packet[4], packet[5:-1])
        return readings

    def _take(self, servo: int, error: int, row: bytes) -> list[Reading]:
        steps = self._bus.series.number(row[:2])
        if abs(steps) >= STEPS_N[self._bus.series]:
            self._absurd_n += 1
            return []
        self._answers_n += 1
        number, before, _, _ = self._newest.get(servo, (0, steps, 0.0, 0.0))
        each = self._bus.series is Series.SCS
        slope = (steps - before) / (self._answers_n - number) if each else 0.0
        self._newest[servo] = (self._answers_n, steps, slope, float(row[7]))
        trip = ""
        if reasons := [word for bit, word in TROUBLES.items() if error & bit]:
            trip = f"servo {servo} reports {' and '.join(reasons)}"
        flags = HandFlag(0)
        for bit, flag in FLAGS.items():
            flags |= flag if error & bit else HandFlag(0)
        rows = [self._newest.get(servo, (-(10**9), 0, 0.0, 0.0)) for servo in self._bus.ids]
        ages_n = [self._answers_n - number for number, _, _, _ in rows]
        if max(ages_n) > self.PATIENCE_N * len(rows):
            return [Reading(trip=trip, flags=flags)] if trip else []
        now = [
            row[1] + row[2] * min(age_n, len(rows)) for row, age_n in zip(rows, ages_n, strict=True)
        ]
        celsius = tuple(row[3] for row in rows)
        return [Reading(self._bus.joints(tuple(now)), (), celsius, trip, flags)]


def feetech_of(argument: str) -> tuple[str, Feetech]:
    """(port, dialect) of e.g. "/dev/ttyUSB0" or "/dev/ttyUSB0,series=sts,ids=1+2".

    Refuses unknown settings and series, wrong ids, and middles that are not one for each servo.
    """
    address, said = split_argument(argument, SETTINGS, "feetech")
    refuse_choice("series", str(said["series"]), ("scs", "sts"))
    if not 0 < int(said["torque_permille"]) <= 1000:
        raise Refused(f"torque_permille is from 1 to 1000, not {said['torque_permille']}.")
    spec, ids = AMAZING, tuple(range(11, 19) if said["left"] else range(1, 9))
    if said["ids"]:
        ids = read_ids(str(said["ids"]), 0, 253)
        low, high = float(said["low_deg"]), float(said["high_deg"])
        spec = HandSpec("feetech bus", tuple(_joint(f"joint_{i}", low, high) for i in ids))
    return address, Feetech(
        spec,
        ids,
        Series(said["series"]),
        not said["ids"],
        _middles(str(said["middles_deg"]), len(ids)),
        int(said["torque_permille"]),
        int(said["baud_hz"]),
    )


def _middles(text: str, servos_n: int) -> tuple[float, ...]:
    if not text:
        return (0.0,) * servos_n
    try:
        middles = tuple(float(part) for part in text.split("+"))
    except ValueError:
        middles = ()
    if len(middles) != servos_n or not all(-45.0 <= middle <= 45.0 for middle in middles):
        raise Refused(
            f"middles_deg has one angle from -45 to 45 for each of the {servos_n} servos, e.g. "
            f"middles_deg={'+'.join(['3', '-5', *['0'] * servos_n][:servos_n])}, not {text!r}."
        )
    return middles


def open_feetech(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The servos at a serial port. `port` stands for it, as in tests.

    Refuses wrong settings, and a port that is missing, busy or not permitted.
    """
    url, dialect = feetech_of(argument)
    turns = cut(lambda data: wire.length_of(data) or len(data), dialect.answer_of)
    line = partial(TurnPort, turns=turns, turn_s=TURN_S, clock=clock)
    return open_serial_dialect(dialect, url, dialect.baud_hz, port, clock, line)

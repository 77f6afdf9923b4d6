"""OYMotion ROHand over its serial protocol: 55 AA, ids, command, data, and a XOR of all.

Facts: oymotion/roh_firmware@4697700d (protocol documents); the bits of start and stop and the order
of the fingers are from published clients.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from operator import xor

from acquisition.stream import Refused
from acquisition.words import split_argument
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Facts, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.frames import FrameCutter
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HAND6, HandSpec
from firmware_bridge.turn_port import TurnPort, cut

BAUD_HZ = 115_200
HEAD = b"\x55\xaa"
HAND, MASTER = 0x02, 0x01
"""ids, as the maker's example has them"""
GET_POSITIONS, START, STOP, SET_POSITIONS = 0x0F, 0x49, 0x4A, 0x50
FAILED = 0x80
"""in the command of an answer"""
ALL = 0x3F
"""one bit for each motor"""
POSITIONS_N = 24
"""bytes: six targets and six positions"""
CLOSED, CLOSED_DEG = 65535, 100.0
TROUBLES = {
    0x21: "it is still starting",
    0x22: "it is not calibrated",
    0x23: "a finger is stuck",
    0x31: "it cannot do what it is told",
}
ORDER = ("thumb", "index", "middle", "ring", "little", "thumb_rotation")
"""of the hand's own numbers"""
TURN_S = 0.020
SETTINGS: dict[str, int | float | str | bool] = {"id": HAND, "speed": 255}
SPEC = HandSpec("rohand", HAND6.joints)
_PLACES = tuple(SPEC.joint_names.index(name) for name in ORDER)
FACTS = Facts(
    spec=SPEC,
    mode=Mode.POSITION,
    on_silence=Silence.HOLDS,
    native_timeout_s=None,
    max_rate_hz=50.0,
    holds_unpowered=True,
    asks_hz=50.0,
)


def framed(to: int, by: int, command: int, data: bytes = b"") -> bytes:
    """A frame with its check."""
    inside = bytes([to, by, command, len(data)]) + data
    return HEAD + inside + bytes([reduce(xor, inside)])


def length_of(begun: bytes) -> int | None:
    """Of what begins with a head: bytes of the frame, None while not known."""
    return begun[5] + 7 if len(begun) > 5 else None


def right(frame: bytes) -> bool:
    """Whether the check of a whole frame is right."""
    return reduce(xor, frame[2:]) == 0


def to_hand(joints: tuple[float, ...]) -> tuple[int, ...]:
    """Our joints as the hand's counts, in its order."""
    counts = (round(joints[place] * CLOSED / CLOSED_DEG) for place in _PLACES)
    return tuple(max(0, min(CLOSED, count)) for count in counts)


def from_hand(counts: tuple[int, ...]) -> tuple[float, ...]:
    """The hand's counts as our joints."""
    joints = [0.0] * len(counts)
    for count, place in zip(counts, _PLACES, strict=True):
        joints[place] = count * CLOSED_DEG / CLOSED
    return tuple(joints)


@dataclass(frozen=True)
class RoHand:
    """The dialect. Setpoints are positions."""

    hand: int = HAND
    speed: int = 255
    facts: Facts = FACTS

    def greet(self) -> bytes:
        return self.ask()

    def ask(self) -> bytes:
        return self.say(GET_POSITIONS)

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """Where it stands is its target before its motors start."""
        return self.positions(to_hand(at_deg)) + self.say(START, bytes([ALL]))

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        counts = to_hand(joints)
        return Wanted(self.positions(counts), from_hand(counts))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        """Holds, so that it can go on; its own stop where nobody knows what to hold."""
        return self.positions(to_hand(at_deg)) if at_deg else self.disarm(at_deg)

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        return self.say(STOP, bytes([ALL]))

    def ear(self) -> Ear:
        return _Ear(self.hand)

    def positions(self, counts: tuple[int, ...]) -> bytes:
        rows = (struct.pack("<HB", count, self.speed) for count in counts)
        return self.say(SET_POSITIONS, b"".join(rows))

    def say(self, command: int, data: bytes = b"") -> bytes:
        return framed(self.hand, MASTER, command, data)

    def turns(self, data: bytes) -> list[tuple[bytes, int]]:
        return cut(lambda begun: length_of(begun) or len(begun), _answer_of)(data)


def _answer_of(frame: bytes) -> int:
    return 7 + (POSITIONS_N if frame[4] == GET_POSITIONS else 0)


class _Ear:
    """Takes positions, and the codes of what the hand refuses."""

    def __init__(self, hand: int) -> None:
        self._hand = hand
        self._cutter = FrameCutter(HEAD, length_of, right, 7 + POSITIONS_N)
        self._refused_n = 0

    @property
    def damaged_n(self) -> int:
        return self._cutter.damaged_n + self._refused_n

    def hear(self, data: bytes) -> list[Reading]:
        readings = []
        for frame in self._cutter.cut(data):
            if frame[2:4] == bytes([MASTER, self._hand]):
                readings += self._take(frame[4], frame[6:-1])
        return readings

    def _take(self, command: int, data: bytes) -> list[Reading]:
        if command == GET_POSITIONS and len(data) == POSITIONS_N:
            return [Reading(from_hand(struct.unpack("<12H", data)[6:]))]
        if command & FAILED and len(data) == 1:
            if data[0] in TROUBLES:
                return [Reading(trip=TROUBLES[data[0]])]
            self._refused_n += 1
        return []


def rohand_of(argument: str) -> tuple[str, RoHand]:
    """(port, dialect) of e.g. "/dev/ttyUSB0,speed=200". Refuses numbers that no hand has."""
    url, said = split_argument(argument, SETTINGS, "rohand")
    for key, low, top in (("id", 2, 247), ("speed", 1, 255)):
        if not low <= int(said[key]) <= top:
            raise Refused(f"{key} of a ROHand is from {low} to {top}, not {said[key]}.")
    return url, RoHand(int(said["id"]), int(said["speed"]))


def open_rohand(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand at a serial port. `port` stands for it, as in tests.

    Refuses wrong settings, and a port that is missing, busy or not permitted.
    """
    url, dialect = rohand_of(argument)
    line = partial(TurnPort, turns=dialect.turns, turn_s=TURN_S, clock=clock)
    return open_serial_dialect(dialect, url, BAUD_HZ, port, clock, line)

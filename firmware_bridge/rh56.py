"""Inspire RH56 hands: their registers, and their own serial protocol.

Facts: Director-of-G/inspire_hand_driver@c0d30b0a and a public class for the RH56 (registers in
decimal: copies with 0x5EC, 0x5E8 or 0x616 are wrong). The hand counts 1000 for open and 0 for
closed; our degrees are its per mille the other way round, 100 for closed.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from acquisition.stream import Refused
from acquisition.words import split_argument
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Facts, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.frames import FrameCutter
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HAND6, HandSpec
from firmware_bridge.link import HandFlag
from firmware_bridge.turn_port import TurnPort, cut

BAUD_HZ = 115_200
HEAD, REPLY_HEAD = b"\xeb\x90", b"\x90\xeb"
READ, WRITE = 0x11, 0x12
CLEAR_ERROR, ANGLE_SET, FORCE_SET, SPEED_SET = 1004, 1486, 1498, 1522
ANGLE_ACT, ERROR = 1546, 1606
ANGLES_N, ERRORS_N = 12, 6
"""bytes of each"""
OPEN = 1000
COUNTS_PER_DEG = 10.0
ORDER = ("little", "ring", "middle", "index", "thumb", "thumb_rotation")
"""of the hand's own numbers"""
TROUBLES = ("a locked rotor", "heat", "too much current", "a fault", "its own wires")
"""what the bits of an error mean, from the lowest"""
TURN_S = 0.020
SETTINGS: dict[str, int | float | str | bool] = {"id": 1, "speed": 1000, "force_g": 500}
SPEC = HandSpec("rh56", HAND6.joints)
_PLACES = tuple(SPEC.joint_names.index(name) for name in ORDER)
FACTS = Facts(
    spec=SPEC,
    mode=Mode.POSITION,
    on_silence=Silence.HOLDS,
    native_timeout_s=None,
    max_rate_hz=50.0,
    holds_unpowered=True,
    asks_hz=80.0,
)
"""Half of the questions are for positions, half for errors."""


def to_hand(joints: tuple[float, ...]) -> tuple[int, ...]:
    """Our joints as the hand's counts, in its order. None is -1, which would mean: as it is."""
    counts = (OPEN - round(joints[place] * COUNTS_PER_DEG) for place in _PLACES)
    return tuple(max(0, min(OPEN, count)) for count in counts)


def from_hand(counts: tuple[int, ...]) -> tuple[float, ...]:
    """The hand's counts as our joints."""
    joints = [0.0] * len(counts)
    for count, place in zip(counts, _PLACES, strict=True):
        joints[place] = (OPEN - count) / COUNTS_PER_DEG
    return tuple(joints)


def framed(hand: int, kind: int, address: int, data: bytes, head: bytes = HEAD) -> bytes:
    """A frame with its check sum."""
    inside = struct.pack("<BBBH", hand, len(data) + 3, kind, address) + data
    return head + inside + bytes([sum(inside) & 0xFF])


def length_of(begun: bytes) -> int | None:
    """Of what begins with a head: bytes of the frame, 0 for none, None while not known."""
    if len(begun) < 4:
        return None
    return begun[3] + 5 if begun[3] >= 3 else 0


def right(frame: bytes) -> bool:
    """Whether the check sum of a whole frame is right."""
    return sum(frame[2:-1]) & 0xFF == frame[-1]


def positions_of(data: bytes) -> Reading | None:
    """A reading of six angles, None where one of them cannot be."""
    counts = struct.unpack("<6h", data)
    if not all(-100 <= count <= OPEN + 100 for count in counts):
        return None
    return Reading(from_hand(counts))


def errors_of(data: bytes) -> Reading:
    """A reading of six bytes of errors; empty while there are none."""
    for byte, name in zip(data, ORDER, strict=True):
        if byte:
            bits = [what for bit, what in enumerate(TROUBLES) if byte >> bit & 1]
            flags = HandFlag.OVER_TEMPERATURE * (byte >> 1 & 1)
            flags |= HandFlag.OVER_CURRENT * (byte >> 2 & 1)
            trip = f"{name} reports {' and '.join(bits) or 'an unknown error'}"
            return Reading(trip=trip, flags=HandFlag(flags))
    return Reading()


class Words(Protocol):
    """How registers of the hand are read and written on one kind of line."""

    def read(self, address: int, bytes_n: int) -> bytes: ...

    def write(self, address: int, words: tuple[int, ...]) -> bytes: ...

    def ear(self) -> Ear: ...

    def turns(self, data: bytes) -> list[tuple[bytes, int]]: ...


@dataclass
class Rh56:
    """The dialect. Setpoints are positions."""

    words: Words
    speed: int = 1000
    force_g: int = 500
    facts: Facts = FACTS
    _asked_n: int = field(default=0, init=False)

    def greet(self) -> bytes:
        return self.words.read(ANGLE_ACT, ANGLES_N)

    def ask(self) -> bytes:
        """For positions and for errors in turn."""
        self._asked_n += 1
        if self._asked_n % 2:
            return self.words.read(ANGLE_ACT, ANGLES_N)
        return self.words.read(ERROR, ERRORS_N)

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        write = self.words.write
        return (
            write(CLEAR_ERROR, (1,))
            + write(FORCE_SET, (self.force_g,) * 6)
            + write(SPEED_SET, (self.speed,) * 6)
            + write(ANGLE_SET, to_hand(at_deg))
        )

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        counts = to_hand(joints)
        return Wanted(self.words.write(ANGLE_SET, counts), from_hand(counts))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        """Where nobody knows where it stands there is nothing that would stop it."""
        return self.words.write(ANGLE_SET, to_hand(at_deg)) if at_deg else b""

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """The hand has no such state: it holds."""
        return b""

    def ear(self) -> Ear:
        return self.words.ear()


@dataclass(frozen=True)
class SerialWords:
    """The maker's own frames, with EB 90."""

    hand: int = 1

    def read(self, address: int, bytes_n: int) -> bytes:
        return framed(self.hand, READ, address, bytes([bytes_n]))

    def write(self, address: int, words: tuple[int, ...]) -> bytes:
        """One word alone stands in a byte."""
        data = bytes(words) if len(words) == 1 else struct.pack(f"<{len(words)}h", *words)
        return framed(self.hand, WRITE, address, data)

    def ear(self) -> Ear:
        return _Ear(self.hand)

    def turns(self, data: bytes) -> list[tuple[bytes, int]]:
        return cut(lambda begun: length_of(begun) or len(begun), _answer_of)(data)


def _answer_of(frame: bytes) -> int:
    return 8 + (frame[7] if frame[4] == READ else 1)


class _Ear:
    """Takes positions and errors by the register that a reply names."""

    def __init__(self, hand: int) -> None:
        self._hand = hand
        self._cutter = FrameCutter(REPLY_HEAD, length_of, right, 8 + ANGLES_N)
        self._absurd_n = 0

    @property
    def damaged_n(self) -> int:
        return self._cutter.damaged_n + self._absurd_n

    def hear(self, data: bytes) -> list[Reading]:
        readings = []
        for frame in self._cutter.cut(data):
            if frame[2] == self._hand and frame[4] == READ:
                readings += self._take(int.from_bytes(frame[5:7], "little"), frame[7:-1])
        return readings

    def _take(self, address: int, data: bytes) -> list[Reading]:
        reading = None
        if (address, len(data)) == (ANGLE_ACT, ANGLES_N):
            reading = positions_of(data)
        elif (address, len(data)) == (ERROR, ERRORS_N):
            reading = errors_of(data)
        self._absurd_n += reading is None
        return [] if reading is None else [reading]


def rh56_of(said: Mapping[str, int | float | str | bool], words: Words) -> Rh56:
    """The dialect for settings. Refuses speeds and forces that the hand does not have."""
    for key, top in (("speed", 1000), ("force_g", 1000)):
        if not 0 < int(said[key]) <= top:
            raise Refused(f"{key} of an RH56 is from 1 to {top}, not {said[key]}.")
    return Rh56(words, int(said["speed"]), int(said["force_g"]))


def hand_id(said: Mapping[str, int | float | str | bool]) -> int:
    """The hand's number on its line. Refuses those that no hand has."""
    if not 1 <= int(said["id"]) <= 254:
        raise Refused(f"id of an RH56 is from 1 to 254, not {said['id']}.")
    return int(said["id"])


def open_rh56(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand at a serial port. `port` stands for it, as in tests.

    Refuses wrong settings, and a port that is missing, busy or not permitted.
    """
    url, said = split_argument(argument, SETTINGS, "rh56")
    words = SerialWords(hand_id(said))
    line = partial(TurnPort, turns=words.turns, turn_s=TURN_S, clock=clock)
    return open_serial_dialect(rh56_of(said, words), url, BAUD_HZ, port, clock, line)

"""COVVI hand through its Ethernet interface (ECI), over TCP.

Facts: covvi-eci 1.1.6 on PyPI (eci/messages). Messages are parsed by their length field: the
maker's client splits at every byte 0x56, which may as well be a position.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Facts, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.hand_port import HandPort, open_tcp_port
from firmware_bridge.hands import HAND6, HandSpec
from firmware_bridge.watchdog import WatchdogProcess

PORT = 4267
START, HEAD_N = 0x56, 6
LOCAL, HAND = 0, 1
COMMAND, REQUEST, REPLY = 2, 1, 8
POWER, HELLO = 0xF00, 0x020
STATUS_ALL, POSITION_SET, POSITION_ALL, DIRECT, LIMITS = 0x11F, 0x120, 0x12F, 0x150, 0x200
LONGEST_N = 15
"""of the data; the length has four bits"""
FULL_DEG = 100.0
FASTEST = 100
POWER_EVERY_N = 25
"""Greetings between two that switch the hand on: half a second, for it takes time to start."""
FAULT = 0x80
"""of a digit's status"""
ORDER = ("thumb", "index", "middle", "ring", "little", "thumb_rotation")
"""of the hand's own numbers"""
SPEC = HandSpec("COVVI hand", HAND6.joints)
_PLACES = tuple(SPEC.joint_names.index(name) for name in ORDER)
FACTS = Facts(SPEC, Mode.POSITION, Silence.HOLDS, None, max_rate_hz=50.0, holds_unpowered=True)


class Message(NamedTuple):
    """What is inside a frame."""

    device: int
    kind: int
    number: int
    data: bytes = b""


def pack(message: Message) -> bytes:
    """0x56, device, kind and number in 24 bits, length, data. Big endian."""
    word = message.kind << 18 | message.number
    head = bytes([START, message.device]) + word.to_bytes(3, "big")
    return head + bytes([len(message.data)]) + message.data


def unpack(frame: bytes) -> Message | None:
    """The message at the beginning; None for what is none."""
    if len(frame) < HEAD_N or frame[0] != START or frame[1] > 0x0F or frame[5] > LONGEST_N:
        return None
    word = int.from_bytes(frame[2:5], "big")
    if word >> 22 or len(frame) < HEAD_N + frame[5]:
        return None
    data = frame[HEAD_N : HEAD_N + frame[5]]
    return Message(frame[1], word >> 18, word & 0x3FFFF, data)


def request(number: int) -> bytes:
    return pack(Message(HAND, REQUEST, number))


def go(counts: tuple[int, ...]) -> bytes:
    """All six digits to these counts, in the hand's order."""
    return pack(Message(HAND, COMMAND, POSITION_SET, bytes([FASTEST, 0x3F, *counts])))


POWER_ON = pack(Message(LOCAL, COMMAND, POWER, b"\x01"))
DIRECT_STOP = pack(Message(HAND, COMMAND, DIRECT, b"\x00\x0f"))
"""Its speed means nothing; the maker's client writes its slowest, 15, and so do we."""
STOP = DIRECT_STOP + pack(Message(HAND, COMMAND, POSITION_SET, bytes(8)))
"""The direct stop, and the stop of positions: speed 0 for no digit."""
STATE = request(POSITION_ALL) + request(STATUS_ALL)


class Covvi:
    """The dialect. What open and closed is, each digit of the hand tells for itself."""

    facts = FACTS

    def __init__(self) -> None:
        self.ends: dict[int, tuple[int, int]] = {}
        """digit -> counts at open and at closed, as the hand told"""
        self._greeted_n = 0

    @property
    def known(self) -> bool:
        return len(self.ends) == len(ORDER)

    def greet(self) -> bytes:
        """Switches the hand on, and asks for the ends of its digits, then for positions."""
        if self.known:
            return STATE
        missing = [digit for digit in range(len(ORDER)) if digit not in self.ends]
        begin = POWER_ON if self._greeted_n % POWER_EVERY_N == 0 else b""
        self._greeted_n += 1
        return begin + b"".join(request(LIMITS + digit) for digit in missing)

    def ask(self) -> bytes:
        return STATE

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        return STOP

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        counts = self.counts_of(joints)
        return Wanted(go(counts), self.degrees_of(counts))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return STOP

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        return b""

    def counts_of(self, joints: tuple[float, ...]) -> tuple[int, ...]:
        """Our joints as the hand's counts, between the ends of each digit."""
        counts = []
        for digit, place in enumerate(_PLACES):
            opened, closed = self.ends[digit]
            share = min(max(joints[place] / FULL_DEG, 0.0), 1.0)
            counts.append(round(opened + share * (closed - opened)))
        return tuple(counts)

    def degrees_of(self, counts: tuple[int, ...]) -> tuple[float, ...]:
        joints = [0.0] * len(counts)
        for digit, place in enumerate(_PLACES):
            opened, closed = self.ends[digit]
            joints[place] = (counts[digit] - opened) / (closed - opened) * FULL_DEG
        return tuple(joints)

    def ear(self) -> Ear:
        return _Ear(self)


class _Ear:
    """Finds messages by their length. What does not begin as one is passed over."""

    def __init__(self, hand: Covvi) -> None:
        self.damaged_n = 0
        self._hand, self._rest = hand, b""

    def hear(self, data: bytes) -> list[Reading]:
        self._rest += data
        readings = []
        while len(self._rest) >= HEAD_N:
            message = unpack(self._rest)
            if message is not None:
                self._rest = self._rest[HEAD_N + len(message.data) :]
                readings.append(self._read(message))
            elif unpack(self._rest[:HEAD_N] + bytes(LONGEST_N)) is not None:
                break  # its data is yet to come
            else:
                self.damaged_n += 1
                begin = self._rest.find(START, 1)
                self._rest = self._rest[begin:] if begin > 0 else b""
        return [reading for reading in readings if reading is not None]

    def _read(self, message: Message) -> Reading | None:
        if message.kind != REPLY or message.device != HAND:
            return None
        number, data = message.number, message.data
        if number == POSITION_ALL and len(data) == len(ORDER) and self._hand.known:
            return self._position(tuple(data))
        if number == STATUS_ALL and len(data) == len(ORDER):
            bad = [name for name, status in zip(ORDER, data, strict=True) if status & FAULT]
            return Reading(trip=f"a fault at {', '.join(bad)}" if bad else "")
        digit = number - LIMITS
        if 0 <= digit < len(ORDER) and len(data) == 3 and data[0] < data[1]:
            self._hand.ends[digit] = (data[0], data[1])
        return None

    def _position(self, counts: tuple[int, ...]) -> Reading | None:
        joints = self._hand.degrees_of(counts)
        if all(-FULL_DEG / 4 <= deg <= FULL_DEG * 5 / 4 for deg in joints):
            return Reading(joints)
        self.damaged_n += 1
        return None


def open_covvi(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand behind the interface at HOST or HOST:PORT. `port` stands for it, as in tests.

    Refuses where no address is named, or nobody listens.
    """
    if port is not None:
        return DialectLink("the COVVI hand", Covvi(), port, clock)
    host, _, number = argument.partition(":")
    if not host or not (number or str(PORT)).isdigit():
        raise Refused(f"Name the address of the COVVI interface: covvi:192.168.1.123[:{PORT}].")
    opened = open_tcp_port(host, int(number or PORT), "COVVI interface")
    watchdog = WatchdogProcess(opened.fileno())
    return DialectLink(f"the COVVI hand at {host}", Covvi(), opened, clock, watchdog)

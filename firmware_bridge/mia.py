"""Prensilia Mia over its serial port: commands of sixteen characters, streams of lines.

Facts: Prensilia-srl/mia_hand_ros_pkgs-release@dcb2aae2 (cpp_driver.cpp, serial_port.cpp).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from firmware_bridge.command import Mode
from firmware_bridge.dialect import Damaged, Ear, Facts, PieceEar, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec, Joint
from firmware_bridge.lines import Lines
from firmware_bridge.words import only_port

BAUD_HZ = 115_200
COMMAND_N = 16
END = "*\r"
FULL_N, FULL_DEG = 255, 90.0
"""A motor's count at a closed finger, and what we call that; not told by the maker's driver."""
MOTORS = {"thumb": 1, "index": 3, "middle": 2}
"""joint -> motor; motor 2 drives the middle, ring and little fingers"""
SPEED, FORCE = 40, 50
"""What the maker's driver writes behind a position and a speed."""
SPEC = HandSpec("Mia hand", tuple(Joint(name, (0.0, FULL_DEG), 90.0, 900.0) for name in MOTORS))
FACTS = Facts(
    SPEC,
    Mode.POSITION,
    Silence.HOLDS,
    None,
    max_rate_hz=100.0,
    holds_unpowered=True,
    asks_hz=2.0,  # the maker's driver checks so often, and asks for the stream again
)
_TOLD = re.compile(r"e.{5}([+-])\d{2}(\d{3})...([+-])\d{2}(\d{3})...([+-])\d{2}(\d{3})\D.*")
"""Signs at 6, 15 and 24, digits at 9, 18 and 27: thumb, middle-ring-little, index."""


def command(text: str) -> bytes:
    """The command as the hand takes it: exactly sixteen characters, and their end."""
    return (text.ljust(COMMAND_N, ".")[:COMMAND_N] + END).encode("ascii")


def position(motor: int, counts: int) -> bytes:
    """One motor to a position, -999 to 999 counts."""
    sign = "-" if counts < 0 else "+"
    return command(f"@{motor}P{sign}{min(abs(counts), 999):04d}{SPEED}")


def speed(motor: int, per_cent: int) -> bytes:
    """One motor at a speed, -99 to 99; 0 stops it where it is."""
    sign = "-" if per_cent < 0 else "+"
    return command(f"@{motor}S{sign}....{min(abs(per_cent), 99):02d}{FORCE}")


PRESENT = command("@?AreYouPlugged?")
STREAM = command("@ADP1")
STOP = b"".join(speed(motor, 0) for motor in (1, 2, 3))


def counts_of(joints: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(min(max(round(deg * FULL_N / FULL_DEG), 0), FULL_N) for deg in joints)


def degrees_of(counts: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(n * FULL_DEG / FULL_N for n in counts)


class Mia:
    """The dialect. Positions go out motor by motor; its own come as a stream."""

    facts = FACTS

    def greet(self) -> bytes:
        return PRESENT + STREAM

    def ask(self) -> bytes:
        """Again: a hand that started anew after a drop of its supply streams no more."""
        return PRESENT + STREAM

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        return STOP

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        counts = counts_of(joints)
        rows = zip(MOTORS.values(), counts, strict=True)
        return Wanted(b"".join(position(motor, n) for motor, n in rows), degrees_of(counts))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return STOP

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        return b""

    def ear(self) -> Ear:
        return PieceEar(Lines(), self._read)

    def _read(self, line: str) -> Reading | None:
        """Of the stream of positions, or of the answer to whether it is there."""
        if line.startswith("<?"):
            return Reading()
        if line[0] in "sca":  # streams that another program may have switched on
            return None
        told = _TOLD.fullmatch(line + " ")
        if told is None:
            raise Damaged
        thumb, rest, index = (int(told[i] + told[i + 1]) for i in (1, 3, 5))
        return Reading(degrees_of((thumb, index, rest)))


def open_mia(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand at a serial port. `port` stands for it, as in tests.

    Refuses a port that is missing, busy or not permitted.
    """
    return open_serial_dialect(Mia(), only_port(argument, "mia"), BAUD_HZ, port, clock)

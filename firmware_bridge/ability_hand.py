"""PSYONIC Ability Hand over its stuffed UART.

Facts: psyonicinc/ability-hand-api@34c9a932 (ABILITY-HAND-ICD.pdf, ah_api.py, ppp_stuffing.py). The
hand has to be set up once over Bluetooth: We16 (UART), We46 and We47 (stuffing both ways).
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Facts, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HAND6, HandSpec
from firmware_bridge.words import only_port

BAUD_HZ = 460_800
ADDRESS = 0x50
FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
POSITION, VELOCITY, READ_ONLY, LEAVE = 0x10, 0x20, 0xA0, 0x7C
VARIANT = 2
"""The reply of 39 bytes: positions, currents, rotor speeds, status."""
REPLY_N = 39
FULL_COUNTS = 32767
FULL_DEG, FULL_DEG_S = 150.0, 3000.0
COUNTS_PER_A = 620.606
"""The maker's wrapper's; it depends on the hardware a little."""
ORDER = ("index", "middle", "ring", "little", "thumb", "thumb_rotation")
"""of the hand's own numbers"""
MIRRORED = "thumb_rotation"
"""0 to -100 deg for the hand, 0 to 100 for us"""
SPEC = HandSpec("ability hand", HAND6.joints)
_PLACES = tuple(SPEC.joint_names.index(name) for name in ORDER)
_SIGNS = tuple(-1.0 if name == MIRRORED else 1.0 for name in ORDER)
FACTS = Facts(
    spec=SPEC,
    mode=Mode.VELOCITY,
    on_silence=Silence.LEAVES,
    native_timeout_s=0.300,
    max_rate_hz=500.0,
    holds_unpowered=True,
)


def stuff(frame: bytes) -> bytes:
    """Between two flags, with flag and escape bytes escaped."""
    out = bytearray([FLAG])
    for byte in frame:
        out += bytes([ESCAPE, byte ^ FLIP]) if byte in (FLAG, ESCAPE) else bytes([byte])
    return bytes([*out, FLAG])


def unstuff(inside: bytes) -> bytes | None:
    """What was stuffed, without its flags; None for an escape at the end."""
    out, escaped = bytearray(), False
    for byte in inside:
        if escaped:
            out.append(byte ^ FLIP)
        elif byte != ESCAPE:
            out.append(byte)
        escaped = not escaped and byte == ESCAPE
    return None if escaped else bytes(out)


def framed(*content: int) -> bytes:
    """A stuffed frame of these bytes behind the address, with its check sum."""
    frame = bytes([ADDRESS, *content])
    return stuff(frame + bytes([-sum(frame) & 0xFF]))


def to_hand(joints: tuple[float, ...], full: float) -> tuple[int, ...]:
    """Our joints as the hand's counts, in its order and with its signs; cut towards 0."""
    return tuple(
        max(-FULL_COUNTS, min(FULL_COUNTS, int(sign * joints[place] * FULL_COUNTS / full)))
        for place, sign in zip(_PLACES, _SIGNS, strict=True)
    )


def from_hand(counts: tuple[int, ...], full: float) -> tuple[float, ...]:
    """The hand's counts as our joints."""
    joints = [0.0] * len(counts)
    for count, place, sign in zip(counts, _PLACES, _SIGNS, strict=True):
        joints[place] = sign * count * full / FULL_COUNTS
    return tuple(joints)


def command(header: int, counts: tuple[int, ...]) -> bytes:
    """Six counts under a header."""
    return framed(header, *struct.pack("<6h", *counts))


class AbilityHand:
    """The dialect. Setpoints are velocities, and each one brings a reply."""

    facts = FACTS

    def greet(self) -> bytes:
        return self.ask()

    def ask(self) -> bytes:
        """Feeds the hand's own timer too: so it is sent by the loop that decides, never beside."""
        return framed(READ_ONLY + VARIANT)

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        return command(VELOCITY + VARIANT, (0,) * 6)

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        counts = to_hand(joints, FULL_DEG_S)
        return Wanted(command(VELOCITY + VARIANT, counts), from_hand(counts, FULL_DEG_S))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return command(VELOCITY + VARIANT, (0,) * 6)

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """Leaves the remote mode in order: left by its timeout, the hand may move."""
        return framed(LEAVE)

    def ear(self) -> Ear:
        return _Ear()


class _Ear:
    """Splits at flags. Empty frames between flags are normal."""

    def __init__(self) -> None:
        self.damaged_n = 0
        self._rest = b""

    def hear(self, data: bytes) -> list[Reading]:
        *parts, self._rest = (self._rest + data).split(bytes([FLAG]))
        if len(self._rest) > 4 * REPLY_N:
            self._rest, self.damaged_n = b"", self.damaged_n + 1
        readings = [self._read(part) for part in parts if part]
        return [reading for reading in readings if reading is not None]

    def _read(self, part: bytes) -> Reading | None:
        frame = unstuff(part)
        if (
            frame is None
            or len(frame) != REPLY_N
            or sum(frame) & 0xFF
            or frame[0] & 0x0F != VARIANT
        ):
            self.damaged_n += 1
            return None
        words = struct.unpack_from("<12h", frame, 1)
        currents = [0.0] * 6
        for count, place in zip(words[1::2], _PLACES, strict=True):
            currents[place] = count / COUNTS_PER_A
        status = frame[-2]
        tripped = [name for bit, name in enumerate(ORDER) if status >> bit & 1]
        trip = f"torque or temperature limit at {', '.join(tripped)}" if tripped else ""
        return Reading(from_hand(words[0::2], FULL_DEG), tuple(currents), trip=trip)


def open_ability(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand at a serial port. `port` stands for it, as in tests.

    Refuses a port that is missing, busy or not permitted.
    """
    return open_serial_dialect(AbilityHand(), only_port(argument, "ability"), BAUD_HZ, port, clock)

"""The interface between host and hand, defined once: frames, states, limits, and their hash.

The C header of the firmware is written from this file (c_header), so two ends with the same
`INTERFACE_HASH` mean the same by every byte. Everything is little-endian. Layout: protocols C3.
"""

from __future__ import annotations

from binascii import crc32
from enum import IntEnum, IntFlag
from struct import Struct

VERSION = 1
DOF_N = 6
FULL_SCALE = 1000
"""A target of +-1000 is the joint's full scale."""
SEQ_WINDOW = 50
"""Largest accepted jump of the sequence number; beyond it a HELLO is needed (protocols C2)."""
TTL_MS = (20, 500)
HOLD_MS = 60
"""A hand whose newest setpoint is older holds: one was skipped, and some jitter (C4)."""
ARM_TTL_MS = 150
"""How long after ARM the first setpoint may take."""
TELEM_MS = 20
RAW_MAX_N = 254
"""Longest frame before stuffing: up to here the overhead is one byte, always (protocols C1)."""
CODED_MAX_N = RAW_MAX_N + 1
TRIP_MS = 50
"""A motor's current may pass its limit for so long: starting takes some."""
COOL_K = 10
"""A motor that was too hot may move again when it is so much below its limit."""
WEAK_MS = 4000
"""A hand that was stopped by a loss keeps its grip with limited torque for so long (C6: 3..5 s)."""
TORQUE = (1000, 300, 100)
"""Share of the torque, per mille: following; stopped; stopped for longer than WEAK_MS (C6)."""
PRESS_MS = 500
"""A local release button counts when it is held for so long: a knock opens nothing."""
FLAG_SHIFT = 3
"""Where the flags begin in the byte that they share with the state."""
SOFT_UDEG = 5_000_000
"""Torque towards a range's end fades to none over so much before it."""
SPEED_MS = 16
"""Time over which the speed of a joint is measured: torque that makes it too fast is cut."""


class FrameType(IntEnum):
    HELLO = 0x01
    HELLO_ACK = 0x02
    ARM = 0x03
    DISARM = 0x04
    ESTOP = 0x05
    CLEAR = 0x06
    ACK = 0x07
    SETPOINT = 0x10
    HEARTBEAT = 0x11
    TELEM = 0x20
    TORQUE = 0x21


class AckCode(IntEnum):
    OK = 0
    UNKNOWN = 1
    WRONG_STATE = 2
    BUSY = 3


class HandState(IntEnum):
    """State of the microcontroller."""

    BOOT = 0
    IDLE = 1
    ARMED = 2
    HOLD = 3
    FAILSAFE = 4
    ESTOP = 5


class WireMode(IntEnum):
    """What the counts of a SETPOINT mean; the first two are command.Mode."""

    POSITION = 1
    VELOCITY = 2
    TORQUE = 3
    """for joints that take torque: exoskeletons"""


class HandFlag(IntFlag):
    """What the hand reports beside its state, in the upper bits of the same byte."""

    OVER_CURRENT = 1
    OVER_TEMPERATURE = 2
    RELEASE = 4
    """the local button opens the hand"""
    LOW_BATTERY = 8
    BROWN_OUT = 16
    """the supply breaks down: the motors are cut off"""


class SetpointFlag(IntFlag):
    """What a SETPOINT asks for beside its counts."""

    EASE = 1
    """with the torque of a hand that only keeps its grip"""


HEADER = (("version", "B"), ("type", "B"), ("session", "H"), ("seq", "H"), ("t_ms", "I"))
PAYLOADS: dict[FrameType, tuple[tuple[str, str], ...]] = {
    FrameType.HELLO: (("interface", "I"),),
    FrameType.HELLO_ACK: (
        ("version", "B"),
        ("dof_n", "B"),
        ("max_ttl_ms", "H"),
        ("seq", "H"),
        ("interface", "I"),
    ),
    FrameType.ARM: (),
    FrameType.DISARM: (),
    FrameType.ESTOP: (),
    FrameType.CLEAR: (),
    FrameType.ACK: (("type", "B"), ("seq", "H"), ("code", "B"), ("state", "B")),
    FrameType.SETPOINT: (
        ("mode", "B"),
        ("flags", "B"),
        ("ttl_ms", "H"),
        ("counts", f"{DOF_N}h"),
    ),
    FrameType.HEARTBEAT: (),
    FrameType.TELEM: (
        ("state", "B"),
        ("err_count", "B"),
        ("last_seq", "H"),
        ("age_ms", "H"),
        ("counts", f"{DOF_N}h"),
        ("rx_ok", "H"),
        ("stale", "H"),
        ("range_err", "H"),
    ),
    FrameType.TORQUE: (("counts", f"{DOF_N}h"),),
}
"""Type -> the fields of its payload with their struct codes. TELEM's `state` has the flags above
FLAG_SHIFT. TORQUE goes before each TELEM of a hand whose joints take torque: what they are given,
in thousandths."""

NUMBERS: dict[str, int] = {
    "VERSION": VERSION,
    "DOF_N": DOF_N,
    "FULL_SCALE": FULL_SCALE,
    "SEQ_WINDOW": SEQ_WINDOW,
    "TTL_MIN_MS": TTL_MS[0],
    "TTL_MAX_MS": TTL_MS[1],
    "HOLD_MS": HOLD_MS,
    "ARM_TTL_MS": ARM_TTL_MS,
    "TELEM_MS": TELEM_MS,
    "RAW_MAX_N": RAW_MAX_N,
    "CODED_MAX_N": CODED_MAX_N,
    "TRIP_MS": TRIP_MS,
    "COOL_K": COOL_K,
    "WEAK_MS": WEAK_MS,
    "TORQUE_FOLLOWING": TORQUE[0],
    "TORQUE_STOPPED": TORQUE[1],
    "TORQUE_WEAK": TORQUE[2],
    "PRESS_MS": PRESS_MS,
    "FLAG_SHIFT": FLAG_SHIFT,
    "SOFT_UDEG": SOFT_UDEG,
    "SPEED_MS": SPEED_MS,
}
ENUMS: dict[str, type[IntEnum] | type[IntFlag]] = {
    "FRAME": FrameType,
    "ACK": AckCode,
    "STATE": HandState,
    "MODE": WireMode,
    "FLAG": HandFlag,
    "SETPOINT_FLAG": SetpointFlag,
}


def layout(fields: tuple[tuple[str, str], ...]) -> Struct:
    """How those fields lie in bytes."""
    return Struct("<" + "".join(code for _, code in fields))


def described() -> str:
    """Everything that both ends have to agree on, as text: what the hash is made of."""
    lines = [f"{name}={value}" for name, value in NUMBERS.items()]
    for name, members in ENUMS.items():
        lines += [f"{name}.{member.name}={member.value}" for member in members]
    for kind, fields in (("HEADER", HEADER), *((k.name, v) for k, v in PAYLOADS.items())):
        lines.append(f"{kind}:" + ",".join(f"{name}/{code}" for name, code in fields))
    return "\n".join(lines)


INTERFACE_HASH = crc32(described().encode())
"""Of `described`: exchanged in HELLO, and a hand with another one is refused."""

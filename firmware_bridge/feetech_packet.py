"""Feetech's bus packets, for STS (little endian, sign and magnitude) and SCS (big endian) servos.

Facts: vassar-robotics/feetech-servo-sdk@d60242c8, pollen-robotics/rustypot@c79239aa. There is no
stuffing and no CRC: a packet is known by head, length and check sum together.
"""

from __future__ import annotations

from enum import Enum

HEAD = b"\xff\xff"
BROADCAST = 0xFE
READ, WRITE, SYNC_READ, SYNC_WRITE = 0x02, 0x03, 0x82, 0x83
SIGN = 0x8000


class Series(Enum):
    """How a series writes its words."""

    STS = "sts"
    SCS = "scs"

    def word(self, value: int) -> bytes:
        """Two bytes. STS: a sign and a magnitude; SCS: no negative numbers."""
        if self is Series.SCS:
            return max(0, min(0xFFFF, value)).to_bytes(2, "big")
        return (min(abs(value), SIGN - 1) | (SIGN if value < 0 else 0)).to_bytes(2, "little")

    def number(self, data: bytes) -> int:
        """The number of two bytes."""
        if self is Series.SCS:
            return int.from_bytes(data, "big")
        raw = int.from_bytes(data, "little")
        return -(raw & ~SIGN) if raw & SIGN else raw


def packed(servo: int, instruction: int, params: bytes = b"") -> bytes:
    """The packet for one servo, or for all with BROADCAST, with its check sum."""
    inside = bytes([servo, len(params) + 2, instruction]) + params
    return HEAD + inside + bytes([~sum(inside) & 0xFF])


def length_of(begun: bytes) -> int | None:
    """Of what begins with a head: bytes of the packet, 0 for none, None while not known."""
    if len(begun) < 4:
        return None
    if begun[2] == 0xFF or begun[3] < 2:
        return 0
    return begun[3] + 4


def right(packet: bytes) -> bool:
    """Whether the check sum of a whole packet is right."""
    return sum(packet[2:]) & 0xFF == 0xFF


def write(servo: int, address: int, data: bytes) -> bytes:
    return packed(servo, WRITE, bytes([address]) + data)


def read(servo: int, address: int, width: int) -> bytes:
    return packed(servo, READ, bytes([address, width]))


def sync_write(address: int, data: dict[int, bytes]) -> bytes:
    """The same registers of several servos in one packet, without answers. id -> its bytes."""
    width = len(next(iter(data.values())))
    rows = b"".join(bytes([servo]) + row for servo, row in data.items())
    return packed(BROADCAST, SYNC_WRITE, bytes([address, width]) + rows)


def sync_read(servos: tuple[int, ...], address: int, width: int) -> bytes:
    """Asks all of them in one packet; each answers."""
    return packed(BROADCAST, SYNC_READ, bytes([address, width, *servos]))

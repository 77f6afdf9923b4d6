"""Dynamixel protocol 2.0: packets, with the byte stuffing that some libraries leave out.

Facts: ROBOTIS-GIT/DynamixelSDK@2ded684d (its C++ part). The Python part of 4.1.0 sends un-stuffed
packets, which servos refuse.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

HEAD = b"\xff\xff\xfd\x00"
RUN, STUFFED = b"\xff\xff\xfd", b"\xff\xff\xfd\xfd"
BROADCAST = 0xFE
PING, READ, WRITE, STATUS = 0x01, 0x02, 0x03, 0x55
SYNC_READ, SYNC_WRITE, FAST_SYNC_READ = 0x82, 0x83, 0x8A
_POLY = 0x8005


class Packet(NamedTuple):
    """One packet whose CRC was right, without its stuffing."""

    id: int
    instruction: int
    params: bytes


def _crc_of_byte(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = (crc << 1 ^ _POLY if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


_TABLE = tuple(_crc_of_byte(byte) for byte in range(256))


def crc16(data: bytes) -> int:
    """CRC-16 of polynomial 8005, from 0, not reflected: FEE8 for "123456789"."""
    crc = 0
    for byte in data:
        crc = crc << 8 & 0xFFFF ^ _TABLE[crc >> 8 ^ byte]
    return crc


def packed(servo: int, instruction: int, params: bytes = b"") -> bytes:
    """The packet for one servo, or for all with BROADCAST; stuffed, with its CRC."""
    inside = (bytes([instruction]) + params).replace(RUN, STUFFED)
    packet = HEAD + struct.pack("<BH", servo, len(inside) + 2) + inside
    return packet + struct.pack("<H", crc16(packet))


def length_of(begun: bytes) -> int | None:
    """Of what begins with a head: bytes of the packet, 0 for none, None while not known."""
    if len(begun) < 7:
        return None
    length_n = int.from_bytes(begun[5:7], "little")
    return 7 + length_n if length_n >= 3 else 0


def right(packet: bytes) -> bool:
    """Whether the CRC of a whole packet is right."""
    return crc16(packet[:-2]) == int.from_bytes(packet[-2:], "little")


def unpacked(packet: bytes) -> Packet:
    """What a whole packet with a right CRC says."""
    inside = packet[7:-2].replace(STUFFED, RUN)
    return Packet(packet[4], inside[0], inside[1:])


def write(servo: int, address: int, data: bytes) -> bytes:
    return packed(servo, WRITE, struct.pack("<H", address) + data)


def sync_write(address: int, data: dict[int, bytes]) -> bytes:
    """The same registers of several servos in one packet, without answers. id -> its bytes."""
    width = len(next(iter(data.values())))
    rows = b"".join(bytes([servo]) + row for servo, row in data.items())
    return packed(BROADCAST, SYNC_WRITE, struct.pack("<HH", address, width) + rows)


def sync_read(servos: tuple[int, ...], address: int, width: int, fast: bool = False) -> bytes:
    """Asks all of them in one packet. `fast`: they answer in one packet too."""
    instruction = FAST_SYNC_READ if fast else SYNC_READ
    return packed(BROADCAST, instruction, struct.pack("<HH", address, width) + bytes(servos))


def rows_of(packet: Packet, width: int) -> list[tuple[int, int, bytes]]:
    """(servo, error, data) of each servo in a status packet; none where it has another length.

    A fast answer has error, id, data and a CRC for each servo, the last one's being the packet's.
    """
    if packet.instruction != STATUS:
        return []
    if packet.id != BROADCAST:
        fits = len(packet.params) == 1 + width
        return [(packet.id, packet.params[0], packet.params[1:])] if fits else []
    step = width + 4
    if (len(packet.params) + 2) % step:
        return []
    blocks = [packet.params[at : at + step] for at in range(0, len(packet.params), step)]
    return [(block[1], block[0], block[2 : 2 + width]) for block in blocks]

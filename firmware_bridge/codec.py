"""Bytes on the wire, whatever they mean: byte stuffing that keeps 00 free, and the CRC."""

from __future__ import annotations

from binascii import crc32, crc_hqx

from firmware_bridge.interface import CODED_MAX_N, RAW_MAX_N

__all__ = ["CODED_MAX_N", "RAW_MAX_N", "check_of", "cobs_decode", "cobs_encode", "crc16"]

_CODES = tuple(bytes([n + 1]) for n in range(RAW_MAX_N + 1))


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740: poly 1021, init FFFF, no reflection; "123456789" gives 29B1."""
    return crc_hqx(data, 0xFFFF)


def check_of(data: bytes, crc_n: int) -> bytes:
    """The CRC as a frame carries it: 2 bytes of `crc16`, or 4 of CRC-32/ISO-HDLC ("123456789"
    gives CBF43926) for exoskeletons."""
    if crc_n == 2:
        return crc16(data).to_bytes(2, "little")
    return crc32(data).to_bytes(4, "little")


def cobs_encode(raw: bytes) -> bytes:
    """The same bytes without a 00 among them, one byte longer. Delimiters are not added.

    Refuses more than 254 bytes (ValueError).
    """
    if len(raw) > RAW_MAX_N:
        raise ValueError(f"A frame has at most {RAW_MAX_N} bytes, not {len(raw)}.")
    return b"".join([_CODES[len(run)] + run for run in raw.split(b"\0")])


def cobs_decode(coded: bytes) -> bytes | None:
    """What `cobs_encode` was given; None for bytes that it never gives."""
    end = len(coded)
    if not 0 < end <= CODED_MAX_N:
        return None
    runs = []
    at = 0
    while at < end:
        code = coded[at]
        next_at = at + code
        if code == 0 or next_at > end:
            return None
        runs.append(coded[at + 1 : next_at])
        at = next_at
    return b"\0".join(runs)

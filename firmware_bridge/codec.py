"""Bytes on the wire, whatever they mean: byte stuffing that keeps 00 free, and the CRC."""

from __future__ import annotations

from binascii import crc_hqx

RAW_MAX_N = 254
"""Longest frame before stuffing: up to here the overhead is one byte, always (protocols C1)."""
CODED_MAX_N = RAW_MAX_N + 1

_CODES = tuple(bytes([n + 1]) for n in range(RAW_MAX_N + 1))


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740: poly 1021, init FFFF, no reflection; "123456789" gives 29B1."""
    return crc_hqx(data, 0xFFFF)


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

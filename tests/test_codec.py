"""Byte stuffing and the CRC."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.codec import RAW_MAX_N, cobs_decode, cobs_encode, crc16

pytestmark = pytest.mark.edge

# Vectors: several independent implementations agree on them.
COBS_VECTORS = {
    "": "01",
    "00": "0101",
    "0000": "010101",
    "11220033": "0311220233",
    "11223344": "0511223344",
    "11000000": "0211010101",
}


def test_the_crc_gives_the_published_check_value() -> None:
    assert crc16(b"123456789") == 0x29B1


@pytest.mark.parametrize(("raw", "coded"), COBS_VECTORS.items())
def test_stuffing_agrees_with_the_published_vectors(raw: str, coded: str) -> None:
    assert cobs_encode(bytes.fromhex(raw)).hex() == coded
    assert cobs_decode(bytes.fromhex(coded)) == bytes.fromhex(raw)


def test_the_longest_frame_is_stuffed_with_one_byte() -> None:
    raw = bytes(range(1, 255))
    assert cobs_encode(raw) == b"\xff" + raw
    assert cobs_decode(b"\xff" + raw) == raw


@given(st.binary(max_size=RAW_MAX_N))
def test_stuffing_removes_every_zero_and_is_undone(raw: bytes) -> None:
    coded = cobs_encode(raw)
    assert b"\0" not in coded
    assert len(coded) == len(raw) + 1
    assert cobs_decode(coded) == raw


@given(st.binary(max_size=300))
def test_unstuffing_survives_any_bytes(coded: bytes) -> None:
    raw = cobs_decode(coded)
    assert raw is None or len(raw) < len(coded)


def test_a_frame_over_254_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 254"):
        cobs_encode(bytes(255))

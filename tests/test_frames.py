"""Frames out of any bytes: whole in any pieces, never hidden behind a false beginning, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.frames import FrameCutter

pytestmark = pytest.mark.edge

MAX_N = 20


def length_of(begun: bytes) -> int | None:
    return begun[2] + 4 if len(begun) > 2 else None


def frame(inside: bytes) -> bytes:
    return b"\xaa\x55" + bytes([len(inside)]) + inside + bytes([sum(inside) & 0xFF])


def cutter() -> FrameCutter:
    return FrameCutter(b"\xaa\x55", length_of, lambda f: sum(f[3:-1]) & 0xFF == f[-1], MAX_N)


def cut_in_pieces(stream: bytes, cuts: list[int]) -> tuple[list[bytes], FrameCutter]:
    one, found, n = cutter(), [], 0
    while stream:
        step = cuts[n % len(cuts)]
        found += one.cut(stream[:step])
        stream, n = stream[step:], n + 1
        assert len(one._rest) <= MAX_N
    return found, one


@given(
    st.lists(st.lists(st.integers(0, 0x7F), max_size=MAX_N - 4).map(bytes), max_size=8),
    st.lists(st.integers(1, 30), min_size=1),
)
@settings(max_examples=100)
def test_frames_come_whole_in_any_pieces(insides: list[bytes], cuts: list[int]) -> None:
    frames = [frame(inside) for inside in insides]
    found, one = cut_in_pieces(b"".join(frames), cuts)
    assert found == frames
    assert one.damaged_n == 0


@given(st.binary(max_size=200), st.lists(st.integers(1, 30), min_size=1))
@settings(max_examples=100)
def test_after_any_bytes_a_frame_is_found_again(noise: bytes, cuts: list[int]) -> None:
    """What the noise and the next frames happen to make together is 20 bytes at most."""
    _, one = cut_in_pieces(noise, cuts)
    good = frame(b"\x01\x02\x03")
    assert good in one.cut(4 * good)


def test_a_false_beginning_does_not_hide_a_whole_frame() -> None:
    one = cutter()
    assert one.cut(b"\xaa\x55\x0f") == []
    good = frame(b"\x01\x02")
    assert one.cut(good) == [good]
    assert one.damaged_n == 1
    assert one.cut(good) == [good]
    assert one.damaged_n == 1


def test_a_frame_too_long_is_none_and_a_wrong_check_is_counted() -> None:
    one = cutter()
    assert one.cut(b"\xaa\x55\xff" + bytes(30)) == []
    assert one.cut(frame(b"\x07")[:-1] + b"\x00") == []
    assert one.damaged_n == 2

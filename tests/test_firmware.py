"""The firmware's parts in C by themselves: bytes, frames, clock, and what it refuses to start."""

from __future__ import annotations

import ctypes as ct
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmware_bridge import link
from firmware_bridge.c_header import c_header
from firmware_bridge.codec import check_of, cobs_decode, cobs_encode, crc16
from firmware_bridge.firmware_build import FOLDER
from firmware_bridge.link import Deframer, FrameType, HandState
from firmware_bridge.simulated_joints import Axis, Joints
from tests.firmware_rig import (
    COUNTERS,
    DOF_N,
    U8,
    U16,
    U32,
    WRITE,
    Clock,
    CMcu,
    Frame,
    HandC,
    Joint,
    Rx,
    c_model,
    library,
)
from tests.test_codec import COBS_VECTORS
from tests.test_link import COUNTS, SESSION, STREAM, WIRE

pytestmark = pytest.mark.edge


def encode(raw: bytes) -> bytes:
    coded = (U8 * 256)()
    n = library().flx_cobs_encode(raw, ct.c_size_t(len(raw)), coded)
    return bytes(coded[:n])


def decode(coded: bytes) -> bytes | None:
    raw = (U8 * 256)()
    n = library().flx_cobs_decode(coded, ct.c_size_t(len(coded)), raw)
    return None if n < 0 else bytes(raw[:n])


def pack(kind: int, seq: int, t_ms: int, payload: bytes = b"", crc_n: int = 2) -> bytes:
    wire = (U8 * 256)()
    n = library().flx_pack(
        wire, U8(kind), U16(SESSION), U16(seq), U32(t_ms), payload, ct.c_size_t(len(payload)),
        U8(crc_n),
    )  # fmt: skip
    return bytes(wire[:n])


def hear(rx: Rx, data: bytes) -> list[tuple[int, ...]]:
    """(version, type, session, seq, payload) of the accepted frames."""
    frame, frames = Frame(), []
    for byte in data:
        if library().flx_rx_byte(ct.byref(rx), U8(byte), ct.byref(frame)):
            payload = ct.string_at(frame.payload, frame.payload_n)
            frames.append((frame.version, frame.type, frame.session, frame.seq, payload))
    return frames


def test_the_committed_header_is_what_the_interface_says() -> None:
    committed = (FOLDER / "src" / "flexor_interface.h").read_text()
    assert committed == c_header(), "run: flexor firmware header"


@pytest.mark.parametrize(("raw", "coded"), COBS_VECTORS.items())
def test_stuffing_agrees_with_the_published_vectors(raw: str, coded: str) -> None:
    assert encode(bytes.fromhex(raw)).hex() == coded
    assert decode(bytes.fromhex(coded)) == bytes.fromhex(raw)


@example(bytes(range(1, 255)))
@given(st.binary(max_size=254))
def test_stuffing_and_checks_are_those_of_python(raw: bytes) -> None:
    assert encode(raw) == cobs_encode(raw)
    assert decode(encode(raw)) == raw
    n = ct.c_size_t(len(raw))
    assert library().flx_crc16(raw, n) == crc16(raw)
    assert library().flx_crc32(raw, n).to_bytes(4, "little") == check_of(raw, 4)


@given(st.binary(max_size=256) | st.lists(st.integers(0, 4), max_size=20).map(bytes))
def test_unstuffing_makes_the_same_of_any_bytes(coded: bytes) -> None:
    assert decode(coded) == cobs_decode(coded)


@pytest.mark.parametrize("name", WIRE)
def test_frames_agree_with_the_vectors_both_ways(name: str) -> None:
    wire = bytes.fromhex(WIRE[name])
    rx = Rx(crc_n=2, has_session=True, has_seq=True, session=SESSION, last_seq=100)
    if name == "TELEM":
        rx.last_seq = 2
    ((version, kind, session, seq, payload),) = hear(rx, wire)
    assert (version, kind, session) == (link.VERSION, FrameType[name], SESSION)
    raw = cobs_decode(wire[:-1])
    assert raw is not None
    assert pack(kind, seq, int.from_bytes(raw[6:10], "little"), payload) == wire
    if name == "SETPOINT":
        assert link.unpack_setpoint(payload) == link.Setpoint(1, 0, 150, COUNTS)


@given(st.binary(max_size=226), st.sampled_from([2, 4]), st.integers(0, 2**32 - 1))
def test_frames_are_packed_as_in_python(payload: bytes, crc_n: int, t_ms: int) -> None:
    wanted = link.pack(0x55, SESSION, 7, t_ms, payload, crc_n)
    assert pack(0x55, 7, t_ms, payload, crc_n) == wanted


@example(b"\x55" * 255 + b"\0" + b"\x55" * 256 + b"\0", True)
@given(STREAM, st.booleans())
def test_the_receiver_counts_what_it_drops_as_in_python(stream: bytes, begun: bool) -> None:
    theirs = Deframer(SESSION if begun else None, 0 if begun else None)
    rx = Rx(crc_n=2, has_session=begun, has_seq=begun, session=SESSION if begun else 0)
    frames = [
        (f.version, f.type, f.session, f.seq, f.payload) for f in link.receive(theirs, stream)
    ]
    assert hear(rx, stream) == frames
    assert {n: getattr(rx, n) for n in COUNTERS} == {n: getattr(theirs, n) for n in COUNTERS}


def versioned(version: int, kind: int, payload: bytes) -> bytes:
    raw = bytes([version, kind]) + bytes.fromhex("efbe0500") + bytes(4) + payload
    return cobs_encode(raw + crc16(raw).to_bytes(2, "little")) + b"\0"


@pytest.mark.parametrize(
    ("version", "kind", "payload_n", "heard"),
    [(2, 1, 4, 4), (2, 1, 9, 4), (2, 1, 3, None), (2, 2, 10, 10), (2, 0x10, 16, None)],
)
def test_of_another_version_only_a_handshake_is_heard(
    version: int, kind: int, payload_n: int, heard: int | None
) -> None:
    rx = Rx(crc_n=2, has_session=True, session=SESSION)
    frames = hear(rx, versioned(version, kind, bytes(payload_n)))
    assert [len(frame[4]) for frame in frames] == ([] if heard is None else [heard])
    assert rx.wrong_version == (heard is None)


def test_a_host_of_another_version_agrees_on_nothing() -> None:
    hand = CMcu(Joints())
    payload = link.INTERFACE_HASH.to_bytes(4, "little")
    said = c_model.receive(hand, versioned(2, FrameType.HELLO, payload), 1)
    (ack,) = link.receive(Deframer(SESSION), said)
    assert link.unpack_hello_ack(ack.payload).version == link.VERSION
    assert (hand.agreed, hand.state) == (False, HandState.BOOT)


def test_more_bytes_than_a_frame_can_have_are_not_unstuffed() -> None:
    assert decode(b"\x01" * 256) is None
    assert decode(b"") is None


@pytest.mark.parametrize(
    ("setpoint", "right"),
    [
        ((1, 0, 20, (1000,) * 6), True),
        ((2, 0, 500, (-1000,) * 6), True),
        ((3, 0, 150, (0,) * 6), True),
        ((0, 0, 150, (0,) * 6), False),
        ((4, 0, 150, (0,) * 6), False),
        ((2, 0, 19, (0,) * 6), False),
        ((2, 0, 501, (0,) * 6), False),
        ((2, 0, 150, (1001, 0, 0, 0, 0, 0)), False),
        ((2, 0, 150, (0, 0, 0, 0, 0, -1001)), False),
    ],
)
def test_a_setpoint_out_of_range_is_counted_and_not_executed(
    setpoint: tuple[int, int, int, tuple[int, ...]], right: bool
) -> None:
    mode, _, ttl_ms, counts = setpoint
    hand = CMcu(Joints(torque_ramp=4))
    for seq, kind in enumerate((FrameType.HELLO, FrameType.ARM), 1):
        c_model.receive(hand, link.pack(kind, SESSION, seq, 0), 1)
    wire = link.pack_setpoint(SESSION, 3, 0, mode, ttl_ms, counts)
    c_model.receive(hand, wire, 1)
    assert hand.c.range_err == (not right)
    assert (hand.ttl_ms == ttl_ms) is (right or ttl_ms == 150)


def test_a_receiver_in_the_middle_of_an_old_session_waits_for_a_handshake() -> None:
    rx = Rx(crc_n=2, has_session=True, session=SESSION)
    assert hear(rx, pack(FrameType.HEARTBEAT, 1, 0)) == []
    assert rx.stale == 1


@pytest.mark.parametrize("mask", [0xFFFFFF, 0xFFFFFFFF, 0xFFFF])
@given(
    st.integers(1, 60_000),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 0xFFFF), max_size=50),
)
def test_no_millisecond_is_lost_however_the_counter_is_read(
    mask: int, ticks_per_ms: int, start: int, steps: list[int]
) -> None:
    clock, ticks = Clock(), 0
    library().flx_clock_start(ct.byref(clock), U32(mask), U32(ticks_per_ms), U32(start & mask))
    for step in steps:
        ticks += step
        now = library().flx_clock_ms(ct.byref(clock), U32((start + ticks) & mask))
        assert now == ticks // ticks_per_ms


GOOD = Joints().axes()[0]
BAD = {
    "low below 1000 degrees": GOOD._replace(low_udeg=-1_000_000_001, udeg_per_count=10**6),
    "high above 1000 degrees": GOOD._replace(high_udeg=1_000_000_001, udeg_per_count=10**6),
    "no range": GOOD._replace(low_udeg=100_000_000),
    "no scale": GOOD._replace(udeg_per_count=0),
    "too large a scale": GOOD._replace(udeg_per_count=1_000_001),
    "positions beyond what telemetry holds": GOOD._replace(high_udeg=32_767, udeg_per_count=1),
    "negative ones too": GOOD._replace(low_udeg=-32_767, high_udeg=0, udeg_per_count=1),
    "no velocity": GOOD._replace(velocity_mdeg_s=0, release_mdeg_s=0),
    "too fast": GOOD._replace(velocity_mdeg_s=1_000_001),
    "no acceleration": GOOD._replace(change_mdeg_s=0),
    "too much of it": GOOD._replace(change_mdeg_s=1_000_001),
    "a release the wrong way": GOOD._replace(release_mdeg_s=-1),
    "a release faster than the joint": GOOD._replace(release_mdeg_s=150_001),
    "a torque that runs away": GOOD._replace(torque_ramp=-1),
}


def starts(axes: tuple[Axis, ...], crc_n: int = 2) -> bool:
    hand, array = HandC(), (Joint * DOF_N)(*[Joint(*axis) for axis in axes])
    write = WRITE(lambda *_: None)
    return bool(library().flx_hand_start(ct.byref(hand), array, U8(crc_n), write, None))


@pytest.mark.parametrize("axis", BAD.values(), ids=BAD)
def test_a_joint_that_cannot_be_starts_no_hand(axis: Axis) -> None:
    assert starts((GOOD,) * 6)
    assert not starts((*(GOOD,) * 5, axis))


@pytest.mark.parametrize(
    "axis",
    [
        Axis(-1_000_000_000, 1_000_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000, 0, 0, 0),
        Axis(0, 1, 1, 1, 1, 0, 0, 0, 1),
        Axis(-32_766, 32_766, 1, 1, 1, 1, 0, 0, 1000),
    ],
)
def test_the_outermost_joint_that_can_be_starts(axis: Axis) -> None:
    assert starts((axis,) * 6)


@pytest.mark.parametrize(("crc_n", "right"), [(2, True), (4, True), (0, False), (3, False)])
def test_a_crc_has_two_bytes_or_four(crc_n: int, right: bool) -> None:
    assert starts((GOOD,) * 6, crc_n) is right


@pytest.mark.parametrize(("low", "high", "at"), [(-1.0, 1.0, 0), (5.0, 6.0, 5), (-6.0, -5.0, -5)])
def test_a_hand_starts_in_boot_at_zero_or_as_near_as_it_can(
    low: float, high: float, at: float
) -> None:
    hand = CMcu(replace(Joints(), low_deg=(low,) * 6, high_deg=(high,) * 6))
    assert (hand.state, hand.position_deg) == (HandState.BOOT, [at] * 6)


@pytest.mark.parametrize(("damaged", "told"), [((100, 30, 7), 137), ((200, 50, 6), 255)])
def test_counters_in_telemetry_stay_in_their_bytes(damaged: tuple[int, ...], told: int) -> None:
    hand = CMcu(Joints())
    c_model.receive(hand, link.pack(FrameType.HELLO, SESSION, 1, 0), 1)
    rx = hand.c.rx
    rx.crc_errors, rx.oversize, rx.garbage = damaged
    rx.ok = rx.stale = hand.c.range_err = 65_537
    said = c_model.receive(hand, link.pack(FrameType.HEARTBEAT, SESSION, 2, 0), 1)
    telem = link.unpack_telem(link.receive(Deframer(SESSION, 1), said)[0].payload)
    assert (telem.err_count, telem.rx_ok, telem.stale, telem.range_err) == (told, 2, 1, 1)


def test_time_that_goes_backwards_changes_nothing() -> None:
    hand = CMcu(Joints())
    c_model.receive(hand, link.pack(FrameType.HELLO, SESSION, 1, 0), 1000)
    before = hand.remembered()
    assert c_model.advance(hand, 900) == b""
    assert hand.remembered() == before


@pytest.mark.parametrize("wrap_ms", [10, 70, 140])
def test_the_watchdog_holds_where_the_milliseconds_wrap_around(wrap_ms: int) -> None:
    hand, now = CMcu(Joints()), 2**32 - wrap_ms
    hand.now_ms = hand.telem_ms = now
    for seq, kind in enumerate((FrameType.HELLO, FrameType.ARM), 1):
        c_model.receive(hand, link.pack(kind, SESSION, seq, 0), now)
    c_model.receive(hand, link.pack_setpoint(SESSION, 3, 0, 2, 150, COUNTS), now)
    seen = {}
    for age_ms in range(1, 160):
        c_model.advance(hand, now + age_ms)
        seen.setdefault(hand.state, age_ms)
    assert seen == {HandState.ARMED: 1, HandState.HOLD: 61, HandState.FAILSAFE: 151}

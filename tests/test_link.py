"""The bytes of the link: every frame, and what a receiver accepts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import interface, link
from firmware_bridge.codec import RAW_MAX_N, check_of, cobs_decode, cobs_encode, crc16
from firmware_bridge.link import Deframer, FrameType, Telem

pytestmark = pytest.mark.edge

SESSION = 0xBEEF
COUNTS = (100, 200, -300, 400, 500, -1000)

# Vectors: two independent implementations agree on them.
WIRE = {
    "ARM": "060103efbe670219010103b6b500",
    "SETPOINT": "060110efbe68021e010102010296026402c80bd4fe9001f40118fcc6d000",
    "HEARTBEAT": "060111efbe690228010103d1fa00",
    "ESTOP": "060105efbe6a02320101032c8800",
    "DISARM": "060104efbe6b023c010103f58400",
    "TELEM": "060120efbe0302210101020202680101026402c80ad4fe9001f40118fc0401010101031dd700",
}


def heard(*frames: bytes, session: int = SESSION, last_seq: int | None = 0) -> Deframer:
    state = Deframer(session, last_seq)
    link.receive(state, b"".join(frames))
    return state


def heartbeat(seq: int, session: int = SESSION) -> bytes:
    return link.pack(FrameType.HEARTBEAT, session, seq, 0)


@pytest.mark.parametrize(
    ("kind", "seq", "t_ms"),
    [
        (FrameType.ARM, 103, 25),
        (FrameType.HEARTBEAT, 105, 40),
        (FrameType.ESTOP, 106, 50),
        (FrameType.DISARM, 107, 60),
    ],
)
def test_a_frame_without_payload_agrees_with_its_vector(
    kind: FrameType, seq: int, t_ms: int
) -> None:
    wire = bytes.fromhex(WIRE[kind.name])
    state = Deframer(SESSION, 100)
    (frame,) = link.receive(state, wire)
    assert (frame.type, frame.session, frame.seq) == (kind, SESSION, seq)
    assert frame.t_ms == t_ms
    assert link.pack(kind, SESSION, seq, frame.t_ms) == wire


def test_hello_is_its_vector_with_the_interface_hash_after_the_header() -> None:
    vector = cobs_decode(bytes.fromhex("060101efbe6501010101034110"))
    assert vector is not None
    raw = vector[:-2] + link.INTERFACE_HASH.to_bytes(4, "little")
    wire = link.pack(FrameType.HELLO, SESSION, 101, 0)
    assert cobs_decode(wire[:-1]) == raw + crc16(raw).to_bytes(2, "little")
    (frame,) = link.receive(Deframer(), wire)
    assert link.unpack_hello(frame.payload) == link.INTERFACE_HASH


@pytest.mark.parametrize("what", ["NUMBERS", "HEADER", "PAYLOADS"])
def test_whatever_changes_in_the_interface_changes_its_hash(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = interface.described()
    changed = {
        "NUMBERS": {**interface.NUMBERS, "HOLD_MS": 61},
        "HEADER": (*interface.HEADER, ("more", "B")),
        "PAYLOADS": {**interface.PAYLOADS, FrameType.ARM: (("grip", "B"),)},
    }
    monkeypatch.setattr(interface, what, changed[what])
    assert interface.described() != before


def test_frames_for_exoskeletons_carry_four_bytes_of_crc() -> None:
    assert check_of(b"123456789", 4) == bytes.fromhex("2639f4cb")
    wire = link.pack_setpoint(SESSION, 1, 30, 3, 150, COUNTS, 4)
    assert len(wire) == 32
    (frame,) = link.receive(Deframer(SESSION, 0, 4), wire)
    assert link.unpack_setpoint(frame.payload).counts == COUNTS
    short = Deframer(SESSION, 0)
    assert (link.receive(short, wire), short.crc_errors) == ([], 1)


def test_telemetry_carries_its_flags_beside_the_state() -> None:
    telem = Telem(link.HandState.FAILSAFE, 0, 104, 0, COUNTS, 4, 0, 0, link.HandFlag(5))
    payload = link.telem_payload(telem)
    assert payload[0] == 0x2C
    assert link.unpack_telem(payload) == telem


def test_a_setpoint_agrees_with_its_vector_both_ways() -> None:
    wire = bytes.fromhex(WIRE["SETPOINT"])
    assert link.pack_setpoint(SESSION, 104, 30, 1, 150, COUNTS) == wire
    (frame,) = link.receive(Deframer(SESSION, 103), wire)
    assert link.unpack_setpoint(frame.payload) == link.Setpoint(1, 0, 150, COUNTS)


def test_telemetry_agrees_with_its_vector_both_ways() -> None:
    telem = Telem(link.HandState.ARMED, 0, 104, 0, COUNTS, 4, 0, 0)
    wire = bytes.fromhex(WIRE["TELEM"])
    assert link.pack(FrameType.TELEM, SESSION, 3, 33, link.telem_payload(telem)) == wire
    (frame,) = link.receive(Deframer(SESSION, 2), wire)
    assert link.unpack_telem(frame.payload) == telem


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 255),
    st.integers(0, 0xFFFF),
    st.tuples(*[st.integers(-(2**15), 2**15 - 1)] * 6),
)
def test_a_setpoint_comes_back_as_it_was_packed(
    session: int, seq: int, t_ms: int, mode: int, ttl_ms: int, counts: tuple[int, ...]
) -> None:
    wire = link.pack_setpoint(session, seq, t_ms, mode, ttl_ms, counts)
    (frame,) = link.receive(Deframer(session, (seq - 1) & 0xFFFF), wire)
    assert frame[:5] == (link.VERSION, FrameType.SETPOINT, session, seq, t_ms)
    assert link.unpack_setpoint(frame.payload) == link.Setpoint(mode, 0, ttl_ms, counts)


def test_answers_come_back_as_they_were_packed() -> None:
    hello = link.HelloAck(1, 6, 500, 101)
    ack = link.Ack(FrameType.ARM, 103, link.AckCode.BUSY, link.HandState.ARMED)
    assert link.unpack_hello_ack(link.hello_ack_payload(hello)) == hello
    assert link.unpack_ack(link.ack_payload(ack)) == ack


STREAM = st.lists(
    st.one_of(
        st.integers(1, 120).map(heartbeat),
        st.integers(1, 120).map(lambda seq: heartbeat(seq, 7)),
        st.binary(max_size=12).map(lambda junk: junk + b"\0"),
        st.integers(200, 600).map(lambda n: b"\x55" * n),
        st.just(b"\0"),
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=150)
@given(STREAM, st.lists(st.integers(0, 2000), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_frames_and_counts(
    stream: bytes, cuts: list[int]
) -> None:
    whole, split = Deframer(SESSION, 0), Deframer(SESSION, 0)
    frames = link.receive(whole, stream)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [
        frame for start, end in pairwise(edges) for frame in link.receive(split, stream[start:end])
    ]
    assert pieces == frames
    assert split == whole


@settings(max_examples=200)
@given(st.binary(max_size=600))
def test_random_bytes_are_never_taken_for_a_frame(noise: bytes) -> None:
    state = Deframer(SESSION, 0)
    assert link.receive(state, noise) == []
    assert len(state.tail) <= RAW_MAX_N + 1


def test_a_setpoint_with_one_turned_bit_is_dropped_and_counted() -> None:
    good = link.pack_setpoint(SESSION, 1, 30, 2, 150, COUNTS)
    for bit in range(8 * len(good)):
        wire = bytearray(good)
        wire[bit // 8] ^= 1 << bit % 8
        state = heard(bytes(wire), b"\0")
        assert state.ok == 0, f"bit {bit}"
        assert state.damaged + state.wrong_length >= 1, f"bit {bit}"


def test_a_torn_frame_is_finished_by_the_next_bytes() -> None:
    state = Deframer(SESSION, 0)
    wire = heartbeat(1)
    assert link.receive(state, wire[:7]) == []
    assert [frame.seq for frame in link.receive(state, wire[7:])] == [1]


def test_a_leading_zero_saves_the_frame_after_noise() -> None:
    noise = b"\x13\x37\x42"
    assert heard(noise, heartbeat(1)).ok == 0
    saved = heard(noise, b"\0", heartbeat(1))
    assert (saved.ok, saved.garbage) == (1, 1)


def test_an_endless_frame_is_dropped_once_up_to_the_next_zero() -> None:
    state = heard(b"\x55" * 1000, b"\x55" * 1000, b"\0", heartbeat(1))
    assert (state.oversize, state.garbage, state.ok) == (1, 0, 1)


def test_empty_frames_are_nothing() -> None:
    assert heard(b"\0\0\0\0") == Deframer(SESSION, 0)


@pytest.mark.parametrize(("ahead", "accepted"), [(0, 0), (1, 1), (50, 1), (51, 0), (0xFFFF, 0)])
@pytest.mark.parametrize("last_seq", [0, 1000, 0xFFF0])
def test_only_the_next_fifty_sequence_numbers_are_accepted(
    last_seq: int, ahead: int, accepted: int
) -> None:
    state = heard(heartbeat((last_seq + ahead) & 0xFFFF), last_seq=last_seq)
    assert (state.ok, state.stale) == (accepted, 1 - accepted)


def test_a_repeated_frame_counts_once() -> None:
    state = heard(heartbeat(1), heartbeat(1))
    assert (state.ok, state.stale) == (1, 1)


def test_an_overtaken_frame_is_dropped() -> None:
    state = heard(heartbeat(2), heartbeat(1))
    assert (state.ok, state.stale, state.last_seq) == (1, 1, 2)


def test_nothing_is_accepted_before_the_handshake() -> None:
    assert heard(heartbeat(1), last_seq=None).stale == 1


def test_another_session_is_not_heard() -> None:
    state = heard(heartbeat(1, session=7))
    assert (state.ok, state.wrong_session, state.last_seq) == (0, 1, 0)


def test_an_emergency_stop_is_heard_from_any_session_at_any_number() -> None:
    stop = link.pack(FrameType.ESTOP, 7, 60_000, 0)
    state = heard(stop, stop)
    assert (state.ok, state.session, state.last_seq) == (2, SESSION, 0)


def test_hello_takes_over_the_session_and_its_numbers() -> None:
    state = heard(link.pack(FrameType.HELLO, 7, 900, 0), heartbeat(901, session=7))
    assert (state.session, state.last_seq, state.ok) == (7, 901, 2)


def test_a_replayed_hello_does_not_open_the_window_for_old_frames() -> None:
    hello = link.pack(FrameType.HELLO, SESSION, 1, 0)
    state = heard(heartbeat(2), hello, heartbeat(2))
    assert (state.ok, state.stale) == (1, 2)


def versioned(version: int, kind: FrameType, payload: bytes = b"") -> bytes:
    raw = bytes([version, kind]) + bytes.fromhex("efbe0500") + bytes(4) + payload
    return cobs_encode(raw + crc16(raw).to_bytes(2, "little")) + b"\0"


def test_another_version_is_counted_and_not_heard() -> None:
    assert heard(versioned(2, FrameType.SETPOINT, bytes(16))).wrong_version == 1


def test_a_handshake_of_another_version_is_readable_even_when_longer() -> None:
    state = Deframer(SESSION, None)
    ack = link.hello_ack_payload(link.HelloAck(2, 6, 500, 1))
    (frame,) = link.receive(state, versioned(2, FrameType.HELLO_ACK, ack + b"more"))
    assert frame.version == 2
    assert link.unpack_hello_ack(frame.payload).version == 2
    assert link.receive(state, versioned(2, FrameType.HELLO_ACK, ack[:3])) == []
    assert state.wrong_version == 1


def test_a_known_type_with_another_length_is_counted_and_not_heard() -> None:
    long = link.pack(FrameType.SETPOINT, SESSION, 1, 0, bytes(17))
    assert heard(long).wrong_length == 1


def test_an_unknown_type_is_handed_on_so_that_it_can_be_answered() -> None:
    (frame,) = link.receive(Deframer(SESSION, 0), link.pack(0x55, SESSION, 1, 0, b"x"))
    assert (frame.type, frame.payload) == (0x55, b"x")


@pytest.mark.parametrize(
    ("setpoint", "right"),
    [
        (link.Setpoint(1, 0, 20, (1000,) * 6), True),
        (link.Setpoint(2, 0, 500, (-1000,) * 6), True),
        (link.Setpoint(0, 0, 150, (0,) * 6), False),
        (link.Setpoint(3, 0, 150, (0,) * 6), False),
        (link.Setpoint(2, 0, 19, (0,) * 6), False),
        (link.Setpoint(2, 0, 501, (0,) * 6), False),
        (link.Setpoint(2, 0, 150, (0, 0, 1001, 0, 0, 0)), False),
        (link.Setpoint(2, 0, 150, (0, 0, 0, 0, 0, -1001)), False),
    ],
)
def test_a_setpoint_out_of_range_is_recognised(setpoint: link.Setpoint, right: bool) -> None:
    assert link.setpoint_in_range(setpoint) is right

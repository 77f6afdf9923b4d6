"""BGAPI packets in a stream of bytes that may be cut, damaged and begin anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition import bgapi
from acquisition.bgapi import Packets, pack, pack_event
from acquisition.stream import Counts

pytestmark = pytest.mark.edge

VALUE = pack_event(bgapi.VALUE, bytes([0, 0x2B, 0, 1, 16]) + bytes(range(1, 17)))


packets = st.lists(
    st.one_of(
        st.tuples(
            st.just(bgapi.VALUE),
            st.binary(max_size=22).map(lambda data: bytes(4) + bytes([len(data)]) + data),
        ),
        st.tuples(st.just(bgapi.DROPPED), st.binary(min_size=3, max_size=3)),
        st.tuples(st.just(bgapi.STATUS), st.binary(min_size=16, max_size=16)),
    )
)


@given(packets, st.lists(st.integers(1, 40)))
@settings(max_examples=60)
def test_any_splitting_of_bytes_gives_the_same_packets(
    told: list[tuple[tuple[int, int], bytes]], cuts: list[int]
) -> None:
    data = b"".join(pack_event(kind, payload) for kind, payload in told)
    reader, found = Packets(), []
    for cut in cuts:
        found += reader.feed(data[:cut])
        data = data[cut:]
    found += reader.feed(data)
    assert [(packet.kind, packet.payload) for packet in found] == told
    assert all(packet.event for packet in found)


@given(st.integers(0, 8), st.integers(1, 255))
def test_a_damaged_head_costs_its_packet_and_no_other(at: int, change: int) -> None:
    counts = Counts()
    broken = bytearray(VALUE)
    broken[at] ^= change
    found = Packets(counts).feed(VALUE + bytes(broken) + VALUE + VALUE)
    whole = [packet for packet in found if packet.payload == VALUE[4:]]
    assert len(whole) == 3
    # Its connection, attribute and type say nothing of its length.
    assert counts.damaged_frames == (at not in (4, 5, 6, 7))


@given(st.binary(max_size=60))
def test_a_stream_that_begins_anywhere_is_in_step_with_its_second_packet(before: bytes) -> None:
    found = Packets().feed(before + VALUE * 3)
    assert [packet.payload for packet in found[-2:]] == [VALUE[4:]] * 2


def test_a_command_and_its_reply_have_a_head_of_four_bytes() -> None:
    (reply,) = Packets().feed(pack(bgapi.DISCOVER, b"\x81\x01"))
    assert (reply.event, reply.kind, reply.payload) == (False, bgapi.DISCOVER, b"\x81\x01")


def test_a_packet_of_an_unknown_kind_is_skipped() -> None:
    counts = Counts()
    found = Packets(counts).feed(VALUE + pack_event((7, 7), b"\x01\x02") + VALUE)
    assert len(found) == 2
    assert (counts.resyncs, counts.garbage_bytes) == (1, 6)

"""The host's side of the link under a fake clock: handshake, requests, refusals."""

from __future__ import annotations

import pytest

from acquisition.stream import DeviceRefused
from firmware_bridge import link
from firmware_bridge import session as sessions
from firmware_bridge.link import AckCode, FrameType, HandState, HelloAck
from firmware_bridge.session import LinkEventKind, LinkPhase, Session
from tests.link_rig import Wire, connected, hello, nothing

pytestmark = pytest.mark.edge


def test_a_session_begins_with_a_zero_and_hello() -> None:
    data = sessions.hello(Session(1, 6, 150), 0xBEEF, 5.0)
    assert data[0] == 0
    (frame,) = link.receive(link.Deframer(), data)
    assert (frame.type, frame.session, frame.t_ms) == (FrameType.HELLO, 0xBEEF, 5000)


def test_the_handshake_brings_the_link_up() -> None:
    wire = hello()
    wire.run(3)
    assert wire.kinds == [LinkEventKind.CONNECTED]
    assert (wire.phase, wire.mcu.state) == (LinkPhase.UP, HandState.IDLE)


def test_hello_is_tried_three_times_fifty_milliseconds_apart() -> None:
    sent: list[int] = []
    wire = Wire()
    wire.to_hand = lambda data: (sent.append(wire.now_ms) if data else None, b"")[1]
    wire.carry(sessions.hello(wire.session, 0xBEEF, wire.now_s))
    wire.run(200)
    assert sent == [0, 50, 100]
    assert wire.kinds == [LinkEventKind.UNANSWERED]
    assert wire.phase is LinkPhase.LOST
    assert "did not answer HELLO" in wire.events[0].text


def test_a_lost_hello_is_made_up_for_by_the_next() -> None:
    wire = hello(to_hand=nothing)
    wire.to_hand = bytes
    wire.run(60)
    assert wire.phase is LinkPhase.UP


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HelloAck(2, 6, 500, 1), "speaks version 2 of the link and this program version 1"),
        (HelloAck(1, 5, 500, 1), "has 5 joints and 6 were expected"),
        (HelloAck(1, 6, 500, 1, 0xBAD), "built for the interface 00000bad and this program for"),
        (HelloAck(1, 6, 100, 1), "at most 100 ms and the decisions need 150 ms"),
    ],
)
def test_a_hand_that_does_not_fit_is_refused_with_both_sides(answer: HelloAck, words: str) -> None:
    wire = hello(to_hand=nothing)
    data = link.pack(FrameType.HELLO_ACK, 0xBEEF, 1, 0, link.hello_ack_payload(answer))
    with pytest.raises(DeviceRefused, match=words):
        sessions.hear(wire.session, data, wire.now_s)
    assert wire.phase is not LinkPhase.UP


def test_a_request_is_sent_once_when_it_is_answered() -> None:
    wire = connected()
    wire.ask(FrameType.ARM)
    wire.run(200)
    assert wire.kinds == [LinkEventKind.ANSWERED]
    assert wire.mcu.rx.ok < 6  # HELLO, ARM and heartbeats


def test_an_unanswered_request_is_tried_three_times_and_then_the_link_is_lost() -> None:
    wire = connected()
    wire.to_host = nothing
    start_ms = wire.now_ms
    wire.ask(FrameType.ARM)
    wire.run(149)
    assert wire.kinds == []
    wire.run(2)
    assert wire.kinds == [LinkEventKind.UNANSWERED]
    assert wire.now_ms - start_ms == 151
    assert wire.phase is LinkPhase.LOST


def test_a_lost_answer_is_made_up_for_by_the_next() -> None:
    wire = connected()
    wire.to_host = nothing
    wire.ask(FrameType.ARM)
    wire.run(20)
    wire.to_host = bytes
    wire.run(60)
    assert wire.kinds == [LinkEventKind.ANSWERED]
    assert wire.mcu.state is HandState.HOLD  # armed 80 ms ago, and no setpoint since


def test_the_same_request_is_not_sent_twice_while_it_waits() -> None:
    wire = connected()
    wire.ask(FrameType.ARM)
    assert sessions.request(wire.session, FrameType.ARM, wire.now_s) == b""


def test_the_answer_to_an_older_request_is_not_taken_for_this_one() -> None:
    wire = connected()
    wire.to_host = nothing
    wire.ask(FrameType.ARM)
    wire.run(1)
    payload = link.ack_payload(link.Ack(FrameType.ARM, 0, AckCode.OK, HandState.ARMED))
    data = link.pack(FrameType.ACK, 0xBEEF, wire.mcu.seq + 1, 0, payload)
    assert sessions.hear(wire.session, data, wire.now_s) == (None, [])
    assert wire.session.pending is not None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (AckCode.WRONG_STATE, "refused ARM: its state"),
        (AckCode.BUSY, "refused ARM: it is busy"),
        (AckCode.UNKNOWN, "refused ARM: it does not know"),
        (9, "refused ARM: code 9"),
    ],
)
def test_a_refusal_ends_the_request_and_keeps_the_link(code: int, words: str) -> None:
    wire = connected()
    wire.to_hand = nothing
    wire.ask(FrameType.ARM)
    ack = link.Ack(FrameType.ARM, wire.session.seq, code, HandState.IDLE)
    data = link.pack(FrameType.ACK, 0xBEEF, wire.mcu.seq + 1, 0, link.ack_payload(ack))
    _, (event,) = sessions.hear(wire.session, data, wire.now_s)
    assert event.kind is LinkEventKind.REFUSED
    assert words in event.text
    assert (wire.session.pending, wire.phase) == (None, LinkPhase.UP)


def test_an_emergency_stop_is_repeated_until_it_is_answered() -> None:
    wire = connected()
    wire.to_hand = nothing
    wire.ask(FrameType.ESTOP)
    wire.run(1000)
    assert wire.phase is LinkPhase.LOST
    wire.to_hand = bytes
    wire.run(60)
    assert wire.mcu.state is HandState.ESTOP
    assert wire.session.pending is None


def test_a_refused_emergency_stop_is_repeated_too() -> None:
    wire = connected()
    wire.mcu.refuses = True
    wire.ask(FrameType.ESTOP)
    wire.run(120)
    wire.mcu.refuses = False
    wire.run(60)
    assert wire.mcu.state is HandState.ESTOP


def test_nothing_takes_the_place_of_an_emergency_stop() -> None:
    wire = connected()
    wire.to_hand = nothing
    wire.ask(FrameType.ESTOP)
    for kind in (FrameType.ARM, FrameType.CLEAR, FrameType.DISARM):
        assert sessions.request(wire.session, kind, wire.now_s) == b""


@pytest.mark.parametrize("kind", [FrameType.ESTOP, FrameType.DISARM])
def test_what_stops_the_hand_goes_out_over_a_link_that_is_lost_one_way(kind: FrameType) -> None:
    wire = connected()
    wire.ask(FrameType.ARM)
    wire.run(5)
    wire.to_host = nothing
    wire.run(120, setpoint_ms=25)
    assert wire.phase is LinkPhase.LOST
    wire.ask(kind)
    assert wire.mcu.state is (HandState.ESTOP if kind == FrameType.ESTOP else HandState.IDLE)


def test_nothing_else_goes_out_over_a_lost_link() -> None:
    session = Session(1, 6, 150)
    assert sessions.request(session, FrameType.ARM, 1.0) == b""
    assert sessions.setpoint(session, 2, 75, (0,) * 6, 1.0) == b""


def test_what_the_hand_reports_is_told_once() -> None:
    wire = connected()
    wire.mcu.over_current = True
    wire.run(100)
    assert wire.kinds == [LinkEventKind.REPORTED]
    assert "too much current" in wire.events[0].text
    wire.mcu.over_current = False
    wire.run(100)
    wire.mcu.over_current = True
    wire.run(100)
    assert wire.kinds == [LinkEventKind.REPORTED] * 2


def test_a_session_with_the_longer_crc_reaches_a_hand_that_has_it_too() -> None:
    wire = hello(session=Session(1, 6, 150, rx=link.Deframer(crc_n=4)))
    wire.run(20)
    assert wire.phase is not LinkPhase.UP
    wire = Wire(session=Session(1, 6, 150, rx=link.Deframer(crc_n=4)))
    wire.mcu.rx.crc_n = 4
    wire.carry(sessions.hello(wire.session, 0xBEEF, wire.now_s))
    wire.run(300, setpoint_ms=25)
    assert (wire.phase, wire.session.rx.damaged) == (LinkPhase.UP, 0)

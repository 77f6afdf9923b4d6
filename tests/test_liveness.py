"""When a link counts as lost, and when it does not, under a fake clock."""

from __future__ import annotations

import pytest

from firmware_bridge import link
from firmware_bridge import session as sessions
from firmware_bridge.link import FrameType, Telem
from firmware_bridge.session import LinkEventKind, LinkPhase
from firmware_bridge.simulated_mcu import Joints, Mcu
from tests.link_rig import Wire, connected, nothing

pytestmark = pytest.mark.edge


def test_an_idle_link_beats_ten_times_a_second_and_stays_up() -> None:
    wire = connected()
    heard_n = wire.mcu.rx.ok
    wire.run(1000)
    assert wire.mcu.rx.ok - heard_n in (9, 10)
    assert (wire.events, wire.phase) == ([], LinkPhase.UP)


def test_setpoints_take_the_place_of_heartbeats() -> None:
    wire = connected()
    heard_n = wire.mcu.rx.ok
    wire.run(1000, setpoint_ms=25)
    assert wire.mcu.rx.ok - heard_n == 40


def test_a_zero_leads_after_fifty_milliseconds_of_silence() -> None:
    session = connected().session
    now_s = session.last_sent_s
    assert sessions.setpoint(session, 2, 75, (0,) * 6, now_s + 0.049)[0] != 0
    assert sessions.setpoint(session, 2, 75, (0,) * 6, now_s + 0.101)[0] == 0


@pytest.mark.parametrize("side", ["to_hand", "to_host"])
def test_a_dead_line_either_way_is_a_lost_link_within_100_ms_of_setpoints(side: str) -> None:
    wire = connected()
    wire.run(100, setpoint_ms=25)
    setattr(wire, side, nothing)
    cut_ms = wire.now_ms
    while wire.phase is LinkPhase.UP:
        wire.run(25, setpoint_ms=25)
    assert wire.kinds == [LinkEventKind.LOST]
    assert wire.events[0].clock_s * 1000 - cut_ms <= 127


def test_a_dead_idle_line_is_a_lost_link_after_three_heartbeats() -> None:
    wire = connected()
    wire.to_host = nothing
    wire.run(290)
    assert wire.phase is LinkPhase.UP
    wire.run(130)
    assert wire.phase is LinkPhase.LOST


def test_one_lost_heartbeat_is_no_lost_link() -> None:
    wire = connected()
    lost: list[bytes] = []

    def lose_first(data: bytes) -> bytes:
        if data and not lost:
            lost.append(data)
            return b""
        return data

    wire.to_hand = lose_first
    wire.run(300)
    wire.run(200, setpoint_ms=25)
    assert (len(lost), wire.phase) == (1, LinkPhase.UP)


def test_lost_setpoints_are_no_lost_link_while_newer_ones_arrive() -> None:
    wire = connected()
    counter = iter(range(10_000))
    wire.to_hand = lambda data: data if not data or next(counter) % 3 == 0 else b""
    wire.run(1000, setpoint_ms=25)
    assert wire.phase is LinkPhase.UP


def test_telemetry_that_comes_late_is_a_lost_link() -> None:
    wire = connected()
    queue: list[tuple[int, bytes]] = []

    def late(data: bytes) -> bytes:
        queue.append((wire.now_ms + 130, data))
        due = b"".join(d for at_ms, d in queue if at_ms <= wire.now_ms)
        queue[:] = [(at_ms, d) for at_ms, d in queue if at_ms > wire.now_ms]
        return due

    wire.run(60, setpoint_ms=25)
    wire.to_host = late
    wire.run(300, setpoint_ms=25)
    assert wire.kinds == [LinkEventKind.LOST]


def test_a_restarted_hand_is_a_lost_link_and_hello_takes_it_up_again() -> None:
    wire = connected()
    wire.run(100, setpoint_ms=25)
    wire.mcu = Mcu(Joints(), now_ms=wire.now_ms)
    wire.run(150, setpoint_ms=25)
    assert wire.phase is LinkPhase.LOST
    wire.carry(sessions.hello(wire.session, 0xCAFE, wire.now_s))
    wire.run(50)
    assert wire.phase is LinkPhase.UP
    wire.run(500, setpoint_ms=25)
    assert wire.phase is LinkPhase.UP


def test_the_round_trip_is_measured() -> None:
    wire = connected()
    wire.run(100, setpoint_ms=25)
    assert 0.0 <= wire.session.round_trip_s <= 0.0021


def test_the_numbers_may_wrap_around() -> None:
    wire = connected()
    wire.session.seq = wire.session.confirmed_seq = wire.mcu.rx.last_seq = 0xFFF0
    wire.run(2000, setpoint_ms=25)
    assert wire.phase is LinkPhase.UP
    assert wire.session.seq < 0x100


@pytest.mark.parametrize("changes", [{"state": 7}, {"last_seq": 40_000}])
def test_telemetry_of_what_cannot_be_is_dropped_and_counted(changes: dict[str, int]) -> None:
    wire = connected()
    wire.to_host = nothing
    telem = Telem(1, 0, wire.session.seq, 0, (0,) * 6, 0, 0, 0)._replace(**changes)
    data = link.pack(FrameType.TELEM, 0xBEEF, wire.mcu.seq + 1, 0, link.telem_payload(telem))
    assert sessions.hear(wire.session, data, wire.now_s) == (None, [])
    assert wire.session.unexpected_n == 1


def test_our_own_echo_is_not_taken_for_a_hand() -> None:
    wire = Wire()
    echo = sessions.hello(wire.session, 0xBEEF, 0.0)
    assert sessions.hear(wire.session, echo, 0.0) == (None, [])
    assert (wire.phase, wire.session.unexpected_n) == (LinkPhase.OPENING, 1)

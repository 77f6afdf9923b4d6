"""The simulated microcontroller under a fake clock."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import link
from firmware_bridge import simulated_mcu as model
from firmware_bridge.link import Ack, AckCode, FrameType, HandState, Telem
from tests.mcu_rig import FULL, SESSION, STILL, Host, armed, idle

pytestmark = pytest.mark.edge


def test_a_hand_that_has_just_started_says_nothing() -> None:
    host = Host()
    assert host.wait(1000) == []
    assert host.say(FrameType.ARM) == []
    assert host.state is HandState.BOOT


def test_hello_is_answered_with_what_the_hand_can_do() -> None:
    (frame,) = Host().say(FrameType.HELLO)
    assert link.unpack_hello_ack(frame.payload) == link.HelloAck(1, 6, 500, 1)


def test_telemetry_comes_fifty_times_a_second() -> None:
    host = idle()
    assert len([f for f in host.wait(1000) if f.type == FrameType.TELEM]) == 50


def test_telemetry_counts_what_the_hand_has_heard() -> None:
    host = armed()
    host.setpoint((0, 0, 0, 0, 0, 1001))
    model.receive(host.mcu, b"junk\0", host.now_ms)
    model.receive(host.mcu, link.pack(FrameType.HEARTBEAT, SESSION, 1, 0), host.now_ms)
    telem = host.setpoint()
    assert telem == Telem(HandState.ARMED, 1, host.seq, 0, STILL, 4, 1, 1)


def test_a_setpoint_moves_an_armed_hand_within_its_limits() -> None:
    host = armed()
    host.setpoint()
    host.wait(10)
    assert host.speed == pytest.approx(30.0)
    host.drive(ms=100)
    assert host.speed == pytest.approx(150.0)
    host.drive(ms=1000)
    assert (host.at_deg, host.speed) == (100.0, 0.0)


def test_a_position_is_reached_and_kept() -> None:
    host = armed()
    host.drive((500,) * 6, ms=1000, mode=1)
    assert host.at_deg == pytest.approx(50.0, abs=0.1)
    assert host.speed == pytest.approx(0.0, abs=1.0)
    assert max(host.mcu.position_deg) <= 50.0


@pytest.mark.parametrize("state", [HandState.IDLE, HandState.FAILSAFE, HandState.ESTOP])
def test_a_setpoint_is_answered_but_not_executed_unless_armed(state: HandState) -> None:
    host = idle()
    host.mcu.state = state
    assert host.setpoint().state == state
    host.wait(50)
    assert host.at_deg == 0.0


@pytest.mark.parametrize("ttl_ms", [75, 150, 200])
def test_the_hand_holds_after_60_ms_and_fails_safe_after_the_ttl(ttl_ms: int) -> None:
    host = armed()
    host.setpoint(ttl_ms=ttl_ms)
    states = {}
    for age_ms in range(1, ttl_ms + 10):
        host.wait(1)
        states.setdefault(host.state, age_ms)
    assert states == {
        HandState.ARMED: 1,
        HandState.HOLD: 61,
        HandState.FAILSAFE: ttl_ms + 1,
    }


def test_the_hand_is_at_rest_within_150_ms_of_the_last_setpoint() -> None:
    host = armed()
    host.drive(ms=160)
    host.setpoint()
    assert host.speed == pytest.approx(150.0)
    host.wait(150)
    assert host.speed == 0.0


def test_heartbeats_never_extend_motion() -> None:
    host = armed()
    host.setpoint(ttl_ms=150)
    for _ in range(16):
        host.wait(10)
        host.say(FrameType.HEARTBEAT)
    assert host.state is HandState.FAILSAFE


def test_a_fresh_setpoint_ends_a_hold() -> None:
    host = armed()
    host.setpoint()
    host.wait(100)
    assert host.state is HandState.HOLD
    assert host.setpoint().state == HandState.ARMED


def test_motion_never_resumes_by_itself_after_failsafe() -> None:
    host = armed()
    host.drive()
    host.wait(200)
    at_deg = host.at_deg
    host.drive()
    assert (host.state, host.at_deg) == (HandState.FAILSAFE, at_deg)
    assert host.ask(FrameType.ARM).code == AckCode.OK
    host.wait(50)
    assert host.at_deg == at_deg  # what was asked for before is forgotten
    host.drive()
    assert host.at_deg > at_deg


def test_arm_without_a_setpoint_ends_in_failsafe() -> None:
    host = armed()
    host.wait(151)
    assert host.state is HandState.FAILSAFE


def test_arming_twice_is_no_toggle() -> None:
    host = armed()
    host.drive()
    assert host.ask(FrameType.ARM).code == AckCode.OK
    assert (host.state, host.mcu.counts) == (HandState.ARMED, FULL)


def test_disarm_stops_the_hand() -> None:
    host = armed()
    host.drive()
    assert host.ask(FrameType.DISARM) == Ack(FrameType.DISARM, host.seq, AckCode.OK, HandState.IDLE)
    host.wait(50)
    assert host.speed == 0.0


def test_an_emergency_stop_from_another_session_is_obeyed() -> None:
    host = armed()
    host.drive()
    host.say(FrameType.ESTOP, session=7)
    assert host.state is HandState.ESTOP
    host.wait(50)
    assert host.speed == 0.0


def test_an_emergency_stop_pressed_on_the_hand_needs_no_host() -> None:
    host = armed()
    host.drive()
    model.press_emergency_stop(host.mcu)
    host.wait(50)
    assert (host.state, host.speed) == (HandState.ESTOP, 0.0)


def test_an_emergency_stop_is_left_by_clear_alone() -> None:
    host = armed()
    assert host.ask(FrameType.ESTOP).code == AckCode.OK
    assert host.ask(FrameType.ARM).code == AckCode.WRONG_STATE
    assert host.ask(FrameType.DISARM).code == AckCode.WRONG_STATE
    host.say(FrameType.HELLO)
    assert host.state is HandState.ESTOP
    assert host.ask(FrameType.CLEAR) == Ack(FrameType.CLEAR, host.seq, 0, HandState.IDLE)


def test_clear_is_refused_while_armed() -> None:
    host = armed()
    assert host.ask(FrameType.CLEAR).code == AckCode.BUSY
    assert host.state is HandState.ARMED


def test_an_unknown_request_is_answered() -> None:
    assert idle().ask(0x33).code == AckCode.UNKNOWN


def test_another_host_takes_over_a_hand_that_is_at_rest() -> None:
    host = armed()
    host.drive()
    host.say(FrameType.HELLO, session=7)
    assert host.state is HandState.IDLE
    assert host.say(FrameType.ARM) == []  # the old session is no longer heard
    host.wait(100)
    assert (host.state, host.speed) == (HandState.IDLE, 0.0)


def test_a_stalled_joint_does_not_move_and_the_others_do() -> None:
    host = armed()
    host.mcu.stalled = {2}
    host.drive()
    assert host.mcu.position_deg[2] == 0.0
    assert min(p for i, p in enumerate(host.mcu.position_deg) if i != 2) > 10.0


def test_too_much_current_stops_the_hand_with_a_young_setpoint_as_the_sign() -> None:
    host = armed()
    host.drive()
    host.mcu.over_current = True
    host.wait(300)
    telem = host.setpoint()
    assert (telem.state, telem.age_ms <= 150) == (HandState.FAILSAFE, True)
    assert host.ask(FrameType.ARM).code == AckCode.BUSY
    assert host.ask(FrameType.CLEAR).code == AckCode.BUSY
    host.mcu.over_current = False
    assert host.ask(FrameType.CLEAR).code == AckCode.OK


def test_a_hand_that_refuses_changes_nothing() -> None:
    host = idle()
    host.mcu.refuses = True
    assert host.ask(FrameType.ARM) == Ack(
        FrameType.ARM, host.seq, AckCode.WRONG_STATE, HandState.IDLE
    )


ACT = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 250)),
    st.tuples(st.just("say"), st.sampled_from([*FrameType, 0x77])),
    st.tuples(st.just("setpoint"), st.sampled_from([STILL, FULL, (-1000,) * 6, (1001,) * 6])),
    st.tuples(st.just("setpoint"), st.sampled_from([FULL, (-1000,) * 6])),
    st.tuples(st.just("current"), st.booleans()),
)


@settings(max_examples=100)
@given(st.lists(ACT, max_size=40))
def test_no_conversation_moves_a_hand_that_is_not_armed_or_breaks_its_limits(acts: list) -> None:
    host = idle()
    last_setpoint_ms = -1000
    for what, value in acts:
        before = list(host.mcu.position_deg)
        if what == "say":
            host.say(value, bytes(link._PAYLOAD_N.get(value, 0)))
        elif what == "current":
            host.mcu.over_current = value
        elif what == "setpoint":
            host.setpoint(value, mode=2)
            last_setpoint_ms = host.now_ms
        for _ in range(value if what == "wait" else 1):
            stopping = any(host.mcu.velocity_deg_s)
            host.wait(1)
            if host.state is not HandState.ARMED and not stopping:
                assert host.mcu.position_deg == before
            before = list(host.mcu.position_deg)
            assert all(0.0 <= deg <= 100.0 for deg in before)
            assert all(abs(v) <= 150.0 for v in host.mcu.velocity_deg_s)
            if host.now_ms - last_setpoint_ms > 60 + 50:
                assert not any(host.mcu.velocity_deg_s)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 120), max_size=10))
def test_asking_more_often_does_not_change_the_movement(steps_ms: list[int]) -> None:
    coarse, fine = armed(), armed()
    for step_ms in steps_ms:
        coarse.setpoint()
        fine.setpoint()
        coarse.wait(step_ms)
        for _ in range(step_ms):
            fine.wait(1)
        assert coarse.mcu == fine.mcu

"""The safety gate while the hand is armed: limits, freshness, holding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_bridge.command import Command, Mode
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import (
    Cause,
    Do,
    Output,
    Phase,
)
from tests.gate_rig import (
    BAD_SIGNAL,
    CLOSE,
    HOP_S,
    STILL,
    TTL_S,
    N,
    armed,
    moving,
)

pytestmark = pytest.mark.edge


def test_a_fresh_decision_becomes_one_setpoint() -> None:
    loop = armed()
    output = loop.decide((20.0, -20.0, 0.0, 10.0, 10.0, 10.0))
    assert output == Output(
        Do.SETPOINT, Mode.VELOCITY, (20.0, -20.0, 0.0, 10.0, 10.0, 10.0), TTL_S, loop.decision_n
    )


def test_no_decision_sends_nothing() -> None:
    loop = moving()
    loop.now_s += HOP_S
    assert loop.tell() == Output(Do.NOTHING)
    assert loop.phase is Phase.ARMED


def test_a_decision_is_never_sent_twice() -> None:
    loop = moving()
    loop.now_s += HOP_S
    command = loop.command(CLOSE)
    assert loop.tell(command).do is Do.SETPOINT
    loop.now_s += 0.01
    assert loop.tell(command).do is Do.NOTHING


def test_a_new_number_on_old_samples_is_not_fresh() -> None:
    loop = moving()
    old_s = loop.now_s
    loop.now_s += 0.01
    loop.decision_n += 1
    again = Command(Mode.VELOCITY, CLOSE, old_s, loop.decision_n, TTL_S)
    assert loop.tell(again).do is Do.NOTHING


def test_newer_samples_under_an_old_number_are_not_fresh() -> None:
    loop = moving()
    loop.now_s += HOP_S
    again = Command(Mode.VELOCITY, CLOSE, loop.now_s, loop.decision_n, TTL_S)
    assert loop.tell(again).do is Do.NOTHING


def test_a_decision_from_the_future_is_not_fresh_and_spoils_nothing() -> None:
    loop = moving()
    loop.now_s += HOP_S
    assert loop.tell(loop.command(CLOSE, late_s=-0.021)).do is Do.NOTHING
    assert loop.tell(loop.command(CLOSE, late_s=-0.019)).do is Do.SETPOINT


@pytest.mark.parametrize(("asked_s", "given_s"), [(0.001, 0.060), (0.1, 0.1), (9.0, 0.200)])
def test_the_time_to_live_is_bounded(asked_s: float, given_s: float) -> None:
    loop = armed()
    loop.now_s += HOP_S
    assert loop.tell(replace(loop.command(), ttl_s=asked_s)).ttl_s == given_s


def test_speed_grows_with_the_acceleration_limit_and_stops_at_once() -> None:
    loop = armed()
    speeds = []
    for i in range(6):
        loop.at_deg = (20.0 + 2 * i,) * N
        speeds.append(loop.decide((1e6,) * N).joints[0])
    assert speeds == pytest.approx([37.5, 75.0, 112.5, 150.0, 150.0, 150.0])
    assert loop.decide(STILL).joints == STILL


def test_a_reversal_passes_through_zero() -> None:
    loop = armed()
    for i in range(4):
        loop.at_deg = (20.0 + 2 * i,) * N
        loop.decide(CLOSE)
    assert loop.decide((-100.0,) * N).joints == pytest.approx((-37.5,) * N)
    loop.at_deg = (15.0,) * N
    assert loop.decide((-100.0,) * N).joints == pytest.approx((-75.0,) * N)


def test_a_reversal_towards_closing_passes_through_zero() -> None:
    loop = armed()
    for i in range(4):
        loop.at_deg = (60.0 - 2 * i,) * N
        loop.decide((-100.0,) * N)
    assert loop.decide(CLOSE).joints == pytest.approx((37.5,) * N)


def test_a_long_step_does_not_allow_a_jump() -> None:
    loop = armed()
    loop.now_s += 0.055
    assert loop.tell(loop.command((1e6,) * N)).joints == pytest.approx((75.0,) * N)


def test_after_a_pause_that_the_hand_bridged_speed_goes_on() -> None:
    loop = moving()
    loop.now_s += 0.055
    assert loop.tell(loop.command(CLOSE)).joints == CLOSE


def test_after_a_pause_in_which_the_hand_held_speed_grows_from_zero() -> None:
    loop = moving()
    loop.now_s += 0.065
    assert loop.tell(loop.command(CLOSE)).joints == pytest.approx((75.0,) * N)


def test_a_joint_slows_down_before_the_end_of_its_range() -> None:
    loop = armed()
    loop.at_deg = (97.0, 3.0, 99.0, 1.0, 120.0, -20.0)
    output = loop.decide((100.0, -100.0, 100.0, -100.0, 100.0, -100.0))
    assert output.joints == pytest.approx((37.5, -37.5, 0.0, 0.0, 0.0, 0.0))
    loop.at_deg = (98.5, 1.5, 50.0, 50.0, 50.0, 50.0)
    output = loop.decide((100.0, -100.0, 0.0, 0.0, 0.0, 0.0))
    assert output.joints == pytest.approx((20.0, -20.0, 0.0, 0.0, 0.0, 0.0))


def test_a_joint_beyond_its_range_may_come_back() -> None:
    loop = armed()
    loop.at_deg = (120.0,) * N
    assert loop.decide((-10.0,) * N).joints == pytest.approx((-10.0,) * N)


def test_positions_approach_their_goal_within_velocity_and_acceleration() -> None:
    loop = armed()
    at = 50.0
    steps = []
    for _ in range(60):
        loop.now_s += HOP_S
        loop.at_deg = (at,) * N
        output = loop.tell(loop.command((500.0,) * N, mode=Mode.POSITION))
        assert output.mode is Mode.POSITION
        steps.append(output.joints[0] - at)
        at = output.joints[0]
    assert steps[:2] == pytest.approx([37.5 * HOP_S, 75.0 * HOP_S])
    assert max(steps) <= 150.0 * HOP_S + 1e-9
    assert at == 100.0


def test_a_position_at_the_very_end_is_reached() -> None:
    loop = armed()
    loop.at_deg = (99.5,) * N
    loop.now_s += HOP_S
    assert loop.tell(loop.command((100.0,) * N, mode=Mode.POSITION)).joints == (100.0,) * N


def test_after_a_pause_in_which_the_hand_held_positions_start_slowly_again() -> None:
    loop = armed()
    for _ in range(4):
        loop.now_s += HOP_S
        last = loop.tell(loop.command((100.0,) * N, mode=Mode.POSITION)).joints
        loop.at_deg = last
    loop.now_s += 0.065
    after = loop.tell(loop.command((100.0,) * N, mode=Mode.POSITION)).joints
    assert after[0] - last[0] == pytest.approx(75.0 * 0.050)
    loop.at_deg = after
    loop.now_s += 0.065
    back = loop.tell(loop.command((0.0,) * N, mode=Mode.POSITION)).joints
    assert back[0] - after[0] == pytest.approx(-75.0 * 0.050)


def test_positions_start_from_where_the_hand_is() -> None:
    loop = moving()
    loop.at_deg = (70.0,) * N
    loop.now_s += HOP_S
    output = loop.tell(loop.command((0.0,) * N, mode=Mode.POSITION))
    assert output.joints == pytest.approx((70.0 - 37.5 * HOP_S,) * N)


def test_two_position_commands_at_one_moment_do_not_add_up() -> None:
    loop = armed()
    loop.now_s += HOP_S
    first = loop.tell(loop.command((0.0,) * N, late_s=0.001, mode=Mode.POSITION))
    second = loop.tell(loop.command((0.0,) * N, mode=Mode.POSITION))
    assert second.joints == pytest.approx(first.joints, abs=1e-3)


def test_a_position_past_the_end_that_a_joint_stands_beyond_drives_nothing() -> None:
    loop = armed()
    loop.at_deg = (100.5,) * N
    assert loop.decide((500.0,) * N, mode=Mode.POSITION).joints == (100.0,) * N
    assert loop.state.motion.velocity_deg_s == STILL


def test_a_position_a_little_back_is_followed_by_a_joint_that_met_resistance() -> None:
    loop = armed()
    last = STILL
    while not loop.state.seen.blocked:
        last = loop.decide((100.0,) * N, mode=Mode.POSITION).joints or last
    little = tuple(deg - 0.02 for deg in last)
    assert min(little) > 50.0
    assert loop.decide(little, mode=Mode.POSITION).joints == pytest.approx(little)


# Holding


def test_a_decision_on_old_samples_stops_the_hand() -> None:
    loop = moving()
    loop.now_s += HOP_S
    output = loop.tell(loop.command(CLOSE, late_s=0.101))
    assert (output.do, output.joints) == (Do.NOTHING, ())  # older than the newest seen
    loop.now_s += 0.08
    output = loop.tell(loop.command(CLOSE, late_s=0.101))
    assert (output.do, output.mode, output.joints) == (Do.SETPOINT, Mode.VELOCITY, STILL)
    assert (loop.phase, loop.cause) == (Phase.HOLD, Cause.STALE)


def test_silence_of_the_decoder_stops_the_hand_once_and_then_disarms_it_once() -> None:
    loop = moving()
    newest_s = loop.now_s
    log = []
    for _ in range(30):
        loop.now_s += 0.013
        if loop.phase is Phase.ARMED and loop.now_s - newest_s > 0.06:
            loop.hand = HandState.HOLD
        output = loop.tell()
        if output.do is not Do.NOTHING:
            log.append((round(loop.now_s - newest_s, 3), output.do, output.joints))
            if output.do is Do.DISARM:
                loop.hand = HandState.IDLE
    assert log == [(0.104, Do.SETPOINT, STILL), (0.156, Do.DISARM, ())]
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.DECISIONS_STOPPED)


def test_a_poor_signal_stops_the_hand_with_every_decision() -> None:
    loop = moving()
    for _ in range(3):
        output = loop.decide(CLOSE, health=BAD_SIGNAL)
        assert (output.do, output.joints) == (Do.SETPOINT, STILL)
    assert (loop.phase, loop.cause) == (Phase.HOLD, Cause.BAD_SIGNAL)
    assert loop.tell(health=BAD_SIGNAL).do is Do.NOTHING


def test_motion_resumes_only_after_a_trusted_rest() -> None:
    loop = moving()
    loop.decide(CLOSE, health=BAD_SIGNAL)
    assert loop.decide(CLOSE).joints == STILL
    assert loop.decide(STILL).joints == STILL
    assert loop.phase is Phase.HOLD
    assert loop.decide(rest=True).joints == STILL
    assert (loop.phase, loop.cause) == (Phase.ARMED, Cause.RESUMED)
    assert loop.decide(CLOSE).joints == pytest.approx((37.5,) * N)


def test_rest_does_not_end_a_hold_while_the_signal_is_poor() -> None:
    loop = moving()
    loop.decide(rest=True, health=BAD_SIGNAL)
    loop.decide(rest=True, health=BAD_SIGNAL)
    assert loop.phase is Phase.HOLD


def test_the_cause_of_a_hold_follows_what_is_wrong_now() -> None:
    loop = moving()
    loop.decide(CLOSE, health=BAD_SIGNAL)
    loop.now_s += 0.12
    assert loop.tell().do is Do.SETPOINT
    assert (loop.phase, loop.cause) == (Phase.HOLD, Cause.STALE)

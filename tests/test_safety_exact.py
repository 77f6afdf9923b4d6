"""The safety gate at the very edge of its rules, in times that binary numbers hold exactly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.link import HandFlag
from firmware_bridge.safety_state import Cause, Do, Health, Phase
from tests.gate_rig import (
    BAD_SIGNAL,
    CLOSE,
    EXO_LIMITS,
    LIMITS,
    STILL,
    WELL,
    WELL_FLAGS,
    Loop,
    N,
    armed,
    moving,
    push,
    pushing,
)

pytestmark = pytest.mark.edge

TICK_S = 1 / 64
OPEN = tuple(-speed for speed in CLOSE)
NO_SOURCE = replace(WELL, source_alive=False)


def exactly(loop: Loop) -> Loop:
    """The same at a time that can be added to without rounding."""
    loop.now_s = 128.0
    loop.tell(loop.command())
    assert loop.phase is Phase.ARMED
    return loop


def wait(loop: Loop, seconds: float, health: Health = WELL) -> None:
    """Ticks with telemetry and a decision to rest, or none where the source is gone."""
    for _ in range(round(seconds / TICK_S)):
        loop.now_s += TICK_S
        loop.tell(loop.command(rest=True) if health.source_alive else None, health=health)


@pytest.mark.parametrize("name", ["current_a", "temperature_c"])
def test_a_motor_is_cut_off_as_soon_as_it_was_over_its_limit_for_its_time(name: str) -> None:
    loop = armed(replace(LIMITS, current_a=2.0, temperature_c=70.0, over_s=2 * TICK_S))
    loop.now_s = 128.0
    setattr(loop, name, (99.0,))
    loop.tell(loop.command())
    wait(loop, TICK_S)
    assert loop.phase is Phase.ARMED
    wait(loop, TICK_S)
    assert loop.phase is Phase.FAULT


def test_a_low_battery_counts_at_once_and_lets_go_when_its_time_has_passed() -> None:
    loop = exactly(armed(replace(LIMITS, low_battery_s=1.0)))
    for i in range(12):
        loop.now_s += TICK_S
        loop.at_deg = (50.0 + i,) * N
        loop.tell(loop.command((150.0,) * N))
    loop.flags = HandFlag.LOW_BATTERY
    loop.now_s += TICK_S
    assert loop.tell(loop.command((150.0,) * N)).joints == (75.0,) * N
    assert loop.cause is Cause.LOW_BATTERY
    wait(loop, 1.0)
    assert loop.phase is Phase.ARMED
    wait(loop, TICK_S)
    assert (loop.phase, loop.cause) == (Phase.LETTING_GO, Cause.BATTERY_EMPTY)


def test_the_remark_of_a_doubt_lasts_for_one_second() -> None:
    loop = exactly(armed(replace(LIMITS, confidence=0.5)))
    loop.now_s += TICK_S
    loop.tell(loop.command(confidence=0.4))
    wait(loop, 1.0 - TICK_S)
    assert loop.cause is Cause.UNSURE
    wait(loop, TICK_S)
    assert loop.cause is Cause.SURE


def test_a_doubt_about_a_joint_that_meets_resistance_tells_of_the_resistance() -> None:
    loop = armed(replace(LIMITS, confidence=0.5, grip_a=0.5))
    loop.decide(CLOSE)
    loop.current_a = (0.6,) * N
    loop.decide(CLOSE, confidence=0.4)
    assert loop.cause is Cause.BLOCKED


def test_a_doubt_under_a_low_battery_tells_of_the_doubt_and_then_of_the_battery() -> None:
    loop = armed(replace(LIMITS, confidence=0.5))
    loop.flags = HandFlag.LOW_BATTERY
    loop.decide(confidence=0.4)
    assert loop.cause is Cause.UNSURE
    loop.decide()
    assert loop.cause is Cause.LOW_BATTERY
    since_s = loop.state.since_s
    loop.decide()
    assert loop.state.since_s == since_s
    loop.flags = WELL_FLAGS
    loop.decide()
    assert (loop.cause, loop.state.since_s) == (Cause.BATTERY_WELL, loop.now_s)


def test_a_frozen_hand_opens_when_its_time_has_passed_and_gives_up_when_that_takes_too_long() -> (
    None
):
    loop = exactly(moving(replace(LIMITS, slow_open_after_s=1.0)))
    loop.now_s += TICK_S
    loop.tell(health=NO_SOURCE)
    wait(loop, 1.0, NO_SOURCE)
    assert loop.cause is Cause.SOURCE_LOST
    wait(loop, TICK_S, NO_SOURCE)
    assert (loop.cause, loop.state.since_s) == (Cause.OPENS, loop.now_s)
    for i in range(round(20.0 / TICK_S)):
        loop.now_s += TICK_S
        loop.at_deg = (60.0 - i % 32,) * N
        loop.tell(health=NO_SOURCE)
    assert loop.phase is Phase.LETTING_GO
    loop.now_s += TICK_S
    loop.tell(health=NO_SOURCE)
    assert loop.phase is Phase.DISARMED


def test_a_hand_that_holds_opens_when_its_time_has_passed() -> None:
    loop = exactly(moving(replace(LIMITS, slow_open_after_s=1.0)))
    wait(loop, TICK_S, BAD_SIGNAL)
    wait(loop, 1.0, BAD_SIGNAL)
    assert loop.phase is Phase.HOLD
    wait(loop, TICK_S, BAD_SIGNAL)
    assert (loop.phase, loop.cause) == (Phase.LETTING_GO, Cause.OPENS)
    assert loop.state.since_s == loop.now_s


@pytest.mark.parametrize("what", ["hand", "decisions", "disarm"])
def test_silence_counts_when_its_time_has_passed_and_not_before(what: str) -> None:
    limits = replace(LIMITS, telemetry_s=8 * TICK_S, stale_s=6 * TICK_S, disarm_s=8 * TICK_S)
    loop = exactly(armed(limits))
    loop.now_s += TICK_S
    loop.tell(loop.command(), telemetry=True)
    ticks_n = {"hand": 8, "decisions": 6, "disarm": 8}[what]
    for _ in range(ticks_n):
        loop.now_s += TICK_S
        loop.tell(loop.command() if what == "hand" else None, telemetry=what != "hand")
    assert loop.phase is (Phase.HOLD if what == "disarm" else Phase.ARMED)
    loop.now_s += TICK_S
    loop.tell(loop.command() if what == "hand" else None, telemetry=what != "hand")
    after = {"hand": Phase.FAULT, "decisions": Phase.HOLD, "disarm": Phase.DISARMED}[what]
    assert loop.phase is after


# Pressing and resistance


@pytest.mark.parametrize("before", [OPEN, STILL])
def test_only_a_joint_that_closes_can_press(before: tuple[float, ...]) -> None:
    loop = armed(replace(LIMITS, grip_a=0.5))
    loop.decide(before)
    loop.current_a = (0.6,) * N
    assert min(loop.decide(CLOSE).joints) > 0.0


def test_a_joint_that_closes_ever_so_slowly_presses_too() -> None:
    loop = armed(replace(LIMITS, grip_a=0.5))
    loop.decide((0.5,) * N)
    loop.current_a = (0.6,) * N
    assert loop.decide((0.5,) * N).joints == STILL


def test_a_joint_that_is_driven_open_ever_so_slowly_and_does_not_move_is_stuck() -> None:
    loop = armed()
    for _ in range(90):
        loop.decide((-0.5,) * N)
    assert loop.cause is Cause.STALLED


def test_a_joint_that_moved_and_then_meets_resistance_gets_no_more_than_its_time() -> None:
    loop = armed()
    for i in range(8):
        loop.at_deg = (50.0 + i,) * N
        loop.decide((12.0,) * N)
    for _ in range(4):
        loop.decide((12.0,) * N)
    assert len(loop.state.seen.blocked) == N


@pytest.mark.parametrize(
    ("stall_s", "speed_deg_s", "ticks_n"), [(0.080, 8.0, 8), (5 * TICK_S, 100.0, 6)]
)
def test_a_joint_is_stuck_when_its_time_is_over_and_its_way_was_due(
    stall_s: float, speed_deg_s: float, ticks_n: int
) -> None:
    loop = armed(replace(LIMITS, stall_s=stall_s))
    loop.now_s = 128.0
    loop.tell(loop.command((speed_deg_s,) * N))
    if loop.state.motion.velocity_deg_s[0] < speed_deg_s:
        loop.state = loop.state._replace(
            motion=loop.state.motion._replace(velocity_deg_s=(speed_deg_s,) * N)
        )
    blocked = []
    for _ in range(ticks_n):
        loop.now_s += TICK_S
        loop.tell(loop.command((speed_deg_s,) * N))
        blocked.append(bool(loop.state.seen.blocked))
    assert blocked == [False] * (ticks_n - 1) + [True]


def test_current_of_a_joint_that_tells_none_is_no_fault() -> None:
    loop = moving(replace(LIMITS, current_a=2.0, grip_a=0.5))
    loop.current_a = (None,) * N
    for i in range(6):
        loop.at_deg = (54.0 + i,) * N
        assert min(loop.decide(CLOSE).joints) > 0.0


# Torque


def test_the_setpoints_of_letting_go_live_for_three_periods() -> None:
    loop = moving(replace(LIMITS, slow_open_after_s=1.0))
    loop.now_s += 0.02
    output = loop.tell(health=NO_SOURCE)
    assert (output.ttl_s, output.decision_n) == (0.075, loop.decision_n)
    loop = pushing()
    loop.now_s += 0.02
    output = loop.tell(health=NO_SOURCE)
    assert (output.ttl_s, output.decision_n) == (0.075, loop.decision_n)


@pytest.mark.parametrize(("asked_s", "given_s"), [(0.001, 0.060), (0.1, 0.1), (9.0, 0.200)])
def test_the_time_to_live_of_a_torque_is_bounded(asked_s: float, given_s: float) -> None:
    loop = pushing()
    loop.now_s += 0.02
    command = replace(loop.command((1.0, 1.0), mode=Mode.TORQUE), ttl_s=asked_s)
    assert loop.tell(command).ttl_s == given_s


def test_speed_is_measured_between_telemetries_that_are_15_ms_apart() -> None:
    loop = pushing()
    loop.now_s, loop.at_deg = 128.0, (50.0, 50.0)
    push(loop, (1.0, 1.0))
    loop.now_s += TICK_S / 2
    loop.at_deg = (51.0, 49.0)
    loop.tell()
    assert loop.state.seen.speed_deg_s == (0.0, 0.0)
    loop.now_s += TICK_S / 2
    loop.at_deg = (51.0, 49.5)
    loop.tell()
    assert loop.state.seen.speed_deg_s == (64.0, -32.0)


def test_the_very_first_speed_is_not_known() -> None:
    loop = Loop(EXO_LIMITS)
    loop.tell()
    assert loop.state.seen.speed_deg_s == ()
    loop.now_s += 0.02
    loop.tell()
    assert loop.state.seen.speed_deg_s == (0.0, 0.0)


def test_a_hand_without_torque_has_no_speed_measured() -> None:
    assert moving().state.seen.speed_deg_s == ()


def test_after_torque_a_hold_of_another_mode_is_a_standstill() -> None:
    loop = pushing()
    for _ in range(8):
        loop.decide((20.0, 20.0))
    output = loop.decide((20.0, 20.0), health=BAD_SIGNAL)
    assert (output.do, output.mode, output.joints) == (Do.SETPOINT, Mode.VELOCITY, (0.0, 0.0))
    assert loop.state.motion.torque_nm == ()


def test_a_run_of_torques_that_ended_begins_again_without_torque() -> None:
    loop = pushing()
    while loop.phase is not Phase.DISARMED:
        loop.now_s += 0.01
        loop.tell(health=NO_SOURCE)
    assert loop.state.motion.torque_nm == (0.0, 0.0)
    assert not loop.state.motion.goes


def test_the_second_ramp_of_a_run_begins_as_softly_as_the_first() -> None:
    loop = pushing()
    loop.now_s += 0.01
    loop.tell(health=BAD_SIGNAL)
    for _ in range(3):
        push(loop, (10.0, 5.0), rest=True)
    loop.decide((0.0, 0.0), mode=Mode.TORQUE, rest=True)
    for _ in range(8):
        push(loop, (10.0, 5.0))
    loop.now_s += 0.04
    assert loop.tell(health=BAD_SIGNAL).joints[0] == pytest.approx(10.0 - 20.0 * 0.01 / 0.3)

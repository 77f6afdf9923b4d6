"""The safety gate and what the hand says of its motors, its battery and the decoder's doubts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.link import HandFlag, HandState
from firmware_bridge.safety_state import Cause, Do, Output, Phase, Request
from tests.gate_rig import (
    CLOSE,
    EXO_LIMITS,
    HOP_S,
    LIMITS,
    STILL,
    WELL_FLAGS,
    Loop,
    N,
    armed,
    moving,
    push,
    pushing,
    resting,
)

pytestmark = pytest.mark.edge

CUTS = {
    HandFlag.OVER_CURRENT: Cause.OVER_CURRENT,
    HandFlag.OVER_TEMPERATURE: Cause.OVER_TEMPERATURE,
    HandFlag.BROWN_OUT: Cause.BROWN_OUT,
}


@pytest.mark.parametrize("begin", [moving, pushing])
@pytest.mark.parametrize(("flag", "cause"), CUTS.items())
@pytest.mark.parametrize("state", [HandState.ARMED, HandState.FAILSAFE])
def test_a_hand_that_spares_a_motor_is_cut_off_at_once_and_latched(
    begin, flag: HandFlag, cause: Cause, state: HandState
) -> None:  # type: ignore[no-untyped-def]
    loop = begin()
    loop.flags, loop.hand = flag, state
    loop.now_s += 0.01
    assert loop.tell() == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.FAULT, cause)
    loop.flags, loop.hand = WELL_FLAGS, HandState.IDLE
    loop.relax()
    assert loop.tell(request=Request.ARM).do is Do.NOTHING
    assert loop.phase is Phase.FAULT
    assert loop.tell(request=Request.CLEAR).do is Do.CLEAR
    assert loop.tell(request=Request.ARM).do is Do.ARM


@pytest.mark.parametrize("flag", CUTS)
def test_a_hand_that_spares_a_motor_is_not_armed(flag: HandFlag) -> None:
    loop = resting()
    loop.flags = flag
    assert loop.tell(request=Request.ARM).do is Do.NOTHING
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.ARM_SPARED)


@pytest.mark.parametrize("flag", [HandFlag.LOW_BATTERY, HandFlag.RELEASE])
def test_a_low_battery_or_a_pressed_button_does_not_keep_a_hand_from_being_armed(
    flag: HandFlag,
) -> None:
    loop = resting()
    loop.flags = flag
    assert loop.tell(request=Request.ARM).do is Do.ARM


def test_a_button_that_is_pressed_is_no_low_battery_and_a_low_battery_no_button() -> None:
    loop = moving()
    loop.flags = HandFlag.RELEASE
    loop.decide(CLOSE)
    assert loop.cause is Cause.ARMED
    loop.flags, loop.hand = HandFlag.LOW_BATTERY, HandState.IDLE
    loop.tell()
    assert loop.cause is Cause.HAND_LEFT
    loop.flags = HandFlag.BROWN_OUT
    loop.tell()
    assert loop.state.seen.low_s == math.inf


def test_torque_that_goes_is_cut_when_a_motor_has_to_be_spared() -> None:
    loop = pushing()
    loop.now_s += 0.01
    loop.tell(request=Request.DISARM)
    loop.flags = HandFlag.OVER_CURRENT
    assert loop.tell() == Output(Do.DISARM)
    assert loop.cause is Cause.OVER_CURRENT


def test_the_button_on_the_hand_is_told_from_another_start() -> None:
    loop = moving()
    loop.flags, loop.hand = HandFlag.RELEASE, HandState.IDLE
    assert loop.tell() == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.HAND_RELEASED)


WATCHED = replace(LIMITS, current_a=2.0, temperature_c=70.0)
OVER = {
    "current": ({"current_a": (None, 0.5, 2.1)}, Cause.OVER_CURRENT),
    "the other way": ({"current_a": (-2.1,)}, Cause.OVER_CURRENT),
    "no number": ({"current_a": (math.nan,)}, Cause.OVER_CURRENT),
    "temperature": ({"temperature_c": (20.0, 71.0)}, Cause.OVER_TEMPERATURE),
}


@pytest.mark.parametrize(("told", "cause"), OVER.values(), ids=OVER)
def test_a_motor_beyond_its_limit_is_cut_off_within_50_ms_by_two_readings(
    told: dict, cause: Cause
) -> None:
    loop = moving(WATCHED)
    for name, values in told.items():
        setattr(loop, name, values)
    loop.now_s += 0.02
    assert loop.tell().do is Do.NOTHING
    assert loop.phase is Phase.ARMED
    loop.now_s += 0.0201
    assert loop.tell() == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.FAULT, cause)


@pytest.mark.parametrize("name", ["current_a", "temperature_c"])
def test_one_reading_beyond_a_limit_is_no_fault(name: str) -> None:
    loop = moving(WATCHED)
    for value in (99.0, 1.0, 99.0, 1.0):
        setattr(loop, name, (value,))
        loop.now_s += 0.015
        loop.tell()
    assert loop.phase is Phase.ARMED


def test_what_is_just_within_its_limit_is_no_fault() -> None:
    loop = moving(WATCHED)
    loop.current_a, loop.temperature_c = (2.0, -2.0), (70.0,)
    for i in range(6):
        loop.at_deg = (54.0 + i,) * N
        loop.decide(CLOSE)
    assert loop.phase is Phase.ARMED


# The force limit


def test_a_joint_that_presses_with_its_largest_current_is_driven_no_further() -> None:
    loop = moving(replace(LIMITS, grip_a=0.5))
    loop.current_a = (0.6, 0.5, None, -0.6, 0.4)
    output = loop.decide(CLOSE)
    assert [speed > 0.0 for speed in output.joints] == [False, True, True, False, True, True]
    assert loop.cause is Cause.BLOCKED
    assert min(loop.decide(tuple(-v for v in CLOSE)).joints) < 0.0


def test_a_joint_that_opens_may_draw_what_it_needs() -> None:
    loop = armed(replace(LIMITS, grip_a=0.5))
    loop.current_a = (0.6,) * N
    for i in range(5):
        loop.at_deg = (50.0 - 2 * i,) * N
        output = loop.decide(tuple(-v for v in CLOSE))
    assert output.joints == tuple(-v for v in CLOSE)
    assert loop.state.seen.blocked == ()


# The battery


def test_a_low_battery_halves_the_speed_and_says_so() -> None:
    loop = armed()
    loop.flags = HandFlag.LOW_BATTERY
    for i in range(6):
        loop.at_deg = (20.0 + 2 * i,) * N
        output = loop.decide((150.0,) * N)
    assert output.joints == (75.0,) * N
    assert (loop.phase, loop.cause) == (Phase.ARMED, Cause.LOW_BATTERY)
    loop.flags = WELL_FLAGS
    for i in range(6):
        loop.at_deg = (32.0 + 2 * i,) * N
        output = loop.decide((150.0,) * N)
    assert output.joints == (150.0,) * N
    assert loop.cause is Cause.BATTERY_WELL


def test_a_low_battery_halves_the_speed_of_positions_and_torques_too() -> None:
    loop = armed()
    loop.flags = HandFlag.LOW_BATTERY
    at = [50.0]
    for _ in range(8):
        output = loop.decide((100.0,) * N, mode=Mode.POSITION)
        at.append(output.joints[0])
        loop.at_deg = output.joints
    assert at[-1] - at[-2] == pytest.approx(75.0 * HOP_S)
    loop = pushing()
    loop.flags = HandFlag.LOW_BATTERY
    for _ in range(20):
        output = push(loop, (20.0, -20.0))
    assert output.joints == pytest.approx((10.0, -5.0))


def drained(loop: Loop, seconds: float = 61.0) -> Output:
    """The battery is low for so long, under a wearer at rest."""
    loop.flags = HandFlag.LOW_BATTERY
    output = Output(Do.NOTHING)
    for _ in range(round(seconds / HOP_S)):
        output = loop.decide(rest=True)
        if loop.phase is not Phase.ARMED:
            break
    return output


def test_a_battery_that_stays_low_opens_the_hand_slowly_before_it_is_empty() -> None:
    loop = moving()
    assert drained(loop, 59.9).do is Do.SETPOINT
    assert loop.phase is Phase.ARMED
    drained(loop, 0.3)
    assert (loop.phase, loop.cause) == (Phase.LETTING_GO, Cause.BATTERY_EMPTY)
    opened = 0
    while loop.phase is Phase.LETTING_GO:
        output = loop.decide(CLOSE)
        assert all(speed <= 0.0 for speed in output.joints)
        assert output.eased or output.do is Do.DISARM
        loop.at_deg = tuple(
            at + HOP_S * v for at, v in zip(loop.at_deg, output.joints or STILL, strict=True)
        )
        opened += 1
    assert max(loop.at_deg) <= LIMITS.end_deg
    assert 1.0 < opened * HOP_S < 3.0
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.BATTERY_EMPTY)


def test_a_wearer_may_choose_that_it_holds_instead() -> None:
    loop = moving(replace(LIMITS, low_battery_opens=False))
    assert drained(loop) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.BATTERY_EMPTY)


def test_an_exoskeleton_lets_its_torque_go_when_the_battery_stays_low() -> None:
    loop = pushing(replace(EXO_LIMITS, low_battery_s=0.2))
    loop.flags = HandFlag.LOW_BATTERY
    for _ in range(30):
        push(loop, (10.0, 5.0))
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.BATTERY_EMPTY)


def test_a_battery_that_recovers_in_between_gets_its_time_again() -> None:
    loop = moving(replace(LIMITS, low_battery_s=1.0))
    for _ in range(3):
        drained(loop, 0.9)
        loop.flags = WELL_FLAGS
        loop.decide(rest=True)
    assert loop.phase is Phase.ARMED


@pytest.mark.parametrize(
    "changes",
    [
        {"low_battery_share": 0.0},
        {"low_battery_share": 1.1},
        {"slow_open_share": 0.0},
        {"slow_open_share": math.nan},
        {"confidence": -0.1},
        {"confidence": math.inf},
        {"slow_open_after_s": math.nan},
        {"low_battery_s": -1.0},
        {"over_s": 0.051},
        {"over_s": -0.1},
    ],
)
def test_settings_that_cannot_serve_are_refused(changes: dict) -> None:
    with pytest.raises(Refused, match=r"|".join(changes) + "|within 50 ms"):
        replace(LIMITS, **changes)

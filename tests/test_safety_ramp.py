"""The safety gate when torque ends: it goes to zero by a ramp, whatever ends it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.safety_state import Cause, Do, Health, Output, Phase, Request
from tests.gate_rig import BAD_SIGNAL, EXO_LIMITS, WELL, Loop, armed, push, pushing

pytestmark = pytest.mark.edge


def ended(loop: Loop, tick_s: float = 0.01, **tick: Any) -> list[tuple[float, Output]]:
    """(seconds, what is sent) from now until the gate disarms."""
    begin_s, said = loop.now_s, []
    while not said or said[-1][1].do is not Do.DISARM:
        loop.now_s += tick_s
        output = loop.tell(**tick)
        if output.do is not Do.NOTHING:
            said.append((loop.now_s - begin_s, output))
        assert loop.now_s - begin_s < 1.0
        tick.pop("request", None)
    return said


NO_SOURCE = replace(WELL, source_alive=False)


@pytest.mark.parametrize(
    ("tick", "phase", "cause"),
    [
        ({"health": NO_SOURCE}, Phase.DISARMED, Cause.SOURCE_LOST),
        ({"request": Request.DISARM}, Phase.DISARMED, Cause.DISARM_ASKED),
    ],
)
def test_whatever_ends_a_torque_run_takes_the_torque_to_zero_by_a_ramp(
    tick: dict[str, Any], phase: Phase, cause: Cause
) -> None:
    loop = pushing()
    said = ended(loop, **tick)
    given = [output.joints for _, output in said[:-1]]
    assert all(output.mode is Mode.TORQUE for _, output in said[:-1])
    hip = [joints[0] for joints in given]
    assert hip[:-1] == pytest.approx([10.0 - 20.0 * 0.01 / 0.3 * n for n in range(1, len(hip))])
    assert hip[-1] == given[-1][1] == 0.0
    assert said[-1][0] <= 0.2
    assert (loop.phase, loop.cause) == (phase, cause)


def test_a_bad_command_ramps_down_and_ends_in_a_fault() -> None:
    loop = pushing()
    loop.now_s += 0.01
    output = loop.tell(loop.command((math.nan, 0.0), mode=Mode.TORQUE))
    assert 0.0 < output.joints[0] < 10.0
    assert (loop.phase, loop.cause) == (Phase.LETTING_GO, Cause.BAD_COMMAND)
    ended(loop)
    assert (loop.phase, loop.cause) == (Phase.FAULT, Cause.BAD_COMMAND)


@pytest.mark.parametrize("ramp_s", [0.2, 0.5])
def test_full_torque_is_gone_after_the_ramp(ramp_s: float) -> None:
    loop = pushing(replace(EXO_LIMITS, torque_ramp_s=ramp_s))
    for _ in range(10):
        push(loop, (20.0, -10.0))
    said = ended(loop, request=Request.DISARM)
    zero_s = next(t for t, output in said if not any(output.joints))
    assert zero_s == pytest.approx(ramp_s, abs=0.0101)


def test_nothing_that_is_decided_raises_torque_that_goes() -> None:
    loop = pushing()
    loop.now_s += 0.01
    loop.tell(request=Request.DISARM)
    before = 10.0
    while loop.phase is Phase.LETTING_GO:
        given = push(loop, (20.0, 10.0)).joints
        assert not given or given[0] < before
        before = given[0] if given else 0.0
    assert loop.phase is Phase.DISARMED


def test_torque_that_goes_still_spares_a_ranges_end() -> None:
    loop = pushing()
    loop.at_deg = (100.0, 50.0)
    loop.now_s += 0.01
    given = loop.tell(request=Request.DISARM).joints
    assert given[0] == 0.0
    assert 4.0 < given[1] < 5.0


def test_a_host_that_stood_still_goes_on_with_zero_because_the_hand_let_go_meanwhile() -> None:
    loop = pushing()
    loop.now_s += 0.01
    loop.tell(request=Request.DISARM)
    loop.now_s += 0.061
    assert loop.tell().joints == (0.0, 0.0)


def test_setpoints_that_let_go_are_ten_milliseconds_apart() -> None:
    loop = pushing()
    loop.now_s += 0.005
    assert loop.tell(request=Request.DISARM) == Output(Do.NOTHING)
    assert loop.phase is Phase.LETTING_GO
    loop.now_s += 0.0051
    assert loop.tell().do is Do.SETPOINT
    loop.now_s += 0.0099
    assert loop.tell().do is Do.NOTHING


def test_a_poor_signal_takes_the_torque_to_zero_and_rest_lets_it_come_again() -> None:
    loop = pushing()
    given = []
    for _ in range(20):
        loop.now_s += 0.01
        given.append(loop.tell(health=BAD_SIGNAL).joints)
        if loop.now_s - loop.state.seen.basis_s > 0.05:
            loop.tell(loop.command((10.0, 5.0), mode=Mode.TORQUE), health=BAD_SIGNAL)
    hips = [joints[0] for joints in given if joints]
    assert hips == sorted(hips, reverse=True)
    assert hips[0] == pytest.approx(10.0 - 20.0 * 0.01 / 0.3)
    assert hips[-1] == 0.0
    assert (loop.phase, loop.cause) == (Phase.HOLD, Cause.BAD_SIGNAL)
    assert push(loop, (10.0, 5.0)).joints == (0.0, 0.0)
    assert push(loop, rest=True).joints == (0.0, 0.0)
    assert push(loop, (10.0, 5.0)).joints == pytest.approx((2.0, 1.0))


def test_rest_in_the_middle_of_a_ramp_lets_it_go_on_from_there() -> None:
    loop = pushing()
    loop.now_s += 0.01
    loop.tell(health=BAD_SIGNAL)
    assert loop.phase is Phase.HOLD
    given = push(loop, rest=True).joints
    assert 6.0 < given[0] < 9.4
    assert loop.cause is Cause.RESUMED


def test_torque_begins_to_go_when_no_decision_comes_and_the_hand_is_then_disarmed() -> None:
    loop = pushing()
    said = ended(loop)
    assert 0.050 < said[0][0] < 0.061
    hip = [output.joints[0] for _, output in said[:-1]]
    steps = [a - b for a, b in pairwise([10.0, *hip])]
    assert steps[:-1] == pytest.approx([20.0 * 0.01 / 0.3] * (len(hip) - 1))
    assert hip[-1] == 0.0
    assert said[-1][0] < 0.25
    assert loop.cause is Cause.DECISIONS_STOPPED


@pytest.mark.parametrize("late_s", [0.02, 0.058])
def test_the_first_step_of_a_ramp_is_no_larger_than_the_others(late_s: float) -> None:
    loop = pushing()
    loop.now_s += late_s
    given = [loop.tell(request=Request.DISARM).joints[0]]
    loop.now_s += 0.03
    given.append(loop.tell().joints[0])
    assert given == pytest.approx([10.0 - 20.0 * 0.01 / 0.3, 10.0 - 20.0 * 0.04 / 0.3])


def test_a_decision_that_comes_late_takes_torque_up_from_what_is_left() -> None:
    loop = pushing()
    for _ in range(7):
        loop.now_s += 0.01
        left = loop.tell().joints or (10.0, 5.0)
    assert left == pytest.approx((8.0, 4.0))
    assert loop.phase is Phase.ARMED
    assert push(loop, (10.0, 5.0)).joints == pytest.approx((10.0, 5.0))


@pytest.mark.parametrize("health", [WELL, BAD_SIGNAL])
def test_torque_that_fades_is_sent_every_ten_milliseconds_and_no_more(health: Health) -> None:
    loop = pushing()
    loop.now_s += 0.051
    assert loop.tell(health=health).do is Do.SETPOINT
    for _ in range(3):
        loop.now_s += 0.006
        assert loop.tell(health=health).do is Do.NOTHING
        loop.now_s += 0.0041
        assert loop.tell(health=health).do is Do.SETPOINT


def test_a_decision_in_time_leaves_the_torque_as_it_is() -> None:
    loop = pushing()
    loop.now_s += 0.049
    assert loop.tell().do is Do.NOTHING


def test_a_host_that_missed_the_hands_patience_sends_no_torque() -> None:
    loop = pushing()
    loop.now_s += 0.061
    assert loop.tell().joints == (0.0, 0.0)


@pytest.mark.parametrize("phase", [Phase.ARMED, Phase.LETTING_GO])
def test_an_emergency_stop_does_not_wait_for_the_ramp(phase: Phase) -> None:
    loop = pushing()
    if phase is Phase.LETTING_GO:
        loop.now_s += 0.01
        loop.tell(request=Request.DISARM)
    assert loop.phase is phase
    assert loop.tell(request=Request.ESTOP) == Output(Do.ESTOP)
    assert loop.phase is Phase.ESTOP


@pytest.mark.parametrize("phase", [Phase.ARMED, Phase.LETTING_GO])
def test_a_lost_link_leaves_the_ramp_to_the_hand(phase: Phase) -> None:
    loop = pushing()
    if phase is Phase.LETTING_GO:
        loop.now_s += 0.01
        loop.tell(request=Request.DISARM)
    assert loop.tell(health=replace(WELL, link_up=False)) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.FAULT, Cause.LINK_LOST)


def test_a_second_request_to_disarm_does_not_cut_the_ramp() -> None:
    loop = pushing()
    for _ in range(3):
        loop.now_s += 0.01
        assert loop.tell(request=Request.DISARM).do is Do.SETPOINT
    assert loop.phase is Phase.LETTING_GO


def test_torque_goes_before_anything_else_comes() -> None:
    loop = pushing()
    modes = []
    for _ in range(10):
        output = loop.decide((50.0, 50.0))
        modes.append((output.mode, output.joints[0] > 0.0))
    assert modes[:2] == [(Mode.TORQUE, True)] * 2
    assert modes.index((Mode.TORQUE, False)) < modes.index((Mode.VELOCITY, True))
    assert loop.decide((0.0, 0.0)).joints == (0.0, 0.0)
    assert loop.tell(health=NO_SOURCE) == Output(Do.DISARM)


def test_before_the_first_command_a_stop_of_a_hand_of_torques_is_no_torque() -> None:
    loop = armed(EXO_LIMITS)
    output = loop.decide((10.0, 5.0), mode=Mode.TORQUE, health=BAD_SIGNAL)
    assert (output.mode, output.joints) == (Mode.TORQUE, (0.0, 0.0))

"""The safety gate of a hand that was frozen: it keeps its grip with less, and may open slowly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Cause, Do, Output, Phase, Request
from tests.gate_rig import (
    BAD_SIGNAL,
    CLOSE,
    EXO_LIMITS,
    HOP_S,
    LIMITS,
    STILL,
    WELL,
    Loop,
    N,
    armed,
    moving,
    pushing,
)

pytestmark = pytest.mark.edge

OPENS = replace(LIMITS, slow_open_after_s=2.0)
NO_SOURCE = replace(WELL, source_alive=False)


def opened(loop: Loop, seconds: float = 30.0, health: object = WELL) -> list[tuple[float, Output]]:
    """(seconds, what is sent) while the joints do as they are told, until the gate disarms."""
    begin_s, said, speeds = loop.now_s, [], STILL
    while loop.now_s - begin_s < seconds and loop.phase is not Phase.DISARMED:
        loop.now_s += 0.01
        loop.at_deg = tuple(at + 0.01 * v for at, v in zip(loop.at_deg, speeds, strict=True))
        output = loop.tell(health=health)  # type: ignore[arg-type]
        speeds = output.joints or speeds
        if output.do is not Do.NOTHING:
            said.append((loop.now_s - begin_s, output))
    return said


@pytest.mark.parametrize(
    ("health", "cause"), [(NO_SOURCE, Cause.SOURCE_LOST), (WELL, Cause.DECISIONS_STOPPED)]
)
def test_a_frozen_hand_keeps_its_grip_eased_and_then_opens_slowly(
    health: object, cause: Cause
) -> None:
    loop = moving(OPENS)
    before_deg = loop.at_deg
    said = opened(loop, 1.9, health)
    assert (loop.phase, loop.cause) == (Phase.LETTING_GO, cause)
    frozen = [output for _, output in said if output.eased]
    assert len(frozen) > 100
    assert all(output.joints == STILL for output in frozen)
    assert loop.at_deg == before_deg
    said = opened(loop, health=health)
    opening = [output for _, output in said if any(output.joints)]
    assert all(output.mode is Mode.VELOCITY and output.eased for output in opening)
    assert min(min(output.joints) for output in opening) == pytest.approx(-30.0)
    assert all(speed <= 0.0 for output in opening for speed in output.joints)
    assert said[-1][1] == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.OPENED)
    assert all(0.0 <= at <= LIMITS.end_deg for at in loop.at_deg)


def test_a_hand_that_holds_for_too_long_opens_slowly() -> None:
    loop = moving(OPENS)
    while loop.phase is not Phase.LETTING_GO:
        loop.decide(CLOSE, health=BAD_SIGNAL)
    assert loop.cause is Cause.OPENS
    loop.decide(CLOSE, health=BAD_SIGNAL)
    opened(loop, health=BAD_SIGNAL)
    assert loop.cause is Cause.OPENED


@pytest.mark.parametrize("health", [NO_SOURCE, BAD_SIGNAL])
def test_unless_the_wearer_chose_it_a_frozen_hand_never_opens(health: object) -> None:
    loop = moving()
    for _ in range(400):
        output = loop.decide(CLOSE, health=health)  # type: ignore[arg-type]
        assert not any(output.joints)
        if loop.phase is Phase.DISARMED:
            loop.hand = HandState.IDLE


def test_an_opening_begins_with_the_joints_acceleration() -> None:
    loop = moving(OPENS)
    opening = [output for _, output in opened(loop, 3.0, NO_SOURCE) if any(output.joints)]
    assert [output.joints[0] for output in opening[:3]] == pytest.approx([-15.0, -30.0, -30.0])


def test_joints_that_stand_open_are_not_moved() -> None:
    loop = armed(OPENS)
    loop.at_deg = (0.5, 50.0, 0.0, -3.0, 1.0, 1.1)
    said = opened(loop, health=NO_SOURCE)
    moved = [any(output.joints[i] for _, output in said[:-1]) for i in range(N)]
    assert moved == [False, True, False, False, False, True]
    assert said[-1][0] < 6.0


def test_a_joint_opens_to_zero_and_not_beyond_or_else_as_far_as_it_can() -> None:
    wrist = (
        (-60.0, 60.0, 150.0, 1500.0),
        (20.0, 90.0, 150.0, 1500.0),
        (-90.0, -10.0, 150.0, 1500.0),
    )
    loop = armed(replace(OPENS, joints=wrist))
    loop.at_deg = (40.0, 60.0, -5.0)
    begin_s, speeds = loop.now_s, (0.0,) * 3
    while loop.phase is not Phase.DISARMED:
        loop.now_s += 0.01
        loop.at_deg = tuple(at + 0.01 * v for at, v in zip(loop.at_deg, speeds, strict=True))
        speeds = loop.tell(health=NO_SOURCE).joints or speeds
        assert loop.now_s - begin_s < 30.0
    assert loop.at_deg == pytest.approx((0.8, 20.8, -9.2), abs=0.5)


def test_a_joint_that_does_not_open_ends_in_a_fault() -> None:
    loop = moving(OPENS)
    for _ in range(400):
        loop.now_s += 0.01
        loop.tell(health=NO_SOURCE)
        if loop.phase is Phase.FAULT:
            break
    assert loop.cause is Cause.STALLED


def test_an_opening_that_takes_too_long_is_given_up() -> None:
    loop = moving(OPENS)
    begin_s = loop.now_s
    while loop.phase is not Phase.DISARMED:
        loop.now_s += 0.01
        loop.at_deg = (60.0 - 30.0 * ((loop.now_s - begin_s) % 1.0),) * N
        loop.tell(health=NO_SOURCE)
    assert loop.now_s - begin_s == pytest.approx(22.0, abs=0.1)
    assert loop.cause is Cause.OPENED


def test_a_request_to_disarm_ends_the_opening_at_once() -> None:
    loop = moving(OPENS)
    opened(loop, 2.5, NO_SOURCE)
    assert loop.tell(request=Request.DISARM) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.DISARM_ASKED)


def test_an_emergency_stop_ends_the_opening_at_once() -> None:
    loop = moving(OPENS)
    opened(loop, 2.5, NO_SOURCE)
    assert loop.tell(request=Request.ESTOP) == Output(Do.ESTOP)


@pytest.mark.parametrize("limits", [OPENS, replace(EXO_LIMITS, slow_open_after_s=2.0)])
def test_a_fault_of_the_program_does_not_open_the_hand(limits) -> None:  # type: ignore[no-untyped-def]
    loop = armed(limits)
    assert loop.decide((1.0,)) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.FAULT, Cause.BAD_COMMAND)


def test_an_exoskeleton_does_not_open_by_itself() -> None:
    loop = pushing(replace(EXO_LIMITS, slow_open_after_s=0.1))
    for _ in range(60):
        output = loop.decide((10.0, 5.0), mode=Mode.TORQUE, health=BAD_SIGNAL)
    assert (loop.phase, output.mode, output.joints) == (Phase.HOLD, Mode.TORQUE, (0.0, 0.0))
    loop = armed(replace(EXO_LIMITS, slow_open_after_s=0.1))
    assert loop.tell(health=NO_SOURCE) == Output(Do.DISARM)


def test_setpoints_that_open_are_ten_milliseconds_apart() -> None:
    loop = moving(OPENS)
    loop.now_s += HOP_S
    assert loop.tell(health=NO_SOURCE).do is Do.SETPOINT
    loop.now_s += 0.009
    assert loop.tell(health=NO_SOURCE).do is Do.NOTHING
    loop.now_s += 0.0011
    assert loop.tell(health=NO_SOURCE).do is Do.SETPOINT

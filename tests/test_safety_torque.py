"""The safety gate of joints that take torque: exoskeletons."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.hands import HAND6, HandSpec, Joint
from firmware_bridge.safety_state import Cause, Do, Output, Phase, limits_for
from tests.gate_rig import (
    EXO,
    EXO_LIMITS,
    HOP_S,
    STILL,
    Loop,
    armed,
    push,
    pushing,
)

pytestmark = pytest.mark.edge


@pytest.mark.parametrize(
    ("torque_nm", "rate_nm_s"), [(10.0, 0.0), (0.0, 40.0), (-1.0, 40.0), (math.inf, 40.0)]
)
def test_a_joint_has_a_largest_torque_and_a_rate_or_neither(
    torque_nm: float, rate_nm_s: float
) -> None:
    with pytest.raises(Refused, match="a largest torque and a largest change"):
        Joint("knee", (0.0, 90.0), 60.0, 600.0, torque_nm, rate_nm_s)


def test_a_hand_takes_torques_only_where_every_joint_has_a_largest_one() -> None:
    assert Mode.TORQUE not in HAND6.modes
    with pytest.raises(Refused, match="no largest torque"):
        HandSpec("odd", HAND6.joints, tuple(Mode))


# Limits


def test_torque_comes_by_its_rate_and_stays_within_the_joints_largest() -> None:
    loop = armed(EXO_LIMITS)
    given = [push(loop, (1e6, 1e6)).joints for _ in range(12)]
    assert given[:3] == [pytest.approx((2.0 * n, 1.0 * n)) for n in (1, 2, 3)]
    assert given[9:] == [(20.0, 10.0)] * 3
    assert loop.cause is Cause.ARMED


def test_torque_goes_by_its_rate_too_and_passes_through_zero() -> None:
    loop = pushing()
    given = [push(loop, (-20.0, -10.0)).joints[0] for _ in range(6)]
    assert given == pytest.approx([8.0, 6.0, 4.0, 2.0, 0.0, -2.0], abs=1e-9)


def test_a_burst_of_spasticity_gives_no_jump_and_no_more_than_the_largest() -> None:
    loop, before = pushing(), (10.0, 5.0)
    for n in range(40):
        sign = 1.0 if n // 3 % 2 else -1.0
        given = push(loop, (sign * 1e9, -sign * 1e9)).joints
        for now, was, (top, rate) in zip(given, before, EXO_LIMITS.torque, strict=True):
            assert abs(now) <= top
            assert abs(now - was) <= rate * HOP_S + 1e-9
        before = given


def test_a_long_step_does_not_allow_a_jump_of_torque() -> None:
    loop = armed(EXO_LIMITS)
    loop.now_s += 0.055
    command = loop.command((20.0, 10.0), mode=Mode.TORQUE)
    assert loop.tell(command).joints == pytest.approx((4.0, 2.0))


def test_after_a_pause_in_which_the_hand_let_go_torque_grows_from_zero() -> None:
    loop = pushing()
    loop.now_s += 0.0601
    command = loop.command((10.0, 5.0), mode=Mode.TORQUE)
    assert loop.tell(command).joints == pytest.approx((4.0, 2.0))


def test_after_a_pause_that_the_hand_bridged_torque_goes_on() -> None:
    loop = pushing()
    loop.now_s += 0.059
    command = loop.command((10.0, 5.0), mode=Mode.TORQUE)
    assert loop.tell(command).joints == (10.0, 5.0)


@pytest.mark.parametrize(
    ("at_deg", "given"),
    [
        ((95.0, 95.0), (10.0, 5.0)),
        ((98.0, 96.0), (8.0, 5.0)),
        ((99.0, 99.5), (4.0, 1.0)),
        ((100.0, 120.0), (0.0, 0.0)),
    ],
)
def test_torque_towards_a_ranges_end_fades_to_none(
    at_deg: tuple[float, ...], given: tuple[float, ...]
) -> None:
    loop = pushing()
    loop.limits = replace(EXO_LIMITS, joints=tuple((*r[:2], 1e4, r[3]) for r in EXO_LIMITS.joints))
    loop.at_deg = at_deg
    assert push(loop, (10.0, 5.0)).joints == pytest.approx(given)


def test_torque_away_from_a_ranges_end_is_given_in_full() -> None:
    loop = armed(EXO_LIMITS)
    loop.at_deg = (130.0, 100.0)
    for _ in range(20):
        given = push(loop, (-20.0, -10.0)).joints
    assert given == (-20.0, -10.0)
    loop.at_deg = (-20.0, 0.0)
    for _ in range(30):
        given = push(loop, (20.0, 10.0)).joints
    assert given == (20.0, 10.0)
    loop.at_deg = (-19.0, 1.0)
    for _ in range(30):
        given = push(loop, (-20.0, -10.0)).joints
    assert given == pytest.approx((-4.0, -2.0))


def moving_at(loop: Loop, speed_deg_s: float) -> tuple[float, ...]:
    """What is given, under a wish for all of it, to joints that move so."""
    loop.at_deg = (50.0, 50.0)
    push(loop, (10.0, 5.0))
    loop.at_deg = (50.0 + speed_deg_s * HOP_S,) * 2
    return push(loop, (10.0, 5.0)).joints


@pytest.mark.parametrize(
    ("speed_deg_s", "share"),
    [(0.0, 1.0), (100.0, 1.0), (105.0, 0.5), (108.0, 0.2), (110.0, 0.0), (500.0, 0.0)],
)
def test_torque_towards_a_movement_that_is_too_fast_is_cut(
    speed_deg_s: float, share: float
) -> None:
    given = moving_at(pushing(), speed_deg_s)
    assert given == pytest.approx((min(10.0, 20.0 * share), min(5.0, 10.0 * share)), abs=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_torque_against_a_movement_that_is_too_fast_brakes_it(sign: float) -> None:
    loop = pushing()
    for _ in range(12):
        push(loop, (sign * 10.0, sign * 5.0))
    loop.at_deg = (50.0, 50.0)
    push(loop, (sign * 10.0, sign * 5.0))
    loop.at_deg = (50.0 - sign * 10.0,) * 2
    assert push(loop, (sign * 10.0, sign * 5.0)).joints == (sign * 10.0, sign * 5.0)


def test_two_telemetries_at_one_moment_are_no_speed() -> None:
    loop = pushing()
    loop.at_deg = (51.0, 51.0)
    loop.now_s += 0.001
    loop.tell()
    assert loop.state.seen.speed_deg_s == (0.0, 0.0)
    assert push(loop, (10.0, 5.0)).joints == (10.0, 5.0)


def test_a_joint_that_met_resistance_is_not_pushed_on_either() -> None:
    loop = armed(EXO_LIMITS)
    while not loop.state.seen.blocked:
        loop.decide((50.0, 50.0))
    given = [push(loop, (10.0, -5.0)).joints for _ in range(3)]
    assert [joints[0] for joints in given] == [0.0] * 3
    assert given[-1][1] == pytest.approx(-3.0)


def test_a_joint_that_stands_still_under_torque_meets_no_resistance() -> None:
    loop = pushing()
    for _ in range(80):
        push(loop, (10.0, 5.0))
    assert loop.state.seen.blocked == ()
    assert loop.state.motion.velocity_deg_s == (0.0, 0.0)


def test_a_hand_without_torque_takes_none() -> None:
    loop = armed()
    assert loop.decide(STILL, mode=Mode.TORQUE) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.FAULT, Cause.BAD_COMMAND)


def test_the_limits_of_torque_are_those_of_the_hand() -> None:
    assert EXO_LIMITS.torque == ((20.0, 80.0), (10.0, 40.0))
    assert limits_for(HAND6).torque == ()
    assert limits_for(replace(EXO, modes=(Mode.VELOCITY,))).torque == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"torque": ()}, "for each of 2 joints, and there are 0"),
        ({"modes": (Mode.VELOCITY,)}, "for each of 2 joints, and there are 2"),
        ({"torque": ((20.0, 80.0), (0.0, 40.0))}, "above 0"),
        ({"torque": ((20.0, 80.0), (10.0, 0.0))}, "above 0"),
        ({"torque": ((20.0, math.inf), (10.0, 40.0))}, "above 0"),
        ({"torque_ramp_s": 0.19}, "0.2 to 0.5 s"),
        ({"torque_ramp_s": 0.51}, "0.2 to 0.5 s"),
        ({"torque_end_deg": 0.0}, "torque_end_deg is more than 0"),
        ({"torque_end_deg": math.inf}, "torque_end_deg is more than 0"),
    ],
)
def test_limits_of_torque_that_cannot_serve_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(EXO_LIMITS, **changes)

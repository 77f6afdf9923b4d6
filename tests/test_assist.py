"""Assist laws push as they should, never too much, never too suddenly, never on what is unknown."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.assist import (
    START,
    State,
    follow_nm,
    gravity_nm,
    inside_nm,
    proportional_nm,
    step,
    stopped_nm,
)
from firmware_bridge.assist_laws import Assist, Follow, Gravity, Law, Stops, Torque, assist
from firmware_bridge.command import Command, Mode
from firmware_bridge.sensed import Sensed
from models.intent import Intent
from tests.exo import EXO, SITES

pytestmark = pytest.mark.edge

HOP_S = 0.025
PUSH = Torque("knee", "hamstring", 10.0, "quadriceps")
CARRY = Gravity("knee", 3.0, 0.25, share=0.5)
AIM = Follow("knee", target="knee_angle")


def made(*laws: Law, stops: Stops | None = None, targets: tuple[str, ...] = ()) -> Assist:
    return assist(laws, stops or Stops(), EXO, SITES, targets, 40.0)


def sensed(
    efforts: tuple[float, ...] = (0.0, 0.0),
    at: tuple[float, ...] = (40.0, 0.0),
    speed: tuple[float, ...] = (0.0, 0.0),
    *,
    driven: bool = True,
    age_s: float = 0.01,
) -> Sensed:
    return Sensed(efforts, at, speed, 50.0 - age_s, 50.0, driven)


def play(how: Assist, moments: list[Sensed], targets: tuple[float, ...] = ()) -> list[Command]:
    """One decision for each moment."""
    commands, state = [], START
    for n, moment in enumerate(moments):
        intent = Intent("rest", 0.0, 0.9, 9.0 + n * HOP_S, n + 1, targets=targets)
        asked = step(how, intent, moment, state)
        commands.append(asked.command)
        state = asked.state
    return commands


def settled(how: Assist, moment: Sensed, targets: tuple[float, ...] = ()) -> tuple[float, ...]:
    return play(how, [moment] * 100, targets)[-1].joints


# The laws


def test_the_difference_of_two_muscles_pushes_in_proportion_beyond_its_dead_band() -> None:
    assert proportional_nm(0.15, 0.1, 10.0, 0.1) == 0.0
    assert proportional_nm(1.0, 0.0, 10.0, 0.1) == pytest.approx(10.0)
    assert proportional_nm(0.1, 0.65, 10.0, 0.1) == pytest.approx(-5.0)
    assert settled(made(PUSH), sensed((0.65, 0.1)))[0] == pytest.approx(5.0)


def test_gravity_is_held_at_every_angle_by_the_share_that_was_asked_for() -> None:
    assert gravity_nm(90.0, 3.0, 0.25, 0.0) == pytest.approx(3.0 * 9.81 * 0.25)
    assert gravity_nm(0.0, 3.0, 0.25, 0.0) == 0.0
    assert gravity_nm(-30.0, 3.0, 0.25, 120.0) == pytest.approx(3.0 * 9.81 * 0.25)
    nm = settled(made(CARRY), sensed(at=(60.0, 0.0)))[0]
    assert nm == pytest.approx(0.5 * 3.0 * 9.81 * 0.25 * math.sin(math.radians(60)))


def test_muscle_torque_comes_on_top_of_what_is_carried() -> None:
    both = replace(CARRY, flexor="hamstring", extensor="quadriceps", gain_nm=4.0)
    plain, pushed = (settled(made(law), sensed((0.55, 0.0)))[0] for law in (CARRY, both))
    assert pushed - plain == pytest.approx(2.0)


def test_an_angle_is_followed_by_a_spring_and_a_damper() -> None:
    assert follow_nm(50.0, 40.0, 0.0, 0.2, 0.02) == pytest.approx(2.0)
    assert follow_nm(40.0, 40.0, 30.0, 0.2, 0.02) == pytest.approx(-0.6)
    nm = settled(made(AIM, targets=("knee_angle",)), sensed(), (55.0,))[0]
    assert nm == pytest.approx(0.2 * 15.0, rel=0.01)


def test_an_effort_can_say_the_angle() -> None:
    law = Follow("knee", flexor="hamstring", extensor="quadriceps", from_deg=10.0, to_deg=90.0)
    nm = settled(made(law), sensed((0.7, 0.2)))[0]
    assert nm == pytest.approx(0.2 * (50.0 - 40.0), rel=0.01)


def test_following_begins_where_the_joint_stands() -> None:
    commands = play(made(AIM, targets=("knee_angle",)), [sensed()] * 30, (90.0,))
    torques = [command.joints[0] for command in commands]
    assert torques[0] == 0.0
    assert torques == sorted(torques)
    assert max(b - a for a, b in pairwise(torques)) <= 60.0 * HOP_S + 1e-9


def test_an_untrusted_target_leaves_the_aim_where_it_was() -> None:
    how = made(AIM, targets=("knee_angle",))
    intent = Intent("rest", 0.0, 0.2, 9.025, 2, True, (90.0,))
    before = State(9.0, (0.0, 0.0), (40.0, 0.0))
    assert step(how, intent, sensed(), before).state.aim_deg[0] == 40.0


def test_joints_can_follow_an_angle_by_their_own_control() -> None:
    how = made(replace(AIM, output="position"), targets=("knee_angle",))
    commands = play(how, [sensed(speed=())] * 200, (75.0,))
    assert {command.mode for command in commands} == {Mode.VELOCITY}
    assert commands[0].joints == (0.0, 0.0), "it begins where it stands"
    assert 0.0 < commands[1].joints[0] < commands[4].joints[0]
    assert commands[-1].joints == (pytest.approx(200.0), 0.0), "no faster than it may"
    near = play(how, [sensed(at=(74.5, 0.0), speed=())] * 50, (75.0,))[-1]
    assert near.joints == (0.0, 0.0)
    idle = play(how, [sensed(driven=False)], (75.0,))[0]
    assert (idle.mode, idle.joints, idle.rest) == (Mode.VELOCITY, (0.0, 0.0), False)


def test_an_angle_is_not_sought_beyond_the_joints_range() -> None:
    how = made(replace(AIM, output="position"), targets=("knee_angle",))
    assert play(how, [sensed(at=(110.0, 0.0))] * 50, (300.0,))[-1].joints[0] == 0.0


# A limb of 3 kg under its own weight


def swing(how: Assist, at_deg: float, efforts: tuple[float, float], seconds: float) -> list[float]:
    """Angles of a knee that hangs from the hip, 1 ms at a time; telemetry is one decision old."""
    inertia, speed, angles, state, nm = 3.0 * 0.25**2 * 1.3, 0.0, [], START, 0.0
    told = (at_deg, 0.0)
    for n in range(round(1000 * seconds)):
        if n % 25 == 0:
            intent = Intent("rest", 0.0, 0.9, n / 1000, n + 1)
            asked = step(how, intent, sensed(efforts, (told[0], 0.0), (told[1], 0.0)), state)
            state, nm, told = asked.state, asked.command.joints[0], (at_deg, speed)
        pull = -gravity_nm(at_deg, 3.0, 0.25, 0.0) - 0.01 * speed  # a leg's own damping
        speed += 0.001 * math.degrees((nm + pull) / inertia)
        at_deg += 0.001 * speed
        angles.append(at_deg)
    return angles


def test_a_limb_that_is_carried_wholly_floats() -> None:
    angles = swing(made(replace(CARRY, share=1.0)), 60.0, (0.0, 0.0), 2.0)
    assert angles[-1] == pytest.approx(angles[1000], abs=4.0)
    bare = swing(made(replace(CARRY, share=0.0)), 60.0, (0.0, 0.0), 2.0)
    assert min(bare) < 20.0


def test_a_followed_angle_is_reached_and_kept_without_swinging() -> None:
    law = Follow("knee", flexor="hamstring", stiffness_nm_deg=0.3, damping_nm_s_deg=0.03)
    angles = swing(made(law), 5.0, (0.5, 0.0), 4.0)
    assert angles[-1] == pytest.approx(32.0, abs=2.0), "where the spring carries the weight"
    assert max(angles) < 45.0
    assert max(angles[3000:]) - min(angles[3000:]) < 2.0


def test_virtual_stops_catch_a_limb_that_is_pushed_to_its_end() -> None:
    angles = swing(made(replace(PUSH, gain_nm=9.0)), 60.0, (1.0, 0.0), 4.0)
    assert 95.0 < max(angles) < 110.0
    assert max(angles[3000:]) - min(angles[3000:]) < 2.0


# What keeps the wearer safe


def test_stops_push_inwards_only_and_not_in_the_middle() -> None:
    how, range_deg = Stops(10.0, 0.5, 0.1), (0.0, 100.0)
    late_deg = 0.06 * 10.0
    assert stopped_nm(3.0, 50.0, 90.0, range_deg, how) == 3.0
    assert stopped_nm(0.0, 95.0, 0.0, range_deg, how) == pytest.approx(-2.5)
    assert stopped_nm(0.0, 95.0, 10.0, range_deg, how) == pytest.approx(-3.5 - 0.5 * late_deg)
    assert stopped_nm(0.0, 95.0, -10.0, range_deg, how) == pytest.approx(-2.5)
    assert stopped_nm(4.0, 95.0, 0.0, range_deg, how) == pytest.approx(2.0 - 2.5)
    assert stopped_nm(-4.0, 5.0, 0.0, range_deg, how) == pytest.approx(-2.0 + 2.5)


@given(st.floats(-50, 50), st.floats(-300, 300), st.floats(-500, 500))
def test_at_and_beyond_an_end_no_torque_points_outwards(nm: float, at: float, speed: float) -> None:
    torque = inside_nm(stopped_nm(nm, at, speed, (0.0, 100.0), Stops()), at, (0.0, 100.0))
    assert not (at <= 0.0 and torque < 0.0)
    assert not (at >= 100.0 and torque > 0.0)


EFFORTS = st.tuples(*[st.floats(0, 1)] * 2)
ANGLES = st.tuples(*[st.floats(-60, 160)] * 2)
SPEEDS = st.tuples(*[st.floats(-400, 400)] * 2)
LAWS = st.sampled_from(
    [
        PUSH,
        replace(PUSH, gain_nm=500.0, maximum_nm=6.0),
        replace(CARRY, mass_kg=40.0, length_m=1.0, share=1.0),
        replace(CARRY, flexor="hamstring", gain_nm=100.0),
        Follow("knee", flexor="hamstring", stiffness_nm_deg=50.0, damping_nm_s_deg=3.0),
    ]
)


@settings(max_examples=100)
@given(LAWS, st.lists(st.tuples(EFFORTS, ANGLES, SPEEDS), min_size=2, max_size=30))
def test_torque_and_its_change_stay_bounded_whatever_limb_and_muscles_do(
    law: Law, moments: list[Any]
) -> None:
    commands = play(made(law), [sensed(*moment) for moment in moments])
    top = min(law.maximum_nm, 12.0)
    torques = [command.joints[0] for command in commands]
    assert all(abs(nm) <= top + 1e-9 for nm in torques)
    assert all(command.joints[1] == 0.0 for command in commands), "a joint without a law is free"
    for (before, after), (_, at, _) in zip(pairwise(torques), moments[1:], strict=True):
        if -5.0 < at[0] < 110.0:
            assert abs(after - before) <= 60.0 * HOP_S + 1e-9


BAD = [
    sensed((0.9, 0.0), age_s=0.11),
    sensed((0.9, 0.0), at=()),
    sensed((0.9, 0.0), at=(40.0,)),
    sensed((0.9, 0.0), at=(math.nan, 0.0)),
    sensed((0.9, 0.0), speed=()),
    sensed((0.9, 0.0), speed=(math.inf, 0.0)),
    sensed(()),
    sensed((math.nan, 0.0)),
    sensed((0.9, 0.0), driven=False),
    Sensed((0.9, 0.0), driven=True),
]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("law", [PUSH, CARRY, Follow("knee", flexor="hamstring")])
def test_what_is_unknown_stale_or_no_number_gives_zero_torque_at_once(
    law: Law, bad: Sensed
) -> None:
    good = sensed((0.9, 0.0))
    commands = play(made(law), [good] * 20 + [bad] + [good] * 2)
    assert commands[19].joints[0] > 0.0
    assert commands[20].joints == (0.0, 0.0)
    assert commands[20].mode is Mode.TORQUE
    assert commands[21].joints == (0.0, 0.0), "and begins again from there"
    assert 0.0 <= commands[22].joints[0] <= 60.0 * HOP_S + 1e-9


@pytest.mark.parametrize("targets", [(), (math.nan,), (1.0, 2.0)])
def test_targets_that_are_missing_or_no_numbers_give_zero_torque(
    targets: tuple[float, ...],
) -> None:
    commands = play(made(AIM, targets=("knee_angle",)), [sensed()] * 3, targets)
    assert not any(any(command.joints) for command in commands)
    assert not any(command.rest for command in commands)


@pytest.mark.parametrize("at", [(1e308, 1e308), (1e308, 0.0)])
def test_numbers_too_large_to_reckon_with_give_zero_torque(at: tuple[float, ...]) -> None:
    law = Follow("knee", flexor="hamstring", stiffness_nm_deg=50.0, damping_nm_s_deg=3.0)
    commands = play(made(law), [sensed(at=at, speed=(-1e308, 0.0))] * 3)
    assert {command.joints for command in commands} == {(0.0, 0.0)}
    assert not any(command.rest for command in commands)


def test_before_arming_nothing_is_asked_for_and_relaxed_muscles_are_rest() -> None:
    relaxed = play(made(CARRY), [sensed((0.05, 0.05), driven=False)])[0]
    assert (relaxed.joints, relaxed.rest) == ((0.0, 0.0), True)
    assert not play(made(CARRY), [sensed((0.2, 0.0), driven=False)])[0].rest
    assert not play(made(CARRY), [sensed((), driven=False)])[0].rest
    assert not play(made(CARRY), [sensed(age_s=0.2, driven=False)])[0].rest


def test_a_joint_far_from_its_aim_is_not_at_rest_so_that_arming_cannot_set_it_off() -> None:
    how = made(AIM, targets=("knee_angle",))
    near, far = (play(how, [sensed(driven=False)], (deg,))[0].rest for deg in (45.0, 70.0))
    assert (near, far) == (True, False)


def test_a_command_is_as_fresh_and_as_sure_as_its_decision() -> None:
    command = play(made(PUSH), [sensed()])[0]
    assert (command.clock_s, command.decision_n, command.confidence) == (9.0, 1, 0.9)
    assert command.ttl_s == pytest.approx(0.075)


@pytest.mark.parametrize("law", [CARRY, AIM])
def test_what_tells_no_angles_is_only_pushed(law: Law) -> None:
    blind = replace(EXO, tells_angles=False)
    targets = ("knee_angle",)
    assert assist((PUSH,), Stops(), blind, SITES, targets, 40.0).mode is Mode.TORQUE
    with pytest.raises(Refused, match=r"tells no angles, and the laws for \['knee'\] rest on them"):
        assist((law,), Stops(), blind, SITES, targets, 40.0)

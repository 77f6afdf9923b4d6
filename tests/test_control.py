"""Gestures become speeds of joints, and grips that do not fit are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.control import (
    HAND6_GRIPS,
    Grip,
    Grips,
    command_of,
    control,
    grips_for,
    ttl_s,
)
from firmware_bridge.hands import (
    HAND6,
    HANDS,
    HandSpec,
    Joint,
    open_hand,
    position_counts,
    positions_deg,
    velocities_deg_s,
    velocity_counts,
)
from models.intent import Intent

pytestmark = pytest.mark.edge

GESTURES = (
    "rest",
    "radial_deviation",
    "wrist_flexion",
    "ulnar_deviation",
    "wrist_extension",
    "hand_close",
    "hand_open",
)
HOW = control(HAND6_GRIPS, HAND6, GESTURES, 40.0)
STILL = (0.0,) * 6


def intent(gesture: str, strength: float = 1.0, *, rejected: bool = False) -> Intent:
    return Intent(gesture, strength, 0.9, 12.5, 7, rejected)


def speeds(gesture: str, strength: float = 1.0) -> dict[str, float]:
    command = command_of(HOW, intent(gesture, strength))
    return dict(zip(HAND6.joint_names, command.joints, strict=True))


def test_a_command_is_as_fresh_as_its_decision() -> None:
    command = command_of(HOW, intent("hand_close"))
    assert (command.clock_s, command.decision_n, command.mode) == (12.5, 7, Mode.VELOCITY)
    assert command.ttl_s == pytest.approx(0.075)


def test_closing_closes_every_finger_and_leaves_the_thumb_where_it_points() -> None:
    moved = speeds("hand_close")
    assert moved.pop("thumb_rotation") == 0.0
    assert set(moved.values()) == {150.0}


def test_opening_undoes_closing() -> None:
    assert speeds("hand_open") == {name: -v for name, v in speeds("hand_close").items()}


def test_every_gesture_but_rest_does_something_of_its_own() -> None:
    patterns = [tuple(speeds(gesture).values()) for gesture in GESTURES]
    assert len(set(patterns)) == len(GESTURES)
    assert patterns[0] == STILL


def test_rest_holds_the_position_and_is_told_as_trusted_rest() -> None:
    command = command_of(HOW, intent("rest", 0.8))
    assert (command.joints, command.rest) == (STILL, True)


def test_a_rejected_decision_holds_the_position_but_is_not_trusted_rest() -> None:
    command = command_of(HOW, intent("rest", 0.8, rejected=True))
    assert (command.joints, command.rest) == (STILL, False)


def test_a_rejected_gesture_does_not_move_even_if_it_is_still_named() -> None:
    assert command_of(HOW, intent("hand_close", rejected=True)).joints == STILL


def test_a_weak_gesture_holds_the_position_but_is_not_rest() -> None:
    command = command_of(HOW, intent("hand_close", 0.1))
    assert (command.joints, command.rest) == (STILL, False)


def test_speed_grows_from_zero_at_the_threshold_to_full_at_full_strength() -> None:
    assert speeds("hand_close", 0.1001)["index"] == pytest.approx(0.0, abs=0.05)
    assert speeds("hand_close", 0.55)["index"] == pytest.approx(75.0)
    assert speeds("hand_close", 1.0)["index"] == pytest.approx(150.0)


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(GESTURES))
def test_no_strength_drives_a_joint_beyond_its_full_speed(strength: float, gesture: str) -> None:
    assert all(abs(v) <= 150.0 for v in command_of(HOW, intent(gesture, strength)).joints)


def test_a_strength_that_is_no_number_moves_nothing() -> None:
    assert command_of(HOW, intent("hand_close", math.nan)).joints == STILL


def test_gain_and_maximum_shape_the_speed_of_one_gesture() -> None:
    grips = Grips((Grip("hand_close", (("index", 1.0),), 0.0, gain=2.0, maximum=0.5),))
    how = control(grips, HAND6, ("rest", "hand_close"), 40.0)
    assert command_of(how, intent("hand_close", 0.1)).joints[2] == pytest.approx(30.0)
    assert command_of(how, intent("hand_close", 0.9)).joints[2] == pytest.approx(75.0)


def test_a_gesture_that_no_grip_names_moves_nothing() -> None:
    assert command_of(HOW, intent("wave")).joints == STILL


@pytest.mark.parametrize(
    ("grips", "gestures", "words"),
    [
        (HAND6_GRIPS, ("rest", "hand_close"), r"hand_open.*the gestures.*\['hand_close'\]"),
        (HAND6_GRIPS, (*GESTURES, "wave"), r"decides \['wave'\].*grips for"),
        (HAND6_GRIPS, GESTURES[1:], 'rest at "rest".*artifact knows'),
        (Grips((Grip("rest", ()),)), ("rest",), r"grips for \['rest'\]"),
        (Grips((Grip("a", ()), Grip("a", ()))), ("rest", "a"), r"one grip.*\['a'\]"),
        (
            Grips((Grip("a", (("elbow", 1.0), ("index", 1.0))),)),
            ("rest", "a"),
            r"grip of a moves \['elbow'\], and the hand hand6 has.*'index'",
        ),
    ],
)
def test_grips_that_do_not_fit_are_refused_with_both_sides(
    grips: Grips, gestures: tuple[str, ...], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        control(grips, HAND6, gestures, 40.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"joints": (("index", 1.5),)}, "shares from -1 to 1"),
        ({"joints": (("index", math.nan),)}, "shares from -1 to 1"),
        ({"joints": (("index", 1.0), ("index", 0.5))}, "names a joint twice"),
        ({"threshold": 1.0}, "threshold from 0"),
        ({"threshold": -0.1}, "threshold from 0"),
        ({"gain": 0.0}, "positive gain"),
        ({"gain": math.inf}, "positive gain"),
        ({"maximum": 1.1}, "maximum above 0"),
        ({"maximum": 0.0}, "maximum above 0"),
    ],
)
def test_a_grip_with_impossible_numbers_is_refused(settings: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(Grip("hand_close", (("index", 1.0),)), **settings)


def test_the_grips_for_fewer_gestures_are_picked_from_all() -> None:
    grips = grips_for(("rest", "hand_open", "hand_close"))
    assert [grip.gesture for grip in grips.grips] == ["hand_close", "hand_open"]
    control(grips, HAND6, ("rest", "hand_open", "hand_close"), 40.0)


@pytest.mark.parametrize(
    ("rate_hz", "expected_s"), [(100.0, 0.060), (50.0, 0.060), (40.0, 0.075), (20.0, 0.150)]
)
def test_a_setpoint_outlives_two_lost_ones_within_bounds(rate_hz: float, expected_s: float) -> None:
    assert ttl_s(rate_hz) == pytest.approx(expected_s)


def test_decisions_that_are_too_slow_for_the_hand_are_refused() -> None:
    with pytest.raises(Refused, match="every 100 ms and a hand needs one every 50 ms"):
        ttl_s(10.0)


# Hands


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"range_deg": (10.0, 10.0)}, "range from low to high"),
        ({"range_deg": (0.0, math.nan)}, "range from low to high"),
        ({"max_velocity_deg_s": 0.0}, "largest velocity"),
        ({"max_acceleration_deg_s2": math.inf}, "largest acceleration"),
    ],
)
def test_a_joint_with_impossible_numbers_is_refused(settings: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(Joint("index", (0.0, 100.0), 150.0, 1500.0), **settings)


@pytest.mark.parametrize("joints", [(), (HAND6.joints[0], HAND6.joints[0])])
def test_a_hand_without_distinct_joints_is_refused(joints: tuple[Joint, ...]) -> None:
    with pytest.raises(Refused, match="distinct joint names"):
        HandSpec("odd", joints)


@given(st.tuples(*[st.floats(-400, 400)] * 6))
def test_velocities_on_the_link_are_never_faster_than_asked(velocity: tuple[float, ...]) -> None:
    counts = velocity_counts(HAND6, velocity)
    assert all(-1000 <= n <= 1000 for n in counts)
    back = velocities_deg_s(HAND6, counts)
    for sent, asked in zip(back, velocity, strict=True):
        assert abs(sent) <= abs(asked) + 1e-9
        assert abs(sent - max(-150.0, min(150.0, asked))) <= 0.151


@given(st.tuples(*[st.floats(-100, 100)] * 6))
def test_positions_on_the_link_are_rounded_to_the_nearest_count(deg: tuple[float, ...]) -> None:
    back = positions_deg(HAND6, position_counts(HAND6, deg))
    assert back == pytest.approx(deg, abs=0.0501)


def test_positions_beyond_full_scale_are_bounded() -> None:
    assert position_counts(HAND6, (1e6, -1e6, 0.0, 0.0, 0.0, 0.0)) == (1000, -1000, 0, 0, 0, 0)


def test_a_joint_that_bends_both_ways_keeps_its_sign_on_the_link() -> None:
    joint = Joint("wrist", (-60.0, 30.0), 100.0, 1000.0)
    hand = HandSpec("wrist", (joint,))
    assert position_counts(hand, (-60.0,)) == (-1000,)
    assert position_counts(hand, (30.0,)) == (500,)


def test_an_unknown_hand_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(Refused, match=r'no hand "simulatd"; there are .*mean "simulated"'):
        open_hand("simulatd")


def test_an_unknown_hand_unlike_any_is_refused_without_a_guess() -> None:
    with pytest.raises(Refused, match=r"there are simulated, [a-z_, 0-9]*\.$"):
        open_hand("xyz")


def test_every_hand_of_the_table_can_be_found() -> None:
    assert set(HANDS) >= {"simulated", "serial"}
    with pytest.raises(Refused, match="Name the port"):
        open_hand("serial")
    with pytest.raises(Refused, match="takes no argument"):
        open_hand("simulated:fast")

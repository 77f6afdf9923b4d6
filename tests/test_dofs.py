"""Continuous targets move several joints at once, within bounds, and drift moves nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.command import Command, Mode
from firmware_bridge.dofs import Dof, Dofs, dofs, step
from firmware_bridge.hands import HAND6
from firmware_bridge.sensed import Sensed
from models.intent import Intent

pytestmark = pytest.mark.edge

TARGETS = {"flexion": 1.0, "rotation": 40.0}
CLOSE = Dof("flexion", (("index", 1.0), ("middle", 0.5)))
TURN = Dof("rotation", (("thumb_rotation", 1.0),), "position", dead_band=0.05, gain=2.0)
HOW = dofs((CLOSE, TURN), HAND6, TARGETS, 40.0)
AT = (0.0,) * 6


def asked(
    targets: tuple[float, ...],
    how: Dofs = HOW,
    *,
    at: tuple[float, ...] = AT,
    rejected: bool = False,
    age_s: float = 0.01,
) -> Command:
    intent = Intent("rest", 0.0, 0.9, 12.5, 7, rejected, targets)
    return step(
        how, intent, Sensed(position_deg=at, heard_s=20.0 - age_s, now_s=20.0), None
    ).command


def moved(command: Command) -> dict[str, float]:
    named = zip(HAND6.joint_names, command.joints, strict=True)
    return {name: v for name, v in named if v}


def test_two_targets_move_their_joints_at_the_same_time() -> None:
    speeds = moved(asked((1.0, 40.0)))
    assert speeds == pytest.approx({"index": 150.0, "middle": 75.0, "thumb_rotation": 150.0})


def test_a_command_is_as_fresh_and_as_sure_as_its_decision() -> None:
    command = asked((1.0, 0.0))
    assert (command.clock_s, command.decision_n, command.mode) == (12.5, 7, Mode.VELOCITY)
    assert (command.ttl_s, command.confidence) == (pytest.approx(0.075), 0.9)


def test_speed_grows_from_the_dead_band_to_the_end_of_the_range_both_ways() -> None:
    assert moved(asked((0.1, 0.0))) == {}
    assert moved(asked((0.55, 0.0)))["index"] == pytest.approx(75.0)
    assert moved(asked((-1.0, 0.0)))["index"] == pytest.approx(-150.0)


def test_a_position_is_approached_more_slowly_near_its_end_and_then_left_alone() -> None:
    far = moved(asked((0.0, 40.0)))["thumb_rotation"]
    near = moved(asked((0.0, 40.0), at=(74.0, *AT[1:])))["thumb_rotation"]
    assert 0 < near < far
    assert near == pytest.approx(6.0 / 0.150)
    assert moved(asked((0.0, 40.0), at=(76.1, *AT[1:]))) == {}
    assert moved(asked((0.0, 10.0), at=(50.0, *AT[1:])))["thumb_rotation"] < 0


def test_a_position_is_not_sought_beyond_the_joints_range() -> None:
    how = dofs((replace(TURN, gain=100.0, dead_band=0.0),), HAND6, TARGETS, 40.0)
    assert moved(asked((0.0, 40.0), how, at=(100.0, *AT[1:]))) == {}


def test_a_target_can_be_turned_round_and_slowed() -> None:
    how = dofs((replace(CLOSE, invert=True, gain=0.5, maximum=0.2),), HAND6, TARGETS, 40.0)
    assert moved(asked((0.2, 0.0), how))["index"] == pytest.approx(-150 * 0.5 * 0.1 / 0.9)
    assert moved(asked((1.0, 0.0), how)) == pytest.approx({"index": -30.0, "middle": -15.0})


def test_standing_still_on_a_trusted_decision_is_rest() -> None:
    assert asked((0.05, 0.5)).rest
    assert not asked((0.5, 0.0)).rest
    assert not asked((0.0, 0.0), rejected=True).rest


def test_a_limb_away_from_its_target_is_not_at_rest_so_that_arming_cannot_make_it_jump() -> None:
    assert not asked((0.0, 20.0)).rest


def test_a_rejected_decision_moves_nothing() -> None:
    assert moved(asked((1.0, 40.0), rejected=True)) == {}


@pytest.mark.parametrize("targets", [(), (1.0,), (math.nan, 0.0), (0.0, math.inf), (1.0, 1.0, 1.0)])
def test_targets_that_are_missing_or_no_numbers_move_nothing(targets: tuple[float, ...]) -> None:
    command = asked(targets)
    assert moved(command) == {}
    assert not command.rest


@pytest.mark.parametrize(
    ("at", "age_s"), [(AT, 0.2), ((), 0.0), (AT, math.inf), ((math.nan, *AT[1:]), 0.0)]
)
def test_without_fresh_positions_a_position_is_not_sought(
    at: tuple[float, ...], age_s: float
) -> None:
    assert "thumb_rotation" not in moved(asked((0.0, 40.0), at=at, age_s=age_s))


def test_a_position_unknown_is_no_rest() -> None:
    assert not asked((0.0, 0.0), at=()).rest
    assert not asked((0.0, 0.0), at=(math.nan, *AT[1:])).rest


@given(st.tuples(*[st.floats()] * 2), st.tuples(*[st.floats()] * 6), st.booleans())
def test_whatever_comes_speeds_are_finite_and_bounded(
    targets: tuple[float, float], at: tuple[float, ...], inverted: bool
) -> None:
    how = dofs(
        (replace(CLOSE, maximum=0.6, gain=3.0, invert=inverted), replace(TURN, maximum=0.4)),
        HAND6,
        TARGETS,
        40.0,
    )
    joints = asked(targets, how, at=at).joints
    for v, top in zip(joints, (60.0, 0.0, 90.0, 45.0, 0.0, 0.0), strict=True):
        assert abs(v) <= top + 1e-9


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"joints": ()}, "of flexion needs distinct joints"),
        ({"joints": (("index", 1.0), ("index", 0.5))}, "distinct joints"),
        ({"joints": (("index", 0.0),)}, "shares from -1 to 1 but 0"),
        ({"joints": (("index", 1.1),)}, "shares from -1 to 1"),
        ({"mode": "speed"}, 'mode of .*not "speed"'),
        ({"dead_band": -0.1}, "dead band from 0 to below 1"),
        ({"dead_band": 1.0}, "dead band from 0 to below 1"),
        ({"gain": -1.0}, "positive gain, not -1.0; invert"),
        ({"maximum": 0.0}, "maximum above 0"),
    ],
)
def test_impossible_settings_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(CLOSE, **changes)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ((), r"none is given: write \[\[dofs\]\]"),
        (
            (replace(CLOSE, target="flexoin"),),
            r"follow \['flexoin'\], and the targets of the artifact are \['flexion', 'rotation'\]",
        ),
        (
            (replace(CLOSE, joints=(("elbow", 1.0),)),),
            r"of flexion moves \['elbow'\], and the hand hand6 has the joints.*'index'",
        ),
        ((CLOSE, replace(CLOSE, target="rotation")), r"Two degrees of freedom move \['index', "),
    ],
)
def test_degrees_of_freedom_that_do_not_fit_are_refused_with_both_sides(
    wanted: tuple[Dof, ...], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        dofs(wanted, HAND6, TARGETS, 40.0)

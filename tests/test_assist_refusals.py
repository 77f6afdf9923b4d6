"""Assist laws that cannot serve are refused in one sentence, with both sides and the mend."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from acquisition.stream import Refused
from firmware_bridge.assist_laws import Follow, Gravity, Law, Stops, Torque, assist
from firmware_bridge.hands import HAND6
from tests.exo import EXO, SITES

pytestmark = pytest.mark.edge

PUSH = Torque("knee", "hamstring", 10.0, "quadriceps")
CARRY = Gravity("knee", 3.0, 0.25, share=0.5)
AIM = Follow("knee", target="knee_angle")


@pytest.mark.parametrize(
    ("law", "changes", "words"),
    [
        (PUSH, {"gain_nm": -1.0}, "knee needs a gain_nm from 0 to 1000, not -1"),
        (PUSH, {"dead_band": 1.0}, "dead_band from 0 to 0.9"),
        (PUSH, {"maximum_nm": 0.0}, "maximum_nm above 0"),
        (PUSH, {"maximum_nm": math.nan}, "maximum_nm above 0"),
        (CARRY, {"mass_kg": 0.0}, "mass_kg from 0.05 to 40"),
        (CARRY, {"length_m": 2.0}, "length_m from 0.01 to 1"),
        (CARRY, {"share": 1.1}, "share from 0 to 1"),
        (CARRY, {"angle_offset_deg": 270.0}, "angle_offset_deg from -180"),
        (CARRY, {"gain_nm": 3.0}, 'flexor and a gain_nm above 0, or by neither, not by "" and 3'),
        (CARRY, {"flexor": "hamstring"}, "flexor and a gain_nm above 0"),
        (CARRY, {"extensor": "hamstring"}, "flexor and a gain_nm above 0"),
        (AIM, {"flexor": "hamstring"}, "a target or a flexor, one of the two"),
        (AIM, {"target": ""}, "a target or a flexor"),
        (AIM, {"output": "speed"}, 'output of .*not "speed"'),
        (AIM, {"extensor": "hamstring"}, "takes an extensor off a flexor"),
        (AIM, {"gain": 0.0}, "angles and a gain within 360"),
        (AIM, {"to_deg": math.inf}, "angles and a gain within 360"),
        (AIM, {"cutoff_hz": 0.0}, "cutoff_hz from 0.1 to 10"),
        (AIM, {"stiffness_nm_deg": math.nan}, "stiffness_nm_deg from 0 to 50"),
        (AIM, {"damping_nm_s_deg": -1.0}, "damping_nm_s_deg from 0 to 5"),
    ],
)
def test_impossible_laws_are_refused(law: Law, changes: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(law, **changes)


@pytest.mark.parametrize("made_", [AIM, Stops()])
def test_a_spring_that_would_swing_is_refused_with_the_damping_it_needs(made_: Any) -> None:
    with pytest.raises(Refused, match=r"would swing: 1.0 Nm/deg.*damping_nm_s_deg of 0.06"):
        replace(made_, stiffness_nm_deg=1.0)
    replace(made_, stiffness_nm_deg=1.0, damping_nm_s_deg=0.06)


@pytest.mark.parametrize("changes", [{"zone_deg": 0.0}, {"stiffness_nm_deg": -1.0}])
def test_impossible_stops_are_refused(changes: dict) -> None:
    with pytest.raises(Refused, match="The virtual stops need"):
        replace(Stops(), **changes)


@pytest.mark.parametrize(
    ("laws", "words"),
    [
        ((), "one law for each joint"),
        ((PUSH, CARRY), r"one law for each joint it moves, not laws for \['knee', 'knee'\]"),
        ((replace(PUSH, joint="elbow"),), r'joint "elbow", and the joints of exo.*\'knee\''),
        ((replace(PUSH, flexor="calf"),), r'flexor "calf", and the sites of the profile.*hamstr'),
        ((replace(PUSH, extensor="calf"),), r'extensor "calf", and the sites'),
        ((replace(AIM, target="angle"),), r'target "angle", and the targets.*\[\]'),
        (
            (PUSH, Follow("hip", flexor="hamstring", output="position")),
            "all laws give torque, or all give positions",
        ),
    ],
)
def test_laws_that_do_not_fit_are_refused_with_both_sides(
    laws: tuple[Law, ...], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        assist(laws, Stops(), EXO, SITES, (), 40.0)


def test_a_hand_that_takes_no_torque_is_refused_with_what_it_takes() -> None:
    law = Torque("index", "a", 1.0)
    with pytest.raises(Refused, match=r"gives torque, and hand6 takes \['position', 'velocity'\]"):
        assist([law], Stops(), HAND6, ("a",), (), 40.0)
    assist([Follow("index", flexor="a", output="position")], Stops(), HAND6, ("a",), (), 40.0)

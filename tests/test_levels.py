"""A comfortable contraction gives a comfortable speed, whatever the gesture."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.control import Grip, Grips, command_of, control
from firmware_bridge.hands import HAND6
from firmware_bridge.levels import levels_of, percentile, site_levels, with_levels
from models.intent import Intent

pytestmark = pytest.mark.edge

GRIPS = Grips((Grip("close", (("index", 1.0),)), Grip("open", (("index", -1.0),))))
GESTURES = ("rest", "close", "open")


def speed(grips: Grips, gesture: str, strength: float) -> float:
    how = control(grips, HAND6, GESTURES, 40.0)
    intent = Intent(gesture, strength, 0.9, 1.0, 1)
    return abs(command_of(how, intent).joints[2]) / 150.0


def test_gestures_of_unlike_strength_move_alike_at_their_comfortable_level() -> None:
    grips = with_levels(GRIPS, {"close": (0.1, 0.8), "open": (0.05, 0.3)})
    assert speed(grips, "close", 0.8) == pytest.approx(1.0)
    assert speed(grips, "open", 0.3) == pytest.approx(1.0)
    middle = speed(grips, "close", 0.45), speed(grips, "open", 0.175)
    assert middle[0] == pytest.approx(middle[1])
    assert 0.3 < middle[0] < 0.6


def test_below_its_low_level_a_gesture_does_not_move() -> None:
    grips = with_levels(GRIPS, {"open": (0.2, 0.6)})
    assert speed(grips, "open", 0.2) == 0.0
    assert speed(grips, "open", 0.3) > 0.0


def test_beyond_the_comfortable_level_nothing_gets_faster() -> None:
    grips = Grips((replace(GRIPS.grips[0], gain=0.5, high=0.4), GRIPS.grips[1]))
    assert speed(grips, "close", 0.4) == pytest.approx(0.5)
    assert speed(grips, "close", 1.0) == pytest.approx(0.5)


def test_without_levels_strength_is_effort() -> None:
    assert speed(GRIPS, "close", 0.55) == pytest.approx(0.5)


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.lists(st.floats(0, 1, allow_nan=False), min_size=2, max_size=9).map(sorted),
)
def test_speed_never_falls_with_strength_nor_leaves_its_bounds(
    a: float, b: float, strengths: list[float]
) -> None:
    low, high = min(a, b), max(a, b)
    if high - low < 1e-6:
        return
    grips = with_levels(GRIPS, {"close": (low, high)})
    speeds = [speed(grips, "close", s) for s in strengths]
    assert speeds == sorted(speeds)
    assert all(0.0 <= v <= 1.0 for v in speeds)


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.5, 0.5), (0.6, 0.5), (-0.1, 0.5), (0.1, 1.1), (math.nan, 0.5), (0, math.nan)],
)
def test_impossible_levels_are_refused(low: float, high: float) -> None:
    with pytest.raises(
        Refused, match=r"grip of close needs levels with 0 <= low < high <= 1.*meas"
    ):
        with_levels(GRIPS, {"close": (low, high)})


def test_levels_of_a_gesture_without_a_grip_are_refused_with_both_sides() -> None:
    with pytest.raises(Refused, match=r"levels for \['clsoe'\], and grips for \['close', 'open'\]"):
        with_levels(GRIPS, {"clsoe": (0.1, 0.5)})


# What a calibration measures


def test_a_held_contraction_gives_its_upper_quarter_as_comfortable() -> None:
    found = levels_of({"close": [0.4 + 0.002 * k for k in range(101)]})
    assert found["close"] == pytest.approx((0.1375, 0.55), abs=1e-3)


def test_a_ramp_gives_its_lightest_tenth_as_low() -> None:
    assert levels_of({"close": [0.01 * k for k in range(101)]}) == {"close": (0.1, 0.75)}


@pytest.mark.parametrize(
    ("values", "words"),
    [([0.5] * 19, "has 19 values, and 20"), ([0.01] * 40, "reached strength 0.01.*firmly")],
)
def test_a_calibration_that_says_nothing_is_refused(values: list[float], words: str) -> None:
    with pytest.raises(Refused, match=f"calibration of close {words}"):
        levels_of({"close": values})


def test_a_site_lies_between_its_noise_and_its_comfortable_contraction() -> None:
    rest, held = [float(k % 5) for k in range(100)], [20.0 + k for k in range(101)]
    assert site_levels(rest, held) == (4.0, 95.0)


def test_a_site_that_hardly_rises_is_refused() -> None:
    with pytest.raises(Refused, match=r"reached 7 in contraction and 4 at rest.*onto the muscle"):
        site_levels([4.0] * 30, [7.0] * 30)
    with pytest.raises(Refused, match="The rest has 3 values"):
        site_levels([4.0] * 3, [70.0] * 30)
    with pytest.raises(Refused, match="reached 0 in"):
        site_levels([0.0] * 30, [0.0] * 30)


@given(st.lists(st.floats(-9, 9), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values: list[float], share: float) -> None:
    assert percentile(values, share) in values

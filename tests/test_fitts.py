"""Fitts' law test: the figures follow from the way of the cursor."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Refused
from flexor.fitts import Result, Ring, begin, result, step, summary, targets

RING = Ring(targets_n=8, distance=1.2, width=0.3, dwell_s=1.0, timeout_s=10.0)
STEP_S = 0.01


def straight(speed: float, over: float = 0.0) -> list[tuple[float, float]]:
    """Velocities of a way along x by 0.6 + over, and back by over."""
    n, back = round((0.6 + over) / speed / STEP_S), round(over / speed / STEP_S)
    return [(speed, 0.0)] * n + [(-speed, 0.0)] * back


def run(velocities: list[tuple[float, float]], ring: Ring = RING) -> Result:
    trial = begin((0.6, 0.0), (0.0, 0.0))
    for velocity in velocities + [(0.0, 0.0)] * 2000:
        trial = step(ring, trial, velocity, STEP_S)
    return result(ring, trial)


def test_the_targets_lie_on_the_ring_and_are_taken_crosswise() -> None:
    for n in (3, 7, 8, 13):
        ring = Ring(targets_n=n)
        points = targets(ring)
        assert len(set(points)) == n
        assert all(math.isclose(math.hypot(*p), ring.distance / 2) for p in points)
        far = [math.dist(a, b) for a, b in pairwise(points)]
        assert min(far) > 0.7 * ring.distance


def test_a_straight_way_has_the_throughput_of_the_definition() -> None:
    done = run(straight(0.5))
    entered_s = (0.6 - 0.15) / 0.5
    difficulty = math.log2(0.6 / 0.3 + 1)
    assert done.reached
    assert done.time_s == pytest.approx(entered_s, abs=0.02)
    assert done.difficulty_bit == pytest.approx(difficulty)
    assert done.throughput_bit_s == pytest.approx(difficulty / entered_s, rel=0.03)
    assert done.path_efficiency == pytest.approx(1.0, abs=0.01)
    assert done.overshoots_n == 0


def test_leaving_the_target_again_is_an_overshoot_and_time_runs_on() -> None:
    done = run(straight(0.5, over=0.3))
    assert done.reached
    assert done.overshoots_n == 1
    assert done.time_s == pytest.approx((0.6 + 0.3 + 0.15) / 0.5, abs=0.03)
    assert done.path_efficiency == pytest.approx(0.6 / 1.2, abs=0.02)


def test_passing_through_is_not_reaching() -> None:
    done = run([(1.0, 0.0)] * 200)
    assert not done.reached
    assert done.throughput_bit_s == 0.0
    assert done.time_s == pytest.approx(RING.timeout_s, abs=0.02)


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), max_size=200))
def test_no_way_leaves_the_square_or_gives_an_efficiency_beyond_1(
    velocities: list[tuple[float, float]],
) -> None:
    ring = Ring(timeout_s=3.0)
    trial = begin((0.6, 0.0), (0.0, 0.0))
    for velocity in velocities + [(0.0, 0.0)] * 400:
        trial = step(ring, trial, velocity, 0.01)
        assert max(map(abs, trial.at)) <= 1.0
    done = result(ring, trial)
    assert 0.0 <= done.path_efficiency <= 1.0
    assert done.time_s <= ring.timeout_s + 0.02


def test_completion_counts_what_failed_and_throughput_what_was_reached() -> None:
    good, bad = run(straight(0.5)), run([])
    figures = summary([good, bad])
    assert figures["completion"] == 0.5
    assert figures["throughput_bit_s"] == good.throughput_bit_s


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"targets_n": 2}, "3 to 64"),
        ({"width": 1.5}, "narrower"),
        ({"distance": 1.9}, "fits the"),
        ({"dwell_s": 30.0}, "dwell"),
    ],
)
def test_a_ring_that_cannot_be_is_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(Refused, match=words):
        Ring(**settings)  # type: ignore[arg-type]


def test_an_unfinished_trial_and_an_empty_test_have_no_figures() -> None:
    with pytest.raises(Refused):
        result(RING, begin((0.6, 0.0), (0.0, 0.0)))
    with pytest.raises(Refused):
        summary([])

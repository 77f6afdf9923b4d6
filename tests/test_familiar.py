"""What looks like nothing in the calibration is refused, and what does is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from acquisition.stream import Refused
from models.decision import DECISIONS, Decision
from models.familiar import Familiar, familiar_from
from preprocessing.stage import from_row, to_row

pytestmark = pytest.mark.edge

LABELS = ("rest", "fist", "point")
SHAPES = np.array([[1.0, 1.0, 1.0, 1.0], [9.0, 1.0, 4.0, 1.0], [1.0, 8.0, 1.0, 5.0]])
"""(label, channel) amplitude"""


def windows(label: int, n: int, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    rng = np.random.default_rng([label, seed])
    effort = rng.uniform(0.8, 1.2, (n, 1, 1))
    return rng.normal(size=(n, 4, 52)) * SHAPES[label][None, :, None] * effort


@pytest.fixture(scope="module")
def stage() -> Familiar:
    x = np.concatenate([windows(label, 100) for label in range(3)])
    return familiar_from(x, np.repeat(np.arange(3), 100), 0)


def refused(stage: Familiar, x: np.ndarray) -> float:  # type: ignore[type-arg]
    """Share of the windows that are refused."""
    state = stage.start(LABELS, "rest")
    power = np.square(x).mean(axis=2)
    seen = [stage.step(Decision(1, 0.9, 1.0, 0.5, False, row), state) for row in power]
    assert all(d.gesture == 0 for d in seen if d.rejected)
    return float(np.mean([d.rejected for d in seen]))


@pytest.mark.parametrize("label", range(3))
def test_gestures_of_the_calibration_are_let_through(stage: Familiar, label: int) -> None:
    assert refused(stage, windows(label, 200, seed=1)) <= 0.02


def test_a_movement_that_nobody_taught_is_refused_as_rest(stage: Familiar) -> None:
    foreign = windows(0, 200, seed=1) * np.array([1.0, 1.0, 1.0, 9.0])[None, :, None]
    assert refused(stage, foreign) >= 0.98


def test_a_decision_without_its_power_passes_unseen(stage: Familiar) -> None:
    decision = Decision(1, 0.9, 1.0, 0.5, False)
    assert stage.step(decision, stage.start(LABELS, "rest")) is decision


def test_it_survives_the_contract(stage: Familiar) -> None:
    assert from_row(DECISIONS, to_row(DECISIONS, stage), "decision stage") == stage


def test_another_number_of_gestures_is_refused(stage: Familiar) -> None:
    with pytest.raises(Refused, match="kept for 3 gestures and the artifact has 2"):
        stage.start(LABELS[:2], "rest")


def test_a_limit_that_lets_nothing_through_is_refused(stage: Familiar) -> None:
    with pytest.raises(Refused, match="above 0"):
        Familiar(stage.centres, stage.weights, 0.0, stage.floor).start(LABELS, "rest")

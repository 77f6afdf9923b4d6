"""Hardly more than the calibrated rest moves nothing; what is stronger passes untouched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from acquisition.stream import Refused
from models.decision import DECISIONS, Decision
from models.still import SHARE, Still, still_from
from preprocessing.stage import from_row, to_row

pytestmark = pytest.mark.edge

LABELS = ("close", "rest", "open")
RNG = np.random.default_rng(0)
GESTURES = np.repeat([0, 1, 2], 50)
LEVEL = np.array([[100.0, 400.0], [1.0, 1.0], [25.0, 25.0]])
POWER = LEVEL[GESTURES] * np.exp(0.1 * RNG.normal(size=(150, 2)))
STAGE = still_from(POWER, GESTURES, 1)
WEAKEST = np.log((25.0 + 0.15) / (1.0 + 0.15))


def decided(power: object, gesture: int = 0) -> Decision:
    assert STAGE is not None
    state = STAGE.start(LABELS, "rest")
    return STAGE.step(Decision(gesture, 0.9, 1.0, 0.5, False, power), state)


def test_a_part_of_the_way_to_the_weakest_gesture_is_rest_still() -> None:
    assert STAGE is not None
    assert STAGE.rise == pytest.approx(SHARE * WEAKEST, rel=0.05)
    weak = decided(np.exp(np.full(2, 0.8 * STAGE.rise)))
    assert (weak.gesture, weak.rejected, weak.confidence) == (1, False, 0.9)
    assert decided(np.exp(np.full(2, 1.4 * STAGE.rise))).gesture == 0


def test_rest_stays_rest_however_strong() -> None:
    assert decided(np.full(2, 1e4), gesture=1) == Decision(
        1, 0.9, 1.0, 0.5, False, pytest.approx(np.full(2, 1e4))
    )


def test_one_loud_channel_of_many_is_no_gesture_and_a_guessed_one_does_not_count() -> None:
    assert decided(np.array([2.0, 1.0])).gesture == 1
    assert decided(np.array([np.nan, 1.0])).gesture == 1
    assert decided(np.array([np.nan, 20.0])).gesture == 0
    assert decided(np.full(2, np.nan)).gesture == 0


def test_without_power_nothing_is_asked() -> None:
    assert decided(None).gesture == 0


def test_a_gesture_no_stronger_than_rest_leaves_nothing_to_go_by() -> None:
    assert still_from(np.where(GESTURES[:, None] == 2, 0.5, POWER), GESTURES, 1) is None


def test_it_survives_the_contract() -> None:
    assert from_row(DECISIONS, to_row(DECISIONS, STAGE), "decision stage") == STAGE


@pytest.mark.parametrize("change", [{"rise": 0.0}, {"floor": 0.0}, {"usual": (float("nan"),)}])
def test_numbers_that_cannot_work_are_refused(change: dict[str, object]) -> None:
    assert STAGE is not None
    stage: Still = replace(STAGE, **change)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="above 0"):
        stage.start(LABELS, "rest")

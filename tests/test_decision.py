"""Decision stages, one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Refused
from models.decision import DECISIONS, Decision, Hold, Proportional, Ramp, Reject, Vote
from preprocessing.stage import from_row, to_row

pytestmark = pytest.mark.edge

LABELS = ("rest", "close", "open")
LEVELS = (("rest", 1.0), ("close", 41.0), ("open", 21.0))


def run(stage: Any, gestures: list[int], **fields: Any) -> list[Decision]:
    state = stage.start(LABELS, "rest")
    usual = {"confidence": 1.0, "level": 11.0, "strength": 1.0, "rejected": False, **fields}
    return [stage.step(Decision(gesture=g, **usual), state) for g in gestures]


def names(stage: Any, gestures: list[int]) -> list[int]:
    return [d.gesture for d in run(stage, gestures)]


def test_a_vote_outlasts_a_stray_answer_and_follows_a_change() -> None:
    assert names(Vote(3), [1, 1, 1, 2, 1, 1]) == [1, 1, 1, 1, 1, 1]
    assert names(Vote(3), [1, 1, 1, 2, 2, 2]) == [1, 1, 1, 1, 2, 2]


def test_a_tied_vote_keeps_what_was_decided_before() -> None:
    assert names(Vote(2), [1, 2, 2]) == [1, 1, 2]


@given(st.lists(st.integers(0, 2), max_size=30))
def test_a_vote_of_one_changes_nothing(gestures: list[int]) -> None:
    assert names(Vote(1), gestures) == gestures


@given(st.lists(st.integers(0, 2), max_size=30))
def test_rest_passes_a_hold_at_once(gestures: list[int]) -> None:
    held = names(Hold(3), gestures)
    assert all(h == 0 for g, h in zip(gestures, held, strict=True) if g == 0)


def test_a_hold_believes_a_gesture_that_stays() -> None:
    assert names(Hold(3), [1, 1, 1, 1]) == [0, 0, 1, 1]
    assert names(Hold(3), [1, 1, 1, 2, 1, 2, 2, 2]) == [0, 0, 1, 1, 1, 1, 1, 2]


def test_rejection_gives_rest_and_says_so() -> None:
    unsure = run(Reject(0.9), [1], confidence=0.8)[0]
    assert (unsure.gesture, unsure.rejected) == (0, True)
    assert run(Reject(0.9), [1], confidence=0.95)[0].gesture == 1


def test_strength_is_measured_against_the_gestures_own_level() -> None:
    stage = Proportional(LEVELS)
    assert run(stage, [1])[0].strength == pytest.approx(0.25)
    assert run(stage, [2])[0].strength == pytest.approx(0.5)
    assert run(stage, [1], level=500.0)[0].strength == 1.0
    assert run(stage, [1], level=0.0)[0].strength == 0.0
    assert run(stage, [0])[0].strength == 0.0


def test_a_ramp_starts_slowly_and_forgets_faster_than_it_learns() -> None:
    strengths = [d.strength for d in run(Ramp(4), [1, 1, 1, 1, 2, 1])]
    assert strengths == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.25, 0.75])


@pytest.mark.parametrize(
    "stage",
    [
        Reject(1.5),
        Vote(0),
        Hold(0),
        Ramp(0),
        Proportional((("rest", 1.0), ("close", 5.0))),
        Proportional((("rest", 9.0), ("close", 5.0), ("open", 10.0))),
    ],
)
def test_settings_that_cannot_work_are_refused(stage: Any) -> None:
    with pytest.raises(Refused, match="needs"):
        stage.start(LABELS, "rest")


@pytest.mark.parametrize("stage", [Reject(0.5), Proportional(LEVELS), Vote(3), Hold(2), Ramp(5, 1)])
def test_settings_survive_json(stage: Any) -> None:
    assert from_row(DECISIONS, to_row(DECISIONS, stage), "decision stage") == stage


def test_every_row_of_the_table_is_tried_here() -> None:
    elsewhere = {"familiar", "foreign", "still"}  # in tests/test_<kind>.py
    assert set(DECISIONS) == {"reject", "proportional", "vote", "hold", "ramp"} | elsewhere

"""Scores count what they say."""

from __future__ import annotations

import pytest

from models.score import OTHER, Decided, Prompt, Score, asked, score

pytestmark = pytest.mark.edge

PROMPTS = [Prompt(0, "rest"), Prompt(400, "close"), Prompt(800, "rest")]


def scored(decisions: list[Decided], settle_s: float = 0.5) -> Score:
    return score(
        decisions, PROMPTS, window_samples=50, rate_hz=200.0, rest="rest", settle_s=settle_s
    )


def test_a_window_counts_when_it_lies_inside_one_prompt() -> None:
    assert scored([Decided(430, "close"), Decided(448, "close")]).windows_n == 0
    assert scored([Decided(449, "close")]).windows_n == 1


def test_a_window_is_settled_half_a_second_after_the_prompt() -> None:
    result = scored([Decided(548, "open"), Decided(549, "close")])
    assert (result.windows_n, result.settled_n) == (2, 1)
    assert result.accuracy == 0.5
    assert result.accuracy_settled == 1.0


def test_rest_false_activation_counts_rest_windows_only() -> None:
    result = scored([Decided(n, g) for n, g in ((200, "rest"), (300, "close"), (700, "rest"))])
    assert result.rest_false_activation == 0.5
    assert result.per_gesture == {"rest": 0.5, "close": 0.0}
    assert result.confusion["close"] == {"rest": 1}


def test_changes_are_counted_inside_a_prompt_only() -> None:
    result = scored(
        [Decided(n, g) for n, g in ((300, "rest"), (305, "close"), (700, "close"), (705, "close"))]
    )
    assert result.changes == pytest.approx(0.5)


def test_without_windows_there_is_no_share() -> None:
    assert scored([]).accuracy is None
    assert scored([Decided(500, "close")]).rest_false_activation is None


def test_decisions_before_the_first_prompt_do_not_count() -> None:
    late = [Prompt(400, "close")]
    result = score(
        [Decided(100, "rest")], late, window_samples=50, rate_hz=200.0, rest="rest", settle_s=0
    )
    assert result.windows_n == 0


def test_windows_of_a_gesture_that_the_artifact_does_not_know_are_not_scored() -> None:
    prompts = [Prompt(0, "rest"), Prompt(400, OTHER), Prompt(800, "rest")]
    decisions = [Decided(n, "rest") for n in range(100, 1200, 10)]
    result = score(decisions, prompts, window_samples=52, rate_hz=200.0, rest="rest")
    assert result.accuracy == 1.0
    assert set(result.confusion) == {"rest"}
    assert result.windows_n == sum(n < 400 or n >= 851 for n in range(100, 1200, 10))


def test_a_marker_asks_for_a_gesture_or_for_something_else_or_tells_of_an_event() -> None:
    labels = ("rest", "hand_close")
    assert asked("hand_close", labels) == "hand_close"
    assert asked("peace_sign", labels) == OTHER
    for event in ("trigger", "gate armed: The hand follows.", "source back: a new stream", ""):
        assert asked(event, labels) is None

"""Direct control takes over from an unsure decoder, and gives back: never mid-contraction."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.control import Grip, Grips, control
from firmware_bridge.fallback import Fallback, Guarded, State, step
from firmware_bridge.hands import HAND6
from firmware_bridge.sensed import Asked, Sensed
from firmware_bridge.two_site import Function, TwoSite, two_site
from models.intent import Intent

pytestmark = pytest.mark.edge

HOP_S = 0.025
GRIPS = control(Grips((Grip("close", (("index", 1.0),)),)), HAND6, ("rest", "close"), 40.0)
FUNCTIONS = (Function("grip", (("ring", 1.0),)), Function("thumb", (("thumb_rotation", 1.0),)))
HOW = Guarded(Fallback(), GRIPS, two_site(TwoSite(), FUNCTIONS, HAND6, 40.0), (0.0,) * 6)
Moment = tuple[str, float, bool, tuple[float, float]]
REST: Moment = ("rest", 0.95, False, (0.0, 0.0))
CLOSE: Moment = ("close", 0.95, False, (0.6, 0.1))
REJECTED: Moment = ("rest", 0.3, True, (0.6, 0.1))
FAINT: Moment = ("close", 0.5, False, (0.6, 0.1))


def play(moments: list[Moment], how: Guarded = HOW) -> list[Asked]:
    asked, state = [], State()
    for n, (gesture, confidence, rejected, efforts) in enumerate(moments):
        intent = Intent(gesture, 1.0, confidence, 5.0 + n * HOP_S, n + 1, rejected)
        asked.append(step(how, intent, Sensed(efforts), state))
        state = asked[-1].state
    return asked


def told(asked: list[Asked]) -> list[str]:
    return [a.told[0] for a in asked if a.told]


UNSURE = [*[REST] * 8, *[REJECTED] * 41, *[REST] * 8]


def test_while_it_is_sure_gestures_move_the_hand() -> None:
    asked = play([*[REST] * 8, *[CLOSE] * 8] * 5)
    assert asked[-1].command.joints[2] == 150.0
    assert not told(asked)


@pytest.mark.parametrize("unsure", [REJECTED, FAINT])
def test_unsure_for_long_enough_it_gives_way_to_the_two_sites_once_they_are_released(
    unsure: Moment,
) -> None:
    asked = play([*[REST] * 8, *[unsure] * 60, *[REST] * 8, *[unsure] * 8])
    assert told(asked) == ["direct control"]
    assert [n for n, a in enumerate(asked) if a.told] == [68], "not while a muscle works"
    assert asked[-1].command.joints[4] > 0
    assert asked[-1].command.joints[2] == 0
    assert asked[-1].command.confidence == 1.0


def test_a_sure_gesture_in_between_begins_the_count_anew() -> None:
    asked = play([*[REST] * 8, *[*[REJECTED] * 30, CLOSE] * 4, *[REST] * 8])
    assert not told(asked)


def test_attempts_with_rest_between_them_add_up() -> None:
    assert told(play([*[REST] * 8, *[*[REJECTED] * 24, *[REST] * 20] * 3])) == ["direct control"]


def test_stray_rejections_over_minutes_do_not() -> None:
    assert not told(play([*[REJECTED] * 2, *[REST] * 60] * 60))


def test_it_gives_back_after_sure_gestures_and_at_rest_only() -> None:
    asked = play([*UNSURE, *[CLOSE] * 60, *[REST] * 8, *[CLOSE] * 4])
    assert told(asked) == ["direct control", "pattern recognition"]
    back = next(n for n, a in enumerate(asked) if a.told and a.told[0] == "pattern recognition")
    assert back == len(UNSURE) + 60
    assert asked[back - 1].command.joints[4] > 0, "the sites drive to the end of the contraction"
    assert asked[-1].command.joints[2] == 150.0


def test_rest_alone_does_not_give_back() -> None:
    assert told(play([*UNSURE, *[REST] * 400])) == ["direct control"]


def test_one_unsure_decision_begins_the_way_back_anew() -> None:
    asked = play([*UNSURE, *[*[CLOSE] * 30, FAINT, *[REST] * 8] * 4])
    assert told(asked) == ["direct control"]


def test_functions_switch_only_while_the_sites_drive() -> None:
    both: Moment = ("close", 0.95, False, (0.8, 0.8))
    asked = play([*[REST] * 8, *[both] * 8, *[REST] * 30])
    assert not told(asked)
    assert asked[-1].state.sites.function == 0
    unsure_both: Moment = ("rest", 0.2, True, (0.8, 0.8))
    asked = play([*UNSURE, *[unsure_both] * 8, *[REST] * 8])
    assert told(asked) == ["direct control", "function"]


MOMENTS = st.sampled_from(
    [REST, CLOSE, REJECTED, FAINT, ("rest", 0.9, False, (0.5, 0.0)), ("rest", 0.2, True, (0, 0))]
)


@settings(max_examples=100)
@given(st.lists(st.tuples(MOMENTS, st.integers(1, 50)), max_size=12))
def test_whatever_happens_it_changes_hands_at_rest_and_nothing_moves_then(
    runs: list[tuple[Moment, int]],
) -> None:
    moments = [moment for moment, n in runs for _ in range(n)]
    for moment, asked in zip(moments, play(moments), strict=True):
        if asked.told and asked.told[0] != "function":
            assert max(moment[3]) < 0.1
            assert not any(asked.command.joints)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"after_s": 0.0}, "after_s from 0.2 to 30"),
        ({"back_s": float("nan")}, "back_s from 0.2 to 30"),
        ({"min_confidence": 1.0}, "min_confidence from 0"),
    ],
)
def test_impossible_settings_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(Fallback(), **changes)

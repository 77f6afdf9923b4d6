"""Two muscles move a hand, and both together switch what they move: once, never twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.hands import HAND6
from firmware_bridge.sensed import Asked, Sensed
from firmware_bridge.two_site import Direct, Function, State, TwoSite, step, two_site
from models.intent import Intent

pytestmark = pytest.mark.edge

HOP_S = 0.025
FUNCTIONS = (
    Function("grip", (("index", 1.0), ("middle", 0.5))),
    Function("thumb", (("thumb_rotation", 1.0),)),
    Function("point", (("middle", 1.0),)),
)
PLAIN = TwoSite()
HOW = two_site(PLAIN, FUNCTIONS, HAND6, 40.0)
REST = [(0.02, 0.03)] * 8
Efforts = Sequence[tuple[float, ...]]


def play(efforts: Efforts, how: Direct = HOW, state: State | None = None) -> list[Asked]:
    """One decision for each pair of efforts."""
    asked, state = [], state or State()
    for n, pair in enumerate(efforts):
        intent = Intent("rest", 0.0, 0.2, 10.0 + n * HOP_S, n + 1, True)
        asked.append(step(how, intent, Sensed(pair), state))
        state = asked[-1].state
    return asked


def speeds(asked: list[Asked], joint: str = "index") -> list[float]:
    return [a.command.joints[HAND6.joint_names.index(joint)] for a in asked]


def switches(asked: list[Asked]) -> list[int]:
    return [n for n, a in enumerate(asked) if a.told is not None]


def test_the_first_site_closes_and_the_second_opens_as_strongly_as_they_work() -> None:
    closing = play([*REST, *[(0.55, 0.0)] * 8])
    assert speeds(closing)[-1] == pytest.approx(75.0)
    assert speeds(closing, "middle")[-1] == pytest.approx(37.5)
    opening = play([*REST, *[(0.0, 1.0)] * 8])
    assert speeds(opening)[-1] == pytest.approx(-150.0)


def test_a_command_is_as_fresh_as_its_decision_though_the_network_is_not_asked() -> None:
    command = play([*REST, *[(0.8, 0.0)] * 8])[-1].command
    assert (command.clock_s, command.decision_n) == (pytest.approx(10.0 + 15 * HOP_S), 16)
    assert (command.mode, command.ttl_s) == (Mode.VELOCITY, pytest.approx(0.075))
    assert command.confidence == 1.0


def test_nothing_moves_before_both_sites_were_released() -> None:
    assert not any(speeds(play([(0.9, 0.0)] * 40)))


def test_a_movement_begins_after_the_delay_and_ends_below_the_lower_threshold() -> None:
    rise = [(0.25, 0.0)] * 6 + [(0.15, 0.0)] * 3 + [(0.09, 0.0)] * 2
    moved = [v > 0 for v in speeds(play([*REST, *rise]))][len(REST) :]
    assert moved == [False] * 3 + [True] * 6 + [False] * 2


def test_the_stronger_site_wins_and_takes_over_by_a_margin() -> None:
    efforts = [*REST, *[(0.3, 0.0)] * 5, *[(0.3, 0.34)] * 5, *[(0.1, 0.34)] * 5]
    v = speeds(play(efforts))
    assert v[12] > 0
    assert v[17] > 0, "a little stronger is not enough"
    assert v[18] == 0, "a reversal passes through a stop"
    assert v[-1] < 0


def test_difference_control_cancels_what_both_sites_share() -> None:
    how = two_site(replace(PLAIN, strategy="difference", both=0.9), FUNCTIONS, HAND6, 40.0)
    assert not any(speeds(play([*REST, *[(0.6, 0.55)] * 8], how)))
    assert speeds(play([*REST, *[(0.85, 0.3)] * 8], how))[-1] == pytest.approx(150 * 0.45 / 0.9)


def test_gain_and_maximum_shape_the_speed() -> None:
    how = two_site(replace(PLAIN, gain=2.0, maximum=0.5), FUNCTIONS, HAND6, 40.0)
    assert speeds(play([*REST, *[(0.19 + 0.02, 0.0)] * 8], how))[-1] == pytest.approx(
        150 * 0.11 / 0.9 * 2
    )
    assert speeds(play([*REST, *[(1.0, 0.0)] * 8], how))[-1] == pytest.approx(75.0)


def test_both_together_switch_to_the_next_function_in_order_and_around() -> None:
    burst = [*REST, *[(0.6, 0.7)] * 6, *[(0.0, 0.0)] * 25]
    asked = play(burst * 3)
    told = [a.told for a in asked if a.told]
    assert [name.rpartition(" ")[2] for _, name in told] == ["thumb.", "point.", "grip."]
    assert {kind for kind, _ in told} == {"function"}
    assert not any(any(a.command.joints) for a in asked)


def test_after_a_switch_the_sites_move_the_new_function() -> None:
    efforts = [*REST, *[(0.6, 0.7)] * 6, *REST, *[(0.8, 0.0)] * 6]
    asked = play(efforts)
    assert speeds(asked, "thumb_rotation")[-1] > 0
    assert speeds(asked)[-1] == 0.0


def test_a_held_co_contraction_switches_once() -> None:
    assert len(switches(play([*REST, *[(0.9, 0.9)] * 200]))) == 1


def test_a_short_burst_does_not_switch() -> None:
    assert not switches(play([*REST, *[(0.9, 0.9)] * 2, *REST]))


def test_one_muscle_with_crosstalk_does_not_switch() -> None:
    asked = play([*REST, *[(0.9, 0.34)] * 60])
    assert not switches(asked)
    assert speeds(asked)[-1] > 0


def test_a_co_contraction_that_one_muscle_begins_moves_nothing() -> None:
    lead = [(0.5, 0.1), (0.7, 0.3), *[(0.7, 0.6)] * 5, (0.5, 0.2), (0.3, 0.1), *REST]
    asked = play([*REST, *lead])
    assert not any(any(a.command.joints) for a in asked)
    assert len(switches(asked)) == 1


def test_a_co_contraction_during_a_movement_stops_it_at_once() -> None:
    v = speeds(play([*REST, *[(0.8, 0.0)] * 6, (0.8, 0.5)]))
    assert v[-2] > 0
    assert v[-1] == 0


def test_a_second_switch_waits_for_the_refractory_time() -> None:
    quick = [*[(0.6, 0.6)] * 5, *[(0.0, 0.0)] * 5]
    asked = play([*REST, *quick * 8])
    at = switches(asked)
    assert len(at) > 1
    assert min(b - a for a, b in pairwise(at)) * HOP_S >= 0.5 - 1e-6


def test_with_one_function_there_is_nothing_to_switch() -> None:
    how = two_site(PLAIN, FUNCTIONS[:1], HAND6, 40.0)
    assert not switches(play([*REST, *[(0.9, 0.9)] * 20], how))


def test_relaxed_sites_are_the_rest_that_arming_waits_for() -> None:
    asked = play([(0.0, 0.0), (0.09, 0.09), (0.11, 0.0), (0.9, 0.9)])
    assert [a.command.rest for a in asked] == [True, True, False, False]


@pytest.mark.parametrize("bad", [(), (0.5,), (math.nan, 0.0), (0.5, math.inf), (0.1, 0.2, 0.3)])
def test_efforts_that_are_missing_or_no_numbers_stop_and_ask_for_release(
    bad: tuple[float, ...],
) -> None:
    asked = play([*REST, *[(0.8, 0.0)] * 6, bad, *[(0.8, 0.0)] * 20])
    v = speeds(asked)
    assert v[13] > 0
    assert not any(v[14:])
    assert not asked[14].command.rest


def test_a_gap_in_the_decisions_asks_for_release_too() -> None:
    asked = play([*REST, *[(0.8, 0.0)] * 6])
    late = Intent("rest", 0.0, 0.2, asked[-1].command.clock_s + 0.2, 99)
    after = step(HOW, late, Sensed((0.8, 0.0)), asked[-1].state)
    assert not any(after.command.joints)
    assert not after.state.ready


# Fault 19: co-contraction noise in a mode switch


@st.composite
def noisy_bursts(draw: st.DrawFn) -> tuple[list[tuple[float, float]], int]:
    """(efforts, bursts in them): each begins firmly, and then noise pulls one muscle or both down
    for up to three decisions at a time, anywhere; rests in between are longer than refractory."""
    efforts: list[tuple[float, float]] = list(REST)
    count = draw(st.integers(1, 3))
    noise = st.floats(0.0, 0.09)
    for _ in range(count):
        efforts += [(0.6, 0.6)] * 4
        for _ in range(draw(st.integers(0, 8))):
            dip = draw(st.sampled_from([(0.05, 0.6), (0.6, 0.05), (0.05, 0.05), (0.3, 0.4)]))
            efforts += [dip] * draw(st.integers(1, 3))
            efforts += [(0.5 + draw(noise), 0.5 + draw(noise))] * draw(st.integers(1, 4))
        efforts += [(draw(noise), draw(noise)) for _ in range(24)]
    return efforts, count


@settings(max_examples=200)
@given(noisy_bursts())
def test_every_noisy_co_contraction_switches_exactly_once(
    bursts: tuple[list[tuple[float, float]], int],
) -> None:
    efforts, count = bursts
    asked = play(efforts)
    assert len(switches(asked)) == count
    assert not any(any(a.command.joints) for a in asked), "nor does it move anything"


@settings(max_examples=200)
@given(st.lists(st.tuples(*[st.floats(-0.5, 1.5) | st.just(math.nan)] * 2), max_size=80))
def test_whatever_the_efforts_a_switch_follows_a_release_and_speeds_stay_bounded(
    pairs: list[tuple[float, float]],
) -> None:
    asked = play(pairs)
    at = switches(asked)
    for a, b in pairwise(at):
        assert (b - a) * HOP_S >= PLAIN.refractory_s - 1e-6
        released = "".join("01"[max(pair) < PLAIN.off] for pair in pairs[a:b])
        assert "11111" in released, "for release_s, all the while"
    assert all(abs(v) <= 150.0 for a in asked for v in a.command.joints)
    for pair, a in zip(pairs, asked, strict=True):
        if any(a.command.joints):
            assert max(pair) >= PLAIN.off


# What does not fit


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"off": 0.2}, "0 < off < on <= both < 1, not off 0.2, on 0.2"),
        ({"off": 0.0}, "0 < off"),
        ({"on": 0.4}, "on 0.4 and both 0.35"),
        ({"both": 1.0}, "both 1.0"),
        ({"on": math.nan}, "on nan"),
        ({"strategy": "first"}, 'not as "first"'),
        ({"gain": 0.0}, "positive gain"),
        ({"maximum": 1.5}, "maximum above 0"),
        ({"delay_s": 0.5}, "delay_s from 0.0 to 0.3, not 0.5"),
        ({"debounce_s": 0.0}, "debounce_s from 0.03 to 0.5"),
        ({"refractory_s": math.inf}, "refractory_s from 0.1"),
        ({"release_s": -1.0}, "release_s from 0.05"),
    ],
)
def test_impossible_settings_are_refused(settings_: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(PLAIN, **settings_)


@pytest.mark.parametrize(
    ("joints", "words"),
    [
        ((), "distinct joints"),
        ((("index", 1.0), ("index", 1.0)), "distinct joints"),
        ((("index", 2.0),), "shares from -1 to 1"),
    ],
)
def test_impossible_functions_are_refused(
    joints: tuple[tuple[str, float], ...], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        Function("grip", joints)


def test_functions_that_do_not_fit_the_hand_are_refused_with_both_sides() -> None:
    with pytest.raises(Refused, match=r"grip moves \['elbow'\], and the hand hand6 has.*'index'"):
        two_site(PLAIN, (Function("grip", (("elbow", 1.0),)),), HAND6, 40.0)
    with pytest.raises(Refused, match=r"names of their own, not \[\]"):
        two_site(PLAIN, (), HAND6, 40.0)
    with pytest.raises(Refused, match=r"names of their own, not \['grip', 'grip'\]"):
        two_site(PLAIN, (FUNCTIONS[0], FUNCTIONS[0]), HAND6, 40.0)

"""Tests of control as they are done live."""

from __future__ import annotations

import pytest

from acquisition.stream import Refused
from flexor.examination import READY_S, Examination, examine
from flexor.virtual_wearer import Mind, Person
from models.intent import Intent

LABELS = ("rest", "left", "right", "up", "down")
AXES = (("right", "left"), ("up", "down"))
STEP_S = 0.03


def intent(gesture: str, n: int, rejected: bool = False) -> Intent:
    strength = 0.0 if gesture == "rest" else 0.5
    return Intent(gesture, strength, 0.9, 0.0, n, rejected)


def steered(test: Examination, seconds: float, wrong: bool = False) -> float:
    """Somebody who always moves towards the target, one axis at a time; gives the time at the
    end."""
    now_s, n = 0.0, 0
    while not test.done and now_s < seconds:
        picture = test.picture(now_s)
        at = picture.get("at", picture.get("at_deg"))
        target = picture.get("target", picture.get("target_deg"))
        close = 0.05 if test.kind == "fitts" else 2.0
        gesture = "rest"
        if target is not None and at is not None and picture["wait_s"] == 0:
            errors = [t - a for t, a in zip(target, at, strict=True)]
            axis = max(range(2), key=lambda i: abs(errors[i]))
            if abs(errors[axis]) > close:
                gesture = AXES[axis][(errors[axis] < 0) != wrong]
        n += 1
        now_s += STEP_S
        test.turn([intent(gesture, n)], now_s)
    return now_s


def test_a_ring_is_done_by_who_steers_towards_its_targets() -> None:
    test = examine("fitts", AXES, LABELS, "rest", 0.0)
    steered(test, 200.0)
    figures = test.figures()
    assert figures["trials"] == 8
    assert figures["completion"] == 1.0
    assert figures["throughput_bit_s"] > 0.5


def test_who_steers_away_completes_nothing() -> None:
    test = examine("fitts", AXES, LABELS, "rest", 0.0)
    steered(test, 400.0, wrong=True)
    assert test.figures()["completion"] == 0.0


def test_postures_are_reached_one_after_the_other_from_neutral() -> None:
    test = examine("tac", AXES, LABELS, "rest", 0.0)
    steered(test, 300.0)
    figures = test.figures()
    assert figures["postures"] == 8
    assert figures["completion"] == 1.0


def test_motions_are_asked_for_and_counted() -> None:
    test = examine("motion", (), LABELS, "rest", 0.0)
    now_s, n = 0.0, 0
    while not test.done and now_s < 200.0:
        picture = test.picture(now_s)
        n, now_s = n + 1, now_s + 0.025
        late = picture["moving"] and picture["right"] == 0.0 and n % 3
        test.turn([intent("rest" if not picture["moving"] or late else picture["asked"], n)], now_s)
    figures = test.figures()
    assert figures["motions"] == 4
    assert figures["completion"] == 1.0
    assert figures["completion_s"] == pytest.approx(19 * 0.025, abs=0.03)


def test_nothing_moves_before_it_begins_on_old_or_on_rejected_decisions() -> None:
    test = examine("fitts", AXES, LABELS, "rest", 0.0)
    test.turn([intent("up", 1)], 0.1)
    assert test.picture(0.1)["at"] == (0.0, 0.0)
    assert test.picture(0.1)["wait_s"] == pytest.approx(READY_S - 0.1)
    test.turn([intent("up", 2)], READY_S + 0.1)
    at = test.picture(READY_S + 0.1)["at"]
    assert at[1] > 0.0
    test.turn([], READY_S + 0.4)
    test.turn([], READY_S + 0.5)
    still = test.picture(READY_S + 0.5)["at"]
    test.turn([intent("up", 3, rejected=True)], READY_S + 0.6)
    assert test.picture(READY_S + 0.6)["at"] == still


def test_a_virtual_wearer_knows_what_each_test_asks_for() -> None:
    for kind in ("fitts", "tac"):
        test = examine(kind, AXES, LABELS, "rest", 0.0)
        person, mind, now_s, n = Person(axes=AXES, near=4.0), Mind(), 0.0, 0
        gesture, effort = "rest", 0.0
        while not test.done and now_s < 300.0:
            n, now_s = n + 1, now_s + STEP_S
            test.turn([Intent(gesture, effort, 0.9, 0.0, n)], now_s)
            gesture, effort = test.wanted(person, mind, now_s)
        assert test.figures()["completion"] == 1.0
    motion = examine("motion", (), LABELS, "rest", 0.0)
    assert motion.wanted(Person(), Mind(), 0.0) == ("rest", 0.0)
    motion.turn([intent("rest", 1)], READY_S + 0.1)
    assert motion.wanted(Person(), Mind(), READY_S + 0.1)[0] == motion.picture(0.0)["asked"]


def test_a_slow_page_moves_less_and_the_clock_runs_on() -> None:
    quick, slow = (examine("fitts", AXES, LABELS, "rest", 0.0) for _ in range(2))
    quick.turn([intent("up", 1)], READY_S)
    slow.turn([intent("up", 1)], READY_S)
    for k in range(20):
        quick.turn([intent("up", k + 2)], READY_S + 0.1 * (k + 1))
    for k in range(2):
        slow.turn([intent("up", k + 2)], READY_S + 1.0 * (k + 1))
    assert slow.now.time_s == pytest.approx(quick.now.time_s)
    assert slow.now.at[1] < 0.2 * quick.now.at[1]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="knows"):
        examine("fitts", (("right", "left"), ("up", "dawn")), LABELS, "rest", 0.0)
    with pytest.raises(Refused, match="2 axes"):
        examine("fitts", (("right", "left"), ("right", "up")), LABELS, "rest", 0.0)
    with pytest.raises(Refused, match="fitts"):
        examine("fits", AXES, LABELS, "rest", 0.0)
    with pytest.raises(Refused, match="not done"):
        examine("tac", AXES, LABELS, "rest", 0.0).figures()

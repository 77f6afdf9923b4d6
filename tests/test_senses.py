"""What the loop finds out by itself: a wrong rate, a turned band, a channel to guess."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.script import Prompt, Script
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Chunk, Samples
from flexor.masking import follow, masked, masking, stands_for, usual_of
from flexor.profile import DEMO_ARTIFACT
from flexor.rate import SPAN_S, Rate, count_rate
from flexor.rotation import (
    BACK,
    FOUND,
    RENAMED,
    TOLD,
    Rotation,
    places_of,
    renamed,
    rotation,
    turned,
)
from flexor.sense import tell_adapted
from flexor.tally import Tally
from models.adapt import Adapted
from models.artifact import open_artifact
from models.intent import Intent
from preprocessing.channels import Pick
from preprocessing.quality import Finding
from preprocessing.recentre import Recentre
from preprocessing.stage import Chain

CONTRACT = open_artifact(DEMO_ARTIFACT).contract
FLAT = (Finding("emg3", "flat", True, 0.0),)


def chunk(n: int, lost: int = 0) -> Chunk:
    return Chunk(np.zeros((n, 8), np.float32), 0.0, lost)


def run_at(rate_hz: float, seconds: float, rate: Rate) -> list[float]:
    """The moments at which something new was told."""
    told = []
    for k in range(round(seconds * 50)):
        if count_rate(rate, [chunk(round(rate_hz / 50))], k / 50):
            told.append(k / 50)
    return told


def test_the_right_rate_is_known_within_two_seconds_and_told_to_nobody() -> None:
    rate = Rate(200.0)
    assert run_at(200.0, 5.0, rate) == [SPAN_S]
    assert rate.right
    assert rate.told == ""


def test_a_wrong_rate_is_told_with_both_figures_until_it_is_right() -> None:
    rate = Rate(200.0)
    assert run_at(50.0, 5.0, rate) == [SPAN_S]
    assert rate.right is False
    assert "50 samples come a second, and 200 were expected" in rate.told


def test_lost_samples_came_all_the_same() -> None:
    rate = Rate(200.0)
    for k in range(100):
        count_rate(rate, [chunk(2, lost=2)], k / 50)
    assert rate.right


def arm(turn_deg: float, gesture: str = "hand_close") -> Samples:
    script = Script((Prompt(gesture, 0.5, 4.0),), loop=False)
    return Simulation(replace(ARMBAND, rotation_deg=turn_deg), script, ()).take(600).samples[400:]


def said(gesture: str, *, rejected: bool = False) -> Intent:
    return Intent(gesture, 0.5, 0.9, 0.0, 1, rejected)


REFUSED, REST = said("rest", rejected=True), said("rest")
SECOND_N = 40
"""decisions"""


def look(state: Rotation, turn_deg: float, gesture: str) -> list[str]:
    """A second in which all is refused."""
    newest = arm(turn_deg, gesture)
    return [text for _ in range(SECOND_N) if (text := turned(state, REFUSED, newest))]


def rest(state: Rotation) -> list[str]:
    newest = np.zeros((200, 8), np.float32)
    return [text for _ in range(9) if (text := turned(state, REST, newest))]


@pytest.mark.parametrize(("turn_deg", "places"), [(45.0, -1), (-45.0, 1), (0.0, 0)])
def test_a_turned_band_is_told_with_the_way_to_turn_it_once(turn_deg: float, places: int) -> None:
    state = rotation(CONTRACT)
    told = [text for _ in range(5) for text in look(state, turn_deg, "hand_close")]
    assert told == ([TOLD[places]] if places else [])


def test_familiar_decisions_ask_for_no_look() -> None:
    state, newest = rotation(CONTRACT), arm(45.0)
    assert not any(turned(state, said("hand_close"), newest) for _ in range(200))


@pytest.mark.parametrize(("turn_deg", "places"), [(45.0, -1), (-45.0, 1)])
def test_channels_are_renamed_after_three_gestures_at_the_next_rest(
    turn_deg: float, places: int
) -> None:
    state = rotation(CONTRACT)
    for gesture in ("hand_close", "hand_open", "wrist_flexion"):
        look(state, turn_deg, gesture)
        assert state.places == 0
    assert rest(state) == [RENAMED]
    assert state.places == places
    worn = arm(turn_deg)
    straight = renamed(state, Chunk(worn, 0.0)).samples
    assert (straight == np.roll(worn, places, axis=1)).all()
    assert places_of(state, (0, 7)) == (places % 8, (7 + places) % 8)


def test_one_movement_however_long_renames_nothing() -> None:
    state = rotation(CONTRACT)
    for _ in range(10):
        look(state, 45.0, "hand_close")
    assert rest(state) == []
    assert state.places == 0


def test_a_gesture_that_is_known_as_it_comes_begins_the_count_anew() -> None:
    state = rotation(CONTRACT)
    look(state, 45.0, "hand_close")
    look(state, 45.0, "hand_open")
    for _ in range(SECOND_N):
        turned(state, said("hand_close"), arm(0.0))
    look(state, 45.0, "wrist_flexion")
    assert rest(state) == []


def test_a_band_that_is_turned_back_gets_its_names_again() -> None:
    state = rotation(CONTRACT)
    for turn_deg, told in ((45.0, RENAMED), (0.0, BACK)):
        for gesture in ("hand_close", "hand_open", "wrist_flexion"):
            look(state, turn_deg, gesture)
        assert rest(state) == [told]
    assert state.places == 0


def test_a_ring_that_a_head_finds_turned_is_told_once() -> None:
    counts = Adapted()
    loop: Any = SimpleNamespace(
        state=SimpleNamespace(adaptive=SimpleNamespace(counts=counts)),
        tally=Tally(),
        feeds=(),
        rollbacks_n=0,
        turns_n=0,
        last_event="",
    )
    tell_adapted(loop, 1.0)
    assert loop.last_event == ""
    counts.turns = 1
    tell_adapted(loop, 2.0)
    assert loop.last_event == FOUND
    loop.last_event = ""
    tell_adapted(loop, 3.0)
    assert loop.last_event == ""


def test_a_faulty_channel_is_guessed_and_stands_once_no_window_holds_it() -> None:
    state = masking(CONTRACT)
    assert "emg3 left out and guessed" in follow(state, FLAT, chunk(2))
    assert not stands_for(state, FLAT[0])
    for _ in range(27):
        out = masked(state, chunk(2))
    assert out.samples[:, 2].any()
    assert stands_for(state, FLAT[0])


def test_a_channel_is_believed_again_after_a_second_without_fault() -> None:
    state = masking(CONTRACT)
    follow(state, FLAT, chunk(2))
    told = [follow(state, (), chunk(2)) for _ in range(120)]
    assert [k for k, text in enumerate(told) if text] == [99]
    assert state.mask.bad == ()


def test_more_bad_channels_than_can_be_guessed_are_left_as_they_are() -> None:
    state = masking(CONTRACT)
    many = tuple(Finding(f"emg{k}", "flat", True, 0.0) for k in (1, 2, 3))
    assert follow(state, many, chunk(2)) == ""
    assert not any(stands_for(state, finding) for finding in many)


def test_what_is_usual_is_told_in_the_sources_order_where_electrodes_are_picked() -> None:
    contract = open_artifact(DEMO_ARTIFACT).contract
    plain, names = usual_of(contract), contract.spec.channels
    assert plain is not None
    order = [3, 2, 1, 0, 7, 6, 5, 4]
    stages = tuple(
        replace(stage, reference=tuple(map(tuple, plain[np.ix_(order, order)].tolist())))
        if isinstance(stage, Recentre)
        else stage
        for stage in contract.chain.stages
    )
    picked = Pick(tuple(names[n] for n in order))
    turned = replace(contract, chain=Chain((picked, *stages)))
    told = usual_of(turned)
    assert told is not None
    np.testing.assert_array_equal(told, plain)
    fewer = replace(contract, chain=Chain((Pick(names[:4]), *stages)))
    assert usual_of(fewer) is None

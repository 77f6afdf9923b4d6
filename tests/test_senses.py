"""What the loop finds out by itself: a wrong rate, a turned band, a channel to guess."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.script import Prompt, Script
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Chunk, Samples
from flexor.masking import follow, masked, masking, stands_for
from flexor.profile import DEMO_ARTIFACT
from flexor.rate import SPAN_S, Rate, count_rate
from flexor.rotation import TOLD, rotation, turned
from models.artifact import open_artifact
from preprocessing.quality import Finding

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


def arm(turn_deg: float) -> Samples:
    script = Script((Prompt("hand_close", 0.5, 4.0),), loop=False)
    return Simulation(replace(ARMBAND, rotation_deg=turn_deg), script, ()).take(600).samples[400:]


@pytest.mark.parametrize(("turn_deg", "places"), [(45.0, -1), (-45.0, 1), (0.0, 0)])
def test_a_turned_band_is_told_with_the_way_to_turn_it_once(turn_deg: float, places: int) -> None:
    state, newest = rotation(CONTRACT), arm(turn_deg)
    said = [turned(state, refused=True, newest=newest) for _ in range(200)]
    assert [text for text in said if text] == ([TOLD[places]] if places else [])


def test_familiar_decisions_ask_for_no_look() -> None:
    state = rotation(CONTRACT)
    assert not any(turned(state, refused=False, newest=arm(45.0)) for _ in range(200))


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

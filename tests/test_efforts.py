"""Efforts of single muscles: the same however samples arrive, and none where nothing is known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Chunk, Refused
from firmware_bridge.hands import HAND6
from firmware_bridge.sensed import Sensed
from firmware_bridge.two_site import Function, State, TwoSite, step, two_site
from flexor.efforts import Efforts, Rows, Site
from models.artifact import open_artifact
from models.decoder import Decoder, Window
from models.intent import Intent
from tests.toys import SPEC, toy_artifact

SITES = (Site("close", ("emg1", "emg2"), 1.0, 21.0), Site("open", ("emg5",), 1.0, 11.0))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    return Decoder(open_artifact(toy_artifact(tmp_path_factory.mktemp("toy")).path))


def noise(n: int, seed: int = 0, level: Any = 1.0) -> Any:
    x = np.random.default_rng(seed).normal(size=(n, 8)) * np.asarray(level)
    return x.astype(np.float32)


def follow(decoder: Decoder, stream: list[Chunk]) -> Rows:
    """The efforts at every sample, as if a window ended at each."""
    efforts, state, rows = Efforts(SITES, SPEC), decoder.start(), []
    for chunk in stream:
        before = state.sample_n
        decoder.push(chunk, state)
        first = max(before, state.started_sample_n)
        ends = [Window(chunk.samples, 0.0, 0.0, n) for n in range(first, state.sample_n)]
        rows += efforts.at(ends, chunk, state)
    return rows


def whole(x: Any) -> list[Chunk]:
    return [Chunk(x, 100.0)]


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, 400), max_size=30).map(sorted))
def test_any_chunking_gives_the_same_efforts_to_the_bit(decoder: Decoder, cuts: list[int]) -> None:
    x = noise(400, level=20.0)
    parts = [
        Chunk(x[a:b], 100.0 + a / 200) for a, b in zip([0, *cuts], [*cuts, len(x)], strict=True)
    ]
    assert follow(decoder, parts) == follow(decoder, whole(x))


def test_effort_is_zero_at_the_low_level_and_one_at_the_high_one(decoder: Decoder) -> None:
    x = noise(2000)
    # Half way from 1 to 21; a fifth of white noise lies below 20 of 100 Hz.
    x[:, :2] *= 11.0 * math.sqrt(math.pi / 2 / 0.8)
    rows = np.array(follow(decoder, whole(x))[200:])
    assert rows[:, 0].mean() == pytest.approx(0.5, abs=0.05)
    assert rows[:, 1].max() < 0.1
    x[:, 4] *= 100.0
    assert np.array(follow(decoder, whole(x))[200:])[:, 1].min() == 1.0


def test_nothing_is_known_while_the_filters_settle(decoder: Decoder) -> None:
    rows = follow(decoder, whole(noise(100)))
    assert [bool(row) for row in rows] == [False] * 50 + [True] * 50


def test_an_offset_is_no_contraction(decoder: Decoder) -> None:
    rows = follow(decoder, whole(noise(300, level=0.5) + 500.0))
    assert np.array(rows[50:]).max() < 0.05


def test_a_bridged_gap_keeps_the_efforts_and_a_longer_one_ends_them(decoder: Decoder) -> None:
    x = noise(300, level=10.0)
    for lost, settled in ((3, True), (20, False)):
        later = Chunk(x[150 + lost :], 100.0 + (150 + lost) / 200, lost=lost)
        rows = follow(decoder, [Chunk(x[:150], 100.0), later])
        assert bool(rows[155]) is settled
        assert len(rows) == (300 if settled else 280)


def test_a_value_that_is_no_number_ends_them_too(decoder: Decoder) -> None:
    x = noise(300, level=10.0)
    stream = [Chunk(x[i : i + 10].copy(), 100.0 + i / 200) for i in range(0, 300, 10)]
    stream[15].samples[3, 3] = math.nan
    rows = follow(decoder, stream)
    assert len(rows) == 290
    assert not any(rows[150:200])
    assert all(math.isfinite(effort) for row in rows for effort in row)


@pytest.mark.parametrize("seed", range(12))
def test_one_noisy_co_contraction_switches_once_from_the_raw_signal_on(
    decoder: Decoder, seed: int
) -> None:
    """Fault 19: 0.8 s of both muscles at a noisy 12 to 20 times of rest, among 2 s of rest."""
    how = two_site(
        TwoSite(),
        [Function("grip", (("index", 1.0),)), Function("thumb", (("thumb_rotation", 1.0),))],
        HAND6,
        40.0,
    )
    rng = np.random.default_rng(seed)
    level = np.ones((1000, 8))
    level[400:560] = rng.uniform(12, 20, (1, 8)) * rng.uniform(0.6, 1.4, (160, 8))
    told, state, moved = [], State(), 0
    rows = follow(decoder, whole(noise(1000, seed, level) * np.float32(1.2)))
    for n in range(0, len(rows), 5):
        intent = Intent("rest", 0.0, 0.0, 100.0 + n / 200, n + 1)
        asked = step(how, intent, Sensed(rows[n]), state)
        state = asked.state
        told += [asked.told] if asked.told else []
        moved += any(asked.command.joints)
    assert len(told) == 1
    assert moved == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": ()}, "site close needs distinct channels"),
        ({"channels": ("emg1", "emg1")}, "distinct channels"),
        ({"low": 21.0}, "low 21.0 and high 21.0: measure"),
        ({"low": -1.0}, "0 <= low"),
        ({"high": math.inf}, "high inf"),
        ({"high": math.nan}, "high nan"),
    ],
)
def test_impossible_sites_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(SITES[0], **changes)


def test_sites_that_do_not_fit_the_source_are_refused_with_both_sides() -> None:
    with pytest.raises(Refused, match=r"close rests on \['emg9'\], and the source has.*'emg8'"):
        Efforts([replace(SITES[0], channels=("emg1", "emg9"))], SPEC)
    with pytest.raises(Refused, match=r"names of their own, not \['close', 'close'\]"):
        Efforts([SITES[0], SITES[0]], SPEC)
    with pytest.raises(Refused, match="names of their own"):
        Efforts([], SPEC)

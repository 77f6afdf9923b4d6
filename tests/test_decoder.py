"""The decoder decides the same however the samples arrive, and never on what is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Chunk
from models.artifact import open_artifact
from models.decision import Hold, Reject, Vote
from models.decoder import Decoder
from tests.toys import LABELS, chunks, signal, toy_artifact


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    return Decoder(open_artifact(toy_artifact(tmp_path_factory.mktemp("toy")).path))


def decide(decoder: Decoder, stream: list[Chunk]) -> tuple[list[Any], Any]:
    state = decoder.start()
    return [intent for chunk in stream for intent in decoder.step(chunk, state)], state


def session() -> Any:
    return np.concatenate([signal(g, 200, i) for i, g in enumerate(("rest", "close", "open"))])


def test_gestures_are_decided_under_their_own_names(decoder: Decoder) -> None:
    intents, state = decide(decoder, chunks(session()))
    assert [intents[20].gesture, intents[65].gesture, intents[-1].gesture] == list(LABELS)
    assert state.counters.decisions == len(intents) == (600 - 52) // 5 + 1


def test_rest_has_no_strength_and_a_strong_gesture_has_some(decoder: Decoder) -> None:
    intents, _ = decide(decoder, chunks(session()))
    assert intents[20].strength == 0.0
    assert 0.3 < intents[65].strength <= 1.0


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 600), max_size=30).map(sorted))
def test_any_chunking_gives_the_same_decisions(decoder: Decoder, cuts: list[int]) -> None:
    x = session()
    parts = [
        Chunk(x[a:b], 100.0 + a / 200) for a, b in zip([0, *cuts], [*cuts, len(x)], strict=True)
    ]
    got, _ = decide(decoder, parts)
    want, _ = decide(decoder, [Chunk(x, 100.0)])
    assert [(i.gesture, i.strength, i.confidence) for i in got] == [
        (i.gesture, i.strength, i.confidence) for i in want
    ]
    np.testing.assert_allclose([i.clock_s for i in got], [i.clock_s for i in want], atol=1e-9)


def test_an_intent_carries_the_clock_of_its_newest_sample(decoder: Decoder) -> None:
    state = decoder.start()
    windows = [w for c in chunks(session(), 7) for w in decoder.push(c, state)]
    assert [w.sample_n for w in windows[:3]] == [51, 56, 61]
    for window in windows:
        assert window.clock_s == pytest.approx(100.0 + window.sample_n / 200)


def test_a_short_gap_is_bridged_and_counted(decoder: Decoder) -> None:
    x = signal("close", 300)
    stream = [Chunk(x[:150], 100.0), Chunk(x[153:], 100.0 + 153 / 200, lost=3)]
    state = decoder.start()
    windows = [w for c in stream for w in decoder.push(c, state)]
    assert state.counters.lost_samples == state.counters.concealed_samples == 3
    assert state.counters.restarts == 0
    assert windows[-1].sample_n == 296


def test_a_longer_gap_starts_the_chain_again_and_no_window_spans_it(decoder: Decoder) -> None:
    x = signal("close", 300)
    stream = [Chunk(x[:150], 100.0), Chunk(x[170:], 100.0 + 170 / 200, lost=20)]
    state = decoder.start()
    decoder.push(stream[0], state)
    windows = decoder.push(stream[1], state)
    assert state.counters.restarts == 1
    assert windows[0].sample_n == 170 + 51
    fresh = decoder.start()
    alone = decoder.push(Chunk(x[170:], 100.0 + 170 / 200), fresh)
    assert windows[0].x.tobytes() == alone[0].x.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_voids_its_chunk_and_never_reaches_the_filter(
    decoder: Decoder, bad: float
) -> None:
    x = signal("close", 300)
    stream = chunks(x)
    stream[60].samples[1, 3] = bad
    intents, state = decide(decoder, stream)
    assert state.counters.void_samples == 2
    assert state.counters.restarts == 1
    assert intents[-1].gesture == "close"
    assert np.isfinite([i.confidence for i in intents]).all()


def test_a_dead_electrode_does_not_stop_decisions(decoder: Decoder) -> None:
    x = signal("close", 300)
    x[:, 2] = 0
    intents, _ = decide(decoder, chunks(x))
    assert intents[-1].gesture == "close"


def test_decisions_are_numbered_once_each_even_across_a_gap(decoder: Decoder) -> None:
    x = signal("close", 400)
    stream = [Chunk(x[:200], 100.0), Chunk(x[300:], 101.5, lost=100)]
    intents, _ = decide(decoder, stream)
    assert [i.decision_n for i in intents] == list(range(1, len(intents) + 1))


def test_an_unsure_answer_is_rest_and_says_that_it_was_rejected(tmp_path: Path) -> None:
    made = toy_artifact(tmp_path, decision=(Reject(1.0),))
    intents, state = decide(Decoder(made), chunks(np.float32(0.075) * signal("close", 200)))
    rejected = [i for i in intents if i.rejected]
    assert rejected
    assert {i.gesture for i in rejected} == {"rest"}
    assert state.counters.rejected == len(rejected)


def test_a_vote_and_a_hold_ride_in_the_artifact(tmp_path: Path) -> None:
    made = toy_artifact(tmp_path, decision=(Vote(5), Hold(2)))
    assert open_artifact(made.path).contract.decision == (Vote(5), Hold(2))
    intents, _ = decide(Decoder(made), chunks(session()))
    plain, _ = decide(Decoder(toy_artifact(tmp_path)), chunks(session()))
    first = next(i.decision_n for i in intents if i.gesture == "close")
    assert first > next(i.decision_n for i in plain if i.gesture == "close")

"""What adapts follows the wearer, sees only the past, stays bounded, and takes itself back."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Chunk, Refused, Spec
from models.adapt import Adaptation, Adapter, fits
from models.calibrate import calibrated
from models.contract_json import head_from_json, head_to_json
from models.decoder import Decoder
from models.head import Head, logits, posterior_means, start_means
from models.turns import turn_found
from preprocessing.bands import BandCovariance, ring_turns
from preprocessing.stage import offline
from tests.toy_people import headed
from tests.toys import LABELS, chunks, signal

CHANNELS_N, GESTURES_N, FEATURES_N = 4, 5, 20
SETTINGS = Adaptation(block_windows=5, bound=80.0)
"""These gestures lie further apart, in deviations of a block, than people's do."""
RING = Spec(200.0, tuple(f"emg{i + 1}" for i in range(CHANNELS_N)), "raw")


class People:
    """Users of one world: what a gesture looks like, and how they differ in it."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self.means = self._rng.normal(size=(GESTURES_N, FEATURES_N)) * 1.5
        self._styles = self._rng.normal(size=(3, GESTURES_N, FEATURES_N)) * 0.4

    def user(self, shift: float = 0.5, style: float = 1.0) -> Any:
        """(gesture, feature)"""
        how = style * np.tensordot(self._rng.normal(size=3), self._styles, 1)
        return self.means + how + shift * self._rng.normal(size=FEATURES_N)

    def windows(self, user: Any, gestures: list[int], n: int = 60) -> tuple[Any, Any, Any]:
        """(features, gestures, repetitions), each gesture held for n windows."""
        x, held, times = [], [], []
        for k in gestures:
            own = user[k] + 0.15 * self._rng.normal(size=FEATURES_N)
            x.append(own + 0.4 * self._rng.normal(size=(n, FEATURES_N)))
            held += [k] * n
            times += [held[:-n].count(k) // n] * n
        return np.concatenate(x).astype(np.float32), np.array(held), np.array(times)


def trained(people: People, ring_n: int = 0) -> Head:
    from training.head import Session, fit_head

    users = [people.windows(people.user(), [*range(GESTURES_N)] * 2) for _ in range(8)]
    return fit_head([Session(x, held) for x, held, _ in users], GESTURES_N, 5, ring_n)


PEOPLE = People()
HEAD = trained(PEOPLE)
TURNING = trained(PEOPLE, ring_n=CHANNELS_N)


def run(head: Head, adaptation: Adaptation | None, x: Any) -> tuple[Any, Any]:
    """(decided gestures, state)"""
    adapter = Adapter(head, adaptation)
    state, out = adapter.start(), []
    for row in x:
        arranged = adapter.arranged(row[None], state)
        embedding = arranged[0] @ head.projection + head.offset
        out.append(int(adapter.logits(embedding, state).argmax()))
        adapter.learn(row[None], state)
    return np.array(out), state


def share(decided: Any, held: Any) -> float:
    return float((decided == held).mean())


def test_unlabelled_use_makes_decisions_better_on_a_wearer_unlike_the_others() -> None:
    people = People(5)
    head = trained(people)
    x, held, _ = people.windows(people.user(shift=1.6, style=1.5), [*range(GESTURES_N)] * 6)
    plain, _ = run(head, None, x)
    followed, state = run(head, SETTINGS, x)
    assert share(followed, held) > share(plain, held) + 0.02
    assert state.counts.refits > 20


@settings(max_examples=5, deadline=None)
@given(cut=st.integers(1, 599), seed=st.integers(0, 5))
def test_later_windows_change_no_earlier_decision(cut: int, seed: int) -> None:
    people = People(seed)
    x, _, _ = people.windows(people.user(shift=1.0), [*range(GESTURES_N)] * 2)
    other = x.copy()
    other[cut:] = np.random.default_rng(seed).normal(size=x[cut:].shape) * 9
    one, _ = run(HEAD, SETTINGS, x)
    two, _ = run(HEAD, SETTINGS, other)
    assert (one[:cut] == two[:cut]).all()


def test_the_means_in_use_never_leave_the_bound() -> None:
    bound = 1.0
    adaptation = replace(SETTINGS, bound=bound, turn_blocks=0)
    x, _, _ = PEOPLE.windows(PEOPLE.user(shift=2.0, style=3.0), [*range(GESTURES_N)] * 4)
    adapter = Adapter(HEAD, adaptation)
    state = adapter.start()
    for row in x:
        adapter.learn(row[None], state)
        assert fits(state.means, adapter.reference, bound)
    assert state.counts.refused > 0


def test_what_runs_away_is_rolled_back_and_counted() -> None:
    """The means are led astray by hand, as a fault would; honest use brings the old ones back."""
    x, held, _ = PEOPLE.windows(PEOPLE.user(shift=0.1), [*range(GESTURES_N)] * 4)
    adapter = Adapter(HEAD, replace(SETTINGS, refit_blocks=10_000, memory_blocks=10_000))
    state = adapter.start()
    state.means = adapter.reference[::-1] + 8.0
    for row in x[:600]:
        adapter.learn(row[None], state)
    assert state.counts.rollbacks == 1
    assert state.means is adapter.reference
    decided = [adapter.logits(r @ HEAD.projection + HEAD.offset, state).argmax() for r in x[600:]]
    assert share(np.array(decided), held[600:]) > 0.95


def test_a_rollback_pauses_and_forgets() -> None:
    x, _, _ = PEOPLE.windows(PEOPLE.user(), [0, 1, 2])
    adapter = Adapter(HEAD, SETTINGS)
    state = adapter.start()
    for row in x:
        adapter.learn(row[None], state)
    adapter.roll_back(state)
    assert (state.held_n, state.paused_n) == (0, SETTINGS.pause_blocks)
    refits = state.counts.refits
    for row in x[: 5 * SETTINGS.pause_blocks]:
        adapter.learn(row[None], state)
    assert state.counts.refits == refits


def test_swapped_gestures_are_refused() -> None:
    reference = start_means(HEAD, 0.8)
    swapped = reference.copy()
    swapped[[1, 2]] = swapped[[2, 1]]
    assert fits(reference + 3.0, reference, 15.0)
    assert not fits(swapped, reference, 1e6)
    assert not fits(reference * np.nan, reference, 15.0)


def test_long_rest_and_unused_gestures_cost_nothing() -> None:
    people = People(7)
    head = trained(people)
    user = people.user(shift=0.3)
    own = calibrated(head, *people.windows(user, [*range(GESTURES_N)]), 5, SETTINGS.weight)
    x, held, _ = people.windows(user, [0, 0, 0, 0, 1, 0, 0, 0, 0, 2] * 3)
    later, later_held, _ = people.windows(user, [*range(GESTURES_N)] * 2)
    both, truth = np.concatenate([x, later]), np.concatenate([held, later_held])
    plain, _ = run(own, None, both)
    followed, _ = run(own, SETTINGS, both)
    assert share(followed, truth) >= share(plain, truth) - 0.003


def test_a_window_that_is_no_number_moves_nothing() -> None:
    adapter = Adapter(HEAD, SETTINGS)
    state = adapter.start()
    for _ in range(50):
        adapter.learn(np.full((1, FEATURES_N), np.nan, np.float32), state)
    assert state.means is adapter.reference
    assert np.isfinite(state.memory[: state.held_n]).all()


def test_without_settings_nothing_is_learnt_or_remembered() -> None:
    x, _, _ = PEOPLE.windows(PEOPLE.user(), [0, 1])
    _, state = run(HEAD, None, x)
    assert len(state.memory) == 0
    assert state.counts.blocks == 0


def test_a_minute_of_labels_makes_a_head_within_a_second() -> None:
    people = People(5)
    head = trained(people)
    user = people.user(shift=1.5, style=2.0)
    begin = time.perf_counter()
    own = calibrated(head, *people.windows(user, [*range(GESTURES_N)], 200), 5, SETTINGS.weight)
    assert time.perf_counter() - begin < 1.0
    x, held, _ = people.windows(user, [*range(GESTURES_N)] * 2)
    assert share(run(own, None, x)[0], held) > max(0.97, share(run(head, None, x)[0], held))


def test_a_calibration_without_a_gesture_is_refused() -> None:
    x = PEOPLE.windows(PEOPLE.user(), [0, 1, 2])
    with pytest.raises(Refused, match=r"lacks the gestures \[3, 4\]"):
        calibrated(HEAD, *x, 5, SETTINGS.weight)


def test_nothing_seen_leaves_the_usual_means_and_much_seen_the_wearers_own() -> None:
    zero = np.zeros(GESTURES_N)
    usual = posterior_means(HEAD, zero, np.zeros_like(HEAD.means), 0.8)
    np.testing.assert_allclose(usual, HEAD.means + HEAD.shift, atol=1e-9)
    seen = HEAD.means + 3.0
    many = posterior_means(HEAD, zero + 1e6, seen, 0.8)
    np.testing.assert_allclose(many, seen, atol=1e-3)


def test_logits_are_those_of_normal_densities() -> None:
    x = np.random.default_rng(0).normal(size=HEAD.means.shape[1])
    means = start_means(HEAD, 0.8)
    for k in range(GESTURES_N):
        precision = HEAD.factors[k] @ HEAD.factors[k].T
        away = x - means[k]
        want = 0.5 * np.linalg.slogdet(precision)[1] - 0.5 * away @ precision @ away
        assert logits(HEAD, x, means)[k] == pytest.approx(want)


@pytest.mark.parametrize("turn", range(2 * CHANNELS_N))
def test_turning_the_ring_is_an_order_of_the_features(turn: int) -> None:
    x = np.random.default_rng(1).normal(size=(3, CHANNELS_N, 52)).astype(np.float32)
    r, mirrored = turn % CHANNELS_N, turn >= CHANNELS_N
    way = np.arange(CHANNELS_N)[::-1] if mirrored else np.arange(CHANNELS_N)
    turned = offline(BandCovariance(), x[:, np.roll(way, -r)], RING)
    plain = offline(BandCovariance(), x, RING)
    np.testing.assert_allclose(turned, plain[:, ring_turns(CHANNELS_N)[turn]], atol=1e-4)


@pytest.mark.parametrize("turn", [1, 3, 6])
def test_a_ring_worn_turned_is_found_from_varied_use_and_not_from_rest(turn: int) -> None:
    x, _, _ = PEOPLE.windows(PEOPLE.user(shift=0.2), [*range(GESTURES_N)] * 3)
    blocks = x.reshape(-1, 5, FEATURES_N).mean(axis=1)
    worn = np.empty_like(blocks)
    worn[:, TURNING.turns[turn]] = blocks
    assert turn_found(TURNING, worn, 0, 40.0) == turn
    assert turn_found(TURNING, worn[:12].repeat(4, axis=0), 0, 40.0) == 0


def test_a_head_survives_json_and_refuses_what_it_does_not_know() -> None:
    value = json.loads(json.dumps(head_to_json(TURNING)))
    again = head_from_json(value)
    np.testing.assert_allclose(again.factors, TURNING.factors, rtol=1e-6)
    assert again.ring_n == CHANNELS_N
    with pytest.raises(Refused, match="speed"):
        head_from_json({**value, "speed": 1})
    with pytest.raises(Refused, match="shape"):
        head_from_json({**value, "voices": value["means"]})


@pytest.mark.parametrize("change", [{"block_windows": 0}, {"bound": 0.0}, {"memory_blocks": 10}])
def test_settings_that_cannot_work_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        Adaptation(**change)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return headed(tmp_path_factory.mktemp("head") / "head.onnx")


def test_an_artifact_with_a_head_decides_adapts_and_outlives_a_gap(artifact: Any) -> None:
    decoder = Decoder(artifact)
    state = decoder.start()
    x = np.concatenate([signal(g, 400, 90 + i) for i, g in enumerate(LABELS * 2)])
    intents = [i for chunk in chunks(x, 40) for i in decoder.step(chunk, state)]
    assert [intents[n].gesture for n in (60, 140, 220)] == list(LABELS)
    assert state.adaptive is not None
    held = state.adaptive.held_n
    assert held == len(intents) // artifact.contract.adaptation.block_windows
    decoder.push(Chunk(x[:100], 200.0, lost=500), state)
    assert (state.adaptive.held_n, state.adaptive.filled_n) == (held, 0)


def test_a_contract_that_adapts_without_a_head_is_refused(artifact: Any) -> None:
    with pytest.raises(Refused):
        replace(artifact.contract, head=None)

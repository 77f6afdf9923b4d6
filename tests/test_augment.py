"""Augmentation changes what it says, reproducibly, and makes networks mind the change less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from acquisition.stream import Samples
from preprocessing.mask import Mask
from preprocessing.recentre import Recentre
from preprocessing.stage import Chain
from tests.learning_rig import GESTURES, session
from tests.test_learning import share
from training.augment import augmented, guessed
from training.datasets import Segment
from training.recipe import Fit, Recipe
from training.tasks import drawn
from training.train import calibrate
from training.windows import own_rows, sessions, window_set

PLAIN = Fit(100, 64, 3e-3, warmup_steps=10, average=0.9, mix=0.0)
RNG = np.random.default_rng(5)
X = np.random.default_rng(1).normal(size=(400, 8, 52)).astype(np.float32)


def changed(seed: int = 0, **settings: float) -> np.ndarray:
    how = replace(PLAIN, **settings)  # type: ignore[arg-type]
    return augmented(X, how, np.random.default_rng(seed))


def without(segment: Segment, channel: int) -> Samples:
    """As the live path hears it when that electrode is lost."""
    healthy = np.concatenate([s.samples for s in session(0)]).astype(np.float64)
    mask, state = Mask(), Mask().start(segment.spec, np.cov(healthy.T))
    mask.choose((channel,), state)
    return mask.step(segment.samples, state)


def test_no_setting_changes_nothing() -> None:
    np.testing.assert_array_equal(changed(), X)


@pytest.mark.parametrize(
    "settings",
    [
        {"rotate_electrodes": 1},
        {"lose_channel": 0.2},
        {"mix": 0.1},
        {"gain": 0.1},
        {"channel_gain": 0.1},
        {"noise": 0.1},
    ],
)
def test_a_seed_gives_the_same_change_twice_and_another_seed_another(
    settings: dict[str, float],
) -> None:
    first = changed(3, **settings)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, changed(3, **settings))
    assert not np.array_equal(first, changed(4, **settings))


def test_a_turned_ring_has_the_same_channels_elsewhere() -> None:
    turned = changed(rotate_electrodes=1)
    turns = [
        next(k for k in (-1, 0, 1) if np.array_equal(np.roll(x, k, axis=0), y))
        for x, y in zip(X, turned, strict=True)
    ]
    assert set(turns) == {-1, 0, 1}


def test_lost_channels_are_noise_as_loud_as_the_others_and_as_many_as_asked_for() -> None:
    y = changed(lose_channel=0.25)
    lost = (y != X).any(axis=2)
    assert 0.22 < lost.mean() < 0.28
    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(X[lost], y[lost], strict=True)]
    assert abs(np.mean(alike)) < 0.05
    assert 0.7 < y[lost].std() / X.std() < 0.9


def test_a_lost_electrode_is_guessed_in_training_as_it_is_in_use() -> None:
    """But for the noise, which is along what only that electrode tells."""
    spec, lost = session(0)[0].spec, 3
    x = RNG.normal(size=(4000, 8)) @ (np.eye(8) + 0.4 * np.roll(np.eye(8), 1, axis=1))
    moment = x.T @ x / len(x)
    values, vectors = np.linalg.eigh(moment)
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    quiet = Mask(own_share=0.0)
    state = quiet.start(spec, moment)
    quiet.choose((lost,), state)
    in_use = quiet.step(x.astype(np.float32), state) @ whiten
    own = own_rows(Chain((Recentre(tuple(map(tuple, moment.tolist())), 0),)), spec)
    windows = (x @ whiten).T[None].astype(np.float32)
    taught = guessed(windows, np.arange(8)[None] == lost, own, RNG)[0].T
    along = taught @ own[lost]
    assert 0.7 < along.std() < 0.9
    np.testing.assert_allclose(taught - along[:, None] * own[lost], in_use, atol=0.03)


def test_gains_are_of_the_size_asked_for() -> None:
    common = np.log(np.abs(changed(gain=0.3) / X).mean(axis=(1, 2)))
    assert 0.25 < common.std() < 0.35
    each = np.log(np.abs(changed(channel_gain=0.3) / X).mean(axis=2))
    assert 0.25 < each.std() < 0.35
    assert 0.08 < (changed(noise=0.1) - X).std() < 0.12


def test_shifts_move_windows_but_never_out_of_their_session() -> None:
    recipe = Recipe("r", PLAIN, PLAIN)
    windows = window_set(sessions([*session(0), *session(1, 0, 61)]), recipe, GESTURES, 1)
    which = np.arange(len(windows))
    far = windows.windows(which, 10_000)
    for number, end in enumerate(windows.ends):
        last = windows.stream[end - 52 : end].T
        at = np.flatnonzero(windows.sessions == number)
        np.testing.assert_array_equal(far[at], np.broadcast_to(last, far[at].shape))
    moved = drawn(windows, which[:300], replace(PLAIN, shift_samples=9), np.random.default_rng(0))
    assert not np.array_equal(moved, windows.windows(which[:300]))


@pytest.mark.parametrize(
    ("settings", "change"),
    [({"rotate_electrodes": 1}, "turn"), ({"lose_channel": 0.15}, "lose")],
)
def test_what_was_seen_in_training_costs_less_in_use(
    settings: dict[str, float], change: str
) -> None:
    later = session(0, 1, 51)
    if change == "turn":
        worse = [replace(s, samples=np.roll(s.samples, 1, axis=1)) for s in later]
    else:
        worse = [replace(s, samples=without(s, 1)) for s in later]
    shares = {}
    for name, extra in (("plain", {}), ("augmented", settings)):
        how = replace(PLAIN, mix=0.04, steps=200, **extra)  # type: ignore[arg-type]
        recipe = Recipe("r", how, how, width=16)
        module = calibrate(recipe, None, session(0), GESTURES, "rest").module
        shares[name] = share(module, recipe, worse)
    assert shares["augmented"] > shares["plain"] + 0.05

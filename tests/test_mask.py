"""A channel that is not to be believed is guessed from the others, as loud as they are."""

from __future__ import annotations

import numpy as np
import pytest

from acquisition.stream import Spec
from preprocessing.mask import Mask, State

pytestmark = pytest.mark.edge

SPEC = Spec(200.0, tuple(f"emg{i}" for i in range(1, 9)), "raw", 1.0, 127.0)
MIXED = np.eye(8) + 0.6 * np.roll(np.eye(8), 1, axis=1)


def signal(seconds: float, seed: int = 0, loud: float = 10.0) -> np.ndarray:  # type: ignore[type-arg]
    x = np.random.default_rng(seed).normal(size=(round(200 * seconds), 8)) * loud
    return (x @ MIXED + 300.0).astype(np.float32)  # electrodes have an offset of their own


@pytest.fixture
def state() -> State:
    mask = Mask()
    state = mask.start(SPEC)
    for seed in range(6):
        mask.learn(signal(1.0, seed), state)
    return state


def guessed(x: np.ndarray, state: State, n: int = 2) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([Mask().step(x[i : i + n], state) for i in range(0, len(x), n)])


def test_healthy_channels_pass_untouched(state: State) -> None:
    x = signal(1.0, 9)
    assert Mask().step(x, state) is x


def test_a_guess_shares_what_the_neighbours_tell_and_keeps_the_rest(state: State) -> None:
    x = signal(5.0, 9)
    Mask().choose((3,), state)
    lost = x.copy()
    lost[:, 3] = 127.0
    out = guessed(lost, state)
    assert np.array_equal(np.delete(out, 3, axis=1), np.delete(x, 3, axis=1))
    assert np.corrcoef(out[:, 3], x[:, 3])[0, 1] > 0.4
    assert out[:, 3].std() == pytest.approx(x[:, 3].std(), rel=0.25)
    assert out[:, 3].mean() == pytest.approx(300.0, abs=2.0)


def test_a_guess_is_quiet_when_the_others_are(state: State) -> None:
    Mask().choose((3,), state)
    out = guessed(signal(3.0, 9, loud=1.0), state)
    assert out[200:, 3].std() < 3.0


def test_what_a_bad_channel_gives_never_comes_through(state: State) -> None:
    Mask().choose((2, 5), state)
    x = signal(1.0, 9)
    x[:, [2, 5]] = np.nan
    assert np.isfinite(guessed(x, state)).all()


def test_the_calibration_alone_lets_a_channel_be_guessed() -> None:
    mask = Mask()
    assert not mask.can((3,), mask.start(SPEC))
    known = mask.start(SPEC, 100 * MIXED.T @ MIXED)
    assert mask.can((3,), known)
    mask.choose((3,), known)
    x = signal(5.0, 9) - 300.0
    assert np.corrcoef(guessed(x, known)[:, 3], x[:, 3])[0, 1] > 0.4


def test_too_many_bad_channels_are_not_guessed(state: State) -> None:
    assert Mask().can((1, 2), state)
    assert not Mask().can((1, 2, 3), state)

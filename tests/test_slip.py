"""A band that turns in use is found in seconds, and one that sits is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Chunk
from models.adapt import Adaptation, Adapter
from models.calibrate import calibrated
from models.decision import Decision
from models.decoder import Decoder
from models.familiar import Familiar, familiar_from
from models.slip import BLOCK_WINDOWS, as_calibrated, slipping
from preprocessing.ring import order_of
from tests.test_adapt import (
    CHANNELS_N,
    FEATURES_N,
    GESTURES_N,
    PEOPLE,
    TURNING,
    artifact,
    run,
    share,
)
from tests.toys import signal

__all__ = ["artifact"]

SETTINGS = Adaptation(block_windows=5, bound=80.0)
WEARER = PEOPLE.user(shift=0.2)
HEAD = calibrated(TURNING, *PEOPLE.windows(WEARER, [*range(GESTURES_N)] * 2), 5, 0.5)
FIVE_S_N = 200
"""windows"""
USE = [*range(1, GESTURES_N)]


def worn(x: Any, turn: int) -> Any:
    """The same windows of a ring for which `turn` is the way back."""
    out = np.empty_like(x)
    out[:, HEAD.turns[turn]] = x
    return out


def use(gestures: list[int], n: int = 30) -> tuple[Any, Any]:
    x, held, _ = PEOPLE.windows(WEARER, gestures, n)
    return x, held


@pytest.mark.parametrize("turn", [1, CHANNELS_N - 1, 2, CHANNELS_N + 1])
def test_a_turned_band_decides_as_before_within_five_seconds(turn: int) -> None:
    first, _ = use(USE * 2)
    later, held = use([0, *USE])
    x = np.concatenate([worn(first[:FIVE_S_N], turn), worn(later, turn)])
    decided, state = run(HEAD, SETTINGS, x)
    assert state.turn == turn
    assert state.counts.turns == 1
    straight, _ = run(HEAD, SETTINGS, np.concatenate([first[:FIVE_S_N], later]))
    turned, whole = decided[FIVE_S_N:], straight[FIVE_S_N:]
    assert share(turned, held) >= share(whole, held) - 0.03


def test_a_band_that_slips_in_use_is_found_too_and_what_it_taught_is_forgotten() -> None:
    before, _ = use([*range(GESTURES_N)] * 4)
    after, _ = use(USE * 2)
    adapter = Adapter(HEAD, SETTINGS)
    state = adapter.start()
    for row in before:
        adapter.learn(row[None], state)
    learnt_n = state.held_n
    for row in worn(after, 1):
        adapter.learn(row[None], state)
    assert learnt_n > 50
    assert (state.turn, state.counts.turns) == (1, 1)
    assert state.held_n < learnt_n


def test_a_band_that_is_put_back_is_found_again() -> None:
    """By what fits the calibration better, whichever asks first: the turn's watch or the means'."""
    first, _ = use(USE * 2)
    _, state = run(HEAD, SETTINGS, np.concatenate([worn(first, 3), first]))
    assert state.turn == 0
    assert state.counts.turns + state.counts.rollbacks == 2


@pytest.mark.parametrize("gestures", [[*range(GESTURES_N)] * 5, [0] * 20, [2] * 20])
def test_a_band_that_sits_is_never_turned(gestures: list[int]) -> None:
    _, state = run(HEAD, SETTINGS, use(gestures)[0])
    assert (state.turn, state.counts.turns) == (0, 0)


@pytest.mark.parametrize("gestures", [[1] * 20, [1, 2] * 10, [0] * 20])
def test_fewer_than_three_gestures_turn_nothing(gestures: list[int]) -> None:
    """One or two movements may by chance look like others on a turned band."""
    _, state = run(HEAD, SETTINGS, worn(use(gestures)[0], 1))
    assert state.counts.turns == 0


def test_movements_that_are_no_gesture_in_any_turn_turn_nothing() -> None:
    strange = PEOPLE.means + 3.0 * np.random.default_rng(8).normal(size=PEOPLE.means.shape)
    x, _, _ = PEOPLE.windows(strange, [*range(GESTURES_N)] * 8, 30)
    _, state = run(HEAD, SETTINGS, x)
    assert state.counts.turns == 0


def test_who_asks_for_no_turns_gets_none() -> None:
    x = worn(use(USE * 4)[0], 1)
    _, state = run(HEAD, Adaptation(block_windows=5, bound=80.0, turn_blocks=0), x)
    assert state.counts.turns == 0


@pytest.mark.parametrize("turn", range(2 * CHANNELS_N))
@pytest.mark.parametrize("calibrated_at", [0, 1, CHANNELS_N + 2])
def test_what_electrodes_tell_goes_to_the_places_of_the_calibration(
    turn: int, calibrated_at: int
) -> None:
    """As the features do: one square on the diagonal for each electrode."""
    head = replace(HEAD, turn=calibrated_at)
    rows, columns = np.triu_indices(CHANNELS_N)
    diagonal = np.tile(rows == columns, 2)
    power = np.arange(1.0, CHANNELS_N + 1)

    def features(electrodes: Any) -> Any:
        out = np.zeros(2 * len(rows))
        out[diagonal] = np.tile(electrodes, 2)
        return out

    then = as_calibrated(head, power, turn)
    assert (features(power)[head.turns[turn]] == features(then)[head.turns[calibrated_at]]).all()


def test_a_decision_stage_is_told_the_power_of_the_calibrations_places(
    artifact: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a band that was found turned would look foreign for ever."""
    seen: list[Any] = []

    def step(self: Familiar, decision: Decision, state: Any) -> Decision:
        seen.append(decision.power)
        return decision

    monkeypatch.setattr(Familiar, "step", step)
    x = signal("close", 120)
    windows = np.random.default_rng(0).normal(size=(90, 8, 52))
    stage = familiar_from(windows, np.arange(90) % 3, 0)
    decoder = Decoder(replace(artifact, contract=replace(artifact.contract, decision=(stage,))))
    state = decoder.start()
    window = decoder.push(Chunk(x, 0.0), state)[0]
    decoder.decide(window, state)
    assert state.adaptive is not None
    state.adaptive.turn = 3
    decoder.decide(window, state)
    assert window.power is not None
    assert (seen[0] == window.power).all()
    assert (seen[1] == window.power[order_of(3, 8)]).all()


def test_a_gap_drops_the_block_that_is_being_filled_and_no_number_is_weighed() -> None:
    adapter = Adapter(HEAD, SETTINGS)
    state = adapter.start()
    for row in use([1])[0][: BLOCK_WINDOWS - 1]:
        adapter.learn(row[None], state)
    adapter.forget_block(state)
    assert state.slip.filled_n == 0
    assert not state.slip.block.any()
    for _ in range(BLOCK_WINDOWS):
        adapter.learn(np.full((1, FEATURES_N), np.nan, np.float32), state)
    assert (state.slip.evidence == slipping(HEAD).evidence).all()

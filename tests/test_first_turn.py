"""In the first seconds of somebody who did not calibrate: a turned ring is found, or nothing is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Chunk, Refused
from models.artifact import Artifact
from models.contract_json import from_bytes, to_bytes
from models.decoder import Decoder
from models.first_turn import BLOCK_WINDOWS, FirstTurn, clearest, first_turn, likelihoods, seen
from models.head import Head
from preprocessing.ring import order_of
from tests.test_adapt import FEATURES_N, GESTURES_N, PEOPLE, TURNING
from tests.toy_people import headed, myo_segments
from tests.toys import chunks

SHIFTS = np.eye(FEATURES_N)[:2] * 3.0, 0.2
WEARER = PEOPLE.user(shift=0.2)


def use(gestures: list[int], n: int = 20) -> Any:
    """Features (window, feature) of a wearer who makes these."""
    return PEOPLE.windows(WEARER, gestures, n)[0]


def worn(x: Any, turn: int) -> Any:
    out = np.empty_like(x)
    out[:, TURNING.turns[turn]] = x
    return out


def found(x: Any, now: int = 0) -> int:
    state = seen(TURNING)
    for window in x:
        now = first_turn(TURNING, SHIFTS, window, now, 0, state)
    return now


@pytest.mark.parametrize("turn", [1, 3, 6])
def test_a_turned_ring_is_found_from_a_few_seconds_of_varied_use(turn: int) -> None:
    assert found(worn(use([*range(GESTURES_N)] * 2), turn)) == turn


def test_a_ring_that_sits_as_usual_stays_so() -> None:
    assert found(use([*range(GESTURES_N)] * 3)) == 0


def test_rest_and_two_gestures_turn_nothing_however_long() -> None:
    assert found(worn(use([0, 1, 0, 2] * 5), 3)) == 0


def test_after_a_while_it_asks_no_more() -> None:
    state = seen(TURNING)
    for window in use([0] * 40):
        first_turn(TURNING, SHIFTS, window, 0, 0, state)
    kept = len(state.blocks)
    for window in worn(use([*range(GESTURES_N)] * 2), 3):
        assert first_turn(TURNING, SHIFTS, window, 0, 0, state) == 0
    assert len(state.blocks) == kept


def test_a_window_that_is_no_number_is_as_if_its_block_had_not_been() -> None:
    x = worn(use([*range(GESTURES_N)] * 2), 3)
    x[45] = np.nan
    assert found(x) == 3


def ways(x: Any) -> Any:
    """(turn, block, feature) of blocks (block, feature), behind the head's turn_spread."""
    return np.stack([x[:, turn] @ TURNING.turn_spread for turn in TURNING.turns])


def test_a_shift_that_people_have_costs_less_than_one_that_they_have_not() -> None:
    """What makes the session's own shift no reason to believe in a turn."""
    x = (TURNING.turn_means + TURNING.turn_shift)[None]
    steps = [np.zeros(FEATURES_N), *4.0 * np.eye(FEATURES_N)[[0, 7]]]
    plain, usual, strange = (float(likelihoods(TURNING, SHIFTS, x + s)[0][0]) for s in steps)
    assert plain - strange > 4 * (plain - usual)


def test_no_way_is_taken_that_is_hardly_better_than_another() -> None:
    """As where half of what was seen speaks for one way and half for another."""
    x = use([*range(GESTURES_N)] * 2, BLOCK_WINDOWS).reshape(-1, BLOCK_WINDOWS, FEATURES_N)
    blocks = x.mean(axis=1)
    assert clearest(TURNING, SHIFTS, ways(worn(blocks, 1)), 0, 0) == 1
    assert clearest(TURNING, SHIFTS, ways(worn(blocks, 1)), 1, 0) == 1
    both = 0.5 * (ways(worn(blocks, 1)) + ways(worn(blocks, 1))[[0, 2, 1, *range(3, 8)]])
    fits, _ = likelihoods(TURNING, SHIFTS, both)
    assert fits[1] == pytest.approx(fits[2])
    assert clearest(TURNING, SHIFTS, both, 0, 0) == 0


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Six people with the same gestures in front of the armband."""
    people = [s for n in range(6) for s in myo_segments(f"u{n}", "s", n, cycles_n=2)]
    return headed(tmp_path_factory.mktemp("first") / "head.onnx", people)


def heard(artifact: Artifact, turn: int) -> Any:
    """The state after 5 s: 0.7 s of each gesture."""
    parts = [part.samples[:140] for part in myo_segments("me", "s", 77)]
    x = np.concatenate(parts)
    turned = np.empty_like(x)
    turned[:, order_of(turn, 8)] = x
    decoder = Decoder(artifact)
    state = decoder.start()
    for chunk in chunks(turned, 40):
        decoder.step(chunk, state)
    decoder.push(Chunk(turned[:100], 200.0, lost=500), state)
    return state


@pytest.mark.parametrize("turn", [0, 1, 7, 11])
def test_an_artifact_finds_it_within_five_seconds(artifact: Artifact, turn: int) -> None:
    state = heard(artifact, turn)
    assert state.adaptive.turn == turn
    assert state.adaptive.counts.turns == (turn > 0)
    assert state.first.filled_n == 0  # a gap drops what was being filled


def test_without_it_an_artifact_asks_later(artifact: Artifact) -> None:
    bare = replace(artifact, contract=replace(artifact.contract, first_turn=None))
    state = heard(bare, 1)
    assert (state.first, state.adaptive.turn) == (None, 0)


def test_who_calibrated_is_not_asked(artifact: Artifact) -> None:
    head = artifact.contract.head
    assert isinstance(head, Head)
    own = replace(head, labelled_n=np.ones(len(head.means)), labelled=head.means)
    known = replace(artifact, contract=replace(artifact.contract, head=own))
    assert heard(known, 1).first is None


def test_it_survives_the_contract_and_must_fit_it(artifact: Artifact) -> None:
    contract = artifact.contract
    told = contract.first_turn
    assert told is not None
    assert from_bytes(to_bytes(contract)).first_turn == told
    for wrong, words in (
        (replace(told, features_n=20), "shifts of 20 features"),
        (replace(told, spread=told.spread[:8]), "do not fit"),
        (replace(told, rest=0.0), "do not fit"),
    ):
        with pytest.raises(Refused, match=words):
            replace(contract, first_turn=wrong)
    with pytest.raises(Refused, match="adapts"):
        replace(contract, adaptation=None)
    assert isinstance(told, FirstTurn)

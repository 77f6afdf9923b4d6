"""While a channel is guessed, what the guess spoils is believed little, and nothing is learnt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Refused
from models.adapt import Adapter
from models.artifact import Artifact
from models.contract_json import from_bytes, to_bytes
from models.decision import Decision
from models.decoder import Decoder
from models.foreign import Foreign
from models.guessed import Guessed, doubt_of, widened
from models.head import scores
from preprocessing.packed import HALF, packed
from preprocessing.ring import order_of
from tests.test_adapt import HEAD, PEOPLE
from tests.toy_people import headed
from tests.toys import LABELS, SPEC, chunks, signal

N = HEAD.means.shape[1]


def guesses(shift: Any, spread: Any) -> Guessed:
    return Guessed(len(shift), N, packed(np.array(shift), HALF), packed(np.array(spread), HALF))


def test_a_guess_adds_its_covariance_to_each_gestures_scatter() -> None:
    spread = np.random.default_rng(1).normal(size=(3, N))
    wide = widened(HEAD.factors, spread)
    before = np.linalg.inv(HEAD.factors @ HEAD.factors.transpose(0, 2, 1))
    after = np.linalg.inv(wide @ wide.transpose(0, 2, 1))
    np.testing.assert_allclose(after, before + spread.T @ spread, atol=1e-5)
    assert not np.triu(wide, 1).any()


@pytest.mark.parametrize("amount", [0.0, 1e-3, 1e3, 60000.0])
def test_no_guess_is_too_large_for_the_loop(amount: float) -> None:
    """The largest number of a contract's float16 is 65504."""
    rng = np.random.default_rng(2)
    root = np.linalg.qr(rng.normal(size=(24, 24)))[0] * np.logspace(-3, 3, 24)
    factors = np.linalg.cholesky(root @ root.T)[None]
    wide = widened(factors, amount * rng.normal(size=(4, 24)))
    assert np.isfinite(wide).all()
    assert (np.diagonal(wide[0]) > 0).all()


def test_what_a_guess_spoils_decides_little_and_the_rest_as_much_as_ever() -> None:
    """Windows that a guess throws far off in two directions are still told apart."""
    adapter, rng = Adapter(HEAD, None), np.random.default_rng(2)
    x, held, _ = PEOPLE.windows(PEOPLE.user(shift=0.1), [*range(len(HEAD.means))] * 2)
    embedded = HEAD.embed(x, 0)
    away = 60.0 * rng.normal(size=(1, 2, N))
    spoiled = embedded + 2.0 + rng.normal(size=(len(x), 2)) @ away[0]
    doubt = doubt_of(adapter, guesses(np.full((1, N), 2.0), away).tables(), (0,))

    def right(head: Any, points: Any) -> float:
        return float((scores(head, points, adapter.reference).argmax(axis=1) == held).mean())

    assert right(HEAD, embedded) > 0.95
    assert right(HEAD, spoiled) < 0.6
    assert right(doubt.adapter.head, spoiled - doubt.shift) > 0.9


def test_two_guessed_channels_count_as_the_sum_of_both() -> None:
    shift, spread = np.arange(2.0 * N).reshape(2, N), np.eye(N)[:2, None]
    doubt = doubt_of(Adapter(HEAD, None), guesses(shift, spread).tables(), (0, 1))
    np.testing.assert_array_equal(doubt.shift, shift.sum(axis=0))
    np.testing.assert_array_equal(doubt.spread, np.eye(N)[:2])


def test_a_movement_of_others_is_as_wide_as_the_wearers_gestures() -> None:
    """Else a window that a guess spoils would always look like somebody else's movement."""
    rows, columns = np.tril_indices(N)
    own = packed(HEAD.factors[:1, rows, columns])
    stage = Foreign(N, means=packed(np.zeros((1, N))), factors=own)
    state, spread = stage.start(LABELS, "rest"), 20.0 * np.eye(N)[:1]
    far = Decision(1, 0.9, 1.0, 1.0, False, None, -20.0, 30.0 * np.eye(N)[0])
    alone = stage.strangeness(far, state)
    doubted = stage.strangeness(far._replace(spread=spread), state)
    assert doubted > alone + 20  # the other movement explains it as well as can be
    assert stage.strangeness(far, state) == alone


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return headed(tmp_path_factory.mktemp("head") / "head.onnx")


@pytest.fixture
def guessing(artifact: Any) -> Artifact:
    """The toy's artifact, with one guess that moves everything by 3."""
    contract = artifact.contract
    n = contract.head.means.shape[1]
    told = Guessed(8, n, packed(np.full((8, n), 3.0), HALF), packed(np.ones((8, 1, n)), HALF))
    made: Artifact = replace(artifact, contract=replace(contract, guessed=told))
    return made


def heard(artifact: Artifact, guessed: tuple[int, ...]) -> tuple[list[Any], Any]:
    decoder = Decoder(artifact)
    state = decoder.start()
    state.guessed = guessed
    x = np.concatenate([signal(g, 400, 90 + i) for i, g in enumerate(LABELS)])
    intents = [i for chunk in chunks(x, 40) for i in decoder.step(chunk, state)]
    return [(i.gesture, i.confidence) for i in intents], state


def test_as_long_as_nothing_is_guessed_nothing_changes(artifact: Any, guessing: Artifact) -> None:
    before, _ = heard(artifact, ())
    now, state = heard(guessing, ())
    assert now == before
    assert state.doubt is None


def test_while_a_channel_is_guessed_nothing_is_learnt(guessing: Artifact) -> None:
    decided, state = heard(guessing, (2,))
    assert state.doubt is not None
    assert (state.adaptive.held_n, state.adaptive.counts.blocks) == (0, 0)
    assert decided != heard(guessing, ())[0]


def test_what_nobody_measured_is_decided_and_learnt_as_ever(artifact: Any) -> None:
    bare = replace(artifact, contract=replace(artifact.contract, guessed=None))
    decided, state = heard(bare, (2,))
    assert decided == heard(bare, ())[0]
    assert state.adaptive.held_n > 0


@pytest.mark.parametrize("turn", [0, 3, 11])
def test_a_guess_is_looked_up_where_the_electrode_sits(guessing: Artifact, turn: int) -> None:
    decoder = Decoder(guessing)
    state = decoder.start()
    assert state.adaptive is not None
    assert decoder.adapter is not None
    state.adaptive.turn, state.guessed = turn, (2, 5)
    windows = [w for c in chunks(signal("close", 60, 1)) for w in decoder.push(c, state)]
    decoder.decide(windows[0], state)
    assert state.doubt is not None
    assert {order_of(turn, 8)[place] for place in state.doubt.places} == {2, 5}
    first = state.doubt
    decoder.decide(windows[1], state)
    assert state.doubt is first  # made once, not at each decision
    state.guessed = ()
    decoder.decide(windows[1], state)
    assert state.doubt is None


def test_a_guess_survives_the_contract_and_must_fit_it(guessing: Artifact) -> None:
    contract = guessing.contract
    assert from_bytes(to_bytes(contract)).guessed == contract.guessed
    told = contract.guessed
    assert told is not None
    for wrong, words in (
        (replace(told, channels_n=4), "a guess of 4 channels"),
        (replace(told, dimensions_n=3), "3 dimensions"),
        (replace(told, shift=told.shift[:8]), "do not fit"),
        (replace(told, spread=""), "do not fit"),
        (replace(told, spread="?"), "not base64 of float16"),
    ):
        with pytest.raises(Refused, match=words):
            replace(contract, guessed=wrong)


def people(turn: int = 0) -> list[tuple[Any, int]]:
    out = []
    for n in range(2):
        x = np.concatenate([signal(g, 400, 7 * n + k) for k, g in enumerate(LABELS)])
        worn = np.empty_like(x)
        worn[:, order_of(turn, 8)] = x
        out.append((worn, turn))
    return out


def test_those_who_taught_a_head_tell_what_a_guess_does(artifact: Any) -> None:
    """Channels 1 to 4 go together in the toy, and so do 5 to 8: a guess of one misses its own."""
    from training.guessed import DIRECTIONS_N, guessed_from

    contract = artifact.contract
    told = SPEC, contract.chain, contract.head
    found = guessed_from(people(), *told)
    shift, spread = found.tables()
    assert spread.shape == (8, DIRECTIONS_N, shift.shape[1])
    assert (np.square(spread).sum(axis=(1, 2)) > 0.1).all()
    assert guessed_from(people(turn=11), *told) == found


def test_a_family_brings_what_a_guess_does(artifact: Any) -> None:
    contract = artifact.contract
    assert contract.guessed.channels_n == 8
    assert contract.guessed.dimensions_n == contract.head.means.shape[1]

"""A ring of electrodes that is worn turned is found from use, and its samples put in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Refused, Spec
from preprocessing.bands import BandCovariance, ring_turns
from preprocessing.packed import packed
from preprocessing.ring import Ring, order_of
from preprocessing.stage import offline

pytestmark = pytest.mark.edge

SPEC = Spec(200.0, tuple(f"emg{i + 1}" for i in range(8)), "raw", 1.0, 127.0)
GESTURES_N, BLOCK_N = 5, 104
TURNED, BLOCKS_EACH = (3, 9), 12


def signal(blocks_each: int = BLOCKS_EACH, seed: int = 0) -> Any:
    """(time, channel): gestures one after the other, each loud on electrodes of its own."""
    rng = np.random.default_rng(seed)
    loud = np.exp(1.5 * np.random.default_rng(99).normal(size=(GESTURES_N, 8)))
    parts = [rng.normal(size=(blocks_each * BLOCK_N, 8)) * row * 5 for row in loud]
    return np.concatenate(parts).astype(np.float32)


def learned(**settings: Any) -> Ring:
    """What people who wear it as usual teach of these gestures."""
    x = signal(seed=7).reshape(GESTURES_N, BLOCKS_EACH * 2, 52, 8).transpose(0, 1, 3, 2)
    stage = BandCovariance()
    state = stage.start(SPEC)[0]
    found = np.stack([stage.step(np.ascontiguousarray(part), state)[0] for part in x])
    centres = found.mean(axis=1)
    size = 5.0  # near what the scatter is, equal in all directions
    rows, columns = np.tril_indices(found.shape[2])
    middle = centres.mean(axis=0)
    ring = Ring(
        packed(np.where(rows == columns, size, 0.0)),
        packed((centres - middle) * size),
        packed(middle * size),
        begin_blocks=16,
        ask_blocks=4,
        memory_blocks=80,
    )
    return replace(ring, **settings)


def worn(x: Any, turn: int) -> Any:
    """The same signal on a ring for which `turn` is the way back."""
    out = np.empty_like(x)
    out[:, order_of(turn, 8)] = x
    return out


@pytest.mark.parametrize("turn", TURNED)
def test_a_turned_ring_is_put_in_order_and_a_usual_one_left_alone(turn: int) -> None:
    x = signal(seed=1)
    assert offline(learned(), x, SPEC).tobytes() == x.tobytes()
    y = offline(learned(), worn(x, turn), SPEC)
    tail = len(x) // 5
    assert y[-tail:].tobytes() == x[-tail:].tobytes()
    assert y[:tail].tobytes() == worn(x, turn)[:tail].tobytes()  # before it could be known


def test_what_is_ordered_never_depends_on_later_samples() -> None:
    x = worn(signal(seed=1), 3)
    whole = offline(learned(), x, SPEC)
    for cut in (BLOCK_N * 20, BLOCK_N * 30 + 5):
        assert offline(learned(), x[:cut], SPEC).tobytes() == whole[:cut].tobytes()


def test_rest_alone_turns_nothing() -> None:
    x = np.tile(signal(seed=2)[: BLOCKS_EACH * BLOCK_N], (4, 1))
    x = worn(x, 3)
    assert offline(learned(), x, SPEC).tobytes() == x.tobytes()


def test_an_order_of_electrodes_is_what_the_features_order_asks_for() -> None:
    x = signal(2)[None, :520].transpose(0, 2, 1)
    stage = BandCovariance()
    state = stage.start(SPEC)[0]
    plain = stage.step(np.ascontiguousarray(x), state)[0]
    for turn, way in enumerate(ring_turns(8)):
        ordered = np.ascontiguousarray(x[:, order_of(turn, 8)])
        np.testing.assert_allclose(
            stage.step(ordered, state)[0], plain[:, way], rtol=1e-4, atol=1e-4
        )


def test_the_memory_forgets_its_oldest_block() -> None:
    ring = learned(memory_blocks=16)
    state, _ = ring.start(SPEC)
    _, state = ring.step(signal(), state)
    assert (state.held_n, state.blocks_n) == (16, GESTURES_N * BLOCKS_EACH)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"whitening": packed(np.ones(5))}, "another number"),
        ({"gestures": packed(np.ones(71))}, "another number"),
        ({"gestures": ""}, "another number"),
        ({"shift": "no base64"}, "not base64"),
        ({"shift": packed(np.full(72, np.nan))}, "finite"),
        ({"begin_blocks": 3}, "begins after"),
        ({"memory_blocks": 15}, "begins after"),
        ({"ask_blocks": 0}, "1 of them"),
        ({"windows_n": 0}, "1 of them"),
        ({"window_samples": 1}, "windows of 2"),
    ],
)
def test_a_ring_that_cannot_be_asked_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(learned(), **change).start(SPEC)

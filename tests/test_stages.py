"""The contract that every row of STAGES keeps, and what each stage does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused, Spec
from preprocessing.design import butterworth, notch
from preprocessing.filters import Bandpass, Highpass, Notch, kernel, slow_kernel
from preprocessing.packed import packed
from preprocessing.recentre import ALIKE, MEMORY_BLOCKS, Recentre
from preprocessing.stage import STAGES, Chain, chain_from_json, chain_to_json, from_row, to_row
from preprocessing.windows import Windows

pytestmark = pytest.mark.edge

SPEC = Spec(200.0, tuple(f"emg{i + 1}" for i in range(8)), "raw", 1.0, 127.0)
IDENTITY = [[float(i == j) for j in range(8)] for i in range(8)]
CUT = {"kind": "windows", "length_samples": 52, "hop_samples": 5}

ROWS: dict[str, list[dict[str, Any]]] = {
    "bandpass": [{"kind": "bandpass", "low_hz": 20.0, "high_hz": 90.0, "order": 4}],
    "highpass": [{"kind": "highpass", "low_hz": 2.0, "order": 3}],
    "notch": [{"kind": "notch", "line_hz": 50.0}],
    "pick": [{"kind": "pick", "channels": ["emg3", "emg1", "emg8"]}],
    "common_reference": [{"kind": "common_reference"}],
    "standardize": [{"kind": "standardize", "mean": [1.0] * 8, "std": [2.0] * 8, "clip": 3.0}],
    "ring": [
        {
            "kind": "ring",
            "whitening": packed(np.eye(72)[np.tril_indices(72)]),
            "gestures": packed(np.arange(144.0).reshape(2, 72) % 7 - 3),
            "shift": packed(np.ones(72)),
            "window_samples": 4,
            "begin_blocks": 4,
            "ask_blocks": 1,
            "memory_blocks": 20,
            "lead": -1e9,
            "margin": 1e-9,
        }
    ],
    "recentre": [
        {"kind": "recentre", "reference": IDENTITY, "prior_blocks": 3, "block_samples": 16}
    ],
    "envelope": [{"kind": "highpass", "low_hz": 20.0}, {"kind": "envelope", "low_hz": 3.0}],
    "windows": [CUT],
    "time_domain": [
        CUT,
        {"kind": "time_domain", "features": ["mav", "rms", "wl", "zc", "ssc", "log_wl"]},
    ],
    "log_covariance": [CUT, {"kind": "log_covariance", "ridge": 1.0}],
    "band_covariance": [CUT, {"kind": "band_covariance", "ridge": 0.2}],
    "bands_and_window": [CUT, {"kind": "bands_and_window", "length_samples": 52, "ridge": 0.03}],
    "course": [CUT, {"kind": "course", "step_samples": 5, "steps_n": 10}],
}
"""kind -> a chain that ends in a stage of that kind"""


def noise(n: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (np.random.default_rng(seed).normal(size=(n, 8)) * 20).round().astype(np.float32)


def in_chunks(chain: Chain, x: Any, cuts: list[int]) -> Any:
    state, _ = chain.start(SPEC)
    parts = []
    for a, b in zip([0, *cuts], [*cuts, len(x)], strict=True):
        y, state = chain.step(x[a:b], state)
        parts.append(y)
    return np.concatenate(parts)


def test_every_row_of_the_table_is_tried_here() -> None:
    assert set(ROWS) == set(STAGES)


@pytest.mark.parametrize("kind", STAGES)
@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, 300), max_size=40).map(sorted), seed=st.integers(0, 9))
def test_any_chunking_equals_one_chunk_to_the_bit(kind: str, cuts: list[int], seed: int) -> None:
    chain = chain_from_json(ROWS[kind])
    x = noise(300, seed)
    assert in_chunks(chain, x, cuts).tobytes() == in_chunks(chain, x, []).tobytes()


@pytest.mark.parametrize("kind", STAGES)
def test_an_empty_chunk_is_harmless_and_outputs_are_float32(kind: str) -> None:
    chain = chain_from_json(ROWS[kind])
    state, _ = chain.start(SPEC)
    y, state = chain.step(noise(0), state)
    assert len(y) == 0
    y, _ = chain.step(noise(60), state)
    assert len(y) > 0
    assert y.dtype == np.float32


@pytest.mark.parametrize("kind", STAGES)
def test_start_twice_gives_equal_results(kind: str) -> None:
    chain = chain_from_json(ROWS[kind])
    x = noise(200)
    first = in_chunks(chain, x, [70])
    assert first.tobytes() == in_chunks(chain, x, [70]).tobytes()


@pytest.mark.parametrize("kind", STAGES)
def test_settings_survive_json(kind: str) -> None:
    chain = chain_from_json(ROWS[kind])
    assert chain_from_json(json.loads(json.dumps(chain_to_json(chain)))) == chain
    assert hash(chain) == hash(chain_from_json(ROWS[kind]))


@pytest.mark.parametrize("kind", STAGES)
def test_the_spec_after_a_stage_names_its_columns(kind: str) -> None:
    chain = chain_from_json(ROWS[kind])
    state, after = chain.start(SPEC)
    y, _ = chain.step(noise(60), state)
    assert y.shape[1] == len(after.channels)
    assert chain.delay_s(SPEC) >= 0


@pytest.mark.parametrize("kind", STAGES)
def test_a_dead_channel_gives_finite_numbers(kind: str) -> None:
    x = noise(300)
    x[:, 2] = 0
    assert np.isfinite(in_chunks(chain_from_json(ROWS[kind]), x, [])).all()


def test_an_unknown_stage_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(Refused, match=r'no stage "bandpas".*"bandpass"'):
        from_row(STAGES, {"kind": "bandpas"}, "stage")


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(Refused, match=r"not \['low'\]"):
        from_row(STAGES, {"kind": "highpass", "low": 2.0}, "stage")


def test_a_missing_setting_is_refused() -> None:
    with pytest.raises(Refused, match=r"lacks the settings \['low_hz'\]"):
        from_row(STAGES, {"kind": "highpass"}, "stage")


def test_rows_are_written_as_they_are_read() -> None:
    row = to_row(STAGES, Highpass(2.0))
    assert row == {"kind": "highpass", "low_hz": 2.0, "order": 3}


@pytest.mark.parametrize(
    ("order", "low_hz", "high_hz", "rate_hz"),
    [(4, 20.0, 450.0, 2000.0), (3, 2.0, None, 200.0), (2, 20.0, 90.0, 200.0), (1, 5.0, None, 1e3)],
)
def test_designs_agree_with_scipy(
    order: int, low_hz: float, high_hz: float | None, rate_hz: float
) -> None:
    from scipy.signal import butter, sosfreqz

    edges = (low_hz, high_hz) if high_hz else low_hz
    kind = "bandpass" if high_hz else "highpass"
    hz = np.linspace(rate_hz / 2000, rate_hz / 2 * 0.999, 400)
    _, ours = sosfreqz(butterworth(order, low_hz, high_hz, rate_hz), hz, fs=rate_hz)
    _, theirs = sosfreqz(butter(order, edges, kind, fs=rate_hz, output="sos"), hz, fs=rate_hz)
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)


def test_the_notch_agrees_with_scipy() -> None:
    from scipy.signal import iirnotch

    b, a = iirnotch(50.0, 30.0, 2000.0)
    np.testing.assert_allclose(notch(50.0, 30.0, 2000.0)[0], [*b, *a], rtol=1e-12)


def test_the_fast_kernel_is_scipys_and_agrees_with_its_public_function() -> None:
    sos = butterworth(4, 20.0, 450.0, 2000.0)
    x = np.random.default_rng(1).normal(size=(16, 100))
    delays = np.zeros((16, len(sos), 2))
    y, slow_delays = x.copy(), delays.copy()
    kernel()(sos, x, delays)
    slow_kernel(sos, y, slow_delays)
    assert kernel() is not slow_kernel
    np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(delays, slow_delays, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "stage", [Bandpass(20, 450), Bandpass(90, 20), Highpass(120), Notch(150), Notch(0)]
)
def test_a_filter_that_does_not_fit_the_rate_is_refused(stage: Any) -> None:
    with pytest.raises(Refused, match=r"200\.0 Hz"):
        stage.start(SPEC)


@pytest.mark.parametrize(("length", "hop"), [(10, 0), (10, 11)])
def test_windows_that_leave_holes_are_refused(length: int, hop: int) -> None:
    with pytest.raises(Refused, match="needs a hop"):
        Windows(length, hop).start(SPEC)


def test_a_window_holds_its_newest_sample_last() -> None:
    x = np.arange(8 * 60, dtype=np.float32).reshape(60, 8)
    chain = chain_from_json([CUT])
    y = in_chunks(chain, x, [])
    assert y.shape == (2, 8, 52)
    np.testing.assert_array_equal(y[1], x[5:57].T)


def test_recentring_whitens_what_it_was_calibrated_on() -> None:
    rng = np.random.default_rng(3)
    x = (rng.normal(size=(20_000, 8)) @ rng.normal(size=(8, 8))).astype(np.float32) * 10
    reference = tuple(map(tuple, (x.T @ x / len(x)).astype(float).tolist()))
    stage = Recentre(reference, prior_blocks=0)
    y, _ = stage.step(x, stage.start(SPEC)[0])
    np.testing.assert_allclose(y.T @ y / len(y), np.eye(8), atol=0.02)


def test_recentring_follows_a_changed_gain_and_stops_at_its_bound() -> None:
    x = noise(40_000) / np.float32(20)
    stage = Recentre(tuple(map(tuple, IDENTITY)), prior_blocks=10, ridge=1e-3, bound=50.0)
    y, _ = stage.step(x * 4, stage.start(SPEC)[0])
    assert float(y[-4000:].std()) == pytest.approx(1.0, abs=0.1)
    bounded = Recentre(tuple(map(tuple, IDENTITY)), prior_blocks=10, ridge=1e-3, bound=1.0)
    y, _ = bounded.step(x * 4, bounded.start(SPEC)[0])
    assert float(y[-4000:].std()) > 2.0


def test_a_long_rest_becomes_no_centre_where_blocks_alike_count_together() -> None:
    rng = np.random.default_rng(8)
    moves = [rng.normal(size=(600, 8)) * rng.uniform(0.5, 2.0, 8) for _ in range(6)]
    rest = rng.normal(size=(12_000, 8)) * 0.1
    x = np.concatenate([*moves, rest, *moves]).astype(np.float32)
    how = {"prior_blocks": 30, "ridge": 1e-4, "bound": 50.0}
    even, plain = (
        Recentre(tuple(map(tuple, IDENTITY)), alike_blocks=alike, **how) for alike in (5.0, 0.0)
    )
    last = slice(len(x) - 600, len(x))
    loud = [float(in_chunks(Chain((stage,)), x, [])[last].std()) for stage in (even, plain)]
    assert loud[0] < 2.0 < 2 * loud[0] < loud[1]


@given(st.lists(st.integers(1, 2999), max_size=6, unique=True))
def test_blocks_alike_count_together_however_the_stream_is_cut(cuts: list[int]) -> None:
    row = {"kind": "recentre", "reference": IDENTITY, "prior_blocks": 3, "block_samples": 16}
    chain = chain_from_json([row | {"alike_blocks": 2.0}])
    x = noise(3000) * np.repeat([1.0, 0.05], 1500)[:, None].astype(np.float32)
    np.testing.assert_array_equal(in_chunks(chain, x, sorted(cuts)), in_chunks(chain, x, []))


def test_old_blocks_are_forgotten_where_blocks_alike_count_together() -> None:
    stage = Recentre(tuple(map(tuple, IDENTITY)), 10, 8, 1e-3, 50.0, alike_blocks=5.0)
    state = stage.start(SPEC)[0]
    for x in (noise(8 * MEMORY_BLOCKS, 1), noise(8 * 30, 2)):
        _, state = stage.step(x, state)
    assert state.seen.logs.shape == (MEMORY_BLOCKS, 36)
    away = ((state.seen.logs[:, None] - state.seen.logs[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(state.seen.crowds, (away < ALIKE * 72 / 8).sum(axis=1))


@pytest.mark.parametrize(
    "change",
    [
        {"alike_blocks": -1.0},
        {"reference": ((1.0,),)},
        {"reference": tuple(map(tuple, (-np.eye(8)).tolist()))},
        {"block_samples": 4},
        {"ridge": 0.0},
    ],
)
def test_recentring_that_cannot_work_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        Recentre(**{"reference": tuple(map(tuple, IDENTITY)), **change}).start(SPEC)

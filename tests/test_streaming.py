"""A temporal network that runs on the newest samples alone gives what it gives on whole windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from acquisition.stream import Chunk, Refused
from models.artifact import open_artifact
from models.contract import Contract, Tensor
from models.contract_json import from_bytes, to_bytes
from models.decoder import Decoder
from models.runtimes import OnnxRuntime, StreamRuntime
from tests.learning_rig import GESTURES, session
from tests.test_networks import FIT
from training.cost import counted
from training.networks.tcn import dilations
from training.recipe import Recipe, Signal
from training.run import as_session
from training.train import (
    Calibrated,
    calibrate,
    calibration_windows,
    deploy,
    draft_contract,
    float_graph,
    provenance,
)

pytestmark = pytest.mark.slow

RECIPE = Recipe("tcn", FIT, FIT, width=16, network="tcn")
STREAMING = replace(RECIPE, streaming=True)


@pytest.fixture(scope="module")
def learnt() -> Calibrated:
    return calibrate(RECIPE, None, session(0), GESTURES, "rest")


def draft(recipe: Recipe, learnt: Calibrated) -> Contract:
    origin = provenance("simulator", "0" * 64, {}, 0, {})
    return draft_contract(recipe, learnt, session(0)[0].spec, GESTURES, "rest", origin)


@pytest.fixture(scope="module")
def deployed(learnt: Calibrated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    windows = calibration_windows(learnt.windows)
    for name, recipe in (("whole", RECIPE), ("stream", STREAMING)):
        path = folder / f"{name}.onnx"
        deploy(path, learnt.module, draft(recipe, learnt), windows, learnt.golden)
    return folder


def outputs(path: Path, lost: dict[int, int] | None = None) -> np.ndarray:
    """(decision, gesture) probabilities through the live decoder; `lost`: chunk -> samples."""
    artifact = open_artifact(path)
    decoder = Decoder(artifact)
    state, out = decoder.start(), []
    samples = as_session(session(0, 1, 51)).samples
    for i in range(len(samples) // 3):
        chunk = Chunk(samples[3 * i : 3 * i + 3], 3 * i / 200, (lost or {}).get(i, 0))
        for window in decoder.push(chunk, state):
            out.append(artifact.runtime.run(window.x, state.network)[0].copy())
    return np.array(out)


@pytest.mark.parametrize("lost", [{}, {100: 3, 200: 40, 203: 40, 400: 400}])
def test_newest_samples_alone_give_what_whole_windows_give(
    deployed: Path, lost: dict[int, int]
) -> None:
    whole = outputs(deployed / "whole.float.onnx", lost)
    stream = outputs(deployed / "stream.float.onnx", lost)
    assert len(whole) > 500
    np.testing.assert_allclose(stream, whole, rtol=1e-5, atol=1e-5)


def test_the_int8_stream_decides_as_the_float_one(deployed: Path) -> None:
    small = outputs(deployed / "stream.onnx")
    full = outputs(deployed / "stream.float.onnx")
    assert (small.argmax(1) == full.argmax(1)).mean() > 0.98


def test_a_window_twice_as_long_costs_a_stream_a_block_or_two_and_a_window_everything() -> None:
    macs = {}
    for samples_n in (52, 100):
        signal = Signal(window_samples=samples_n)
        for recipe in (RECIPE, STREAMING):
            longer = replace(recipe, signal=signal)
            made = calibrate(
                replace(longer, finetune=replace(FIT, steps=2)), None, session(0), GESTURES, "rest"
            )
            graph = float_graph(made.module, draft(longer, made))
            macs[samples_n, recipe.streaming] = counted(graph)[1]
    block = 16 * 16 * 3
    assert macs[100, True] - macs[52, True] <= 2 * block
    assert macs[100, False] > 1.8 * macs[52, False]
    assert macs[52, False] > 4 * macs[52, True]


def test_a_stream_that_begins_anew_forgets(deployed: Path) -> None:
    artifact = open_artifact(deployed / "stream.float.onnx")
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, *artifact.contract.input.shape)).astype(np.float32)
    memory = artifact.runtime.start()
    artifact.runtime.run(first, memory)
    carried = artifact.runtime.run(second, memory).copy()
    fresh = artifact.runtime.run(second, artifact.runtime.start()).copy()
    np.testing.assert_array_equal(fresh, artifact.runtime.run(second))
    assert not np.allclose(carried, fresh)


@pytest.mark.parametrize("frames_n", [2, 3, 7, 8, 9, 14, 40])
def test_blocks_see_all_frames_and_none_before(frames_n: int) -> None:
    found = dilations(frames_n)
    assert 1 + sum(found) == frames_n
    assert all(b <= 1 + sum(found[:i]) for i, b in enumerate(found))  # no frame is skipped


def test_a_contract_with_a_memory_is_read_back_and_one_without_has_none(
    learnt: Calibrated,
) -> None:
    with_it, without = draft(STREAMING, learnt), draft(RECIPE, learnt)
    assert from_bytes(to_bytes(with_it)).stream == with_it.stream
    assert b'"stream"' not in to_bytes(without)
    assert from_bytes(to_bytes(without)).stream is None


def test_a_graph_with_other_states_than_its_contract_is_refused(learnt: Calibrated) -> None:
    right = draft(STREAMING, learnt)
    graph = float_graph(learnt.module, right)
    assert right.stream is not None
    fewer = replace(right.stream, states=right.stream.states[1:], after=right.stream.after[1:])
    with pytest.raises(Refused, match="other states than its contract"):
        StreamRuntime(graph, replace(right, stream=fewer))
    first = Tensor("state0", (1, 8, 1, 3), "float32")
    other = replace(right.stream, states=(first, *right.stream.states[1:]))
    with pytest.raises(Refused, match="state0"):
        StreamRuntime(graph, replace(right, stream=other))
    with pytest.raises(Refused, match="names no states"):
        StreamRuntime(graph, replace(right, stream=None))
    with pytest.raises(Refused):
        OnnxRuntime(graph, right)


def test_a_family_without_a_streaming_form_is_refused() -> None:
    recipe = replace(STREAMING, network="gru", finetune=replace(FIT, steps=1))
    made = calibrate(recipe, None, session(0), GESTURES, "rest")
    with pytest.raises(Refused, match='"gru" has no streaming form; take "tcn"'):
        draft(recipe, made)


def test_a_stream_as_tflite_is_refused(learnt: Calibrated) -> None:
    from models.runtimes import open_runtime

    with pytest.raises(Refused, match=r"runs from \.onnx"):
        open_runtime(".tflite", b"", draft(STREAMING, learnt))


def test_torch_and_the_graph_agree_on_a_window(learnt: Calibrated, deployed: Path) -> None:
    artifact = open_artifact(deployed / "stream.float.onnx")
    x = learnt.windows.windows(np.arange(0, 200, 40))[:, :, None, :]
    with torch.no_grad():
        want = learnt.module(torch.from_numpy(x)).numpy()
    got = np.concatenate([artifact.runtime.run(one[None]).copy() for one in x])
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)

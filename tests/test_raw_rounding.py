"""The graph of a network with a head is made small as its recipe says."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from torch import nn

from acquisition.stream import Refused
from training.quantize import to_onnx
from training.raw_rounding import rounded
from training.recipe import AWARE, FLOAT, STATIC, WEIGHTS

RNG = np.random.default_rng(0)
QUIET = RNG.normal(size=(200, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def graph() -> bytes:
    torch.manual_seed(0)
    return to_onnx(nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 4)), (1, 16))


def said(graph: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    session = InferenceSession(graph, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": one[None]})[0] for one in x])


def weights_of(graph: bytes) -> list[int]:
    """Types of the matrices."""
    held = onnx.load_from_string(graph).graph.initializer
    return [weight.data_type for weight in held if len(weight.dims) > 1 and min(weight.dims) > 1]


@pytest.mark.parametrize("how", [STATIC, WEIGHTS])
def test_matrices_become_int8(graph: bytes, how: str) -> None:
    small, told = rounded(graph, QUIET, None, how)
    assert weights_of(small) == [onnx.TensorProto.INT8] * 2
    assert "int8 weights per channel" in told.method
    assert len(small) < len(graph)


def test_rounded_weights_alone_stay_near_float_whatever_the_signal(graph: bytes) -> None:
    """Static scales are those of the signals that it was shown."""
    loud = 30 * QUIET
    full = said(graph, loud)
    away = {
        how: np.abs(said(rounded(graph, QUIET, None, how)[0], loud) - full).max() / full.std()
        for how in (STATIC, WEIGHTS)
    }
    assert away[WEIGHTS] < 0.1
    assert away[STATIC] > 1


@pytest.mark.parametrize(("how", "operators"), [(FLOAT, None), (STATIC, ()), (WEIGHTS, ())])
def test_a_graph_stays_float_where_it_is_said_or_where_nothing_is_worth_rounding(
    graph: bytes, how: str, operators: tuple[str, ...] | None
) -> None:
    small, told = rounded(graph, QUIET, operators, how)
    assert small == graph
    assert told.method == "none"


def test_weights_of_operators_that_a_family_keeps_float_stay_so(graph: bytes) -> None:
    assert weights_of(rounded(graph, QUIET, ("Conv",), WEIGHTS)[0]) == [onnx.TensorProto.FLOAT] * 2


def test_training_to_be_rounded_is_refused(graph: bytes) -> None:
    with pytest.raises(Refused, match='"static", "weights" or "float", not "aware"'):
        rounded(graph, QUIET, None, AWARE)

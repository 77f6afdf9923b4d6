"""int8 weights with float activations: what is rounded, and by how much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnxruntime import InferenceSession, SessionOptions
from torch import nn

from models import onnx_file
from training.quantize import to_onnx
from training.weights_int8 import to_int8_weights

FLOAT = onnx.TensorProto.FLOAT


class Toy(nn.Module):
    """A convolution and a linear layer, as a network has them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.filters = nn.Conv2d(1, 6, (1, 3))
        self.head = nn.Linear(6 * 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.filters(x)).flatten(1))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def graph() -> bytes:
    return to_onnx(Toy(), (1, 1, 1, 10))


def said(graph: bytes, x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    session = InferenceSession(graph, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def kinds(graph: bytes) -> dict[str, int]:
    """Name of a weight -> its type."""
    return {w.name: w.data_type for w in onnx.load_from_string(graph).graph.initializer}


def test_weights_become_int8_and_answers_stay(graph: bytes) -> None:
    small = to_int8_weights(graph)
    onnx_file.check(small)
    held = kinds(small)
    assert held["filters.weight_int8"] == held["head.weight_int8"] == onnx.TensorProto.INT8
    assert "filters.weight" not in held
    for gain in (1.0, 1000.0):
        x = gain * np.random.default_rng(1).normal(size=(1, 1, 1, 10)).astype(np.float32)
        exact = said(graph, x)
        assert np.abs(said(small, x) - exact).max() < 0.02 * np.abs(exact).max()


def test_each_output_has_a_scale_of_its_own() -> None:
    """One weak output beside a strong one is as exact, whichever way the weight lies."""
    toy = Toy()
    with torch.no_grad():
        toy.filters.weight[0] *= 1e-4
        toy.head.weight[0] *= 1e-4
    graph = to_onnx(toy, (1, 1, 1, 10))
    x = np.random.default_rng(2).normal(size=(1, 1, 1, 10)).astype(np.float32)
    exact, got = said(graph, x)[0], said(to_int8_weights(graph), x)[0]
    toy_bias = float(toy.head.bias.detach()[0])
    assert abs(got[0] - exact[0]) < 0.02 * abs(exact[0] - toy_bias)


def test_only_the_operators_that_are_named_are_rounded(graph: bytes) -> None:
    held = kinds(to_int8_weights(graph, ("Conv",)))
    assert held["head.weight"] == onnx.TensorProto.FLOAT
    assert held["filters.weight_int8"] == onnx.TensorProto.INT8


def test_a_channel_of_zeros_stays_zero() -> None:
    toy = Toy()
    with torch.no_grad():
        toy.head.weight.zero_()
    small = to_int8_weights(to_onnx(toy, (1, 1, 1, 10)))
    got = said(small, np.ones((1, 1, 1, 10), np.float32))[0]
    np.testing.assert_array_equal(got, toy.head.bias.detach().numpy())


class Course(nn.Module):
    """A recurrent layer, whose gates ONNX has in another order than torch."""

    def __init__(self, cell: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cell = cell(4, 6, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cell(x)[0][:, -1]  # type: ignore[no-any-return]


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_weights_of_recurrent_layers_become_int8_too(cell: type[nn.LSTM] | type[nn.GRU]) -> None:
    graph = to_onnx(Course(cell), (1, 9, 4))
    small = to_int8_weights(graph)
    wide = [w for w in onnx.load_from_string(small).graph.initializer if w.data_type == FLOAT]
    assert max(len(numpy_helper.to_array(w).ravel()) for w in wide) <= 48, "no more than a bias"
    x = np.random.default_rng(1).normal(size=(1, 9, 4)).astype(np.float32)
    exact = said(graph, x)
    assert np.abs(said(small, x) - exact).max() < 0.02 * np.abs(exact).max()


def test_weights_are_made_float_once_and_not_in_every_call(graph: bytes, tmp_path: Path) -> None:
    options = SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "running.onnx")
    InferenceSession(to_int8_weights(graph), options, providers=["CPUExecutionProvider"])
    running = [node.op_type for node in onnx.load(tmp_path / "running.onnx").graph.node]
    assert running
    assert not {"Cast", "Mul", "DequantizeLinear"} & set(running)

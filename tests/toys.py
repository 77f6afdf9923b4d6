"""A small network with known weights, made without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from acquisition.stream import Chunk, Spec
from models.contract import Contract, Provenance, Quantization, Tensor
from models.decision import Proportional, Reject
from preprocessing.filters import Highpass
from preprocessing.stage import Chain
from preprocessing.windows import Windows

SPEC = Spec(200.0, tuple(f"emg{i + 1}" for i in range(8)), "raw", 1.0, 127.0)
LABELS = ("rest", "close", "open")
SHAPE = (1, 8, 1, 52)


def toy_graph(outputs: int = 3, domain: str = "", op: str = "ReduceMean") -> bytes:
    """Loud channels 1..4 vote for close, 5..8 for open, silence for rest."""
    weights = np.zeros((8, outputs), np.float32)
    weights[:4, 1] = weights[4:, min(2, outputs - 1)] = 1.0
    bias = np.zeros(outputs, np.float32)
    bias[0] = 20.0
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["square"]),
        helper.make_node(op, ["square", "axes"], ["power"], keepdims=0, domain=domain),
        helper.make_node("Gemm", ["power", "w", "b"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, outputs))],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(bias, "b"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return bytes(model.SerializeToString())


def toy_contract(**changes: Any) -> Contract:
    from training.export import NO_GOLDEN

    settings: dict[str, Any] = {
        "name": "toy",
        "spec": SPEC,
        "chain": Chain((Highpass(2.0), Windows(52, 5))),
        "decision": (
            Reject(0.5),
            Proportional((("rest", 1.0), ("close", 40.0), ("open", 40.0))),
        ),
        "labels": LABELS,
        "rest": "rest",
        "input": Tensor("x", SHAPE, "float32"),
        "output": Tensor("logits", (1, 3), "float32"),
        "quantization": Quantization("none", "", 1.0, 0.0),
        "golden": NO_GOLDEN,
        "provenance": Provenance("toy", "0" * 64, {"train": ("nobody",)}, 0, "unknown", {}),
        "digest": "",
        **changes,
    }
    return Contract(**settings)


def toy_artifact(folder: Path, **changes: Any) -> Any:
    from training.export import write_artifact

    return write_artifact(
        folder / "toy.onnx", toy_graph(), toy_contract(**changes), signal("close", 80)
    )


def signal(gesture: str, n: int, seed: int = 0) -> Any:
    """(time, 8) of one held gesture."""
    x = np.random.default_rng(seed).normal(size=(n, 8))
    x[:, :4] *= 30 if gesture == "close" else 1
    x[:, 4:] *= 30 if gesture == "open" else 1
    return np.clip(x.round(), -127, 127).astype(np.float32)


def chunks(x: Any, size: int = 2, start_s: float = 100.0) -> list[Chunk]:
    """As an armband sends them."""
    return [Chunk(x[i : i + size], start_s + i / 200) for i in range(0, len(x), size)]


def reload(graph: bytes) -> Any:
    return onnx.load_from_string(graph)

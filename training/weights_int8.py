"""int8 weights with float activations: small as int8, and nearly as exact as float.

For estimates, and for a projection of features: what follows them is an angle or a distance, where
each step of a rounded activation shows. Weights are a smaller part of the error, and the larger
part of the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

METHOD = "int8 weights per channel, float activations"
ALL = ("Conv", "Gemm")
LEAST = 1e-8
"""Smallest largest weight of a channel, so that a channel of zeros has a scale."""


def to_int8_weights(graph: bytes, operators: Sequence[str] | None = None) -> bytes:
    """A float graph with the weights of those operators as int8, one scale for each output; None:
    of all that are in ALL.

    Nothing is calibrated, so no signal can be stronger than what was seen.
    """
    model = onnx.load_from_string(graph)
    held = {w.name: w for w in model.graph.initializer}
    unpacked = []
    for node in model.graph.node:
        if node.op_type in (operators or ALL) and node.input[1] in held:
            name, axis = node.input[1], _outputs_axis(node)
            weight = numpy_helper.to_array(held[name])
            model.graph.initializer.remove(held.pop(name))
            model.graph.initializer.extend(_packed(weight, axis, name))
            words = [f"{name}_{part}" for part in ("int8", "scale", "zero")]
            unpacked.append(helper.make_node("DequantizeLinear", words, [name], axis=axis))
    for place, node in enumerate(unpacked):
        model.graph.node.insert(place, node)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _packed(weight: np.ndarray, axis: int, name: str) -> list[onnx.TensorProto]:  # type: ignore[type-arg]
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.maximum(np.abs(weight).max(axis=others), LEAST) / 127
    shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
    steps = np.round(weight / scale.reshape(shape)).astype(np.int8)
    parts = (steps, scale.astype(np.float32), np.zeros(len(scale), np.int8))
    names = (f"{name}_int8", f"{name}_scale", f"{name}_zero")
    return [numpy_helper.from_array(x, n) for x, n in zip(parts, names, strict=True)]


def _outputs_axis(node: onnx.NodeProto) -> int:
    """Of the weight: convolutions have outputs first; a matrix product last, but where turned."""
    if node.op_type == "Conv":
        return 0
    return 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1

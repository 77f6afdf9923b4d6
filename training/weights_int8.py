"""int8 weights with float activations: small as int8, nearly as exact as float, and as fast.

Where each step of a rounded activation shows: in estimates, in a projection of features, in a
network whose inputs span decades. Weights are a smaller part of the error, and the larger part of
the bytes. The graph makes them float again by a cast and a product of constants, which onnxruntime
works out once, when it loads; it would work DequantizeLinear out in every call (a tcn of width 64
takes 50 us instead of 32). It has no int8 form of recurrent layers at all: this is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

METHOD = "int8 weights per channel, float activations"
RECURRENT = ("LSTM", "GRU")
ALL = ("Conv", "Gemm", "MatMul", *RECURRENT)
ORDERING = ("Slice", "Concat", "Unsqueeze")
"""What stands between a recurrent layer and its weights: ONNX wants the gates in another order."""
LEAST = 1e-8
"""Smallest largest weight of a channel, so that a channel of zeros has a scale."""


def to_int8_weights(graph: bytes, operators: Sequence[str] | None = None) -> bytes:
    """A float graph with the weights of those operators as int8, one scale for each output; None:
    of all that are in ALL. Recurrent layers are always among them, for they have no other int8.

    Nothing is calibrated, so no signal can be stronger than what was seen.
    """
    model = onnx.load_from_string(graph)
    held = {w.name: w for w in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    unpacked = []
    for node in list(model.graph.node):
        if node.op_type not in (*(operators or ALL), *RECURRENT):
            continue
        for name in _weights(node, makers, held):
            weight = numpy_helper.to_array(held[name])
            model.graph.initializer.remove(held.pop(name))
            model.graph.initializer.extend(_packed(weight, _outputs_axis(node, weight), name))
            words = [f"{name}_{part}" for part in ("int8", "float", "scale")]
            unpacked.append(helper.make_node("Cast", words[:1], words[1:2], to=1))
            unpacked.append(helper.make_node("Mul", words[1:], [name]))
    for place, node in enumerate(unpacked):
        model.graph.node.insert(place, node)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _weights(
    node: onnx.NodeProto,
    makers: Mapping[str, onnx.NodeProto],
    held: Mapping[str, onnx.TensorProto],
) -> Iterator[str]:
    """Names of the tensors that hold an operator's weights."""
    left = list(node.input[1:3] if node.op_type in RECURRENT else node.input[1:2])
    found = set()
    while left:
        name = left.pop(0)
        if name in held:
            if held[name].data_type == onnx.TensorProto.FLOAT and len(held[name].dims) > 1:
                found.add(name)
        elif name in makers and makers[name].op_type in ORDERING:
            left.extend(makers[name].input)
    yield from sorted(found)


def _packed(weight: np.ndarray, axis: int, name: str) -> list[onnx.TensorProto]:  # type: ignore[type-arg]
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.maximum(np.abs(weight).max(axis=others, keepdims=True), LEAST) / 127
    steps = np.round(weight / scale).astype(np.int8)
    return [
        numpy_helper.from_array(steps, f"{name}_int8"),
        numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"),
    ]


def _outputs_axis(node: onnx.NodeProto, weight: np.ndarray) -> int:  # type: ignore[type-arg]
    """Of the weight: convolutions have outputs first; recurrent layers and turned products before
    the inputs, which are last; other products last."""
    if node.op_type == "Conv":
        return 0
    turned = node.op_type in RECURRENT or any(a.name == "transB" and a.i for a in node.attribute)
    return weight.ndim - (2 if turned else 1)

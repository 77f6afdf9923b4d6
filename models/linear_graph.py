"""A linear layer as an ONNX graph, written without the onnx package: what a device fits itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.onnx_file import MODEL_GRAPH, MODEL_OPSET, encode_field, encode_number

IR_VERSION, OPSET = 8, 13
"""Of 2021: every onnxruntime that is still in use reads them."""
FLOAT = 1
"""TensorProto.DataType"""
INPUT, OUTPUT = "x", "logits"


def linear_graph(weights: NDArray[Any], offsets: NDArray[Any]) -> bytes:
    """The graph of x @ weights + offsets as float32: input "x" (1, feature), output "logits"
    (1, output). weights: (feature, output), offsets: (output,)."""
    features_n, outputs_n = weights.shape
    node = b"".join(encode_field(1, name.encode()) for name in (INPUT, "weights", "offsets"))
    node += encode_field(2, OUTPUT.encode()) + encode_field(4, b"Gemm")
    graph = (
        encode_field(1, node)
        + encode_field(2, b"linear")
        + encode_field(5, _tensor("weights", weights))
        + encode_field(5, _tensor("offsets", offsets))
        + encode_field(11, _value(INPUT, (1, features_n)))
        + encode_field(12, _value(OUTPUT, (1, outputs_n)))
    )
    opset = encode_field(1, b"") + encode_number(2, OPSET)
    return (
        encode_number(1, IR_VERSION)
        + encode_field(MODEL_GRAPH, graph)
        + encode_field(MODEL_OPSET, opset)
    )


def _tensor(name: str, values: NDArray[Any]) -> bytes:
    data = np.ascontiguousarray(values, "<f4")
    dims = b"".join(encode_number(1, n) for n in data.shape)
    named = encode_field(8, name.encode())
    return dims + encode_number(2, FLOAT) + named + encode_field(9, data.tobytes())


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(encode_field(1, encode_number(1, n)) for n in shape)
    kind = encode_field(1, encode_number(1, FLOAT) + encode_field(2, dims))
    return encode_field(1, name.encode()) + encode_field(2, kind)

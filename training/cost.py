"""What a network costs: parameters, multiplications, bytes and microseconds."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference

from models.artifact import Artifact

GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}


@dataclass(frozen=True)
class Cost:
    """Of one decision."""

    parameters_n: int
    macs_n: int
    """multiplications with addition in convolutions, matrix products and recurrent layers"""
    bytes_n: int
    """of the artifact, contract included"""
    hop_us: float
    """median of one call of the runtime on this machine, now"""


def cost(small: Artifact, full: Artifact) -> Cost:
    """Of an artifact and its float twin: the graph is counted in the twin, where no weight is
    split into scales and roundings."""
    parameters_n, macs_n = counted(Path(full.path).read_bytes())
    return Cost(parameters_n, macs_n, small.bytes_n, hop_us(small))


def hop_us(artifact: Artifact, repeats: int = 300) -> float:
    """Median microseconds of a decision; a streaming network's first window is not counted."""
    x = np.zeros(artifact.contract.input.shape, np.float32)
    state, taken = artifact.runtime.start(), []
    artifact.runtime.run(x, state)
    for _ in range(repeats):
        begin = time.perf_counter()
        artifact.runtime.run(x, state)
        taken.append(time.perf_counter() - begin)
    return 1e6 * float(np.median(taken))


def counted(graph: bytes) -> tuple[int, int]:
    """(parameters, multiplications with addition per call) of a float .onnx graph."""
    model = shape_inference.infer_shapes(onnx.load_from_string(graph))
    weights = {w.name: tuple(w.dims) for w in model.graph.initializer}
    shapes = dict(weights)
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        shapes[value.name] = tuple(dim.dim_value for dim in dims)
    for node in model.graph.node:
        if node.op_type == "Constant":
            shapes[node.output[0]] = numpy_helper.to_array(node.attribute[0].t).shape
    floats = [w for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT]
    parameters_n = sum(math.prod(w.dims) for w in floats)
    return parameters_n, sum(_macs(node, shapes) for node in model.graph.node)


def _macs(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    if node.op_type == "Conv":
        return math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "Gemm":
        flipped = any(a.name == "transA" and a.i for a in node.attribute)
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if flipped else -1]
    if node.op_type == "MatMul":
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    if node.op_type in GATES:
        steps_n, batch_n, into_n = shapes[node.input[0]]
        hidden_n = shapes[node.input[2]][-1]
        return steps_n * batch_n * GATES[node.op_type] * hidden_n * (into_n + hidden_n)
    return 0

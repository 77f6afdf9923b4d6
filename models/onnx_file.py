"""The bytes of an .onnx file: its metadata, its graph's digest and what is refused in it.

The device has no onnx package; the wire format of protocol buffers is simple enough to walk.
Field numbers: onnx/onnx.proto, stable since version 3 of the format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from acquisition.stream import Refused

MODEL_GRAPH, MODEL_OPSET, MODEL_METADATA, MODEL_FUNCTIONS = 7, 8, 14, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OP, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = (5, 10), (6, 11)
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14

MAX_NODES = 2000
OPERATORS = frozenset(
    {
        "Add",
        "AveragePool",
        "BatchNormalization",
        "Cast",
        "Clip",
        "Concat",
        "Constant",
        "Conv",
        "DequantizeLinear",
        "Div",
        "Erf",
        "Exp",
        "Expand",
        "Flatten",
        "GRU",
        "Gather",
        "Gelu",
        "Gemm",
        "GlobalAveragePool",
        "Identity",
        "LSTM",
        "LayerNormalization",
        "Log",
        "MatMul",
        "MaxPool",
        "Mul",
        "Pad",
        "Pow",
        "QuantizeLinear",
        "ReduceMean",
        "ReduceSum",
        "Relu",
        "Reshape",
        "Shape",
        "Sigmoid",
        "Slice",
        "Softmax",
        "Split",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Tanh",
        "Transpose",
        "Unsqueeze",
    }
)
"""What a network here may be made of. No loops, no custom code."""


class Field(NamedTuple):
    """One field of a message, and where it lies."""

    number: int
    value: bytes
    varint: int
    start: int
    end: int


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a message in order. Refuses what is cut or malformed."""
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        wire = key & 7
        value, number = b"", 0
        if wire == 0:
            number, at = _varint(data, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        elif wire == 2:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            raise Refused("The artifact is damaged: it is not a readable ONNX file.")
        if at > len(data):
            raise Refused("The artifact is damaged: it ends in the middle of a field.")
        yield Field(key >> 3, value, number, start, at)


def read(data: bytes) -> tuple[dict[str, bytes], str]:
    """(metadata, SHA-256 of everything but the metadata)."""
    metadata: dict[str, bytes] = {}
    graph = hashlib.sha256()
    for field in fields(data):
        if field.number == MODEL_METADATA:
            pair = {f.number: f.value for f in fields(field.value)}
            metadata[pair.get(1, b"").decode("utf-8", "replace")] = pair.get(2, b"")
        else:
            graph.update(data[field.start : field.end])
    return metadata, graph.hexdigest()


def with_metadata(data: bytes, key: str, value: bytes) -> bytes:
    """The file with `key` as its only metadata."""
    kept = b"".join(data[f.start : f.end] for f in fields(data) if f.number != MODEL_METADATA)
    return kept + encode_field(
        MODEL_METADATA, encode_field(1, key.encode()) + encode_field(2, value)
    )


def check(data: bytes) -> None:
    """Refuses external data, foreign operators and domains, functions, and too many nodes."""
    for field in fields(data):
        if field.number == MODEL_FUNCTIONS:
            raise Refused("The artifact defines functions of its own, which are not run here.")
        if field.number == MODEL_OPSET:
            _check_domain(next((f.value for f in fields(field.value) if f.number == 1), b""))
        if field.number == MODEL_GRAPH:
            _check_graph(field.value)


def _check_graph(graph: bytes) -> None:
    nodes_n = 0
    for field in fields(graph):
        if field.number == GRAPH_NODE:
            nodes_n += 1
            _check_node(field.value)
        elif field.number == GRAPH_INITIALIZER:
            _check_tensor(field.value)
        elif field.number == GRAPH_SPARSE:
            raise Refused("The artifact holds sparse tensors, which are not read here.")
    if nodes_n > MAX_NODES:
        raise Refused(f"The artifact has {nodes_n} nodes, and {MAX_NODES} is the most allowed.")


def _check_node(node: bytes) -> None:
    for field in fields(node):
        if field.number == NODE_DOMAIN:
            _check_domain(field.value)
        elif field.number == NODE_OP and field.value.decode("utf-8", "replace") not in OPERATORS:
            raise Refused(
                f"The artifact uses the operator {field.value.decode('utf-8', 'replace')}, "
                f"which is not among those allowed here."
            )
        elif field.number == NODE_ATTRIBUTE:
            for part in fields(field.value):
                if part.number in ATTRIBUTE_GRAPHS:
                    raise Refused("The artifact nests graphs in a node, which is not run here.")
                if part.number in ATTRIBUTE_TENSORS:
                    _check_tensor(part.value)


def _check_domain(domain: bytes) -> None:
    if domain not in (b"", b"ai.onnx"):
        raise Refused(
            f'The artifact uses operators of the domain "{domain.decode("utf-8", "replace")}"; '
            f"only standard ONNX operators are run here."
        )


def _check_tensor(tensor: bytes) -> None:
    for field in fields(tensor):
        if field.number == TENSOR_EXTERNAL or (field.number == TENSOR_LOCATION and field.varint):
            raise Refused("The artifact keeps weights in another file, which is never read here.")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise Refused("The artifact is damaged: it ends in the middle of a number.")


def encode_field(number: int, value: bytes) -> bytes:
    """A field that holds bytes, a text or a message."""
    return _encoded(number << 3 | 2) + _encoded(len(value)) + value


def encode_number(number: int, value: int) -> bytes:
    """A field that holds a whole number."""
    return _encoded(number << 3) + _encoded(value)


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)

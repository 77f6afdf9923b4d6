"""Samples of malice for fault 26: artifacts that would run code, read other files, or swell."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flexor.profile import DEMO_ARTIFACT
from models import onnx_file, tflite_file
from models.artifact import CONTRACT_KEY, MAX_BYTES
from models.onnx_file import (
    ATTRIBUTE_GRAPHS,
    GRAPH_INITIALIZER,
    GRAPH_NODE,
    GRAPH_SPARSE,
    MAX_NODES,
    MODEL_FUNCTIONS,
    MODEL_GRAPH,
    MODEL_METADATA,
    MODEL_OPSET,
    NODE_ATTRIBUTE,
    NODE_DOMAIN,
    NODE_OP,
    TENSOR_EXTERNAL,
    TENSOR_LOCATION,
)

DEMO_TFLITE = DEMO_ARTIFACT.with_suffix(".tflite")
ELSEWHERE = (b"../../../etc/passwd", b"/etc/passwd", b"weights.bin")
BOMB_BYTES = 200_000_000
Make = Callable[[Path, Path], None]
"""Writes the file at a path; the folder is where its code would leave a trace."""


class _Code:
    """Unpickled, it would write a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def _pickled(path: Path, folder: Path) -> None:
    path.write_bytes(pickle.dumps(_Code(folder / "ran")))


def _zipped(path: Path, folder: Path) -> None:
    """As torch saves a model."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(_Code(folder / "ran")))


def _link(path: Path, folder: Path) -> None:
    path.symlink_to(DEMO_ARTIFACT)


def _huge(path: Path, folder: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)


def message(number: int, content: bytes | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _with(more: bytes, path: Path, folder: Path) -> None:
    """The demo's artifact with something behind it: readers put repeated parts together."""
    path.write_bytes(DEMO_ARTIFACT.read_bytes() + more)


def _in_graph(*parts: bytes) -> Make:
    return partial(_with, message(MODEL_GRAPH, b"".join(parts)))


def _node(*parts: bytes) -> bytes:
    return message(GRAPH_NODE, b"".join(parts))


def _external(place: bytes) -> Make:
    where = message(1, b"location") + message(2, place)
    tensor = message(TENSOR_EXTERNAL, where) + message(TENSOR_LOCATION, 1)
    return _in_graph(message(GRAPH_INITIALIZER, tensor))


def _nested_contract(path: Path, folder: Path) -> None:
    data = DEMO_ARTIFACT.read_bytes()
    path.write_bytes(onnx_file.with_metadata(data, CONTRACT_KEY, b"[" * 200_000))


def _archive(name: str, content: bytes, path: Path, folder: Path) -> None:
    """The demo's flat buffer with another archive behind it."""
    graph = tflite_file.read(DEMO_TFLITE.read_bytes())[2]
    tail = io.BytesIO()
    tail.write(graph)
    with zipfile.ZipFile(tail, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    path.write_bytes(tail.getvalue())


def _swelling(path: Path, folder: Path) -> None:
    _archive(tflite_file.CONTRACT, b"\0" * BOMB_BYTES, path, folder)


def _no_room(path: Path, folder: Path) -> None:
    """A field that says that it is longer than any memory."""
    path.write_bytes(varint(MODEL_METADATA << 3 | 2) + varint(2**62) + b"x")


MALICE: tuple[tuple[str, Make], ...] = (
    (".onnx", _pickled),
    (".tflite", _pickled),
    (".onnx", _zipped),
    (".tflite", _zipped),
    (".pt", _zipped),
    (".onnx", _link),
    (".onnx", _huge),
    (".onnx", _no_room),
    (".onnx", _nested_contract),
    *((".onnx", _external(place)) for place in ELSEWHERE),
    (".onnx", _in_graph(_node(message(NODE_OP, b"PyOp")))),
    (".onnx", _in_graph(_node(message(NODE_OP, b"Add"), message(NODE_DOMAIN, b"ai.onnx.contrib")))),
    (".onnx", _in_graph(_node(message(NODE_ATTRIBUTE, message(ATTRIBUTE_GRAPHS[0], b""))))),
    (".onnx", _in_graph(message(GRAPH_SPARSE, b""))),
    (".onnx", _in_graph(_node() * (MAX_NODES + 1))),
    (".onnx", partial(_with, message(MODEL_FUNCTIONS, b""))),
    (".onnx", partial(_with, message(MODEL_OPSET, message(1, b"com.example")))),
    (".onnx", _in_graph(_node(message(NODE_OP, b"Relu")))),
    (".tflite", partial(_archive, "../../escaped.json", b"{}")),
    (".tflite", partial(_archive, "/etc/escaped.json", b"{}")),
    (".tflite", _swelling),
)
"""(how the file is called, what writes it)"""

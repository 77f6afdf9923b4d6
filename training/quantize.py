"""From a torch module to the bytes of a small ONNX graph, float or int8."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime import InferenceSession
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.contract import Stream, Tensor
from preprocessing.stage import Array

METHOD = "static QDQ, uint8 activations, int8 weights per channel, min-max"
NOTHING = "none"
INPUT, OUTPUT = "x", "logits"
STREAMED = 4
"""Every how many windows a streaming network is calibrated on: each brings all of its hops."""
OPSET = 20

Feeds = list[dict[str, Array]]
"""What the graph's inputs are to be, call by call."""


def to_onnx(
    module: torch.nn.Module,
    input_shape: tuple[int, ...],
    states: Sequence[Tensor] = (),
    after: Sequence[str] = (),
) -> bytes:
    """The float graph of an eval-mode module with one input (1, ...) and one output (1, n), and
    states in and out where it has some.

    Equal modules give equal bytes: traces, documentation and names of files are stripped.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns of its own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # and of a missing torchvision
        path = Path(folder) / "float.onnx"
        torch.onnx.export(
            module.eval(),
            (torch.zeros(input_shape), *(torch.zeros(state.shape) for state in states)),
            path,
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            input_names=[INPUT, *(state.name for state in states)],
            output_names=[OUTPUT, *after],
            verbose=False,
        )
        return _stripped(onnx.load(path))


def to_int8(graph: bytes, feeds: Feeds, operators: Sequence[str] | None = None) -> bytes:
    """The int8 graph of a float one, calibrated on inputs made of the training data.

    operators: which kinds of node become int8, None for all that can.
    """
    with tempfile.TemporaryDirectory() as folder:
        full, ready, small = (Path(folder) / name for name in ("a.onnx", "b.onnx", "c.onnx"))
        full.write_bytes(graph)
        quiet = logging.getLogger()
        level = quiet.level
        quiet.setLevel(logging.ERROR)
        try:
            quant_pre_process(str(full), str(ready), skip_symbolic_shape=True)
            quantize_static(
                str(ready),
                str(small),
                _Feeds(feeds),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=None if operators is None else list(operators),
            )
        finally:
            quiet.setLevel(level)
        return _stripped(onnx.load(small))


def feeds_of(graph: bytes, windows: Array, stream: Stream | None) -> Feeds:
    """The inputs that windows (window, ...) bring to the float graph: for a streaming one, every
    hop of a window from empty states on, with the states that come about."""
    if stream is None:
        return [{INPUT: window[None].astype(np.float32)} for window in windows]
    session = InferenceSession(graph, providers=["CPUExecutionProvider"])
    hop, feeds = stream.input.shape[-1], []
    for window in windows[::STREAMED]:
        states = {state.name: np.zeros(state.shape, np.float32) for state in stream.states}
        for end in range(hop + window.shape[-1] % hop, window.shape[-1] + 1, hop):
            feed = {INPUT: window[None, ..., end - hop : end].astype(np.float32), **states}
            feeds.append(feed)
            found = session.run(list(stream.after), feed)
            states = {s.name: y for s, y in zip(stream.states, found, strict=True)}
    return feeds


class _Feeds(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Feeds) -> None:
        self._left: Iterator[Any] = iter(feeds)

    def get_next(self) -> dict[str, Array] | None:
        return next(self._left, None)


def _stripped(model: onnx.ModelProto) -> bytes:
    """Without stale shapes, traces and documentation: what is left is the network."""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    model.graph.name = "flexor"
    model.producer_name, model.producer_version = "flexor", ""
    del model.graph.metadata_props[:]
    used = {node.domain for node in model.graph.node}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    for part in (*model.graph.node, *model.graph.input, *model.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
    return bytes(model.SerializeToString(deterministic=True))

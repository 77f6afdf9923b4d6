"""From a torch module to the bytes of a small ONNX graph, float or int8."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from preprocessing.stage import Array

METHOD = "static QDQ, uint8 activations, int8 weights per channel, min-max"
INPUT, OUTPUT = "x", "logits"
OPSET = 20


def to_onnx(module: torch.nn.Module, input_shape: tuple[int, ...]) -> bytes:
    """The float graph of an eval-mode module with one input (1, ...) and one output (1, n).

    Equal modules give equal bytes: traces, documentation and names of files are stripped.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns of its own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # and of a missing torchvision
        path = Path(folder) / "float.onnx"
        torch.onnx.export(
            module.eval(),
            (torch.zeros(input_shape),),
            path,
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )
        return _stripped(onnx.load(path))


def to_int8(graph: bytes, calibration: Array) -> bytes:
    """The int8 graph of a float one, calibrated on windows (window, ...) of the training data."""
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
                _Windows(calibration),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        finally:
            quiet.setLevel(level)
        return _stripped(onnx.load(small))


class _Windows(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, windows: Array) -> None:
        self._left: Iterator[Any] = iter(windows)

    def get_next(self) -> dict[str, Array] | None:
        window = next(self._left, None)
        return None if window is None else {INPUT: window[None].astype(np.float32)}


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

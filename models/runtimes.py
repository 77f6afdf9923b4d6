"""Two runtimes behind one interface: onnxruntime, and LiteRT (or the older tflite-runtime)."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from acquisition.stream import Refused
from models.contract import Contract, Tensor
from preprocessing.stage import Array


class Runtime(Protocol):
    """A network ready to run. One caller at a time."""

    name: str
    """library and version"""

    def run(self, x: Array) -> Array:
        """Logits (1, output) of one input (1, ...) float32. The array is reused: read it before
        the next call."""
        ...


class OnnxRuntime:
    """onnxruntime on one thread, with buffers bound once (IO binding saves 3 to 8 us a call)."""

    def __init__(self, graph: bytes, contract: Contract) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise Refused(f"onnxruntime does not take the artifact's graph ({error}).") from None
        _agree(contract.input, session.get_inputs()[0])
        _agree(contract.output, session.get_outputs()[0])
        self.name = f"onnxruntime {ort.__version__}"
        self._session = session
        self._x = np.zeros(contract.input.shape, np.float32)
        self._y = np.zeros(contract.output.shape, np.float32)
        self._binding = session.io_binding()
        for bind, tensor, buffer in (
            (self._binding.bind_input, contract.input, self._x),
            (self._binding.bind_output, contract.output, self._y),
        ):
            bind(tensor.name, "cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)

    def run(self, x: Array) -> Array:
        self._x[...] = x
        self._session.run_with_iobinding(self._binding)
        return self._y


class LiteRuntime:
    """LiteRT on one thread. int8 tensors at the edge are scaled here."""

    def __init__(self, graph: bytes, contract: Contract) -> None:
        interpreter_class, self.name = lite_interpreter()
        try:
            self._interpreter = interpreter_class(model_content=graph, num_threads=1)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError, SystemError) as error:
            raise Refused(f"{self.name} does not take the artifact's graph ({error}).") from None
        into = self._interpreter.get_input_details()[0]
        out = self._interpreter.get_output_details()[0]
        for tensor, detail in ((contract.input, into), (contract.output, out)):
            if tuple(detail["shape"]) != tensor.shape:
                raise Refused(
                    f"The graph's tensor has the shape {tuple(detail['shape'])}, and the contract "
                    f"says {tensor.shape}."
                )
        self._in, self._out = into["index"], out["index"]
        self._in_scale = into["quantization"] if into["dtype"] == np.int8 else None
        self._out_scale = out["quantization"] if out["dtype"] == np.int8 else None
        self._y = np.zeros(contract.output.shape, np.float32)

    def run(self, x: Array) -> Array:
        if self._in_scale:
            scale, zero = self._in_scale
            x = np.clip(np.rint(x / np.float32(scale)) + zero, -128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._in, x)
        self._interpreter.invoke()
        y = self._interpreter.get_tensor(self._out)
        if self._out_scale:
            scale, zero = self._out_scale
            y = (y.astype(np.float32) - np.float32(zero)) * np.float32(scale)
        self._y[...] = y
        return self._y


def lite_interpreter() -> tuple[Any, str]:
    """(Interpreter class, its name): LiteRT, else tflite-runtime where only that exists."""
    from importlib.metadata import version

    try:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter, f"ai-edge-litert {version('ai-edge-litert')}"
    except ImportError:
        pass
    try:
        from tflite_runtime.interpreter import Interpreter as OlderInterpreter
    except ImportError:
        raise Refused(
            "A .tflite artifact needs a runtime that is not installed; "
            "install flexor[tflite], or use the .onnx artifact."
        ) from None
    if int(np.__version__.split(".")[0]) >= 2:
        raise Refused(
            f"tflite-runtime needs numpy 1 and numpy {np.__version__} is installed; "
            f"install ai-edge-litert, or use the .onnx artifact."
        )
    return OlderInterpreter, f"tflite-runtime {version('tflite-runtime')}"


def _agree(tensor: Tensor, live: Any) -> None:
    shape = tuple(live.shape)
    if (tensor.name, tensor.shape, "tensor(float)") != (live.name, shape, live.type):
        raise Refused(
            f"The graph has {live.name} {shape} {live.type}, and the contract says "
            f"{tensor.name} {tensor.shape} {tensor.dtype}."
        )

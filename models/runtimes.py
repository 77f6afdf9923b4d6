"""Two runtimes behind one interface: onnxruntime, and LiteRT (or the older tflite-runtime)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from acquisition.stream import Refused
from models.contract import Contract, Tensor
from preprocessing.stage import Array


class Runtime(Protocol):
    """A network ready to run. One caller at a time."""

    name: str
    """library and version"""

    def start(self) -> Any:
        """What the network remembers before the first window; None for one without memory."""
        ...

    def run(self, x: Array, state: Any = None) -> Array:
        """Logits (1, output) of one input (1, ...) float32. The array is reused: read it before
        the next call.

        A network with memory takes windows one hop apart, changes the given state, and computes
        on the newest hop alone; without a state it computes on the whole window, with one result.
        """
        ...


def open_runtime(suffix: str, graph: bytes, contract: Contract) -> Runtime:
    """The runtime for a graph from a file that ends in `suffix`, .onnx or .tflite."""
    if suffix == ".tflite":
        return LiteRuntime(graph, contract)
    return StreamRuntime(graph, contract) if contract.stream else OnnxRuntime(graph, contract)


class OnnxRuntime:
    """onnxruntime on one thread, with buffers bound once (IO binding saves 3 to 8 us a call)."""

    def __init__(self, graph: bytes, contract: Contract) -> None:
        self.name, session = _session(graph)
        _agree(contract.input, session.get_inputs()[0])
        _agree(contract.output, session.get_outputs()[0])
        self._session = session
        self._x = np.zeros(contract.input.shape, np.float32)
        self._y = np.zeros(contract.output.shape, np.float32)
        self._binding = session.io_binding()
        for bind, tensor, buffer in (
            (self._binding.bind_input, contract.input, self._x),
            (self._binding.bind_output, contract.output, self._y),
        ):
            bind(tensor.name, "cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)

    def start(self) -> Any:
        return None

    def run(self, x: Array, state: Any = None) -> Array:
        self._x[...] = x
        self._session.run_with_iobinding(self._binding)
        return self._y


@dataclass
class Memory:
    """What a streaming network remembers, in two sets of buffers that change places each hop."""

    buffers: tuple[list[Array], list[Array]]
    bindings: tuple[Any, Any]
    """from the first set to the second, and back"""
    turn: int = 0
    begun: bool = False


class StreamRuntime:
    """onnxruntime on the newest samples of each window; the rest is in the Memory.

    A fresh memory takes the whole first window, hop by hop, so that the first answer is already
    that of the window. What the network sees does not reach beyond the window, so every later one
    is too, whatever came before it.
    """

    def __init__(self, graph: bytes, contract: Contract) -> None:
        if contract.stream is None:
            raise Refused("The artifact's network has no memory; its contract names no states.")
        self.name, self._session = _session(graph)
        stream = contract.stream
        into, out = self._session.get_inputs(), self._session.get_outputs()
        counts = {len(stream.after), len(stream.states), len(into) - 1, len(out) - 1}
        if len(counts) > 1:
            raise Refused("The graph has other states than its contract; export it again.")
        after = [
            Tensor(name, state.shape, state.dtype)
            for name, state in zip(stream.after, stream.states, strict=True)
        ]
        for tensor, live in zip((stream.input, *stream.states), into, strict=True):
            _agree(tensor, live)
        for tensor, live in zip((contract.output, *after), out, strict=True):
            _agree(tensor, live)
        self._after, self._stream, self._output = after, stream, contract.output
        self._hop = stream.input.shape[-1]
        self._pieces_n = -(-contract.input.shape[-1] // self._hop)
        self._x = np.zeros(stream.input.shape, np.float32)
        self._y = np.zeros(contract.output.shape, np.float32)

    def start(self) -> Memory:
        first = [np.zeros(state.shape, np.float32) for state in self._stream.states]
        second = [np.zeros(state.shape, np.float32) for state in self._stream.states]
        bindings = self._bound(first, second), self._bound(second, first)
        return Memory((first, second), bindings)

    def run(self, x: Array, state: Any = None) -> Array:
        memory = self.start() if state is None else state
        if not memory.begun:
            memory.begun = True
            missing = self._pieces_n * self._hop - x.shape[-1]
            whole = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(missing, 0)])
            for i in range(self._pieces_n - 1):
                self._step(whole[..., i * self._hop : (i + 1) * self._hop], memory)
        return self._step(x[..., -self._hop :], memory)

    def _step(self, x: Array, memory: Memory) -> Array:
        self._x[...] = x
        self._session.run_with_iobinding(memory.bindings[memory.turn])
        memory.turn = 1 - memory.turn
        return self._y

    def _bound(self, before: list[Array], after: list[Array]) -> Any:
        binding = self._session.io_binding()
        stream = self._stream
        for tensor, x in zip((stream.input, *stream.states), (self._x, *before), strict=True):
            binding.bind_input(tensor.name, "cpu", 0, np.float32, x.shape, x.ctypes.data)
        for tensor, y in zip((self._output, *self._after), (self._y, *after), strict=True):
            binding.bind_output(tensor.name, "cpu", 0, np.float32, y.shape, y.ctypes.data)
        return binding


class LiteRuntime:
    """LiteRT on one thread. int8 tensors at the edge are scaled here."""

    def __init__(self, graph: bytes, contract: Contract) -> None:
        if contract.stream:
            raise Refused("A network with memory runs from .onnx; export it to that.")
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

    def start(self) -> Any:
        return None

    def run(self, x: Array, state: Any = None) -> Array:
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


def _session(graph: bytes) -> tuple[str, Any]:
    """(library and version, session) on one thread."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Refused(f"onnxruntime does not take the artifact's graph ({error}).") from None
    return f"onnxruntime {ort.__version__}", session


def _agree(tensor: Tensor, live: Any) -> None:
    shape = tuple(live.shape)
    if (tensor.name, tensor.shape, "tensor(float)") != (live.name, shape, live.type):
        raise Refused(
            f"The graph has {live.name} {shape} {live.type}, and the contract says "
            f"{tensor.name} {tensor.shape} {tensor.dtype}."
        )

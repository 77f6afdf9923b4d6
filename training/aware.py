"""Quantization-aware training: the network learns to decide as before with rounded numbers.

Own fake quantization of weights and of what each layer takes in; exported, it is plain
QuantizeLinear and DequantizeLinear, which onnxruntime fuses as it fuses its own. The exported
graph still holds its weights in float and rounds them when it is loaded; `rounded_weights` keeps
the rounded ones alone, a quarter of the size.
"""

from __future__ import annotations

import copy
from typing import cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn.functional import conv2d, kl_div, linear, log_softmax, softmax

from acquisition.stream import Samples

METHOD = "trained QDQ, uint8 activations, int8 weights per channel"
STEPS, BATCH, RATE = 200, 128, 3e-4
"""A fine-tuning: a tenth of a pre-training's rate."""
SEED = 0


class Rounded(nn.Module):
    """A convolution or linear layer whose weights and inputs go through 8 bits and back."""

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.low, self.high = 0.0, 1e-6
        self.watching = True
        self.scales: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.watching:
            self.low = min(self.low, float(x.detach().amin()))
            self.high = max(self.high, float(x.detach().amax()))
            return cast("torch.Tensor", self.layer(x))
        scale = (self.high - self.low) / 255
        x = torch.fake_quantize_per_tensor_affine(x, scale, round(-self.low / scale), 0, 255)
        layer, scales = self.layer, self._scales() if self.scales is None else self.scales
        zeros = torch.zeros(len(scales), dtype=torch.int32)
        weight = torch.fake_quantize_per_channel_affine(layer.weight, scales, zeros, 0, -128, 127)
        if isinstance(layer, nn.Linear):
            return linear(x, weight, layer.bias)
        return conv2d(x, weight, layer.bias, layer.stride, layer.padding, layer.dilation)

    def settle(self) -> None:
        """The weights stay as they are from now on, and so do their scales."""
        self.scales = self._scales()

    def _scales(self) -> torch.Tensor:
        """(row,): one for each output channel, from its largest weight."""
        return self.layer.weight.detach().flatten(1).abs().amax(1).clamp(min=1e-8) / 127


def aware(module: nn.Module, windows: Samples, *, estimates: bool = False) -> nn.Module:
    """A copy of a folded module that was trained to be rounded: on windows (window, ...) without
    labels, it learns to give the float module's probabilities, or its estimates."""
    teacher = copy.deepcopy(module).eval()
    student = copy.deepcopy(module).eval()
    rounded = _rounded(student)
    x = torch.from_numpy(np.ascontiguousarray(windows, np.float32))
    with torch.no_grad():
        student(x)
        for layer in rounded:
            layer.watching = False
        taught = teacher(x) if estimates else softmax(teacher(x), 1)
        spread = taught.std(0)
    optimizer = torch.optim.Adam(student.parameters(), lr=RATE)
    rng = np.random.default_rng(SEED)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        which = torch.from_numpy(rng.integers(0, len(x), BATCH))
        told = student(x[which])
        if estimates:
            loss = ((told - taught[which]) / spread).square().mean()
        else:
            loss = kl_div(log_softmax(told, 1), taught[which], reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for layer in rounded:
        layer.settle()
    return student.eval()


def rounded_weights(graph: bytes) -> bytes:
    """The exported graph of an aware module with its weights as the int8 that they become."""
    model = onnx.load_from_string(graph)
    held = {w.name: w for w in model.graph.initializer}
    for node in list(model.graph.node):
        if node.op_type != "QuantizeLinear" or node.input[0] not in held:
            continue
        weight, scales, zeros = (numpy_helper.to_array(held[name]) for name in node.input)
        rows = (-1, *(1 for _ in weight.shape[1:]))
        steps = np.rint(weight / scales.reshape(rows)) + zeros.reshape(rows)
        small = numpy_helper.from_array(steps.clip(-128, 127).astype(np.int8), node.output[0])
        model.graph.initializer.remove(held[node.input[0]])
        model.graph.initializer.append(small)
        model.graph.node.remove(node)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _rounded(module: nn.Module) -> list[Rounded]:
    """Wraps every convolution and linear layer of the module, in place."""
    found = []
    for parent in list(module.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, (nn.Conv2d, nn.Linear)) and not isinstance(parent, Rounded):
                wrapped = Rounded(layer)
                setattr(parent, name, wrapped)
                found.append(wrapped)
    return found

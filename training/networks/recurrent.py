"""Recurrent networks behind a convolution that thins the samples out.

Source of the form: the gesture decoder of Kaifosh and Reardon (Nature 645, 2025), one strided
convolution and three LSTM layers of 512; here one layer of tens.
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import nn

from training.networks import Size
from training.networks.cnn import convolution


class Gru(nn.Module):
    """(batch, channel, 1, time) -> (batch, output): a bank of filters, one value of each every
    4 samples, a recurrent layer over these, and a head on its last and its mean output.

    The recurrent layer computes in float: onnxruntime has no quantized GRU, and its quantized LSTM
    is none of ONNX's own operators. Its weights become int8 where weights alone are rounded.
    """

    TAKES: ClassVar[str] = "window"
    INT8: ClassVar[tuple[str, ...]] = ("Conv", "Gemm")
    CELL: ClassVar[type[nn.GRU] | type[nn.LSTM]] = nn.GRU

    def __init__(self, size: Size, width: int, *, stride: int = 4) -> None:
        super().__init__()
        self.front = nn.Sequential(*convolution(size.channels_n, width, 9, stride))
        self.cell = self.CELL(width, width, batch_first=True)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(2 * width, size.outputs_n)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        steps = self.front(x)[:, :, 0].transpose(1, 2)
        found = self.cell(steps)[0]
        return torch.cat([found[:, -1], found.mean(1)], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))


class Lstm(Gru):
    """The same with long short-term memory."""

    CELL = nn.LSTM

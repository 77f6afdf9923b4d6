"""Convolutions that make tokens of a window, and attention between them.

Source of the idea: Bioformers (arXiv 2203.12932), attention over patches of EMG, int8 in 94 kB.
"""

from __future__ import annotations

import math
from typing import ClassVar, cast

import torch
from torch import nn

from acquisition.stream import Refused
from training.networks import Size
from training.networks.cnn import convolution


class ConvolutionAttention(nn.Module):
    """(batch, channel, 1, time) -> (batch, output): a bank of filters, a token every 4 samples
    with its place in the window, one layer of attention, and a head on the mean of the tokens
    before and after it.

    Normalisation is that of batches, folded into the convolution behind it: no reduction is left
    at run time. What is not a convolution or the head stays float: int8 softmax costs decisions.
    """

    TAKES: ClassVar[str] = "window"
    INT8: ClassVar[tuple[str, ...]] = ("Conv", "Gemm")

    def __init__(self, size: Size, width: int, *, heads: int = 4, stride: int = 4) -> None:
        super().__init__()
        if width % heads:
            raise Refused(f"A width of {width} is not divided by {heads} heads.")
        self.front = nn.Sequential(*convolution(size.channels_n, width, 9, stride))
        tokens_n = (size.window_samples - 1) // stride + 1
        self.places = nn.Parameter(0.02 * torch.randn(1, width, 1, tokens_n))
        self.heads, self.each = heads, width // heads
        self.asks = nn.Sequential(nn.BatchNorm2d(width), nn.Conv2d(width, 3 * width, 1))
        self.answers = nn.Conv2d(width, width, 1)
        self.thinks = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.Conv2d(width, 2 * width, 1),
            nn.ReLU(),
            nn.Conv2d(2 * width, width, 1),
        )
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(2 * width, size.outputs_n)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        first = self.front(x)
        x = first + self.places
        x = x + self._attended(x)
        x = x + self.thinks(x)
        return torch.cat([first.mean((2, 3)), x.mean((2, 3))], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))

    def _attended(self, x: torch.Tensor) -> torch.Tensor:
        batch, width, _, tokens = x.shape
        parts = self.asks(x).reshape(batch, 3, self.heads, self.each, tokens)
        asked, key, value = parts[:, 0], parts[:, 1], parts[:, 2]
        weights = (asked.transpose(2, 3) @ key / math.sqrt(self.each)).softmax(3)
        found = value @ weights.transpose(2, 3)
        return cast("torch.Tensor", self.answers(found.reshape(batch, width, 1, tokens)))

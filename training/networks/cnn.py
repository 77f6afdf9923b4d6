"""Convolutions over time, means over the window."""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import nn

from training.networks import Size


class RawCnn(nn.Module):
    """(batch, channel, 1, time) -> (batch, output).

    A bank of learned filters over all channels (9 samples, 45 ms at 200 Hz), two convolutions on
    top of it, and a linear head on the mean over time of both levels: how strong each filter's
    output was, and what patterns it made.
    """

    TAKES: ClassVar[str] = "window"
    INT8: ClassVar[tuple[str, ...] | None] = None

    def __init__(self, size: Size, width: int) -> None:
        super().__init__()
        top = width * 3 // 2
        self.bank = nn.Sequential(*convolution(size.channels_n, width, 9, 2))
        self.top = nn.Sequential(*convolution(width, width, 5, 2), *convolution(width, top, 3, 1))
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(width + top, size.outputs_n)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        bank = self.bank(x)
        return torch.cat([bank.mean((2, 3)), self.top(bank).mean((2, 3))], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))


def convolution(
    before: int, after: int, length: int, stride: int, padding: int | None = None
) -> list[nn.Module]:
    """Convolution over time, batch normalisation, ReLU. Half the length is padded on each side,
    where nothing else is said."""
    side = length // 2 if padding is None else padding
    return [
        nn.Conv2d(before, after, (1, length), (1, stride), (0, side), bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    ]

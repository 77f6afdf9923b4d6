"""Learned filters of raw samples, and the logarithm of their power.

Sources: log-variance of learned spatial filters, Schirrmeister et al. (Hum. Brain Mapp. 38, 2017,
ShallowConvNet); that log-covariance is what tells gestures apart, Barachant et al. (IEEE TBME 59,
2012). Many filters' log-powers hold what the matrix logarithm holds: the power of enough
directions fixes a covariance. They need neither eigenvectors nor iterations.
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import nn

from training.networks import Size

FLOOR = 1e-3
"""Added to a power before its logarithm, in re-centred units: a thousandth of the session's usual
power, below the noise of a Myo at rest."""


class SecondOrder(nn.Module):
    """(batch, channel, 1, time) -> (batch, output): filters over channels and `taps` samples,
    the logarithm of the mean square of each, and a linear head beside one hidden layer.

    The filters run as int8; square, mean and logarithm stay float, for they span five decades.
    """

    TAKES: ClassVar[str] = "window"
    INT8: ClassVar[tuple[str, ...]] = ("Gemm",)

    def __init__(self, size: Size, width: int, *, taps: int = 5) -> None:
        super().__init__()
        self.filters = nn.Conv2d(size.channels_n, width, (1, taps), bias=False)
        self.scale = nn.BatchNorm1d(width)
        self.hidden = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU())
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(2 * width, size.outputs_n)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        found = self.filters(x)
        powers = self.scale(torch.log((found * found).mean((2, 3)) + FLOOR))
        return torch.cat([powers, self.hidden(powers)], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))

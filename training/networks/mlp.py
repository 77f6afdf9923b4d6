"""The baseline: hand-crafted features and a small perceptron."""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import nn

from training.networks import Size


class Mlp(nn.Module):
    """(batch, feature) -> (batch, output): the features standardized, one hidden layer, and a
    head on both, so that a linear classifier is a part of it."""

    TAKES: ClassVar[str] = "features"
    INT8: ClassVar[tuple[str, ...]] = ()

    def __init__(self, size: Size, width: int) -> None:
        super().__init__()
        self.scale = nn.BatchNorm1d(size.features_n, affine=False)
        self.hidden = nn.Sequential(
            nn.Linear(size.features_n, width), nn.BatchNorm1d(width), nn.ReLU()
        )
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(size.features_n + width, size.outputs_n)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        x = self.scale(x)
        return torch.cat([x, self.hidden(x)], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))

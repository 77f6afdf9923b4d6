"""Deep belief network: restricted Boltzmann machines, one on the other, then fine-tuning.

Sources: Hinton, Osindero and Teh (Neural Computation 18, 2006) for the stack; Hinton's practical
guide (UTML TR 2010-003) for contrastive divergence, its rates and Gaussian visible units; for EMG,
Shim and Lee (JCSU 2015): 88.6 % against 81.1 % of a linear classifier.
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, cast

import numpy as np
import torch
from torch import nn

from preprocessing.stage import Array
from training.networks import Size

GAUSSIAN_RATE, BINARY_RATE = 0.01, 0.1
"""Hinton's guide: Gaussian units need a rate ten times smaller."""
MOMENTUM, DECAY = 0.5, 2e-4
BATCH = 64


class DeepBelief(nn.Module):
    """(batch, feature) -> (batch, output): standardized features, layers of sigmoid units, and a
    linear head. `contrast` trains the layers without labels before the head is there."""

    TAKES: ClassVar[str] = "features"
    INT8: ClassVar[tuple[str, ...]] = ("Gemm", "MatMul")

    def __init__(self, size: Size, width: int, *, layers: int = 2) -> None:
        super().__init__()
        sizes = [size.features_n, *[width] * int(layers)]
        self.scale = nn.BatchNorm1d(size.features_n, affine=False)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.head = nn.Linear(width, size.outputs_n)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        x = self.scale(x)
        for layer in self.layers:
            x = torch.sigmoid(layer(x))
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.embed(x)))

    def contrast(self, features: Array, steps: int, seed: int) -> list[tuple[float, float]]:
        """Contrastive divergence (one step) layer by layer on features (window, feature), for
        `steps` batches each; gives each layer's mean squared error in redrawing what it sees,
        before and afterwards."""
        rng = np.random.default_rng(seed)
        with torch.no_grad():
            x = torch.from_numpy(features)
            mean, variance = x.mean(0), x.var(0)
            cast("torch.Tensor", self.scale.running_mean).copy_(mean)
            cast("torch.Tensor", self.scale.running_var).copy_(variance)
            x = (x - mean) / torch.sqrt(variance + self.scale.eps)
            errors = []
            for i, layer in enumerate(self.layers):
                machine = _Machine(cast("nn.Linear", layer), gaussian=not i)
                before = machine.error(x)
                for _ in range(steps):
                    machine.learn(x[torch.from_numpy(rng.integers(0, len(x), BATCH))], rng)
                errors.append((before, machine.error(x)))
                x = machine.up(x)
        return errors


class _Machine:
    """One restricted Boltzmann machine over the weights of a layer."""

    def __init__(self, layer: nn.Linear, *, gaussian: bool) -> None:
        self.layer, self.gaussian = layer, gaussian
        nn.init.normal_(layer.weight, std=0.01 if not gaussian else 0.1)
        nn.init.zeros_(layer.bias)
        self.visible = torch.zeros(layer.in_features)
        self.moves = [torch.zeros_like(t) for t in (layer.weight, layer.bias, self.visible)]

    def up(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.layer(x))

    def down(self, hidden: torch.Tensor) -> torch.Tensor:
        x = hidden @ self.layer.weight + self.visible
        return x if self.gaussian else torch.sigmoid(x)

    def error(self, x: torch.Tensor) -> float:
        return float((self.down(self.up(x)) - x).square().mean())

    def learn(self, x: torch.Tensor, rng: np.random.Generator) -> None:
        up = self.up(x)
        drawn = torch.from_numpy(rng.random(up.shape, np.float32))
        dreamt = self.down((up > drawn).float())
        again = self.up(dreamt)
        gradients = (
            (up.T @ x - again.T @ dreamt) / len(x) - DECAY * self.layer.weight,
            (up - again).mean(0),
            (x - dreamt).mean(0),
        )
        rate = GAUSSIAN_RATE if self.gaussian else BINARY_RATE
        parts = (self.layer.weight, self.layer.bias, self.visible)
        for part, move, gradient in zip(parts, self.moves, gradients, strict=True):
            move.mul_(MOMENTUM).add_(rate * gradient)
            part.add_(move)

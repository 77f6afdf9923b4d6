"""Networks on raw windows. Plain operators only, so that both converters keep them whole.

One-dimensional convolutions are written as two-dimensional ones with kernels 1 x k: TensorFlow
Lite has no other, and the converter then adds no transposes.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from acquisition.tables import look_up

NETWORKS: dict[str, tuple[str, str]] = {
    "raw_cnn": ("training.networks", "RawCnn"),
}
"""name -> (module, class of (channels_n, gestures_n, width))"""


def make_network(name: str, channels_n: int, gestures_n: int, width: int) -> nn.Module:
    """A network with fresh weights. Refuses an unknown name."""
    made = look_up(NETWORKS, name, "network")(channels_n, gestures_n, width)
    return cast("nn.Module", made)


class RawCnn(nn.Module):
    """(batch, channel, 1, time) -> (batch, gesture).

    A bank of learned filters over all channels (9 samples, 45 ms at 200 Hz), two convolutions on
    top of it, and a linear head on the mean over time of both levels: how strong each filter's
    output was, and what patterns it made.
    """

    def __init__(self, channels_n: int, gestures_n: int, width: int) -> None:
        super().__init__()
        top = width * 3 // 2
        self.bank = nn.Sequential(*_convolution(channels_n, width, 9, 2))
        self.top = nn.Sequential(*_convolution(width, width, 5, 2), *_convolution(width, top, 3, 1))
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(width + top, gestures_n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bank = self.bank(x)
        means = torch.cat([bank.mean((2, 3)), self.top(bank).mean((2, 3))], 1)
        return cast("torch.Tensor", self.head(self.drop(means)))


def _convolution(before: int, after: int, length: int, stride: int) -> list[nn.Module]:
    """Convolution over time, batch normalisation, ReLU."""
    return [
        nn.Conv2d(before, after, (1, length), (1, stride), (0, length // 2), bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    ]


def folded(module: nn.Module) -> nn.Module:
    """An eval-mode copy with every batch normalisation folded into the convolution before it."""
    module = copy.deepcopy(module).eval()
    for parent in list(module.modules()):
        if not isinstance(parent, nn.Sequential):
            continue
        layers: list[nn.Module] = []
        for layer in parent:
            if isinstance(layer, nn.BatchNorm2d) and layers and isinstance(layers[-1], nn.Conv2d):
                layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
            else:
                layers.append(layer)
        del parent[:]
        parent.extend(layers)
    return module

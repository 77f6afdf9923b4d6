"""Networks on raw windows. Plain operators only, so that both converters keep them whole.

One-dimensional convolutions are written as two-dimensional ones with kernels 1 x k: TensorFlow
Lite has no other, and the converter then adds no transposes.
"""

from __future__ import annotations

import copy
from importlib import import_module
from typing import cast

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from acquisition.stream import Refused

NETWORKS: dict[str, tuple[str, str]] = {
    "raw_cnn": ("training.networks", "RawCnn"),
}
"""name -> (module, class of (channels_n, gestures_n, width))"""


def make_network(name: str, channels_n: int, gestures_n: int, width: int) -> nn.Module:
    """A network with fresh weights. Refuses an unknown name."""
    if name not in NETWORKS:
        raise Refused(f'There is no network "{name}"; there are {", ".join(NETWORKS)}.')
    module, cls = NETWORKS[name]
    made = getattr(import_module(module), cls)(channels_n, gestures_n, width)
    return cast("nn.Module", made)


class RawCnn(nn.Module):
    """(batch, channel, 1, time) -> (batch, gesture).

    A bank of learned filters over all channels (9 samples, 45 ms at 200 Hz), then two
    depthwise-separable convolutions (Chollet 2017) with halving between, then the mean over time.
    """

    def __init__(self, channels_n: int, gestures_n: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(channels_n, width, 9),
            nn.AvgPool2d((1, 2)),
            *_convolution(width, width, 5, groups=width),
            *_convolution(width, width, 1),
            nn.AvgPool2d((1, 2)),
            *_convolution(width, width, 5, groups=width),
            *_convolution(width, 2 * width, 1),
        )
        self.head = nn.Linear(2 * width, gestures_n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.body(x).mean((2, 3))))


def _convolution(before: int, after: int, length: int, groups: int = 1) -> list[nn.Module]:
    """Convolution over time, batch normalisation, ReLU."""
    return [
        nn.Conv2d(before, after, (1, length), padding=(0, length // 2), groups=groups, bias=False),
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

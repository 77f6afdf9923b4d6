"""Temporal convolutional network with an exact streaming form.

Source of dilated causal convolutions for sequences: Bai, Kolter and Koltun (arXiv 1803.01271);
for EMG on small processors: TEMPONet (Zanghieri et al., IEEE TBCAS 2020).
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import nn

from acquisition.stream import Refused
from training.networks import Size
from training.networks.cnn import convolution


class Tcn(nn.Module):
    """(batch, channel, 1, time) -> (batch, output).

    A bank of filters, its rectified outputs averaged over each hop to one frame, and blocks of
    two taps, ever further apart, that together see all frames of the window. Each block adds its
    patterns to the average of both taps, so that the last frame holds the window's mean as well.
    Only past samples count, and none before the window.
    """

    TAKES: ClassVar[str] = "window"
    INT8: ClassVar[tuple[str, ...]] = ("Conv", "Gemm", "AveragePool", "MatMul")

    def __init__(self, size: Size, width: int, *, kernel: int = 9) -> None:
        super().__init__()
        hop = size.hop_samples
        frames_n = (size.window_samples - kernel + 1) // hop
        if frames_n < 2:
            raise Refused(
                f"A tcn with a kernel of {kernel} samples sees {frames_n} frames of {hop} samples "
                f"in a window of {size.window_samples}; it needs two: shorten the hop."
            )
        self.seen_samples = kernel - 1 + frames_n * hop
        self.hop, self.kernel, self.channels_n, self.width = hop, kernel, size.channels_n, width
        self.front = nn.Sequential(*convolution(size.channels_n, width, kernel, 1, padding=0))
        self.frame = nn.AvgPool2d((1, hop))
        self.dilations = dilations(frames_n)
        self.blocks = nn.ModuleList(Block(width, d) for d in self.dilations)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(width, size.outputs_n)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        x = self.frame(self.front(x[..., -self.seen_samples :]))
        for block in self.blocks:
            x = block(x)
        return x[:, :, 0, 0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        """What the streaming form remembers: the last samples, and each block's last frames."""
        samples = (1, self.channels_n, 1, self.kernel - 1)
        return (samples, *((1, self.width, 1, d) for d in self.dilations))


class StreamingTcn(nn.Module):
    """(1, channel, 1, hop) and the states of `Tcn.state_shapes` -> (1, output) and the states
    afterwards. The same weights on the newest samples alone: the cost of a hop does not depend
    on the window but for one more block each time that it doubles."""

    def __init__(self, tcn: Tcn) -> None:
        super().__init__()
        self.tcn = tcn

    def forward(self, x: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = torch.cat([states[0], x], 3)
        after = [x[..., -(self.tcn.kernel - 1) :]]
        x = self.tcn.frame(self.tcn.front(x))
        for block, past in zip(self.tcn.blocks, states[1:], strict=True):
            x = torch.cat([past, x], 3)
            after.append(x[..., 1:])
            x = block(x)
        return (self.tcn.head(x[:, :, 0, 0]), *after)


class Block(nn.Module):
    """(batch, width, 1, frames) -> (batch, width, 1, frames - dilation)."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.patterns = nn.Sequential(
            nn.Conv2d(width, width, (1, 2), dilation=(1, dilation), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            *convolution(width, width, 1, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        average = 0.5 * (x[..., self.dilation :] + x[..., : -self.dilation])
        return cast("torch.Tensor", average + self.patterns(x))


def dilations(frames_n: int) -> tuple[int, ...]:
    """1, 2, 4 and so on, the last one cut so that together they see just `frames_n` frames."""
    found: list[int] = []
    while (left := frames_n - 1 - sum(found)) > 0:
        found.append(min(2 ** len(found), left))
    return tuple(found)

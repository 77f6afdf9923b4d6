"""A network that does not mind an armband turned by an electrode.

Source of the idea: the wrist decoder of Kaifosh and Reardon (Nature 645, 2025) pools over
rotations by -1, 0 and 1 electrode.
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import nn

from acquisition.stream import Refused
from training.networks import Size
from training.networks.cnn import RawCnn


class SymmetricCnn(nn.Module):
    """(batch, channel, 1, time) -> (batch, output): a RawCnn that sees the window turned by
    -reach .. reach electrodes, with the same weights, and takes the mean of what it finds.

    Turned by one electrode, most of what it looks at is the same; a reach of half the ring makes
    it blind to where on the ring a pattern lies. It costs 2 * reach + 1 times a RawCnn.
    """

    TAKES: ClassVar[str] = "window"
    INT8: ClassVar[tuple[str, ...] | None] = RawCnn.INT8

    def __init__(self, size: Size, width: int, *, reach: int = 1) -> None:
        super().__init__()
        if not 1 <= reach <= size.channels_n // 2:
            raise Refused(
                f"A ring of {size.channels_n} electrodes is turned by 1 to "
                f"{size.channels_n // 2} of them, not {reach}."
            )
        inner = RawCnn(size, width)
        self.turns = tuple(range(-reach, reach + 1))
        self.inner, self.drop = inner, inner.drop
        self.head = inner.head
        inner.head = inner.drop = nn.Identity()  # type: ignore[assignment]

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        turned = torch.cat([torch.roll(x, turn, 1) for turn in self.turns])
        found = self.inner.embed(turned)
        return found.reshape(len(self.turns), len(x), -1).mean(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))

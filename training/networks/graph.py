"""A graph network over electrodes.

Source of the idea: graphs of electrodes for EMG gestures, e.g. STGCN-GR (arXiv 2312.00553).
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import nn
from torch.nn.functional import conv2d

from acquisition.stream import Refused
from training.networks import Size
from training.networks.cnn import convolution

RING, LEARNED, BOTH = "ring", "learned", "both"


class Graph(nn.Module):
    """(batch, channel, 1, time) -> (batch, output).

    Each electrode is a node. A filter bank that all share gives each its mean rectified outputs;
    two layers then mix a node with its neighbours and pass on. Neighbours are those on the ring
    ("ring": the same weight for the same distance), any other electrode by a learned weight
    ("learned"), or both. The head reads the nodes in their order: which electrode it was matters.

    The head alone is int8: it holds most weights. Rounded on the way, what goes round between the
    nodes cost one decision in a hundred, and more time than float.
    """

    TAKES: ClassVar[str] = "window"
    INT8: ClassVar[tuple[str, ...]] = ("Gemm",)

    def __init__(self, size: Size, width: int, *, adjacency: str = BOTH, layers: int = 2) -> None:
        super().__init__()
        if adjacency not in (RING, LEARNED, BOTH):
            raise Refused(f'A graph has the adjacency ring, learned or both, not "{adjacency}".')
        self.front = nn.Sequential(*convolution(1, width, 9, 2))
        self.layers = nn.ModuleList(
            Layer(size.channels_n, width, adjacency) for _ in range(int(layers))
        )
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(2 * width * size.channels_n, size.outputs_n)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        x = self.front(x.transpose(1, 2)).mean(3, keepdim=True)  # (batch, width, node, 1)
        first = x
        for layer in self.layers:
            x = layer(x)
        return torch.cat([first, x], 1).flatten(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))


class Layer(nn.Module):
    """(batch, width, node, 1) -> the same: nodes mix, then each one's values do."""

    def __init__(self, nodes_n: int, width: int, adjacency: str) -> None:
        super().__init__()
        self.ring = nn.Parameter(torch.tensor([0.5, 0.25])) if adjacency != LEARNED else None
        free = torch.zeros(nodes_n, nodes_n) if adjacency == BOTH else torch.eye(nodes_n)
        self.free = nn.Parameter(free) if adjacency != RING else None
        self.register_buffer("same", torch.eye(nodes_n), persistent=False)
        beside = torch.roll(torch.eye(nodes_n), 1, 0)
        self.register_buffer("beside", beside + beside.T, persistent=False)
        self.values = nn.Sequential(*convolution(2 * width, width, 1, 1))

    def mixing(self) -> torch.Tensor:
        """(node, node): what each node takes from each."""
        matrix = torch.zeros_like(cast("torch.Tensor", self.same))
        if self.ring is not None:
            matrix = matrix + self.ring[0] * cast("torch.Tensor", self.same)
            matrix = matrix + self.ring[1] * cast("torch.Tensor", self.beside)
        return matrix if self.free is None else matrix + self.free

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # A convolution whose channels are the nodes: quantized per row, and fused everywhere.
        mixed = conv2d(x.transpose(1, 2), self.mixing()[:, :, None, None]).transpose(1, 2)
        return cast("torch.Tensor", x + self.values(torch.cat([x, mixed], 1)))

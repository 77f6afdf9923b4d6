"""Tasks that need no labels: what is hidden, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from acquisition.stream import Refused, Samples
from training.recipe import MASKED, Fit
from training.tasks import Batch, Task, checked, drawn, tensor
from training.windows import WindowSet

PIECES_N = 4
"""Parts of a window whose level is to be told: 65 ms each at 260 ms."""
HIDDEN_SHARE = 0.4
"""of the (channel, part) squares; below a third the neighbours tell too much"""
LEVEL_FLOOR = 0.05
"""Added to a level before its logarithm, in re-centred units."""
TEMPERATURE = 0.1
"""of the similarities (Oord, CPC, arXiv 1807.03748; 0.1 as in SimCLR, arXiv 2002.05709)"""
PROJECTED_N = 32


@dataclass
class Masked:
    """Squares of (channel, part of the window) are silenced, and a linear layer on the embedding
    must tell their levels: the network learns which muscles go together.

    Source of the idea: masked reconstruction of EMG, TinyMyo (BioFoundation).
    """

    module: nn.Module
    windows: WindowSet
    how: Fit
    held_out: WindowSet | None = None
    parts: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        channels_n = self.windows.stream.shape[1]
        self.parts = nn.Linear(embedding_n(self.module), channels_n * PIECES_N)

    def draw(self, rng: np.random.Generator) -> Batch:
        which = rng.integers(0, len(self.windows), self.how.batch)
        return self._hidden(drawn(self.windows, which, self.how, rng), rng)

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        x, levels, hidden = batch
        told = self.parts(cast("Any", module).embed(x)).reshape(levels.shape)
        missed = (told - levels).square() * hidden
        return cast("torch.Tensor", missed.sum() / hidden.sum())

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        pass

    def check(self, module: nn.Module) -> float:
        _, which = checked(self.held_out)
        windows = cast("WindowSet", self.held_out).windows(which)
        return float(self.loss(module, self._hidden(windows, np.random.default_rng(0)), 1.0))

    def _hidden(self, x: Samples, rng: np.random.Generator) -> Batch:
        hidden = rng.random((*x.shape[:2], PIECES_N)) < HIDDEN_SHARE
        piece = np.arange(x.shape[2]) * PIECES_N // x.shape[2]
        seen = x * ~hidden[:, :, piece]
        parts = [x[:, :, piece == i] for i in range(PIECES_N)]
        levels = [np.log(np.sqrt((part * part).mean(2)) + LEVEL_FLOOR) for part in parts]
        inputs = self.windows.inputs(np.ascontiguousarray(seen, np.float32))
        return tensor(inputs), tensor(np.stack(levels, 2)), tensor(hidden.astype(np.float32))


@dataclass
class Predictive:
    """The embedding of a window must tell which of many windows of its session comes one window
    later: what lasts (the gesture) is kept, what does not (noise) is dropped.

    Source: contrastive predictive coding (arXiv 1807.03748). All of a batch are of one session, so
    that who it was tells nothing.
    """

    module: nn.Module
    windows: WindowSet
    how: Fit
    held_out: WindowSet | None = None
    parts: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        n = embedding_n(self.module)
        projected = nn.Sequential(nn.Linear(n, n), nn.ReLU(), nn.Linear(n, PROJECTED_N))
        self.parts = nn.ModuleList([projected, nn.Linear(PROJECTED_N, PROJECTED_N)])

    def draw(self, rng: np.random.Generator) -> Batch:
        return self._pairs(self.windows, rng)

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        n = len(batch[0])
        both = cast("Any", module).embed(torch.cat(batch))
        projected, predicted = cast("nn.ModuleList", self.parts)
        both = projected(both)
        now, later = normalize(predicted(both[:n]), dim=1), normalize(both[n:], dim=1)
        return cross_entropy(now @ later.T / TEMPERATURE, torch.arange(n, device=now.device))

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        pass

    def check(self, module: nn.Module) -> float:
        checked(self.held_out)
        rng = np.random.default_rng(0)
        return float(self.loss(module, self._pairs(cast("WindowSet", self.held_out), rng), 1.0))

    def _pairs(self, windows: WindowSet, rng: np.random.Generator) -> Batch:
        session = rng.integers(0, len(windows.ends))
        of_it = np.flatnonzero(windows.sessions == session)
        which = of_it[rng.integers(0, len(of_it), self.how.batch)]
        now = drawn(windows, which, self.how, rng)
        later = drawn(windows, which, self.how, rng, ahead=windows.length_samples)
        return tensor(windows.inputs(now)), tensor(windows.inputs(later))


def without_labels(
    method: str, module: nn.Module, windows: WindowSet, how: Fit, held_out: WindowSet | None
) -> Task:
    """The task of a recipe's `pretraining` that needs no labels."""
    if not len(windows):
        raise Refused("There is no window to learn from without labels.")
    task = Masked if method == MASKED else Predictive
    return task(module, windows, how, held_out)


def embedding_n(module: nn.Module) -> int:
    """Numbers that the head rests on."""
    return int(cast("nn.Linear", module.head).in_features)

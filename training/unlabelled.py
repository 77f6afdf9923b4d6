"""Tasks that need no labels: what is hidden, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import nn

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
        piece = _pieces(x)
        seen = x * ~hidden[:, :, piece]
        inputs = self.windows.inputs(np.ascontiguousarray(seen, np.float32))
        return tensor(inputs), tensor(_levels(x)), tensor(hidden.astype(np.float32))


class Predictive(Masked):
    """A linear layer on the embedding must tell the levels of the window that comes next: the
    network learns what lasts.

    The same loss as Masked, with nothing hidden and all ahead. Telling the next window apart from
    others of its session (contrastive predictive coding, arXiv 1807.03748) was tried in its place:
    with few labels it gained 2 points on virtual wearers, and this 11.
    """

    def draw(self, rng: np.random.Generator) -> Batch:
        which = rng.integers(0, len(self.windows), self.how.batch)
        return self._next(self.windows, which, drawn(self.windows, which, self.how, rng))

    def check(self, module: nn.Module) -> float:
        _, which = checked(self.held_out)
        held_out = cast("WindowSet", self.held_out)
        return float(self.loss(module, self._next(held_out, which, held_out.windows(which)), 1.0))

    def _next(self, windows: WindowSet, which: Any, now: Samples) -> Batch:
        levels = _levels(windows.windows(which, windows.length_samples))
        return tensor(windows.inputs(now)), tensor(levels), torch.ones(levels.shape)


def without_labels(
    method: str, module: nn.Module, windows: WindowSet, how: Fit, held_out: WindowSet | None
) -> Task:
    """The task of a recipe's `pretraining` that needs no labels."""
    if not len(windows):
        raise Refused("There is no window to learn from without labels.")
    task = Masked if method == MASKED else Predictive
    return task(module, windows, how, held_out)


def _levels(x: Samples) -> Samples:
    """(window, channel, part): logarithm of the root mean square of each part of a window."""
    piece = _pieces(x)
    parts = [x[:, :, piece == i] for i in range(PIECES_N)]
    return np.stack([np.log(np.sqrt((p * p).mean(2)) + LEVEL_FLOOR) for p in parts], 2)


def _pieces(x: Samples) -> Any:
    """(time,): the part of the window that each sample is in."""
    return np.arange(x.shape[2]) * PIECES_N // x.shape[2]


def embedding_n(module: nn.Module) -> int:
    """Numbers that the head rests on."""
    return int(cast("nn.Linear", module.head).in_features)

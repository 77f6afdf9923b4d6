"""What a fit teaches: which windows it draws, and what it holds against the network's answer.

A task draws batches of tensors, the network's inputs first, and gives the loss of a batch.
`parts` learn along and are thrown away afterwards.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, mse_loss, softmax

from acquisition.stream import Refused, Samples
from training.augment import augmented
from training.recipe import Fit, Teacher, Unlabelled
from training.windows import WindowSet

Batch = tuple[torch.Tensor, ...]
CHECKED_WINDOWS = 1024
"""Held-out windows that one check looks at, spread evenly."""


class Task(Protocol):
    """One way of learning."""

    parts: nn.Module

    def draw(self, rng: np.random.Generator) -> Batch:
        """A batch of one step."""
        ...

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        """Scalar; `done` is the share of steps behind us, 0 .. 1."""
        ...

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        """What follows a step of the optimizer."""
        ...

    def check(self, module: nn.Module) -> float:
        """Loss on held-out windows. Refuses where none were held out."""
        ...


@dataclass
class Gestures:
    """Labelled windows; cross-entropy."""

    windows: WindowSet
    how: Fit
    held_out: WindowSet | None = None
    parts: nn.Module = field(default_factory=nn.Identity)

    def draw(self, rng: np.random.Generator) -> Batch:
        which = rng.integers(0, len(self.windows), self.how.batch)
        x = drawn(self.windows, which, self.how, rng)
        return tensor(self.windows.inputs(x)), torch.from_numpy(self.windows.gestures[which])

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        return cross_entropy(module(batch[0]), batch[1], label_smoothing=self.how.label_smoothing)

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        pass

    def check(self, module: nn.Module) -> float:
        inputs, which = checked(self.held_out)
        gestures = torch.from_numpy(cast("WindowSet", self.held_out).gestures[which])
        return float(cross_entropy(module(inputs), gestures))


@dataclass
class Distilled(Gestures):
    """Labelled windows, and a teacher's probabilities for the same windows."""

    teacher: nn.Module = field(default_factory=nn.Identity)
    settings: Teacher = field(default_factory=Teacher)

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        logits, t = module(batch[0]), self.settings.temperature
        with torch.no_grad():
            taught = softmax(self.teacher.to(logits.device)(batch[0]) / t, 1)
        imitation = t * t * kl_div(log_softmax(logits / t, 1), taught, reduction="batchmean")
        labels = cross_entropy(logits, batch[1], label_smoothing=self.how.label_smoothing)
        return self.settings.weight * imitation + (1 - self.settings.weight) * labels


@dataclass
class SemiSupervised(Gestures):
    """Labelled windows, and unlabelled ones that the averaged network labels where it is confident.

    Sources: FixMatch (arXiv 2001.07685) for labels of plain windows that augmented ones must meet;
    mean teacher (arXiv 1703.01780) for the averaged network.
    """

    module: nn.Module = field(default_factory=nn.Identity)
    unlabelled: WindowSet | None = None
    settings: Unlabelled = field(default_factory=Unlabelled)

    def __post_init__(self) -> None:
        if self.unlabelled is None:
            raise Refused("Semi-supervised learning needs windows without labels; give some use.")
        self.teacher = copy.deepcopy(self.module).eval()

    def draw(self, rng: np.random.Generator) -> Batch:
        windows = cast("WindowSet", self.unlabelled)
        which = rng.integers(0, len(windows), self.how.batch)
        plain = windows.windows(which)
        strong = augmented(plain, self.how, rng, windows.own_of(which))
        views = (tensor(windows.inputs(plain)), tensor(windows.inputs(strong)))
        return (*super().draw(rng), *views)

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        x, y, plain, strong = batch
        if done < self.settings.begin_share:
            return super().loss(module, (x, y), done)
        logits = module(torch.cat([x, strong]))
        labels = cross_entropy(logits[: len(x)], y, label_smoothing=self.how.label_smoothing)
        with torch.no_grad():
            confidence, pseudo = softmax(self.teacher.to(x.device)(plain), 1).max(1)
        counts = (confidence >= self.settings.min_confidence).to(x.dtype)
        other = cross_entropy(logits[len(x) :], pseudo, reduction="none") * counts
        return labels + self.settings.weight * other.mean()

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        if averaged:
            self.teacher.load_state_dict(averaged)


@dataclass
class Regression:
    """Windows with continuous targets at their newest sample; squared error of the outputs, which
    are in standard deviations of each target."""

    windows: WindowSet
    how: Fit
    targets: Samples
    """(time, target) beside the windows' stream, standardized"""
    parts: nn.Module = field(default_factory=nn.Identity)

    def draw(self, rng: np.random.Generator) -> Batch:
        which = rng.integers(0, len(self.windows), self.how.batch)
        x = augmented(self.windows.windows(which), self.how, rng, self.windows.own_of(which))
        newest = self.windows.starts[which] + self.windows.length_samples - 1
        return tensor(self.windows.inputs(x)), torch.from_numpy(self.targets[newest])

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        return mse_loss(module(batch[0]), batch[1])

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        pass

    def check(self, module: nn.Module) -> float:
        raise Refused("A regression is not checked on held-out data; set check_steps = 0.")


def drawn(
    windows: WindowSet, which: Any, how: Fit, rng: np.random.Generator, ahead: int = 0
) -> Samples:
    """Augmented windows (window, channel, time), `ahead` samples after their places."""
    reach = how.shift_samples
    shifts = rng.integers(-reach, reach + 1, len(which)) if reach else np.zeros(len(which), int)
    return augmented(windows.windows(which, shifts + ahead), how, rng, windows.own_of(which))


def checked(held_out: WindowSet | None) -> tuple[torch.Tensor, Any]:
    """(inputs of windows spread evenly over held-out data, which windows they are)"""
    if held_out is None:
        raise Refused("Nothing was held out to check on; set check_steps = 0.")
    n = min(CHECKED_WINDOWS, len(held_out))
    which = np.linspace(0, len(held_out) - 1, n).round().astype(np.int64)
    return tensor(held_out.inputs(held_out.windows(which))), which


def tensor(x: Samples) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x, np.float32))

"""How the network of continuous control learns: over whole stretches, one answer for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import torch
from torch import nn

from acquisition.stream import Refused, Samples
from preprocessing.course import KINDS
from training.build import network_for
from training.continuous_data import STEPS_N, Steps
from training.continuous_linear import Floats, Kernel, Linear
from training.fit import Progress, fit
from training.networks.course import CourseNetwork
from training.recipe import Fit, Recipe
from training.tasks import Batch

ANSWERS_N = 80
"""Steps that are answered in each stretch: 2 s. The windows of a stretch share their samples, so
that this costs no more than a few windows would."""
GAIN = 0.2
"""Augmentation: standard deviation of the logarithm of each channel's gain."""
ROUGHNESS = 0.05
"""Augmentation: of what is added to each number."""
PRETRAIN = Fit(150, batch=12, rate=4e-3, warmup_steps=25, weight_decay=1e-2, average=0.97)


@dataclass
class Stretches:
    """Stretches of recordings with their truth; squared error of every answer."""

    steps: Sequence[Steps]
    how: Fit
    parts: nn.Module = field(default_factory=nn.Identity)

    def __post_init__(self) -> None:
        length = STEPS_N - 1 + ANSWERS_N
        self.long = [s for s in self.steps if len(s.course) >= length]
        if not self.long:
            raise Refused(f"No recording has {length} steps; record longer ones.")
        sizes = np.sqrt([len(s.course) for s in self.long])
        self.share = sizes / sizes.sum()

    def draw(self, rng: np.random.Generator) -> Batch:
        length = STEPS_N - 1 + ANSWERS_N
        inputs, aims = [], []
        for i in rng.choice(len(self.long), self.how.batch, p=self.share):
            steps = self.long[i]
            begin = int(rng.integers(0, len(steps.course) - length + 1))
            inputs.append(_varied(steps.course[begin : begin + length], rng))
            aims.append(steps.truth[begin + STEPS_N - 1 : begin + length])
        x = np.stack(inputs).transpose(0, 2, 1)[:, :, None]
        return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(np.stack(aims))

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        network = cast("CourseNetwork", module)
        deep = network.drop(network.deep(batch[0]))[:, :, 0].transpose(1, 2)
        weight = network.head.weight[:, : network.deep_n]
        missed = deep @ weight.T + network.head.bias - batch[1]
        known = torch.isfinite(missed)
        return cast("torch.Tensor", missed[known].square().mean())

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        pass

    def check(self, module: nn.Module) -> float:
        raise Refused("A regression is not checked on held-out data; set check_steps = 0.")


def pretrained_network(
    recipe: Recipe,
    channels_n: int,
    steps: Mapping[str, Sequence[Steps]],
    progress: Progress | None = None,
) -> CourseNetwork:
    """A network that many people taught: one group of outputs for each task (the keys, in their
    order), one body for all. What is not deep is still nothing."""
    module = network_for(recipe, channels_n, len(steps) * len(recipe.targets))
    mine = [
        replace(s, truth=_beside(s.truth, i, len(steps)))
        for i, own in enumerate(steps.values())
        for s in own
    ]
    task = Stretches(mine, recipe.pretrain)
    return cast("CourseNetwork", fit(module, task, recipe.pretrain, recipe.seed, progress))


def for_task(
    recipe: Recipe, channels_n: int, body: CourseNetwork, shape: Kernel, line: Linear
) -> CourseNetwork:
    """A network of the recipe's targets: the body, the kernel's radial units, and a head of
    `line` on its deep, linear and radial columns."""
    options = {"units": len(shape.centres)}
    module = network_for(replace(recipe, options=options), channels_n, len(recipe.targets))
    found = cast("CourseNetwork", module)
    for name in ("front", "blocks"):
        getattr(found, name).load_state_dict(getattr(body, name).state_dict())
    if found.centres is None:
        raise ValueError("a kernel without centres")  # none of ours
    with torch.no_grad():
        found.measure.copy_(_tensor(np.stack([shape.scale, shape.shift])))
        found.centres.weight.copy_(_tensor(2 * shape.centres))
        found.centres.bias.copy_(_tensor(-(shape.centres**2).sum(axis=1)))
        found.head.weight.copy_(_tensor(line.weight.T))
        found.head.bias.copy_(_tensor(line.bias))
    return found.eval()


def deep_line(recipe: Recipe, body: CourseNetwork, task: int, units_n: int) -> Linear:
    """What the body itself says of a task, as a head on all columns."""
    n = len(recipe.targets)
    own = slice(task * n, (task + 1) * n)
    weight = body.head.weight.detach().numpy()[own].T.astype(np.float64)
    weight = np.concatenate([weight, np.zeros((units_n, n))])
    return Linear(weight, body.head.bias.detach().numpy()[own].astype(np.float64))


def _beside(truth: Samples, at: int, tasks_n: int) -> Samples:
    """(time, task x target): the truth in the place of its task, unknown for the others."""
    n = truth.shape[1]
    wide = np.full((len(truth), tasks_n * n), np.nan, np.float32)
    wide[:, at * n : (at + 1) * n] = truth
    return wide


def _tensor(x: Floats) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x, np.float32))


def columns_of(module: CourseNetwork, steps: Steps) -> Floats:
    """(window, column) of all windows of a recording: what the head rests on.

    Every step goes through the body once, not once for each window that it is in.
    """
    course = torch.from_numpy(np.ascontiguousarray(steps.course.T, np.float32))
    with torch.no_grad():
        deep = module.deep(course[None, :, None])[0, :, 0].T
        other = module.beside(torch.from_numpy(steps.features()).reshape(-1, *module.window))
        return np.asarray(torch.cat([deep, other], 1).numpy(), np.float64)


def answers(module: CourseNetwork, steps: Steps) -> Floats:
    """(window, target) of all windows of a recording."""
    weight = module.head.weight.detach().numpy().astype(np.float64)
    bias = module.head.bias.detach().numpy().astype(np.float64)
    return np.asarray(columns_of(module, steps) @ weight.T + bias)


def _varied(course: Samples, rng: np.random.Generator) -> Samples:
    """(step, row) as other gains of the channels would have made it, and a little rough."""
    channels_n = course.shape[1] // len(KINDS)
    gain = rng.normal(0, GAIN, channels_n)
    out = course + rng.normal(0, ROUGHNESS, course.shape)
    for i, kind in enumerate(KINDS):
        at = slice(i * channels_n, (i + 1) * channels_n)
        out[:, at] = out[:, at] + gain if kind.startswith("log_") else out[:, at] * np.exp(gain)
    return np.asarray(out, np.float32)

"""How the network of continuous control learns: over whole stretches, one answer for each step."""

from __future__ import annotations

from collections.abc import Sequence
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
BODIES_N = 3
"""Each learns from two thirds of the people, and tells of the rest what it would of strangers."""
GAIN = 0.2
"""Augmentation: standard deviation of the logarithm of each channel's gain."""
ROUGHNESS = 0.05
"""Augmentation: of what is added to each number."""
MIDDLE = 0.5
"""What a body without an answer would say: the middle of the range."""
PRETRAIN = Fit(600, batch=24, rate=4e-3, warmup_steps=25, weight_decay=1e-2, average=0.97)


@dataclass(frozen=True, eq=False)
class Lesson:
    """A recording that teaches some of the bodies."""

    steps: Steps
    task: int
    held_from: int = -1
    """the body that never learns from it; -1: all do"""


@dataclass
class Stretches:
    """Stretches of recordings with their truth; squared error of every answer of every body."""

    lessons: Sequence[Lesson]
    how: Fit
    outputs_n: int
    bodies_n: int = 1
    parts: nn.Module = field(default_factory=nn.Identity)

    def __post_init__(self) -> None:
        length = STEPS_N - 1 + ANSWERS_N
        self.long = [one for one in self.lessons if len(one.steps.course) >= length]
        if not self.long:
            raise Refused(f"No recording has {length} steps; record longer ones.")
        sizes = np.sqrt([len(one.steps.course) for one in self.long])
        self.share = sizes / sizes.sum()

    def draw(self, rng: np.random.Generator) -> Batch:
        """(batch, row, 1, step) and (batch, body, step, output), NaN where nothing is asked."""
        length = STEPS_N - 1 + ANSWERS_N
        inputs = []
        aims = np.full(
            (self.how.batch, self.bodies_n, ANSWERS_N, self.outputs_n), np.nan, np.float32
        )
        for row, i in enumerate(rng.choice(len(self.long), self.how.batch, p=self.share)):
            one = self.long[i]
            begin = int(rng.integers(0, len(one.steps.course) - length + 1))
            inputs.append(_varied(one.steps.course[begin : begin + length], rng))
            truth = one.steps.truth[begin + STEPS_N - 1 : begin + length]
            first = one.task * truth.shape[1]
            aims[row, :, :, first : first + truth.shape[1]] = truth
            if one.held_from >= 0:
                aims[row, one.held_from] = np.nan
        x = np.stack(inputs).transpose(0, 2, 1)[:, :, None]
        return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(aims)

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        network = cast("CourseNetwork", module)
        deep = network.drop(network.deep(batch[0]))[:, :, 0]
        weight = network.head.weight[:, : network.deep_n]
        deep = deep.reshape(len(deep), self.bodies_n, -1, ANSWERS_N)
        weight = weight.reshape(len(weight), self.bodies_n, -1)
        missed = torch.einsum("bnwt,onw->bnto", deep, weight) + MIDDLE - batch[1]
        known = torch.isfinite(missed)
        return missed[known].square().mean()

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        pass

    def check(self, module: nn.Module) -> float:
        raise Refused("A regression is not checked on held-out data; set check_steps = 0.")


def pretrained_network(
    recipe: Recipe,
    channels_n: int,
    lessons: Sequence[Lesson],
    progress: Progress | None = None,
) -> CourseNetwork:
    """Bodies that many people taught: one group of outputs for each task, one front for all. What
    is not deep is still nothing."""
    outputs_n = (1 + max(one.task for one in lessons)) * len(recipe.targets)
    shaped = replace(recipe, options={"bodies": BODIES_N})
    task = Stretches(lessons, recipe.pretrain, outputs_n, BODIES_N)
    module = network_for(shaped, channels_n, outputs_n)
    return cast("CourseNetwork", fit(module, task, recipe.pretrain, recipe.seed, progress))


def for_task(
    recipe: Recipe, channels_n: int, body: CourseNetwork, shape: Kernel, line: Linear
) -> CourseNetwork:
    """A network of the recipe's targets: the body, the kernel's radial units, and a head of
    `line` on its deep, linear and radial columns."""
    options = {"units": len(shape.centres), "bodies": body.bodies_n}
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


def deep_line(recipe: Recipe, body: CourseNetwork, task: int, columns_n: int) -> Linear:
    """What the bodies themselves say of a task, in the mean, as a line on all columns of a head."""
    n = len(recipe.targets)
    own = slice(task * n, (task + 1) * n)
    weight = np.zeros((columns_n, n))
    weight[: body.deep_n] = body.head.weight.detach().numpy()[own, : body.deep_n].T / body.bodies_n
    return Linear(weight, np.full(n, MIDDLE))


def told_by(recipe: Recipe, body: CourseNetwork, which: int, task: int, steps: Steps) -> Floats:
    """(window, target) of what one of the bodies says."""
    n, width = len(recipe.targets), body.deep_n // body.bodies_n
    part = slice(which * width, (which + 1) * width)
    weight = body.head.weight.detach().numpy()[task * n : (task + 1) * n, part]
    return np.asarray(deep_columns(body, steps)[:, part] @ weight.T + MIDDLE)


def _tensor(x: Floats) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x, np.float32))


def columns_of(module: CourseNetwork, steps: Steps) -> Floats:
    """(window, column) of all windows of a recording: what the head rests on.

    Every step goes through the body once, not once for each window that it is in.
    """
    with torch.no_grad():
        other = module.beside(torch.from_numpy(steps.features()).reshape(-1, *module.window))
    return np.concatenate([deep_columns(module, steps), other.numpy()], 1)


def deep_columns(module: CourseNetwork, steps: Steps) -> Floats:
    """(window, body x width)"""
    course = torch.from_numpy(np.ascontiguousarray(steps.course.T, np.float32))
    with torch.no_grad():
        deep = module.deep(course[None, :, None])[0, :, 0].T
    return np.asarray(deep.numpy(), np.float64)


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

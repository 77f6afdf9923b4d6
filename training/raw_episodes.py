"""Pre-training for calibrations to come: each step plays some. Of a few users one repetition of
every gesture is the calibration, another the use, which a session of its own has moved; the use is
to be told by the calibration's means.

Sources: prototypical networks (Snell et al., arXiv 1703.05175) for the loss; that what a session
adds to all gestures is taken off before, as models.adapt does on the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from acquisition.stream import Refused
from training.augment import augmented
from training.build import network_for
from training.datasets import Segment
from training.fit import Progress, fit
from training.recipe import Fit, Recipe
from training.tasks import Batch, tensor
from training.train import Weights
from training.windows import WindowSet, sessions, spec_of, window_set

EACH = 4
"""Windows of each gesture, in the calibration and in the use."""
USERS = 4
"""in one step"""
MIXING, GAIN = 0.1, 0.15
"""How far a session of its own moves the channels: standard deviation of a random mixing, and of
the logarithm of each channel's gain."""
DIMENSIONS = 24
"""In which distances are taken; those of the head."""


class Distances(nn.Module):
    """What learns along and is thrown away: a projection, and how much a distance counts."""

    def __init__(self, embedding_n: int) -> None:
        super().__init__()
        self.projection = nn.Linear(embedding_n, DIMENSIONS, bias=False)
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, embedded: torch.Tensor, gestures_n: int) -> torch.Tensor:
        """(use's window, gesture) of embeddings in the order in which Episodes draws them."""
        z: torch.Tensor = self.projection(embedded)
        z = z.reshape(-1, 2, gestures_n, EACH, DIMENSIONS)
        means, use = z[:, 0].mean(2), z[:, 1]
        means = means - means.mean(1, keepdim=True)
        use = use - use.mean((1, 2), keepdim=True)
        away = (use[:, :, :, None] - means[:, None, None]).square().sum(-1) / DIMENSIONS
        return (-away * torch.exp(self.scale)).reshape(-1, gestures_n)


@dataclass
class Episodes:
    """Cross-entropy of the network's own answers, and of the calibrations that are played."""

    windows: WindowSet
    places: dict[tuple[str, int, int], NDArray[np.int64]]
    """(user, cycle, gesture) -> its windows"""
    how: Fit
    gestures_n: int
    parts: nn.Module = field(default_factory=nn.Identity)

    def __post_init__(self) -> None:
        self.cycles: dict[str, list[int]] = {}
        for user, cycle, _ in self.places:
            if cycle not in self.cycles.setdefault(user, []):
                self.cycles[user].append(cycle)
        if min(len(found) for found in self.cycles.values()) < 2:
            raise Refused("Calibrations are played with two repetitions of each gesture, at least.")

    def draw(self, rng: np.random.Generator) -> Batch:
        users, out = sorted(self.cycles), []
        for n in rng.choice(len(users), min(USERS, len(users)), replace=False):
            for moved, cycle in enumerate(rng.choice(self.cycles[users[n]], 2, replace=False)):
                which = [rng.choice(self._of(users[n], int(cycle), k), EACH) for k in self._all()]
                x = augmented(self.windows.windows(np.concatenate(which)), self.how, rng)
                out.append(np.matmul(_session(x.shape[1], rng), x) if moved else x)
        held = torch.arange(self.gestures_n).repeat_interleave(EACH)
        return tensor(self.windows.inputs(np.concatenate(out))), held.repeat(len(out))

    def loss(self, module: nn.Module, batch: Batch, done: float) -> torch.Tensor:
        x, held = batch
        embedded = module.embed(x)  # type: ignore[operator]
        drop = cast("nn.Module", getattr(module, "drop", nn.Identity()))
        told = module.head(drop(embedded))  # type: ignore[operator]
        own = cross_entropy(told, held, label_smoothing=self.how.label_smoothing)
        answers = self.parts(embedded, self.gestures_n)
        return own + cross_entropy(answers, held[: len(answers)])

    def after_step(self, averaged: dict[str, torch.Tensor]) -> None:
        pass

    def check(self, module: nn.Module) -> float:
        raise Refused("Played calibrations are not checked on held-out data; set check_steps = 0.")

    def _all(self) -> range:
        return range(self.gestures_n)

    def _of(self, user: str, cycle: int, gesture: int) -> NDArray[np.int64]:
        return self.places[user, cycle, gesture]


def pretrain_episodes(
    recipe: Recipe,
    segments: Sequence[Segment],
    labels: Sequence[str],
    progress: Progress | None = None,
    folder: Path | None = None,
) -> Weights:
    """Weights from many users, as training.train.pretrain gives them. Refuses a user with a single
    repetition. The batch of the recipe is not used."""
    module = network_for(recipe, len(spec_of(segments).channels), len(labels))
    groups = sessions(segments)
    windows = window_set(groups, recipe, labels, hop_samples=1)
    how = recipe.pretrain
    task = Episodes(windows, _places(groups, windows, labels), how, len(labels))
    torch.manual_seed(recipe.seed)
    task.parts = Distances(cast("nn.Linear", module.head).in_features)
    where = folder / "pretrain" if folder else None
    return fit(module, task, how, recipe.seed, progress, where).state_dict()


def _places(
    groups: Sequence[Sequence[Segment]], windows: WindowSet, labels: Sequence[str]
) -> dict[tuple[str, int, int], NDArray[np.int64]]:
    """Where each user's repetitions are among the windows."""
    parts = [part for group in groups for part in group]
    ends = np.cumsum([len(part.samples) for part in parts])
    owner = np.searchsorted(ends, windows.starts, side="right")
    found: dict[tuple[str, int, int], NDArray[np.int64]] = {}
    for n, part in enumerate(parts):
        key = (part.user, part.cycle, labels.index(part.gesture))
        mine = np.flatnonzero(owner == n)
        found[key] = np.concatenate([found[key], mine]) if key in found else mine
    return found


def _session(channels_n: int, rng: np.random.Generator) -> Any:
    """(channel, channel): what another session does to all of its samples."""
    mixing = np.eye(channels_n) + MIXING * rng.standard_normal((channels_n, channels_n))
    return (mixing * np.exp(GAIN * rng.standard_normal(channels_n))).astype(np.float32)

"""A network on raw windows for one wearer: the ring's turn found first, the network fitted to the
calibration with the others' windows rehearsed beside it, and a head that may follow the wearer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from acquisition.stream import Samples, Spec
from models.head import Head
from preprocessing.stage import Chain
from training.build import network_for
from training.covariance import BLOCK_S
from training.datasets import Segment
from training.fit import Progress
from training.raw_head import RawFamily, family_of, mean_of, wearers_raw, windows_of
from training.raw_ring import Worn, fit_worn, turn_of, turned, with_ring, with_turn
from training.raw_weights import kept_weights
from training.recipe import Recipe
from training.tasks import drawn, tensor
from training.windows import WindowSet, deployed_chain, reference, sessions, spec_of, window_set

DIMENSIONS = 24
"""Of the head, so that graph, head and ring stay below 150 kB."""
OWN_SHARE = 0.5
"""Share of a batch that is the wearer's own; the rest are the others' windows, so that what many
users taught is not forgotten (rehearsal, Robins 1995)."""
THINNED = 2
"""The heads of the others rest on every so many hops' window."""


@dataclass(frozen=True, eq=False)
class Taught:
    """What many users taught one network, everybody's electrodes in the same order."""

    recipe: Recipe
    labels: tuple[str, ...]
    network: nn.Module
    windows: WindowSet
    """every one, to rehearse with"""
    known: tuple[tuple[Samples, NDArray[np.int64]], ...]
    """(windows as the network takes them, gestures) of each user, for the head"""
    worn: Worn
    chain: Chain
    """centred on the users' mean covariance"""
    spec: Spec

    @cached_property
    def family(self) -> RawFamily:
        """Graphs and head of the network as the many taught it, the same for everybody."""
        return _family(self, self.network)


def teach(
    segments: Sequence[Segment],
    labels: tuple[str, ...],
    recipe: Recipe,
    ring_n: int,
    folder: Path,
    progress: Progress | None = None,
    *,
    episodes: bool = False,
) -> Taught:
    """From the sessions of many users. folder: keeps the network's weights for a later call with
    the same recipe, seed and users. episodes: see training.raw_episodes."""
    worn, same = fit_worn(segments, labels, ring_n)
    spec, users = spec_of(same), sessions(same)
    network = network_for(recipe, len(spec.channels), len(labels))
    weights = kept_weights(same, labels, recipe, folder, progress, episodes=episodes)
    network.load_state_dict(dict(weights))
    hop = THINNED * recipe.signal.hop_samples
    found = [windows_of(parts, recipe, labels, hop) for parts in users]
    return Taught(
        recipe,
        labels,
        network.eval(),
        window_set(users, recipe, labels, hop_samples=1),
        tuple((x, held) for x, held, _ in found),
        worn,
        deployed_chain(recipe, mean_of([reference(parts, recipe) for parts in users])),
        spec,
    )


def for_anybody(taught: Taught) -> tuple[RawFamily, Head, Chain]:
    """(graphs, head, chain) of somebody of whom nothing is known yet: the ring is asked for as the
    wearer goes along."""
    family = taught.family
    return family, family.head, with_ring(family.chain, taught.worn)


def for_wearer(
    taught: Taught, own: Sequence[Segment], *, tune: bool
) -> tuple[RawFamily, Head, Chain]:
    """(graphs, head, chain) after a calibration: `own` are segments of one session of the wearer.

    The ring's turn is told from the labels and picked first; then the network is fitted, where
    `tune` says so, and the head is calibrated on its embedding.
    """
    turn = turn_of(taught.worn, own, taught.labels)
    own = turned(own, turn)
    family = _family(taught, tuned(taught, own)) if tune else taught.family
    head, chain = wearers_raw(family, own, taught.labels)
    return family, head, with_turn(chain, taught.spec.channels, turn)


def tuned(taught: Taught, own: Sequence[Segment]) -> nn.Module:
    """The network, fitted to segments in the ring's order by the recipe's `finetune`: averaged
    weights of a copy, its normalisation's statistics left as the many taught them. One thread,
    so that it gives the same on the same kind of processor."""
    how, recipe = taught.recipe.finetune, taught.recipe
    mine = window_set(sessions(own), recipe, taught.labels, hop_samples=1)
    module = copy.deepcopy(taught.network).train()
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()
    rng = np.random.default_rng(recipe.seed)
    threads_n = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    optimizer = torch.optim.AdamW(module.parameters(), how.rate, weight_decay=how.weight_decay)
    averaged: dict[str, torch.Tensor] = {}
    own_n = round(OWN_SHARE * how.batch)
    for step in range(how.steps):
        warm = min(1.0, (step + 1) / max(1, how.warmup_steps))
        for group in optimizer.param_groups:
            group["lr"] = how.rate * warm * 0.5 * (1 + np.cos(np.pi * step / how.steps))
        x, held = _batch(((mine, own_n), (taught.windows, how.batch - own_n)), recipe, rng)
        loss = cross_entropy(module(x), held, label_smoothing=how.label_smoothing)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if 4 * step >= how.steps:
            _average(averaged, module, how.average)
    torch.set_num_threads(threads_n)
    if averaged:
        module.load_state_dict(averaged)
    return module.eval()


def _batch(
    parts: Sequence[tuple[WindowSet, int]], recipe: Recipe, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """(what the network takes, gestures) of so many windows of each set, augmented."""
    inputs, gestures = [], []
    for windows, count in parts:
        which = rng.integers(0, len(windows), count)
        inputs.append(windows.inputs(drawn(windows, which, recipe.finetune, rng)))
        gestures.append(windows.gestures[which])
    return tensor(np.concatenate(inputs)), torch.from_numpy(np.concatenate(gestures))


def _average(averaged: dict[str, torch.Tensor], module: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for name, value in module.state_dict().items():
            kept = averaged.setdefault(name, value.clone())
            if value.dtype.is_floating_point:
                kept.lerp_(value, 1 - decay)


def _family(taught: Taught, network: nn.Module) -> RawFamily:
    return family_of(
        network,
        taught.known,
        taught.labels,
        taught.recipe,
        taught.chain,
        taught.spec,
        _block_windows(taught),
        dimensions_n=DIMENSIONS,
    )


def _block_windows(taught: Taught) -> int:
    """Thinned windows in half a second."""
    hop = THINNED * taught.recipe.signal.hop_samples
    return round(BLOCK_S * taught.spec.rate_hz / hop)

"""Continuous control: networks that estimate angles, forces or efforts instead of gestures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from acquisition.stream import Chunk, Refused, Samples
from models.artifact import Artifact
from models.contract import Contract, Provenance, Quantization, Target, Tensor
from models.decoder import open_decoder
from preprocessing.stage import Chain
from training.build import input_shape, network_for, stream_of
from training.datasets import Segment
from training.export import NO_GOLDEN
from training.fit import Progress, fit
from training.golden import golden_of
from training.quantize import INPUT, OUTPUT
from training.recipe import Recipe
from training.tasks import Regression
from training.windows import WindowSet, deployed_chain, reference, sessions, spec_of, window_set

REST = "rest"
"""The only label of a network that decides no gesture."""
Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Aimed:
    """A network that estimates, in the targets' units, and what goes with it."""

    module: nn.Module
    chain: Chain
    targets: tuple[Target, ...]
    windows: WindowSet
    golden: Samples


@dataclass(frozen=True)
class Estimated:
    """How near the estimates came to one target, at the moment that they were given: an estimate
    is held against the truth at its newest sample, so that whatever lags, loses."""

    r2: float
    """1 less the share of the variance that was missed; below 0 it is worse than the mean"""
    rmse: float
    """in the target's unit"""
    windows_n: int


def pretrain_targets(
    recipe: Recipe,
    segments: Sequence[Segment],
    progress: Progress | None = None,
    folder: Path | None = None,
) -> Weights:
    """Weights from many users; the outputs are in standard deviations of each target."""
    module, windows, truth, _, _ = _begun(recipe, segments)
    task = Regression(windows, recipe.pretrain, truth)
    where = folder / "pretrain" if folder else None
    return fit(module, task, recipe.pretrain, recipe.seed, progress, where).state_dict()


def calibrate_targets(
    recipe: Recipe,
    weights: Weights | None,
    segments: Sequence[Segment],
    progress: Progress | None = None,
    folder: Path | None = None,
) -> Aimed:
    """A network fitted to some sessions with known targets, from pre-trained weights or none.

    The chain is centred on all of `segments`. Refuses segments without the recipe's targets.
    """
    module, windows, truth, mean, spread = _begun(recipe, segments)
    if weights is not None:
        module.load_state_dict(dict(weights))
    task = Regression(windows, recipe.finetune, truth)
    where = folder / "calibrate" if folder else None
    module = fit(module, task, recipe.finetune, recipe.seed, progress, where)
    head = cast("nn.Linear", module.head)
    with torch.no_grad():
        scale, shift = torch.from_numpy(spread), torch.from_numpy(mean)
        head.weight.mul_(scale[:, None])
        head.bias.mul_(scale).add_(shift)
    groups = sessions(segments)
    parts = [part for group in groups for part in group]
    chain = deployed_chain(recipe, reference(parts, recipe))
    return Aimed(
        module, chain, targets_of(recipe, segments), windows, golden_of(groups[0], recipe.signal)
    )


def draft_targets(recipe: Recipe, made: Aimed, origin: Provenance, spec_from: Segment) -> Contract:
    """The contract but for what only a graph can tell; for `training.train.deploy`."""
    channels_n = len(spec_from.spec.channels)
    return Contract(
        name=recipe.name,
        spec=spec_from.spec,
        chain=made.chain,
        decision=(),
        labels=(REST,),
        rest=REST,
        input=Tensor(INPUT, input_shape(recipe, channels_n), "float32"),
        output=Tensor(OUTPUT, (1, len(made.targets)), "float32"),
        quantization=Quantization(recipe.quantization, "", 1.0, 0.0),
        golden=NO_GOLDEN,
        provenance=origin,
        digest="",
        targets=made.targets,
        stream=stream_of(made.module, recipe, channels_n),
    )


def targets_of(recipe: Recipe, segments: Sequence[Segment]) -> tuple[Target, ...]:
    """The recipe's targets with their units, and the ranges that the segments show."""
    values = np.concatenate([_values(recipe, segment) for segment in segments])
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    found = segments[0].targets
    units = dict(zip(found.names, found.units, strict=True)) if found else {}
    return tuple(
        Target(name, units[name], float(low[i]), float(high[i]))
        for i, name in enumerate(recipe.targets)
    )


def estimate(artifact: Artifact, parts: Sequence[Segment]) -> dict[str, Estimated]:
    """Target -> how near the artifact came on one session, through the decoder that runs live;
    see `told_and_true`."""
    return scores_of(artifact, *told_and_true(artifact, parts))


def told_and_true(artifact: Artifact, parts: Sequence[Segment]) -> tuple[Samples, Samples]:
    """(estimates (window, target), truth likewise) of one session, through the live decoder.

    parts: the session's segments in their order, with targets. A window counts when it lies
    inside one segment and the truth at its newest sample is known.
    """
    contract = artifact.contract
    decoder = open_decoder(artifact, spec_of(parts))
    state = decoder.start()
    names = [target.name for target in contract.targets]
    told, true, begin = [], [], 0
    for part in parts:
        if part.targets is None:
            raise Refused(f"The segment {part.key} has no targets to hold estimates against.")
        columns = [part.targets.names.index(name) for name in names]
        for window in decoder.push(Chunk(part.samples, begin / contract.spec.rate_hz), state):
            targets = decoder.decide(window, state).targets
            at = window.sample_n - begin
            if at >= contract.windows.length_samples - 1:
                told.append(targets)
                true.append(part.targets.values[at, columns])
        begin += len(part.samples)
    return np.array(told, np.float64), np.array(true, np.float64)


def scores_of(artifact: Artifact, told: Samples, true: Samples) -> dict[str, Estimated]:
    """Target -> how near estimates (window, target) of the artifact came to the truth."""
    out = {}
    for i, name in enumerate(target.name for target in artifact.contract.targets):
        known = np.isfinite(true[:, i])
        y, missed = true[known, i], told[known, i] - true[known, i]
        if len(y) < 2 or np.ptp(y) == 0:
            raise Refused(f'The target "{name}" does not move in this session: nothing to score.')
        r2 = 1 - float((missed * missed).sum() / ((y - y.mean()) ** 2).sum())
        out[name] = Estimated(r2, float(np.sqrt((missed * missed).mean())), len(y))
    return out


def _begun(
    recipe: Recipe, segments: Sequence[Segment]
) -> tuple[nn.Module, WindowSet, Samples, Samples, Samples]:
    """(fresh network, windows with a known truth, standardized truth, its mean, its deviation)"""
    if not recipe.targets:
        raise Refused('The recipe names no targets; say which, e.g. targets = ["knee_deg"].')
    groups = sessions(segments)
    truth = np.concatenate([_values(recipe, part) for group in groups for part in group])
    windows = window_set(groups, recipe, (), hop_samples=1)
    newest = windows.starts + windows.length_samples - 1
    known = np.isfinite(truth[newest]).all(axis=1)
    if not known.any():
        raise Refused(f"No window has known values of {list(recipe.targets)}.")
    windows = replace(
        windows,
        starts=windows.starts[known],
        gestures=windows.gestures[known],
        sessions=windows.sessions[known],
    )
    mean, spread = truth[newest[known]].mean(axis=0), truth[newest[known]].std(axis=0)
    still = [name for name, s in zip(recipe.targets, spread, strict=True) if not s > 0]
    if still:
        raise Refused(f"The targets {still} never move in these segments: nothing to learn.")
    module = network_for(recipe, len(spec_of(segments).channels), len(recipe.targets))
    return module, windows, ((truth - mean) / spread).astype(np.float32), mean, spread


def _values(recipe: Recipe, segment: Segment) -> Samples:
    """(time, target) of the recipe's targets, in its order."""
    found = segment.targets
    missing = [name for name in recipe.targets if found is None or name not in found.names]
    if found is None or missing:
        known = list(found.names) if found else "none"
        raise Refused(f"The segment {segment.key} lacks the targets {missing}; it has {known}.")
    return found.values[:, [found.names.index(name) for name in recipe.targets]]

"""Trainings: a network on many users, then on one wearer, then into an artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from acquisition.stream import Refused, Samples, Spec
from models.artifact import Artifact
from models.contract import Contract, Provenance, Quantization, Tensor
from preprocessing.stage import Chain
from training.datasets import Segment
from training.export import NO_GOLDEN, calibration_digest, code_commit, write_artifact
from training.fit import Progress, fit
from training.networks import folded, make_network
from training.quantize import INPUT, METHOD, OUTPUT, to_int8, to_onnx
from training.recipe import Recipe
from training.windows import (
    WindowSet,
    deployed_chain,
    levels,
    reference,
    sessions,
    spec_of,
    window_set,
)

CALIBRATION_WINDOWS = 2048
"""Windows of the training data that the quantization sees: half calibrate, half measure."""
GOLDEN_HOPS = 12
"""Decisions in the golden recording, beside the first."""

Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A network that fits one wearer, and what goes with it."""

    module: nn.Module
    chain: Chain
    levels: Mapping[str, float]
    windows: WindowSet
    golden: Samples
    """(time, channel): a change of gesture from the training data"""


def pretrain(
    recipe: Recipe,
    segments: Sequence[Segment],
    labels: Sequence[str],
    progress: Progress | None = None,
) -> Weights:
    """Weights from many users, each session centred on itself."""
    windows = window_set(sessions(segments), recipe, labels, hop_samples=1)
    module = _fresh(recipe, segments, labels)
    return fit(module, windows, recipe.pretrain, recipe.seed, progress).state_dict()


def calibrate(
    recipe: Recipe,
    weights: Weights | None,
    segments: Sequence[Segment],
    labels: Sequence[str],
    rest: str,
    progress: Progress | None = None,
) -> Calibrated:
    """A network fitted to one wearer's session(s), from pre-trained weights or from none.

    The chain is centred on all of `segments`; they must be of one user.
    """
    users = sorted({segment.user for segment in segments})
    missing = sorted(set(labels) - {segment.gesture for segment in segments})
    if len(users) != 1 or missing:
        raise Refused(
            f"A calibration is of one wearer and every gesture; this one has {users} and lacks "
            f"{missing}."
        )
    module = _fresh(recipe, segments, labels)
    if weights is not None:
        module.load_state_dict(dict(weights))
    groups = sessions(segments)
    windows = window_set(groups, recipe, labels, hop_samples=1)
    module = fit(module, windows, recipe.finetune, recipe.seed, progress)
    chain = deployed_chain(recipe, reference([s for g in groups for s in g], recipe))
    return Calibrated(
        module,
        chain,
        levels(windows, labels, rest),
        windows,
        _golden(groups[0], recipe),
    )


def draft_contract(
    recipe: Recipe,
    made: Calibrated,
    spec: Spec,
    labels: Sequence[str],
    rest: str,
    origin: Provenance,
) -> Contract:
    """The contract but for what only a graph can tell: digest, golden recording, quantization."""
    shape = (1, len(spec.channels), 1, recipe.signal.window_samples)
    return Contract(
        name=recipe.name,
        spec=spec,
        chain=made.chain,
        decision=recipe.decision.stages(dict(made.levels)),
        labels=tuple(labels),
        rest=rest,
        input=Tensor(INPUT, shape, "float32"),
        output=Tensor(OUTPUT, (1, len(labels)), "float32"),
        quantization=Quantization("none", "", 1.0, 0.0),
        golden=NO_GOLDEN,
        provenance=origin,
        digest="",
    )


def deploy(
    path: Path, module: nn.Module, draft: Contract, windows: Samples, golden: Samples
) -> tuple[Artifact, Artifact]:
    """(int8 artifact at `path`, float artifact beside it), both .onnx with the whole contract.

    windows: (window, channel, time) of the training data; every other one calibrates the
    quantization, and the rest measure its disagreement with float.
    """
    shape = draft.input.shape
    windows = windows.reshape(len(windows), *shape[1:])
    full = to_onnx(folded(module), shape)
    whole = write_artifact(path.with_name(f"{path.stem}.float.onnx"), full, draft, golden)
    small = to_int8(full, windows[::2])
    first = write_artifact(path, small, draft, golden)
    agreement, worst = disagreement(first, whole, windows[1::2])
    quantization = Quantization(METHOD, calibration_digest(windows[::2]), agreement, worst)
    return write_artifact(path, small, replace(draft, quantization=quantization), golden), whole


def calibration_windows(windows: WindowSet) -> Samples:
    """Windows spread evenly over the training data, (window, channel, time)."""
    which = np.linspace(0, len(windows) - 1, CALIBRATION_WINDOWS).round().astype(np.int64)
    return windows.windows(which)


def disagreement(small: Artifact, full: Artifact, windows: Samples) -> tuple[float, float]:
    """(share of equal decisions, largest difference of a logit) on windows (window, ...)."""
    equal, worst = 0, 0.0
    for window in windows:
        a = small.runtime.run(window[None])[0].copy()
        b = full.runtime.run(window[None])[0]
        equal += int(a.argmax() == b.argmax())
        worst = max(worst, float(np.abs(a - b).max()))
    return equal / len(windows), worst


def provenance(
    data: str,
    data_digest: str,
    users: Mapping[str, tuple[str, ...]],
    seed: int,
    metrics: Mapping[str, float],
) -> Provenance:
    """Where the weights come from, with the commit of the running code."""
    return Provenance(data, data_digest, users, seed, code_commit(), metrics)


def _fresh(recipe: Recipe, segments: Sequence[Segment], labels: Sequence[str]) -> nn.Module:
    torch.manual_seed(recipe.seed)
    channels_n = len(spec_of(segments).channels)
    return make_network(recipe.network, channels_n, len(labels), recipe.width)


def _golden(parts: Sequence[Segment], recipe: Recipe) -> Samples:
    """The end of one gesture and the begin of the next: a moment at which much happens."""
    signal = recipe.signal
    n = signal.window_samples + GOLDEN_HOPS * signal.hop_samples
    after = n // 2
    return np.concatenate([parts[0].samples[-(n - after) :], parts[1].samples[:after]])

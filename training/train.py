"""Trainings: a network on many users, then on one wearer, then into an artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn

from acquisition.stream import Refused, Samples, Spec
from models.artifact import Artifact
from models.contract import Contract, Provenance, Quantization, Tensor
from preprocessing.stage import Chain
from training.aware import METHOD as AWARE_METHOD
from training.aware import aware, rounded_weights
from training.build import input_shape, network_for, stream_of
from training.datasets import Segment
from training.export import NO_GOLDEN, calibration_digest, code_commit, write_artifact
from training.fit import Progress, fit
from training.folding import folded
from training.golden import golden_of
from training.networks.dbn import DeepBelief
from training.networks.tcn import StreamingTcn
from training.quantize import INPUT, METHOD, NOTHING, OUTPUT, feeds_of, to_int8, to_onnx
from training.recipe import AWARE, FLOAT, SUPERVISED, WEIGHTS, Fit, Recipe, Teacher
from training.tasks import Distilled, Gestures, SemiSupervised, Task
from training.unlabelled import without_labels
from training.weights_int8 import METHOD as WEIGHTS_METHOD
from training.weights_int8 import to_int8_weights
from training.windows import (
    WindowSet,
    deployed_chain,
    familiar,
    levels,
    reference,
    sessions,
    spec_of,
    window_set,
)

if TYPE_CHECKING:
    from training.networks.tcn import Tcn

CALIBRATION_WINDOWS = 2048
"""Windows of the training data that the quantization sees: half calibrate, half measure."""
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
    folder: Path | None = None,
) -> Weights:
    """Weights from many users, each session centred on itself.

    A recipe that pre-trains without labels looks at none, and leaves the head fresh. With
    `check_steps`, the last user's sessions are held out to stop early on.
    folder: for logs, and to go on from after an interruption.
    """
    module = network_for(recipe, len(spec_of(segments).channels), len(labels))
    how = recipe.pretrain
    kept, held = _held_out(segments, how.check_steps, by_user=True)
    known = labels if recipe.pretraining == SUPERVISED else ()
    windows = window_set(sessions(kept), recipe, known, hop_samples=1)
    watched = window_set(sessions(held), recipe, known, hop_samples=1) if held else None
    _begin(module, windows, how, recipe.seed)
    if recipe.pretraining != SUPERVISED:
        task: Task = without_labels(recipe.pretraining, module, windows, how, watched)
    elif recipe.teacher.network:
        teacher = _teacher(recipe, segments, labels, folder)
        task = Distilled(windows, how, watched, teacher=teacher, settings=recipe.teacher)
    else:
        task = Gestures(windows, how, watched)
    where = folder / "pretrain" if folder else None
    return fit(module, task, how, recipe.seed, progress, where).state_dict()


def calibrate(
    recipe: Recipe,
    weights: Weights | None,
    segments: Sequence[Segment],
    labels: Sequence[str],
    rest: str,
    progress: Progress | None = None,
    unlabelled: Sequence[Segment] = (),
    folder: Path | None = None,
) -> Calibrated:
    """A network fitted to one wearer's session(s), from pre-trained weights or from none.

    The chain is centred on all of `segments`; they must be of one user. With `check_steps`, the
    last repetition of each gesture is held out to stop early on.
    unlabelled: the same wearer's use, for a recipe that learns from it; its gestures are not
    looked at.
    """
    users = sorted({segment.user for segment in segments})
    missing = sorted(set(labels) - {segment.gesture for segment in segments})
    if len(users) != 1 or missing:
        raise Refused(
            f"A calibration is of one wearer and every gesture; this one has {users} and lacks "
            f"{missing}."
        )
    module = network_for(recipe, len(spec_of(segments).channels), len(labels))
    groups, how = sessions(segments), recipe.finetune
    windows = window_set(groups, recipe, labels, hop_samples=1)
    if weights is not None:
        module.load_state_dict(dict(weights))
    else:
        _begin(module, windows, how, recipe.seed)
    kept, held = _held_out(segments, how.check_steps, by_user=False)
    watched = window_set(sessions(held), recipe, labels, hop_samples=1) if held else None
    taught = window_set(sessions(kept), recipe, labels, hop_samples=1) if held else windows
    task: Task = Gestures(taught, how, watched)
    if recipe.unlabelled.method:
        if not unlabelled:
            raise Refused(
                f'The recipe learns from unlabelled use ("{recipe.unlabelled.method}") and there '
                f"is none; record some, or leave it out of the recipe."
            )
        use = window_set(sessions(unlabelled), recipe, (), hop_samples=1)
        task = SemiSupervised(taught, how, watched, nn.Identity(), module, use, recipe.unlabelled)
    where = folder / "calibrate" if folder else None
    module = fit(module, task, how, recipe.seed, progress, where)
    chain = deployed_chain(recipe, reference([s for g in groups for s in g], recipe))
    return Calibrated(
        module,
        chain,
        levels(windows, labels, rest),
        windows,
        golden_of(groups[0], recipe.signal),
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
    channels_n = len(spec.channels)
    decision = recipe.decision.stages(dict(made.levels))
    if recipe.decision.familiar:
        decision = (familiar(made.windows, labels.index(rest)), *decision)
    return Contract(
        name=recipe.name,
        spec=spec,
        chain=made.chain,
        decision=decision,
        labels=tuple(labels),
        rest=rest,
        input=Tensor(INPUT, input_shape(recipe, channels_n), "float32"),
        output=Tensor(OUTPUT, (1, len(labels)), "float32"),
        quantization=Quantization(recipe.quantization, "", 1.0, 0.0),
        golden=NO_GOLDEN,
        provenance=origin,
        digest="",
        stream=stream_of(made.module, recipe, channels_n),
    )


def deploy(
    path: Path, module: nn.Module, draft: Contract, windows: Samples, golden: Samples
) -> tuple[Artifact, Artifact]:
    """(artifact at `path`, float artifact beside it), both .onnx with the whole contract.

    The first is int8 where the network's family gains by it, in the way that the draft's
    quantization names.
    windows: (window, ...) as the network takes them, of the training data; every other one
    calibrates the quantization, and the rest measure its disagreement with float.
    """
    shape, how = draft.input.shape, draft.quantization.method
    windows = windows.reshape(len(windows), *shape[1:])
    plain = folded(module)
    full = float_graph(plain, draft)
    unquantized = replace(draft, quantization=Quantization(NOTHING, "", 1.0, 0.0))
    beside = path.with_name(f"{path.stem}.float.onnx")
    whole = write_artifact(beside, full, unquantized, golden)
    operators = cast("tuple[str, ...] | None", module.INT8)
    if how in (FLOAT, NOTHING) or operators == ():
        return write_artifact(path, full, unquantized, golden), whole
    if how in (AWARE, AWARE_METHOD):
        rounded = aware(plain, windows[::2], estimates=bool(draft.targets))
        small, method = rounded_weights(float_graph(rounded, draft)), AWARE_METHOD
    elif how in (WEIGHTS, WEIGHTS_METHOD):
        small, method = to_int8_weights(full, operators), WEIGHTS_METHOD
    else:
        feeds = feeds_of(full, windows[::2], draft.stream)
        small, method = to_int8(full, feeds, operators), METHOD
    first = write_artifact(path, small, draft, golden)
    agreement, worst = disagreement(first, whole, windows[1::2])
    quantization = Quantization(method, calibration_digest(windows[::2]), agreement, worst)
    return write_artifact(path, small, replace(draft, quantization=quantization), golden), whole


def float_graph(module: nn.Module, draft: Contract) -> bytes:
    """The ONNX graph of a folded module, in its streaming form where the draft says so."""
    if draft.stream is None:
        return to_onnx(module, draft.input.shape)
    stream = draft.stream
    streaming = StreamingTcn(cast("Tcn", module))
    return to_onnx(streaming, stream.input.shape, stream.states, stream.after)


def calibration_windows(windows: WindowSet) -> Samples:
    """Windows spread evenly over the training data, (window, ...) as the network takes them."""
    which = np.linspace(0, len(windows) - 1, CALIBRATION_WINDOWS).round().astype(np.int64)
    return windows.inputs(windows.windows(which))


def disagreement(small: Artifact, full: Artifact, windows: Samples) -> tuple[float, float]:
    """(share of equal answers, largest difference of an output) on windows (window, ...).

    Decisions are equal when they name the same gesture, estimates when each is within a hundredth
    of its target's range.
    """
    targets = small.contract.targets
    near = np.array([(t.high - t.low) / 100 for t in targets])
    equal, worst = 0, 0.0
    for window in windows:
        a = small.runtime.run(window[None])[0].copy()
        b = full.runtime.run(window[None])[0]
        same = (np.abs(a - b) <= near).all() if targets else a.argmax() == b.argmax()
        equal += int(same)
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


def _begin(module: nn.Module, windows: WindowSet, how: Fit, seed: int) -> None:
    """What a family does before its first fit: a deep belief network learns without labels."""
    if isinstance(module, DeepBelief):
        which = np.linspace(0, len(windows) - 1, CALIBRATION_WINDOWS).round().astype(np.int64)
        module.contrast(windows.inputs(windows.windows(which)), how.steps, seed)


def _held_out(
    segments: Sequence[Segment], check_steps: int, *, by_user: bool
) -> tuple[Sequence[Segment], Sequence[Segment]]:
    """(to train on, to stop early on): the last user's or the last repetition's segments."""
    if not check_steps:
        return segments, ()
    names = sorted(
        {s.user if by_user else s.cycle for s in segments}, key=lambda n: (len(str(n)), n)
    )
    if len(names) < 2:
        what = "user" if by_user else "repetition"
        raise Refused(f"To stop early takes a second {what} to hold out; set check_steps = 0.")
    held = [s for s in segments if (s.user if by_user else s.cycle) == names[-1]]
    return [s for s in segments if s not in held], held


def _teacher(
    recipe: Recipe, segments: Sequence[Segment], labels: Sequence[str], folder: Path | None
) -> nn.Module:
    """The recipe's larger network, trained on the same segments; without smoothed labels, for
    these take from a teacher what it has to tell (Mueller, arXiv 1906.02629)."""
    settings = recipe.teacher
    larger = replace(
        recipe,
        network=settings.network,
        width=settings.width,
        options=settings.options,
        teacher=Teacher(),
        pretrain=replace(recipe.pretrain, label_smoothing=0.0),
    )
    where = folder / "teacher" if folder else None
    module = network_for(larger, len(spec_of(segments).channels), len(labels))
    module.load_state_dict(dict(pretrain(larger, segments, labels, None, where)))
    return module.eval()

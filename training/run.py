"""One training from segments to a folder with artifacts, and the folder read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.myo_files import MYO_GESTURES
from acquisition.session import Session
from acquisition.stream import Refused
from models.artifact import Artifact
from training.card import model_card
from training.datasets import Segment
from training.evaluate import evaluate
from training.export import replace_file, write_artifact
from training.fit import Progress
from training.folder import ARTIFACT, CARD, load_run, save_run
from training.recipe import Recipe
from training.regression import (
    Aimed,
    calibrate_targets,
    draft_targets,
    estimate,
    pretrain_targets,
)
from training.splits import refuse_overlap
from training.train import (
    Calibrated,
    calibrate,
    calibration_windows,
    deploy,
    draft_contract,
    pretrain,
    provenance,
)
from training.windows import sessions, spec_of


def labels_of(segments: Sequence[Segment], rest: str) -> tuple[str, ...]:
    """The gestures of the segments: in the usual order where they are usual, rest first."""
    found = {segment.gesture for segment in segments}
    if rest not in found:
        raise Refused(f'The calibration has no "{rest}"; record some.')
    usual = [g for g in MYO_GESTURES if g in found]
    return tuple(usual + sorted(found - set(usual)))


def train_run(
    recipe: Recipe,
    data: str,
    data_digest: str,
    general: Sequence[Segment],
    own: Sequence[Segment],
    held_out: Sequence[Segment],
    out: Path,
    rest: str,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Trains and leaves artifact, float twin, model card, weights and calibration in `out`.

    held_out: sessions that the artifact is scored on for its card; none of them may have trained.
    """
    refuse_overlap({"pre-training": general, "calibration": own, "held-out": held_out})
    users = {
        "pretraining": tuple(sorted({s.user for s in general})),
        "calibration": tuple(sorted({f"{s.user} {s.session} cycle {s.cycle}" for s in own})),
    }
    origin = provenance(data, data_digest, users, recipe.seed, {})
    logs = out / "fit"
    made: Aimed | Calibrated
    if recipe.targets:
        weights = pretrain_targets(recipe, general, progress, logs) if general else None
        made = calibrate_targets(recipe, weights, own, progress, logs)
        draft = draft_targets(recipe, made, origin, own[0])
    else:
        labels = labels_of(own, rest)
        weights = pretrain(recipe, general, labels, progress, logs) if general else None
        made = calibrate(recipe, weights, own, labels, rest, progress, folder=logs)
        draft = draft_contract(recipe, made, spec_of(own), labels, rest, origin)
    windows = calibration_windows(made.windows)
    save_run(out, recipe, made.module, windows)
    small, full = deploy(out / ARTIFACT, made.module, draft, windows, made.golden)
    small = with_metrics(small, held_out)
    card = model_card(small.contract, small.digest, small.bytes_n)
    replace_file(out / CARD, card.encode())
    return {
        "artifact": small.path,
        "card": str(out / CARD),
        "digest": small.digest,
        "graph_digest": small.contract.digest,
        "bytes": small.bytes_n,
        "float_bytes": full.bytes_n,
        "labels": list(draft.labels),
        "targets": [target.name for target in draft.targets],
        "int8_agreement": small.contract.quantization.agreement,
        "held_out": dict(small.contract.provenance.metrics),
    }


def with_metrics(artifact: Artifact, held_out: Sequence[Segment]) -> Artifact:
    """The artifact with its accuracy on each held-out session in its contract: the share of
    windows inside one gesture that the live decoder decides rightly, or R2 of each target."""
    contract, metrics = artifact.contract, {}
    for parts in sessions(held_out):
        if contract.targets:
            for name, found in estimate(artifact, parts).items():
                metrics[f"{parts[0].user} {parts[0].session} {name} R2"] = found.r2
            continue
        share = evaluate(artifact, as_session(parts), settle_s=0.0).accuracy
        if share is not None:
            metrics[f"{parts[0].user} {parts[0].session}"] = share
    if metrics:
        metrics["mean"] = sum(metrics.values()) / len(metrics)
    contract = replace(contract, provenance=replace(contract.provenance, metrics=metrics))
    path = Path(artifact.path)
    return write_artifact(path, path.read_bytes(), contract, contract.golden.samples)


def as_session(parts: Sequence[Segment]) -> Session:
    """Segments one after the other as one stream with a marker at the start of each."""
    starts = np.cumsum([0, *(len(part.samples) for part in parts[:-1])])
    markers = tuple((int(n), part.gesture) for n, part in zip(starts, parts, strict=True))
    return Session(parts[0].spec, np.concatenate([part.samples for part in parts]), markers)


def export_onnx(folder: Path, out: Path) -> dict[str, Any]:
    """The folder's network as a fresh .onnx at `out`."""
    module, contract, windows = load_run(folder)
    small, full = deploy(out, module, contract, windows, contract.golden.samples)
    return {
        "artifact": small.path,
        "digest": small.digest,
        "bytes": small.bytes_n,
        "float": full.path,
    }

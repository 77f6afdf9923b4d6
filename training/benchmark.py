"""Protocols that are measured the same way every time, on the artifact that would be deployed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from acquisition.imports import load_session
from acquisition.myo_files import MYO_GESTURES
from acquisition.stream import Refused
from models.artifact import Artifact
from training.datasets import fingerprint, read_myo_armband
from training.evaluate import evaluate
from training.fit import Progress
from training.recipe import Recipe
from training.splits import Selection, refuse_overlap, select
from training.train import (
    Weights,
    calibrate,
    calibration_windows,
    deploy,
    draft_contract,
    pretrain,
    provenance,
)
from training.windows import spec_of

CALIBRATION, TESTS = "training0", ("Test0", "Test1")
REST = "rest"


def within_user(
    recipe: Recipe,
    root: Path,
    cycles: Sequence[int],
    folder: Path,
    users: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Within-user accuracy on the MyoArmbandDataset, per window, without any vote.

    Pre-trained on the users of the pre-training part, fitted to each evaluation user's first c
    cycles of training0 (c in `cycles`), scored on all files of Test0 and Test1 in their order
    through the live decoder; a window counts when it lies inside one file. The mean of both
    sessions, and the mean over users. Adaptation sees the past of the session alone. Artifacts
    are left in `folder`.
    """
    segments = read_myo_armband(root)
    known = sorted({s.user for s in segments if s.user.startswith("evaluation/")}, key=_natural)
    users = list(users or known)
    others = tuple(sorted({s.user for s in segments if s.user.startswith("pretraining/")}))
    data_digest = fingerprint(root)
    general = select(segments, Selection(users=others))
    weights = pretrained(recipe, general, data_digest, folder, progress)
    rows = []
    for count in cycles:
        scores: dict[str, dict[str, float]] = {}
        for user in users:
            own = select(segments, Selection((user,), (CALIBRATION,), tuple(range(count))))
            test = select(segments, Selection((user,), TESTS))
            refuse_overlap({"pre-training": general, "calibration": own, "test": test})
            made = calibrate(recipe, weights, own, MYO_GESTURES, REST)
            where = {"pretraining": others, "calibration": (f"{user} {CALIBRATION} x{count}",)}
            origin = provenance("MyoArmbandDataset", data_digest, where, recipe.seed, {})
            path = folder / f"{user.replace('/', '-')}-{count}.onnx"
            draft = draft_contract(recipe, made, spec_of(own), MYO_GESTURES, REST, origin)
            windows = calibration_windows(made.windows)
            small, full = deploy(path, made.module, draft, windows, made.golden)
            scores[user] = _scores(small, full, root / _folder(user))
        rows.append({"model": recipe.network, "cycles": count, **_summary(scores)})
    parameters = sum(v.numel() for k, v in weights.items() if k.endswith(("weight", "bias")))
    return {
        "protocol": "within-user",
        "recipe": asdict(recipe),
        "data_digest": data_digest,
        "rows": [{**row, "params": parameters} for row in rows],
    }


def pretrained(
    recipe: Recipe,
    segments: Sequence[Any],
    data_digest: str,
    folder: Path,
    progress: Progress | None = None,
) -> Weights:
    """Pre-trained weights, from `folder` where the same recipe has met the same data before."""
    settings = {k: v for k, v in asdict(recipe).items() if k not in ("finetune", "decision")}
    parts = {"recipe": settings, "data": data_digest}
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"pretrained-{key}.pt"
    if path.exists():
        loaded: Weights = torch.load(path, weights_only=True)
        return loaded
    weights = pretrain(recipe, segments, MYO_GESTURES, progress)
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(dict(weights), part)
    part.replace(path)
    return weights


def _scores(small: Artifact, full: Artifact, folder: Path) -> dict[str, float]:
    shares: list[float] = []
    float_shares: list[float] = []
    for name in TESTS:
        session = load_session(folder / name)
        for artifact, out in ((small, shares), (full, float_shares)):
            share = evaluate(artifact, session, settle_s=0.0).accuracy
            if share is None:
                raise Refused(f"The session {folder.name}/{name} has no scorable window.")
            out.append(share)
    return {
        "int8": float(np.mean(shares)),
        "float": float(np.mean(float_shares)),
        "agreement": small.contract.quantization.agreement,
        "bytes": small.bytes_n,
        "us": runtime_us(small),
    }


def runtime_us(artifact: Artifact, repeats: int = 300) -> float:
    """Median microseconds of one call of the artifact's runtime, on this machine, now."""
    x = np.zeros(artifact.contract.input.shape, np.float32)
    state, taken = artifact.runtime.start(), []
    artifact.runtime.run(x, state)
    for _ in range(repeats):
        begin = time.perf_counter()
        artifact.runtime.run(x, state)
        taken.append(time.perf_counter() - begin)
    return 1e6 * float(np.median(taken))


def _summary(scores: dict[str, dict[str, float]]) -> dict[str, Any]:
    def column(name: str) -> list[float]:
        return [row[name] for row in scores.values()]

    return {
        "mean": float(np.mean(column("int8"))),
        "worst": min(column("int8")),
        "per_user": {user: row["int8"] for user, row in scores.items()},
        "float_mean": float(np.mean(column("float"))),
        "int8_agreement": float(np.mean(column("agreement"))),
        "bytes": int(max(column("bytes"))),
        "us": float(np.median(column("us"))),
    }


def _folder(user: str) -> str:
    part, name = user.split("/")
    return f"{'EvaluationDataset' if part == 'evaluation' else 'PreTrainingDataset'}/{name}"


def _natural(user: str) -> tuple[int, str]:
    return len(user), user

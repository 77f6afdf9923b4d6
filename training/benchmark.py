"""Protocols that are measured the same way every time, on the artifact that would be deployed."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from acquisition.imports import load_session
from acquisition.myo_files import MYO_GESTURES
from acquisition.stream import Refused
from models.artifact import Artifact, open_artifact
from models.contract import Provenance
from training.datasets import Segment, fingerprint, read_myo_armband
from training.evaluate import evaluate
from training.export import code_commit, replace_file
from training.fan_out import HERE, Where, map_tasks, one_thread
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
)
from training.windows import spec_of

CALIBRATION, TESTS = "training0", ("Test0", "Test1")
REST = "rest"


@dataclass(frozen=True)
class Wearer:
    """One evaluation user, one number of cycles: a task of the protocol."""

    recipe: Recipe
    root: Path
    data_digest: str
    user: str
    cycles: int
    commit: str
    """of the code that asks: a node may have the same files without their history"""


@dataclass(frozen=True)
class Measured:
    """What came of one."""

    scores: dict[str, float]
    artifact: bytes
    full: bytes


def within_user(
    recipe: Recipe,
    root: Path,
    cycles: Sequence[int],
    folder: Path,
    users: Sequence[str] | None = None,
    progress: Progress | None = None,
    where: Where = HERE,
) -> dict[str, Any]:
    """Within-user accuracy on the MyoArmbandDataset, per window, without any vote.

    Pre-trained on the users of the pre-training part, fitted to each evaluation user's first c
    cycles of training0 (c in `cycles`), scored on all files of Test0 and Test1 in their order
    through the live decoder; a window counts when it lies inside one file. The mean of both
    sessions, and the mean over users. Adaptation sees the past of the session alone. Artifacts
    are left in `folder`.
    where: the users are fitted there; the pre-training is done here.
    """
    digest = fingerprint(root)
    segments = _segments(root, digest)
    known = sorted({s.user for s in segments if s.user.startswith("evaluation/")}, key=_natural)
    users = list(users or known)
    with one_thread():
        weights = pretrained(recipe, _general(segments), digest, folder, progress)
    told, commit = (recipe, root, digest), code_commit()
    tasks = [Wearer(*told, user, count, commit) for count in cycles for user in users]
    mapped = map_tasks(partial(measured, _packed(weights)), tasks, where, progress)
    scores: dict[int, dict[str, dict[str, float]]] = {count: {} for count in cycles}
    for task, made in zip(tasks, mapped.whole(), strict=True):
        path = folder / f"{task.user.replace('/', '-')}-{task.cycles}.onnx"
        replace_file(path.with_name(f"{path.stem}.float.onnx"), made.full)
        replace_file(path, made.artifact)
        us = {"us": runtime_us(open_artifact(path))}  # on one machine for all, and alone
        scores[task.cycles][task.user] = made.scores | us
    parameters = sum(v.numel() for k, v in weights.items() if k.endswith(("weight", "bias")))
    return {
        "protocol": "within-user",
        "recipe": asdict(recipe),
        "data_digest": digest,
        "lost": mapped.lost_n,
        "rows": [
            {"model": recipe.network, "cycles": count, **_summary(row), "params": parameters}
            for count, row in scores.items()
        ],
    }


def measured(weights: bytes, task: Wearer) -> Measured:
    """One user's artifact and its scores, from packed pre-trained weights."""
    segments = _segments(task.root, task.data_digest)
    general = _general(segments)
    own = select(segments, Selection((task.user,), (CALIBRATION,), tuple(range(task.cycles))))
    test = select(segments, Selection((task.user,), TESTS))
    refuse_overlap({"pre-training": general, "calibration": own, "test": test})
    loaded: Weights = torch.load(io.BytesIO(weights), weights_only=True)
    made = calibrate(task.recipe, loaded, own, MYO_GESTURES, REST)
    others = tuple(sorted({s.user for s in general}))
    calibration = (f"{task.user} {CALIBRATION} x{task.cycles}",)
    where = {"pretraining": others, "calibration": calibration}
    data = ("MyoArmbandDataset", task.data_digest)
    origin = Provenance(*data, where, task.recipe.seed, task.commit, {})
    draft = draft_contract(task.recipe, made, spec_of(own), MYO_GESTURES, REST, origin)
    windows = calibration_windows(made.windows)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "artifact.onnx"
        small, full = deploy(path, made.module, draft, windows, made.golden)
        scores = _scores(small, full, task.root / _folder(task.user))
        return Measured(scores, path.read_bytes(), Path(full.path).read_bytes())


@lru_cache(maxsize=1)
def _segments(root: Path, digest: str) -> tuple[Segment, ...]:
    """The data set, read once by each process. Refuses another one in the same place."""
    found = fingerprint(root)
    if found != digest:
        raise Refused(
            f"{root} on {platform.node()} is not the data set of the computer that asks "
            f"({found[:8]} and {digest[:8]}); copy it there, or share the folder."
        )
    return read_myo_armband(root)


def _general(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    others = tuple(sorted({s.user for s in segments if s.user.startswith("pretraining/")}))
    return select(segments, Selection(users=others))


def _packed(weights: Weights) -> bytes:
    out = io.BytesIO()
    torch.save(dict(weights), out)
    return out.getvalue()


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

"""The protocol "robustness": each artifact under each damage, in the live path.

Shipped artifacts are heard on a session of their virtual wearer that they were not trained on;
the model of the protocol "myo", after one cycle of training0, on Test0. It is heard once more with
the stage that refuses what looks like nothing in the calibration (models.familiar).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.myo_files import MYO_GESTURES
from acquisition.stream import Refused
from models.artifact import Artifact, open_artifact
from models.familiar import familiar_from
from preprocessing.stage import Chain, offline
from training.covariance import deploy_head, features, fit_family, wearers_head
from training.datasets import Segment, Selection, fingerprint, read_dataset, read_myo_armband
from training.export import write_artifact
from training.recipe import Signal
from training.robustness import (
    GOALS,
    KNOWN_GOAL,
    MOVED_GOAL,
    STRIKES_S,
    UNKNOWN_GOAL,
    Hear,
    damages,
    shares,
    stream_of,
    unknown_shares,
    unknown_stream,
)
from training.simulated import SEED
from training.splits import refuse_overlap, select
from training.train import provenance

REST = "rest"
BEFORE, SCORED = (0,), (1,)
"""Cycles of the tested session: use before anything is scored, and 35 s that are, for 20 streams of
them are heard."""
MYO_USERS_N = 2
MYO, MYO_FAMILIAR = "covariance_adaptive", "covariance_adaptive, familiar"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Subject:
    """One artifact and the segments that it is heard on."""

    user: str
    artifact: Artifact
    parts: tuple[Segment, ...]
    before: tuple[Segment, ...] = ()
    """use of which nothing is scored"""


def _subject(user: str, artifact: Artifact, segments: Sequence[Segment]) -> Subject:
    before, scored = (tuple(s for s in segments if s.cycle in c) for c in (BEFORE, SCORED))
    first = {s.gesture: s for s in reversed(before)}
    order = dict.fromkeys(s.gesture for s in before)
    return Subject(user, artifact, scored, tuple(first[gesture] for gesture in order))


def shipped(path: Path) -> list[Subject]:
    """A shipped artifact and its virtual wearer, in a session that it was not trained on."""
    want = Selection(users=("wearer0",), sessions=(f"seed{SEED + 1}",), cycles=BEFORE + SCORED)
    parts = read_dataset("synthetic:armband", want).whole()
    return [_subject("wearer0", open_artifact(path), parts)]


def myo_subjects(root: Path, folder: Path, users_n: int = MYO_USERS_N) -> dict[str, list[Subject]]:
    """The model of the protocol "myo" after one cycle, plain and with what refuses the unknown."""
    segments = read_myo_armband(root)
    users = sorted({s.user for s in segments if s.user.startswith("evaluation/")})[:users_n]
    others = tuple(sorted({s.user for s in segments if s.user.startswith("pretraining/")}))
    general, signal = select(segments, Selection(users=others)), Signal()
    family = fit_family(general, MYO_GESTURES, signal, 8)
    golden, digest = np.concatenate([s.samples[-80:] for s in general[:2]]), fingerprint(root)
    out: dict[str, list[Subject]] = {MYO: [], MYO_FAMILIAR: []}
    for user in users:
        own = select(segments, Selection((user,), ("training0",), (0,)))
        test = select(segments, Selection((user,), ("Test0",), BEFORE + SCORED))
        refuse_overlap({"pre-training": general, "calibration": own, "test": test})
        head = wearers_head(family, own, MYO_GESTURES, signal)
        where = {"pretraining": others, "calibration": (f"{user} x1",)}
        origin = provenance("MyoArmbandDataset", digest, where, 0, {})
        path = folder / f"robustness-{user.replace('/', '-')}.onnx"
        words = (path, family, head, MYO_GESTURES, REST, origin, golden)
        artifact, _ = deploy_head(*words, adaptive=True, name=MYO)
        cut = artifact.contract.chain.stages.index(artifact.contract.windows) + 1
        x = np.concatenate([s.samples for s in own])
        windows = offline(Chain(artifact.contract.chain.stages[:cut]), x, own[0].spec)
        _, held, _ = features(own, family.chain, MYO_GESTURES, signal)
        known = familiar_from(windows[held >= 0], held[held >= 0], MYO_GESTURES.index(REST))
        draft = replace(artifact.contract, decision=(known,))
        beside = path.with_name(f"{path.stem}-familiar.onnx")
        careful = write_artifact(beside, family.small, draft, golden)
        out[MYO].append(_subject(user, artifact, test))
        out[MYO_FAMILIAR].append(_subject(user, careful, test))
    return out


def run_robustness(
    models: Mapping[str, Sequence[Subject]], hear: Hear, progress: Progress | None = None
) -> dict[str, Any]:
    """The rows of every model: its subjects under every damage, and unknown movements."""
    if not models:
        raise Refused("There is no artifact to measure; name one, or give the folder of the Myo.")
    rows: list[dict[str, Any]] = []
    total, done = sum(len(subjects) for subjects in models.values()), 0
    for name, subjects in models.items():
        heard: dict[tuple[str, float, str], dict[str, list[dict[str, Any]]]] = {}
        unknown: list[dict[str, float]] = []
        for subject in subjects:
            for key, told in _of(subject, hear):
                heard.setdefault(key, {}).setdefault(subject.user, []).append(told)
            stream = unknown_stream(subject.parts, REST)
            made = hear(subject.artifact, stream)
            unknown.append(unknown_shares(subject.artifact, made, stream))
            done += 1
            if progress:
                progress(done, total)
        rows += rows_of(name, heard, unknown)
    return {"protocol": "robustness", "seeds": "0", "rows": rows}


def _of(subject: Subject, hear: Hear) -> Iterator[tuple[tuple[str, float, str], dict[str, Any]]]:
    stream, begin = stream_of(subject.parts, subject.before)
    for one in damages(stream, begin, REST):
        heard = hear(subject.artifact, one.stream)
        told = shares(subject.artifact, heard, one.stream, one.begin)
        yield (one.damage, one.amount, one.unit), told


def rows_of(
    name: str,
    heard: Mapping[tuple[str, float, str], Mapping[str, Sequence[Mapping[str, Any]]]],
    unknown: Sequence[Mapping[str, float]],
) -> list[dict[str, Any]]:
    """A row for each damage and amount, with what it costs against the same windows undamaged."""
    clean, later = heard["none", 0, ""], heard["none", STRIKES_S, "s later"]
    rows = []
    for (damage, amount, unit), users in heard.items():
        if (damage, amount) == ("none", STRIKES_S):
            continue
        whole = later if damage == "lost electrode" else clean
        every = [one for told in users.values() for one in told]
        costs = [whole[u][0]["right"] - one["right"] for u, told in users.items() for one in told]
        row: dict[str, Any] = {
            "artifact": name,
            "damage": damage,
            "amount": amount,
            "unit": unit,
            "mean": float(np.mean([one["right"] for one in every])),
            "worst": min(one["right"] for one in every),
            "cost": float(np.mean(costs)),
            "worst_cost": max(costs),
            "per_user": {u: float(np.mean([o["right"] for o in t])) for u, t in users.items()},
            "rest_false_activation": float(np.mean([one["moved"] for one in every])),
            "rejected": float(np.mean([one["rejected"] for one in every])),
            "decided": float(np.mean([one["decided"] for one in every])),
        }
        if damage in GOALS and amount == 1:
            row |= {"goal": GOALS[damage], "met": row["cost"] <= GOALS[damage]}
        if damage == "none":
            row |= {"goal": MOVED_GOAL, "met": row["rest_false_activation"] <= MOVED_GOAL}
        rows.append(row)
    known = rows[0]["rejected"]
    strange = float(np.mean([one["rejected"] for one in unknown]))
    rows.append(
        {
            "artifact": name,
            "damage": "unknown movement",
            "amount": 1,
            "unit": "",
            "rejected": strange,
            "still": float(np.mean([one["still"] for one in unknown])),
            "known_rejected": known,
            "goal": UNKNOWN_GOAL,
            "met": strange >= UNKNOWN_GOAL and known <= KNOWN_GOAL,
        }
    )
    return rows

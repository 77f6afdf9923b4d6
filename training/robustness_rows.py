"""The protocol "robustness": each artifact under each damage, in the live path.

Shipped artifacts are heard on a session of their virtual wearer that they were not trained on; the
model of the protocol "myo" as training.robustness_myo has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.simulator.script import Prompt, Script
from acquisition.stream import Refused
from acquisition.synthetic import open_synthetic
from models.artifact import Artifact, open_artifact
from training.datasets import Segment, Selection, read_dataset
from training.robustness import (
    GOALS,
    KNOWN_GOAL,
    MOVED_GOAL,
    STRIKES_S,
    UNKNOWN_GOAL,
    Hear,
    damages,
    rest_shares,
    shares,
    stream_of,
    told_apart,
    unknown_shares,
    unknown_stream,
)
from training.simulated import SEED

REST = "rest"
BEFORE, SCORED = (0,), (1,)
"""Cycles of the tested session: use before anything is scored, and 35 s that are, for 20 streams of
them are heard. Rest is scored over all of it."""
LONG_REST_S = 300.0
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Subject:
    """One artifact and the segments that it is heard on."""

    user: str
    artifact: Artifact
    parts: tuple[Segment, ...]
    before: tuple[Segment, ...] = ()
    """use of which nothing is scored"""
    whole: tuple[Segment, ...] = ()
    """whole sessions, for rest: what is scored otherwise holds too little of it"""
    only: tuple[str, ...] = ()
    """damages that it is heard under besides none; empty: all"""


def subject_of(user: str, artifact: Artifact, segments: Sequence[Segment]) -> Subject:
    before, scored = (tuple(s for s in segments if s.cycle in c) for c in (BEFORE, SCORED))
    first = {s.gesture: s for s in reversed(before)}
    order = dict.fromkeys(s.gesture for s in before)
    return Subject(
        user, artifact, scored, tuple(first[gesture] for gesture in order), tuple(segments)
    )


def shipped(path: Path) -> list[Subject]:
    """A shipped artifact and its virtual wearer, in a session that it was not trained on."""
    want = Selection(users=("wearer0",), sessions=(f"seed{SEED + 1}",))
    parts = read_dataset("synthetic:armband", want).whole()
    subject = subject_of("wearer0", open_artifact(path), parts)
    return [replace(subject, whole=(*subject.whole, _long_rest(parts[0])))]


def _long_rest(like: Segment) -> Segment:
    """Minutes of the virtual wearer's rest, behind the session."""
    script = Script((Prompt(REST, 0.0, LONG_REST_S),), loop=False)
    source = open_synthetic(
        "armband", fast=True, seconds=LONG_REST_S, user=0, seed=SEED + 2, script=script
    )
    source.start()
    chunks = []
    while (chunk := source.read(1.0)) is not None:
        chunks.append(chunk.samples)
    source.stop()
    return replace(like, gesture=REST, samples=np.concatenate(chunks))


def run_robustness(
    models: Mapping[str, Sequence[Subject]],
    hear: Hear,
    progress: Progress | None = None,
    left_out: Mapping[str, Sequence[Subject]] | None = None,
) -> dict[str, Any]:
    """The rows of every model: its subjects under every damage, and unknown movements.

    left_out: model -> subjects who make gestures that they never calibrated, called unknown.
    """
    if not models:
        raise Refused("There is no artifact to measure; name one, or give the folder of the Myo.")
    rows: list[dict[str, Any]] = []
    left_out = left_out or {}
    total = sum(len(subjects) for subjects in (*models.values(), *left_out.values()))
    done = 0
    for name, subjects in models.items():
        heard: dict[tuple[str, float, str], dict[str, list[dict[str, Any]]]] = {}
        unknown: list[dict[str, Any]] = []
        rested: list[dict[str, float]] = []
        for subject in subjects:
            for key, told in _of(subject, hear):
                heard.setdefault(key, {}).setdefault(subject.user, []).append(told)
            stream = unknown_stream(subject.parts, REST)
            made = hear(subject.artifact, stream)
            usual = stream_of(subject.parts, subject.before)[0]
            known = hear(subject.artifact, usual), usual
            apart = told_apart(subject.artifact, known, (made, stream))
            unknown.append(unknown_shares(subject.artifact, made, stream) | {"auroc": apart})
            stream, _ = stream_of(subject.whole or subject.parts)
            made = hear(subject.artifact, stream)
            rested.append(rest_shares(subject.artifact, made, stream))
            done += 1
            if progress:
                progress(done, total)
        rows += rows_of(name, heard, unknown, rested)
    for name, subjects in left_out.items():
        spared: list[dict[str, Any]] = []
        for subject in subjects:
            spared.append(_left_out(subject, hear))
            done += 1
            if progress:
                progress(done, total)
        rows.append(left_out_row(name, subjects, spared))
    return {"protocol": "robustness", "seeds": "0", "rows": rows}


def _of(subject: Subject, hear: Hear) -> Iterator[tuple[tuple[str, float, str], dict[str, Any]]]:
    stream, begin = stream_of(subject.parts, subject.before)
    for one in damages(stream, begin, REST):
        if subject.only and one.damage not in ("none", *subject.only):
            continue
        heard = hear(subject.artifact, one.stream)
        told = shares(subject.artifact, heard, one.stream, one.begin)
        yield (one.damage, one.amount, one.unit), told


def _left_out(subject: Subject, hear: Hear) -> dict[str, Any]:
    artifact, (stream, _) = subject.artifact, stream_of(subject.parts)
    made = hear(artifact, stream)
    known = shares(artifact, made, stream, 0)
    return unknown_shares(artifact, made, stream) | {
        "known_rejected": known["known_rejected"],
        "auroc": told_apart(artifact, (made, stream), (made, stream)),
    }


def left_out_row(
    name: str, subjects: Sequence[Subject], told: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """One row over subjects; of somebody who is there several times, the mean."""
    users = [subject.user for subject in subjects]
    return {
        "artifact": name,
        "damage": "unknown gesture",
        "amount": 2,
        "unit": "gestures never calibrated",
        "per_user": {
            user: _mean([one for u, one in zip(users, told, strict=True) if u == user], "rejected")
            for user in dict.fromkeys(users)
        },
        **_unknown_part(told, _mean(told, "known_rejected")),
    }


def _mean(told: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(np.mean([one[key] for one in told]))


def _unknown_part(told: Sequence[Mapping[str, Any]], known: float) -> dict[str, Any]:
    strange = _mean(told, "rejected")
    asked = all(one.get("auroc") is not None for one in told)
    return {
        "rejected": strange,
        "still": _mean(told, "still"),
        "known_rejected": known,
        "auroc": _mean(told, "auroc") if asked else None,
        "goal": UNKNOWN_GOAL,
        "met": strange >= UNKNOWN_GOAL and known <= KNOWN_GOAL,
    }


def rows_of(
    name: str,
    heard: Mapping[tuple[str, float, str], Mapping[str, Sequence[Mapping[str, Any]]]],
    unknown: Sequence[Mapping[str, Any]],
    rested: Sequence[Mapping[str, float]],
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
            "known_rejected": float(np.mean([one["known_rejected"] for one in every])),
            "decided": float(np.mean([one["decided"] for one in every])),
        }
        if damage in GOALS and amount == 1:
            row |= {"goal": GOALS[damage], "met": row["cost"] <= GOALS[damage]}
        rows.append(row)
    moved = float(np.mean([one["moved"] for one in rested]))
    rows.append(
        {
            "artifact": name,
            "damage": "long rest",
            "amount": sum(one["rest_s"] for one in rested),
            "unit": "s",
            "rest_false_activation": moved,
            "worst_rest": max(one["moved"] for one in rested),
            "goal": MOVED_GOAL,
            "met": moved <= MOVED_GOAL,
        }
    )
    known = rows[0]["known_rejected"]
    row = {"artifact": name, "damage": "unknown movement", "amount": 1, "unit": ""}
    rows.append(row | _unknown_part(unknown, known))
    return rows

"""Trainings for many wearers and seeds, each with a folder of its own, wherever they are done."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.stream import Refused
from training.cache import cached
from training.catalogue import attribution_of
from training.datasets import Reading
from training.export import replace_file
from training.fan_out import HERE, Failed, Progress, Where, map_tasks
from training.fingerprints import fingerprint
from training.recipe import Recipe
from training.run import train_run
from training.simulated import digest as digest_of
from training.splits import Selection, select

NOTICE = "NOTICE"
EVERYBODY = "all"


@dataclass(frozen=True)
class Training:
    """One wearer, one seed: a task."""

    recipe: Recipe
    data: str
    """NAME:PATH"""
    digest: str
    wearer: str
    session: str
    cycles: int
    general: tuple[str, ...]
    """beginnings of the names of those who pre-train, or EVERYBODY; the wearer never does"""
    out: Path
    ship: bool = False


@dataclass(frozen=True)
class Trained:
    """What a training left."""

    report: dict[str, Any]
    files: Mapping[str, bytes]
    """of its folder, but for the logs"""


def trained(task: Training, progress: Progress | None = None) -> Trained:
    """One training, in its folder on the machine that does it: there an interrupted one goes on.

    The card tells the accuracy on the wearer's other sessions; without any, on later cycles.
    """
    segments = _segments(task.data, task.digest)
    beginnings = ("",) if EVERYBODY in task.general else task.general
    users = {s.user for s in segments if beginnings and s.user.startswith(beginnings)}
    others = tuple(sorted(users - {task.wearer}))
    own = select(segments, Selection((task.wearer,), (task.session,), tuple(range(task.cycles))))
    mine = [s for s in segments if s.user == task.wearer]
    held_out = [s for s in mine if s.session != task.session]
    held_out = held_out or [s for s in mine if s.cycle >= task.cycles]
    general = select(segments, Selection(users=others)) if others else ()
    name = task.data.partition(":")[0]
    report = train_run(
        task.recipe, name, task.digest, general, own, held_out, task.out, "rest", progress
    )
    if task.ship:
        replace_file(task.out / NOTICE, attribution_of([name]).encode())
    files = {p.name: p.read_bytes() for p in sorted(task.out.iterdir()) if p.is_file()}
    return Trained({**report, "left_out": segments.told()}, files)


def sweep(
    recipe: Recipe,
    data: str,
    wearers: Sequence[str],
    seeds: Sequence[int],
    session: str,
    cycles: int,
    general: Sequence[str],
    out: Path,
    *,
    ship: bool = False,
    where: Where = HERE,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """{"rows": [...], ...}: a training of each wearer with each seed, in folders below `out`.

    wearers: names, or EVERYBODY whom the data has in that session. With everybody pre-training,
    each wearer is left out of their own pre-training: leave one subject out.
    """
    digest = data_digest(data)
    everybody = {s.user for s in _segments(data, digest) if s.session == session}
    names = sorted(everybody, key=_natural) if EVERYBODY in wearers else list(wearers)
    several = len(names) * len(seeds) > 1
    tasks = [
        Training(
            replace(recipe, seed=seed),
            data,
            digest,
            name,
            session,
            cycles,
            tuple(general),
            out / f"{name.replace('/', '-')}-seed{seed}" if several else out,
            ship,
        )
        for name in names
        for seed in seeds
    ]
    if not several and where == HERE:
        return trained(tasks[0], progress).report
    mapped = map_tasks(trained, tasks, where, progress)
    if not several:
        _write(tasks[0], mapped.whole()[0])
        return mapped.whole()[0].report
    rows = [_row(task, made) for task, made in zip(tasks, mapped.results, strict=True)]
    means = [row["mean"] for row in rows if row.get("mean") is not None]
    return {
        "wearers": len(names),
        "seeds": list(seeds),
        "mean": float(np.mean(means)) if means else None,
        "worst": min(means, default=None),
        "failed": sum("why" in row for row in rows),
        "lost": mapped.lost_n,
        "rows": rows,
    }


def data_digest(data: str) -> str:
    """What tells a data set from another, also in the contract."""
    name, _, place = data.partition(":")
    return digest_of(cached(data)) if name == "synthetic" else fingerprint(Path(place), name)


def _row(task: Training, made: Trained | Failed) -> dict[str, Any]:
    row = {"wearer": task.wearer, "seed": task.recipe.seed}
    if isinstance(made, Failed):
        return {**row, "mean": None, "why": made.sentence}
    _write(task, made)
    report = made.report
    kept = {key: report[key] for key in ("int8_agreement", "bytes", "graph_digest", "artifact")}
    return {**row, "mean": report["held_out"].get("mean"), **kept, "held_out": report["held_out"]}


def _write(task: Training, made: Trained) -> None:
    """The files of a training that was done elsewhere."""
    for name, data in made.files.items():
        path = task.out / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)


@lru_cache(maxsize=1)
def _segments(data: str, digest: str) -> Reading:
    """The data, read once by each process. Refuses another one in the same place."""
    if data_digest(data) != digest:
        raise Refused(
            f"{data} on {platform.node()} is not the data set of the computer that asks; "
            "copy it there, or share the folder."
        )
    return cached(data)


def _natural(name: str) -> tuple[int, str]:
    return len(name), name

"""How good a recipe is on people whom it was not taught by: what a search asks again and again.

Only the people of the training are looked at. Some of them are kept apart: the others pre-train,
each of those is fitted with the first cycles of a session and scored on what came later.
"""

from __future__ import annotations

import io
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from acquisition.stream import Refused
from models.artifact import Artifact
from training.cache import cached
from training.datasets import EVERYTHING, Segment, Selection
from training.evaluate import evaluate
from training.leaks import refuse_future, refuse_overlap
from training.recipe import Recipe
from training.regression import calibrate_targets, draft_targets, estimate, pretrain_targets
from training.run import as_session, labels_of
from training.splits import select
from training.sweep import data_digest
from training.train import (
    Weights,
    calibrate,
    calibration_windows,
    deploy,
    draft_contract,
    pretrain,
    provenance,
)
from training.windows import sessions, spec_of

SHARE = 0.25
"""of the people, kept apart to judge recipes by where nobody names them"""


@dataclass(frozen=True)
class Plan:
    """Who teaches, and by whom recipes are judged: all of them people of the training."""

    data: str
    """NAME:PATH"""
    digest: str
    """of the data, so that it is the same wherever a task is done"""
    teachers: tuple[str, ...]
    judges: tuple[str, ...]
    session: str = ""
    """to fit to; each judge's first, where it is not named"""
    cycles: int = 1
    rest: str = "rest"


@dataclass(frozen=True)
class Rung:
    """A recipe and the next judge: a task of the search."""

    recipe: Recipe
    plan: Plan
    judge: str
    weights: bytes = b""
    """pre-trained at an earlier rung"""


@dataclass(frozen=True)
class Reached:
    """What came of one."""

    score: float
    """share of windows decided rightly, or R2; the mean of the sessions"""
    weights: bytes


def plan_for(
    data: str,
    people: Sequence[str],
    judges: Sequence[str] = (),
    session: str = "",
    cycles: int = 1,
) -> Plan:
    """The plan for a data set.

    people: names or beginnings of the training's people; nobody else teaches or judges, and a
    sample of theirs that is also one of somebody else's is refused. judges: the same, among them;
    by default the last quarter. A single person judges alone, and nobody pre-trains.
    """
    every = cached(data, EVERYTHING)
    names = sorted({s.user for s in every if s.user.startswith(tuple(people))}, key=_natural)
    if not names:
        raise Refused(f'Nobody in "{data}" is called {" or ".join(people)}; see flexor datasets.')
    ours = [s for s in every if s.user in names]
    refuse_overlap({"search": ours, "evaluation": [s for s in every if s.user not in names]})
    kept = [name for name in names if name.startswith(tuple(judges))] if judges else []
    if judges and not kept:
        raise Refused(f"Nobody among {', '.join(names)} is called {' or '.join(judges)}.")
    kept = kept or names[len(names) - max(1, round(SHARE * len(names))) :]
    teachers = tuple(name for name in names if name not in kept)
    made = Plan(data, data_digest(data), teachers, tuple(kept), session, cycles)
    for judge in kept:
        parts_of(made, judge, ours)
    return made


def parts_of(
    plan: Plan, judge: str, segments: Sequence[Segment]
) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """(what a judge's network is fitted to, what it is scored on): later sessions where their
    time is known, else later cycles of the same one. Refuses where nothing came later."""
    mine = [s for s in segments if s.user == judge]
    first = min(mine, key=lambda s: (s.order or 0, _natural(s.session)))
    name = plan.session or first.session
    own = select(mine, Selection(sessions=(name,), cycles=tuple(range(plan.cycles))))
    order = own[0].order
    later = [s for s in mine if order is not None and s.order is not None and s.order > order]
    test = later or [s for s in mine if s.session == name and s.cycle >= plan.cycles]
    if not test:
        raise Refused(
            f"{judge} has nothing later than {plan.cycles} cycles of {name} to judge by; "
            "take fewer cycles, or other judges."
        )
    refuse_future(own, test)
    return own, tuple(test)


def judged(task: Rung) -> Reached:
    """One judge's score for a recipe, by the artifact that would be deployed."""
    plan, recipe = task.plan, task.recipe
    segments = _segments(plan)
    general = [s for s in segments if s.user in plan.teachers]
    own, test = parts_of(plan, task.judge, segments)
    refuse_overlap({"pre-training": general, "calibration": own, "judge": test})
    weights, packed = _pretrained(task, general, own)
    origin = provenance(plan.data.partition(":")[0], plan.digest, {}, recipe.seed, {})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "artifact.onnx"
        if recipe.targets:
            aimed = calibrate_targets(recipe, weights, own)
            draft = draft_targets(recipe, aimed, origin, own[0])
            module, windows, golden = aimed.module, aimed.windows, aimed.golden
        else:
            labels = labels_of(own, plan.rest)
            made = calibrate(recipe, weights, own, labels, plan.rest)
            draft = draft_contract(recipe, made, spec_of(own), labels, plan.rest, origin)
            module, windows, golden = made.module, made.windows, made.golden
        small, _ = deploy(path, module, draft, calibration_windows(windows), golden)
        return Reached(float(np.mean([_score(small, one) for one in sessions(test)])), packed)


def _pretrained(
    task: Rung, general: Sequence[Segment], own: Sequence[Segment]
) -> tuple[Weights | None, bytes]:
    """(weights, the same packed), of the rung before where there was one."""
    if task.weights:
        loaded: Weights = torch.load(io.BytesIO(task.weights), weights_only=True)
        return loaded, task.weights
    if not general:
        return None, b""
    recipe = task.recipe
    if recipe.targets:
        weights = pretrain_targets(recipe, general)
    else:
        weights = pretrain(recipe, general, labels_of(own, task.plan.rest))
    out = io.BytesIO()
    torch.save(dict(weights), out)
    return weights, out.getvalue()


def _score(artifact: Artifact, parts: Sequence[Segment]) -> float:
    if artifact.contract.targets:
        return float(np.mean([found.r2 for found in estimate(artifact, parts).values()]))
    share = evaluate(artifact, as_session(parts), settle_s=0.0).accuracy
    if share is None:
        raise Refused(f"{parts[0].user}, {parts[0].session}, has no window to judge by.")
    return share


@lru_cache(maxsize=1)
def _segments(plan: Plan) -> tuple[Segment, ...]:
    """The people of the plan and nobody else, read once by each process."""
    if data_digest(plan.data) != plan.digest:
        raise Refused(
            f"{plan.data} on {platform.node()} is not the data set of the computer that asks; "
            "copy it there, or share the folder."
        )
    return cached(plan.data, Selection(users=plan.teachers + plan.judges)).segments


def _natural(name: str) -> tuple[int, str]:
    return len(name), name

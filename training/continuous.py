"""The protocol of continuous control: angles, forces and efforts now, from past samples alone."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from training.continuous_artifact import artifact_of, rows_of
from training.continuous_baseline import baseline_rows, followed_rows
from training.continuous_data import (
    FIELDS,
    Field,
    Take,
    centre_of,
    folds,
    recipe_for,
    steps_of,
    takes,
)
from training.continuous_fit import PRETRAIN
from training.continuous_own import between, calibrated
from training.continuous_people import Taught, of_others, taught_by
from training.continuous_score import Score, scored, summary
from training.fit import Progress
from training.recipe import Recipe

UNSEEN, CONTRACTION = "unseen", "contraction"
"""Nothing is known of the wearer but the signal so far; or how strong the signal is in the same
contraction, as those know who normalise to a maximal one."""
WIDTH = 24
SEEDS = (0, 1, 2)
"""Of the training on other people."""
SHOWN_N = 2
"""People whose artifacts are made and measured."""
MODELS = ("ridge-envelope", "ridge-log", "kernel-log", "course")
"""Ridge on envelopes with 0.5 s of lags; on envelopes, their logarithms and wave lengths with 1 s;
radial functions of the latter; the network."""
BESIDE: dict[str, tuple[str, Callable[[Sequence[Take]], list[dict[str, Any]]]]] = {
    "knee": ("baseline", baseline_rows),
    "force": ("followed", followed_rows),
}
"""field -> what else of its recordings is told, and what makes it"""
PARTS_OF_IT = ("artifact", "data", "fit", "linear", "own", "people", "score")
"""Files training/continuous_*.py on which what is measured rests."""


@dataclass(frozen=True)
class Asked:
    """What of the protocol is measured."""

    data: Path
    out: Path
    models: tuple[str, ...] = MODELS
    users: tuple[str, ...] = ()
    """tested; all, where empty"""
    fields: tuple[str, ...] = tuple(FIELDS)
    seeds: tuple[int, ...] = ()
    """SEEDS, where empty"""
    steps: int = 0
    """of the training on other people; 0: the field's own"""
    artifacts: bool = True


def run(asked: Asked, progress: Progress | None = None) -> dict[str, Any]:
    """{"rows": [...], "artifacts": [...]}: how near each model came, for each task and group.

    Users are left out in groups of which nobody teaches. Sets that `asked.data` does not hold are
    left out and told. What was measured stays in `asked.out` and is not measured again by the
    same code and settings.
    """
    scores: list[Score] = []
    artifacts: list[dict[str, Any]] = []
    beside: dict[str, list[dict[str, Any]]] = {}
    missing = []
    for name in asked.fields:
        field = FIELDS[name]
        where = asked.data / field.where
        if field.where and not where.is_dir():
            missing.append(field.where)
            continue
        found = takes(field, where)
        groups = folds(field, found)
        seeds = asked.seeds or SEEDS
        turns = [(seed, users) for seed in seeds for users in groups]
        for i, (seed, users) in enumerate(turns):
            recipe = _recipe(asked, field, seed)
            if not asked.users or set(users) & set(asked.users):
                part = _kept(asked, field, seed, users, partial(fold, recipe, field, found, users))
                scores += [Score(**row) for row in part]
            if progress:
                progress(i + 1, len(turns))
        if asked.artifacts:
            recipe = _recipe(asked, field, seeds[0])
            make = partial(exported, recipe, field, found, groups[-1][:SHOWN_N], asked.out)
            what = ("artifacts", *groups[-1][:SHOWN_N])
            artifacts += _kept(asked, field, seeds[0], what, make)
        if name in BESIDE:
            beside |= {BESIDE[name][0]: BESIDE[name][1](found)}
    if not scores:
        raise Refused(f"{asked.data} holds none of {missing}; give the folder that holds the sets.")
    return {
        "protocol": "continuous",
        "left_out": missing,
        "rows": summary([s for s in scores if s.model in asked.models]),
        "artifacts": artifacts,
        **beside,
    }


def fold(
    recipe: Recipe, field: Field, found: Sequence[Take], users: Sequence[str]
) -> list[dict[str, Any]]:
    """The scores of some users by what the others, and their own recordings, teach."""
    own = [t for t in found if t.segment.user in users]
    taught = taught_by(recipe, own, [t for t in found if t.segment.user not in users])
    scores: list[Score] = []
    for task, centre in taught.centres.items():
        general = of_others(recipe, taught, task)
        for take in (t for t in own if t.task == task):
            steps = steps_of(recipe, take.segment, centre, fixed=False)
            for model, estimate in general.items():
                told = estimate(steps)
                scores += scored(field.name, take, UNSEEN, model, steps.aims(), told)
            scores += calibrated(recipe, field.name, taught, take)[0]
            if field.between:
                scores += between(recipe, field.name, taught, take)
    if field.between:
        scores += contracted(recipe, field, own, taught)
    return [{**asdict(s), "seed": recipe.seed} for s in scores]


def contracted(recipe: Recipe, field: Field, own: Sequence[Take], taught: Taught) -> list[Score]:
    """The scores of some users by what the others teach, when the level of each recording's signal
    is known: everybody's signals are centred on themselves."""
    known = {
        task: [replace(one, live=one.own) for one in those]
        for task, those in taught.examples.items()
    }
    scores: list[Score] = []
    for task in known:
        general = of_others(recipe, replace(taught, examples=known), task)
        for take in (t for t in own if t.task == task):
            centre = centre_of(recipe, [take.segment])
            steps = steps_of(recipe, take.segment, centre, fixed=True)
            for model, estimate in general.items():
                told = estimate(steps)
                scores += scored(field.name, take, CONTRACTION, model, steps.aims(), told)
    return scores


def exported(
    recipe: Recipe, field: Field, found: Sequence[Take], users: Sequence[str], out: Path
) -> list[dict[str, Any]]:
    """Rows of the artifacts of some wearers, calibrated to the begin of each of the recordings."""
    own = [t for t in found if t.segment.user in users]
    others = [t for t in found if t.segment.user not in users]
    taught = taught_by(recipe, own, others)
    names = sorted({t.segment.user for t in others})
    rows = []
    for take in own:
        network = calibrated(recipe, field.name, taught, take)[1]
        which = f"{field.name}-{take.segment.user}-{take.task.replace(' ', '-')}"
        small, whole = artifact_of(recipe, network, take, out / f"{which}.onnx", names)
        rows += rows_of(field.name, take, small, whole, network)
    return rows


def _recipe(asked: Asked, field: Field, seed: int) -> Recipe:
    how = replace(PRETRAIN, steps=asked.steps or field.fit_steps)
    return recipe_for(field, how, WIDTH, seed)


def _kept(asked: Asked, field: Field, seed: int, what: Sequence[str], make: partial[Any]) -> Any:
    """What the same code made of the same users before, or makes now."""
    key = hashlib.sha256(f"{seed} {asked.steps} {what}".encode())
    for work in (fold, contracted, exported):
        key.update(inspect.getsource(work).encode())
    here = Path(__file__).parent
    paths = [here / f"continuous_{name}.py" for name in PARTS_OF_IT]
    for path in (*paths, here / "networks" / "course.py"):
        key.update(path.read_bytes())
    path = asked.out / f"{field.name}-{key.hexdigest()[:16]}.json"
    if not path.exists():
        part = json.dumps(make())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(part, encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))

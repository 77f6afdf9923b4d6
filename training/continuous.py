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

import numpy as np

from acquisition.stream import Refused, Samples
from preprocessing.course import KINDS
from preprocessing.features import symmetric_log
from training.continuous_artifact import artifact_of, rows_of
from training.continuous_data import (
    FIELDS,
    STEPS_N,
    Field,
    Steps,
    Take,
    calibration_of,
    centre_of,
    folds,
    recipe_for,
    steps_of,
    takes,
)
from training.continuous_fit import (
    PRETRAIN,
    answers,
    columns_of,
    deep_line,
    for_task,
    pretrained_network,
)
from training.continuous_linear import (
    UNITS_N,
    Floats,
    Kernel,
    Linear,
    envelope_columns,
    envelopes_among_lags,
    in_blocks,
    kernel,
    lag_columns,
    mixed,
    ridge_and_miss,
)
from training.continuous_score import Score, scored, summary
from training.datasets import Segment
from training.fit import Progress
from training.networks.course import LAG_STEPS, CourseNetwork
from training.recipe import Recipe
from training.splits import refuse_overlap

UNSEEN, CALIBRATED = "unseen", "calibrated"
"""Nothing is known of the wearer but the signal so far; or the begin of the same recording is."""
WIDTH = 24
THINNED = 4
"""Other people's windows of which every so many is fitted to: the next one is nearly the same."""
MODELS = ("ridge-envelope", "ridge-log", "kernel-log", "course")
"""Ridge on envelopes with 0.5 s of lags; on envelopes, their logarithms and wave lengths with 1 s;
radial functions of the latter; the network."""


@dataclass(frozen=True)
class Asked:
    """What of the protocol is measured."""

    data: Path
    out: Path
    models: tuple[str, ...] = MODELS
    users: tuple[str, ...] = ()
    """tested; all, where empty"""
    fields: tuple[str, ...] = tuple(FIELDS)
    seed: int = 0
    steps: int = PRETRAIN.steps
    artifacts: bool = True


def run(asked: Asked, progress: Progress | None = None) -> dict[str, Any]:
    """{"rows": [...], "artifacts": [...]}: how near each model came, for each task and group.

    Users are left out in groups of which nobody teaches. Sets that `asked.data` does not hold are
    left out and told. What was measured stays in `asked.out` and is not measured again by the
    same code and settings.
    """
    scores: list[Score] = []
    artifacts: list[dict[str, Any]] = []
    missing = []
    for name in asked.fields:
        field = FIELDS[name]
        where = asked.data / field.where
        if field.where and not where.is_dir():
            missing.append(field.where)
            continue
        recipe = recipe_for(field, replace(PRETRAIN, steps=asked.steps), WIDTH, asked.seed)
        found = takes(field, where)
        groups = folds(field, found)
        for i, users in enumerate(groups):
            if not asked.users or set(users) & set(asked.users):
                part = _kept(asked, field, users, partial(fold, recipe, field, found, users))
                scores += [Score(**row) for row in part]
                if progress:
                    progress(i + 1, len(groups))
        if asked.artifacts:
            user = groups[0][-1]
            make = partial(exported, recipe, field, found, user, asked.out)
            artifacts += _kept(asked, field, ("artifacts", user), make)
    if not scores:
        raise Refused(f"{asked.data} holds none of {missing}; give the folder that holds the sets.")
    return {
        "protocol": "continuous",
        "left_out": missing,
        "rows": summary([s for s in scores if s.model in asked.models], asked.seed),
        "artifacts": artifacts,
    }


def fold(
    recipe: Recipe, field: Field, found: Sequence[Take], users: Sequence[str]
) -> list[dict[str, Any]]:
    """The scores of some users by what the others, and the begin of their recordings, teach."""
    own = [t for t in found if t.segment.user in users]
    others = [t for t in found if t.segment.user not in users]
    body, taught = body_of(recipe, own, others)
    scores: list[Score] = []
    for i, task in enumerate(taught):
        general = of_others(recipe, body, i, [_thin(s) for s in taught[task]])
        centre = mean_centre(recipe, [t.segment for t in others if t.task == task])
        for take in (t for t in own if t.task == task):
            steps = steps_of(recipe, take.segment, centre, fixed=False)
            for model, estimate in general.items():
                scores += scored(field.name, take, UNSEEN, model, steps.aims(), estimate(steps))
            scores += calibrated(recipe, field, body, take)[0]
    return [asdict(s) for s in scores]


def exported(
    recipe: Recipe, field: Field, found: Sequence[Take], user: str, out: Path
) -> list[dict[str, Any]]:
    """Rows of the artifacts of one wearer, calibrated to the begin of each of the recordings."""
    own = [t for t in found if t.segment.user == user]
    others = [t for t in found if t.segment.user != user]
    body, _ = body_of(recipe, own, others)
    users = sorted({t.segment.user for t in others})
    rows = []
    for take in own:
        network = calibrated(recipe, field, body, take)[1]
        path = out / f"{field.name}-{take.task.replace(' ', '-')}.onnx"
        small, whole = artifact_of(recipe, network, take, path, users)
        rows += rows_of(field.name, take, small, whole, network)
    return rows


def body_of(
    recipe: Recipe, own: Sequence[Take], others: Sequence[Take]
) -> tuple[CourseNetwork, dict[str, list[Steps]]]:
    """(what other people taught, their recordings by task, each centred on itself). Refuses when
    anything of `own` is among them."""
    refuse_overlap({"training": [t.segment for t in others], "test": [t.segment for t in own]})
    taught: dict[str, list[Steps]] = {}
    for take in others:
        centre = centre_of(recipe, [take.segment])
        taught.setdefault(take.task, []).append(steps_of(recipe, take.segment, centre, fixed=True))
    return pretrained_network(recipe, len(own[0].segment.spec.channels), taught), taught


def of_others(
    recipe: Recipe, body: CourseNetwork, task: int, fits: Sequence[tuple[Samples, Floats]]
) -> dict[str, Callable[[Steps], Floats]]:
    """Model -> what other people's recordings of a task teach.

    A third of the network's head is the body's own, the rest the ridges' and the kernel's: weights
    of the body that were fitted to the people who taught it would trust it too much.
    """
    wide = [(_lags(x), y) for x, y in fits]
    narrow = [(_envelopes(x), y) for x, y in fits]
    line, line_missed = ridge_and_miss(wide, (wide[0][0].shape[1],))
    near, near_missed = kernel(wide, recipe.seed, UNITS_N)
    full, _ = kernel(wide, recipe.seed)
    plain, plain_missed = ridge_and_miss(narrow, (narrow[0][0].shape[1],))
    deep = deep_line(recipe, body, task, len(near.centres))
    rest = mixed(
        [
            (_in_head(body, near, wide=_among(body, plain)), plain_missed),
            (_in_head(body, near, wide=line), line_missed),
            (_in_head(body, near), near_missed),
        ]
    )
    head = Linear((deep.weight + 2 * rest.weight) / 3, (deep.bias + 2 * rest.bias) / 3)
    channels_n = fits[0][0].shape[1] // (STEPS_N * len(KINDS))
    network = for_task(recipe, channels_n, body, near, head)
    return {
        "ridge-envelope": lambda s: plain(_envelopes(s.features())),
        "ridge-log": lambda s: line(_lags(s.features())),
        "kernel-log": lambda s: full(_lags(s.features())),
        "course": lambda s: answers(network, s),
    }


def calibrated(
    recipe: Recipe, field: Field, body: CourseNetwork, take: Take
) -> tuple[list[Score], CourseNetwork]:
    """(scores on what follows the calibration, the network fitted to it). Its head is a mean of
    one fitted to all columns and of the hand-crafted estimators, by how little each missed on
    blocks of the calibration that it was not fitted to."""
    own = calibration_of(take)
    steps = steps_of(recipe, take.segment, centre_of(recipe, [own]), fixed=True)
    features, truth = steps.features(), steps.aims().astype(np.float64)
    n = len(own.samples) // recipe.signal.hop_samples - STEPS_N + 1
    if n < STEPS_N or len(truth) - n < 2:
        raise Refused(f"The recording {take.segment.key} is too short to calibrate on its begin.")
    lags, envelopes = _lags(features), _envelopes(features)
    line, line_missed = ridge_and_miss(in_blocks(lags[:n], truth[:n]), (lags.shape[1],))
    plain, plain_missed = ridge_and_miss(in_blocks(envelopes[:n], truth[:n]), (envelopes.shape[1],))
    near, near_missed = kernel(in_blocks(lags[:n], truth[:n]), recipe.seed, UNITS_N)
    full, _ = kernel(in_blocks(lags[:n], truth[:n]), recipe.seed)
    channels_n = len(own.spec.channels)
    shaped = for_task(recipe, channels_n, body, near, _in_head(body, near))
    columns = columns_of(shaped, steps)
    groups = (body.deep_n, body.wide_n, len(near.centres))
    head = mixed(
        [
            ridge_and_miss(in_blocks(columns[:n], truth[:n]), groups),
            (_in_head(body, near, wide=_among(body, plain)), plain_missed),
            (_in_head(body, near, wide=line), line_missed),
            (_in_head(body, near), near_missed),
        ]
    )
    network = for_task(recipe, channels_n, body, near, head)
    told = {
        "ridge-envelope": plain(envelopes[n:]),
        "ridge-log": line(lags[n:]),
        "kernel-log": full(lags[n:]),
        "course": answers(network, steps)[n:],
    }
    scores = [
        score
        for model, estimates in told.items()
        for score in scored(field.name, take, CALIBRATED, model, truth[n:], estimates)
    ]
    return scores, network


def mean_centre(recipe: Recipe, segments: Sequence[Segment]) -> tuple[tuple[float, ...], ...]:
    """The log-Euclidean mean of other people's centres, to start from."""
    logs = [symmetric_log(np.array(centre_of(recipe, [s]))) for s in segments]
    values, vectors = np.linalg.eigh(np.mean(logs, axis=0))
    mean = (vectors * np.exp(values)) @ vectors.T
    mean = (mean + mean.T) / 2
    return tuple(tuple(float(v) for v in row) for row in mean)


def _kept(asked: Asked, field: Field, what: Sequence[str], make: Callable[[], Any]) -> Any:
    """What the same code made of the same users before, or makes now."""
    key = hashlib.sha256(f"{asked.seed} {asked.steps} {what}".encode())
    for work in (fold, exported, body_of, of_others, calibrated, mean_centre):
        key.update(inspect.getsource(work).encode())
    here = Path(__file__).parent
    for path in (*sorted(here.glob("continuous_[dfls]*.py")), here / "networks" / "course.py"):
        key.update(path.read_bytes())
    path = asked.out / f"{field.name}-{key.hexdigest()[:16]}.json"
    if not path.exists():
        part = json.dumps(make())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(part, encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def _in_head(body: CourseNetwork, near: Kernel, *, wide: Linear | None = None) -> Linear:
    """A line over the linear columns, or the kernel's own, as one over all columns of the head."""
    line = wide or near.line
    sizes = (body.deep_n, body.wide_n, len(near.centres))
    parts = [np.zeros((size, line.weight.shape[1])) for size in sizes]
    parts[1 if wide else 2] = line.weight
    return Linear(np.concatenate(parts), line.bias)


def _among(body: CourseNetwork, plain: Linear) -> Linear:
    return envelopes_among_lags(plain, body.rows_n, body.wide_n // body.rows_n)


def _thin(steps: Steps) -> tuple[Samples, Floats]:
    return steps.features()[::THINNED], steps.aims()[::THINNED].astype(np.float64)


def _lags(features: Samples) -> Floats:
    return lag_columns(features.astype(np.float64), STEPS_N, LAG_STEPS)


def _envelopes(features: Samples) -> Floats:
    return envelope_columns(features.astype(np.float64), STEPS_N, LAG_STEPS)

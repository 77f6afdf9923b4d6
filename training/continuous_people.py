"""What other people teach of continuous control, and how much each estimator is worth on strangers.

Everything that is chosen here is chosen on the people of the training alone: each of the bodies
learns from two thirds of them, the ridges and the kernel are fitted to the same, and shares of all
are fitted to what they say of the third that they do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from acquisition.stream import Samples
from preprocessing.course import KINDS
from preprocessing.features import symmetric_log
from training.continuous_data import STEPS_N, Steps, Take, centre_of, steps_of
from training.continuous_fit import (
    BODIES_N,
    Lesson,
    answers,
    deep_line,
    for_task,
    pretrained_network,
    told_by,
)
from training.continuous_linear import (
    UNITS_N,
    Fitted,
    Floats,
    Kernel,
    Linear,
    envelope_columns,
    envelopes_among_lags,
    kernel,
    lag_columns,
    ridge_and_miss,
)
from training.networks.course import LAG_STEPS, CourseNetwork
from training.recipe import Recipe
from training.splits import refuse_overlap

THINNED = 4
"""Other people's windows of which every so many is fitted to: the next one is nearly the same."""
FIRM = 1e3
"""How much missing a sum of 1 costs, in windows of the usual error."""
SURE = 1.0
"""Standard errors, over people, by which leaving the baseline must gain."""
STEPS_BETWEEN = 10
PLAIN = 1
"""Where the baseline stands among the shares."""


@dataclass(frozen=True, eq=False)
class Example:
    """One recording of another person, twice."""

    held_from: int
    """the body that does not learn from this person"""
    own: Steps
    """centred on itself"""
    live: Steps
    """as that of a stranger: the centre of the others to start with, followed causally"""


@dataclass(frozen=True, eq=False)
class Taught:
    """What the others know."""

    body: CourseNetwork
    examples: dict[str, list[Example]]
    """task -> their recordings; the bodies' outputs are in this order"""
    centres: dict[str, tuple[tuple[float, ...], ...]]
    """task -> where a stranger's re-centring starts"""


def taught_by(recipe: Recipe, own: Sequence[Take], others: Sequence[Take]) -> Taught:
    """What other people teach. Refuses when anything of `own` is among them."""
    refuse_overlap({"training": [t.segment for t in others], "test": [t.segment for t in own]})
    users = list(dict.fromkeys(t.segment.user for t in others))
    examples: dict[str, list[Example]] = {}
    centres = {}
    for task in dict.fromkeys(t.task for t in others):
        mine = [t for t in others if t.task == task]
        around = [centre_of(recipe, [t.segment]) for t in mine]
        centres[task] = mean_centre(around)
        for i, take in enumerate(mine):
            rest = mean_centre(around[:i] + around[i + 1 :] or around)
            examples.setdefault(task, []).append(
                Example(
                    users.index(take.segment.user) % BODIES_N,
                    steps_of(recipe, take.segment, around[i], fixed=True),
                    steps_of(recipe, take.segment, rest, fixed=False),
                )
            )
    lessons = [
        Lesson(steps, i, one.held_from)
        for i, those in enumerate(examples.values())
        for one in those
        for steps in (one.own, one.live)
    ]
    channels_n = len(own[0].segment.spec.channels)
    return Taught(pretrained_network(recipe, channels_n, lessons), examples, centres)


def mean_centre(
    centres: Sequence[tuple[tuple[float, ...], ...]],
) -> tuple[tuple[float, ...], ...]:
    """The log-Euclidean mean of people's centres."""
    values, vectors = np.linalg.eigh(np.mean([symmetric_log(np.array(c)) for c in centres], axis=0))
    mean = (vectors * np.exp(values)) @ vectors.T
    mean = (mean + mean.T) / 2
    return tuple(tuple(float(v) for v in row) for row in mean)


@dataclass(frozen=True, eq=False)
class Crafted:
    """The hand-crafted estimators, fitted to the same recordings."""

    plain: Linear
    line: Linear
    near: Kernel
    mean: Floats
    """(target,) of the truth"""
    full: Kernel | None = None


def crafted(those: Sequence[Example], seed: int, *, full: bool) -> Crafted:
    """Ridges and kernels of some recordings; penalties chosen by leaving recordings out."""
    wide = [_thin(s, lags) for one in those for s in (one.own, one.live)]
    narrow = [_thin(s, envelopes) for one in those for s in (one.own, one.live)]
    return Crafted(
        ridge_and_miss(narrow, (narrow[0][0].shape[1],))[0],
        ridge_and_miss(wide, (wide[0][0].shape[1],))[0],
        kernel(wide, seed, UNITS_N)[0],
        np.nanmean(np.concatenate([y for _, y in wide]), axis=0),
        kernel(wide, seed)[0] if full else None,
    )


Told = tuple[int, Floats, Floats]
"""(body, what each says (window, 5), truth (window,)) of a recording of somebody unknown to them"""


def shares_of(recipe: Recipe, taught: Taught, task: str) -> Floats:
    """(body, plain, line, near, mean): how much each is worth on people whom it does not know; not
    below 0, and 1 in all. The last knows nothing but the mean of the others' truth.

    As far from the baseline alone (`plain`) towards the shares that suit all those people best as
    is surely no loss: on people whom the shares were not fitted to either.
    """
    parts = told_of_strangers(recipe, taught, task)
    bodies = sorted({k for k, _, _ in parts})
    if len(bodies) < 2:
        return fitted_shares(parts)
    best = {k: fitted_shares([one for one in parts if one[0] != k]) for k in bodies}
    alone = np.eye(PLAIN + 1, 5)[PLAIN]
    way, most = 0.0, 0.0
    for part in np.arange(1, STEPS_BETWEEN + 1) / STEPS_BETWEEN:
        gains = np.array(
            [_missed(x @ alone, y) - _missed(x @ (alone + part * (best[k] - alone)), y)
             for k, x, y in parts]
        )  # fmt: skip
        sure = gains.mean() - SURE * gains.std() / np.sqrt(len(gains))
        if sure > most:
            way, most = float(part), float(sure)
    return np.asarray(alone + way * (fitted_shares(parts) - alone))


def fitted_shares(parts: Sequence[Told]) -> Floats:
    """Least squares over all those windows."""
    x, y = (np.concatenate([one[i] for one in parts]) for i in (1, 2))
    found, _ = nnls(np.vstack([x, np.full((1, x.shape[1]), FIRM)]), np.append(y, FIRM))
    return np.asarray(found / found.sum())


def told_of_strangers(recipe: Recipe, taught: Taught, task: str) -> list[Told]:
    """What each body, and ridges and a kernel fitted to the same people, say of the others."""
    at = list(taught.examples).index(task)
    out = []
    for k in range(BODIES_N):
        those = [one for one in taught.examples[task] if one.held_from == k]
        rest = [one for one in taught.examples[task] if one.held_from != k]
        if not those or not rest:
            continue
        known = crafted(rest, recipe.seed, full=False)
        for steps in (one.live for one in those):
            wide, narrow = _thin(steps, lags)[0], _thin(steps, envelopes)[0]
            says = (
                told_by(recipe, taught.body, k, at, steps)[::THINNED],
                known.plain(narrow),
                known.line(wide),
                known.near(wide),
                np.tile(known.mean, (len(wide), 1)),
            )
            y = steps.aims()[::THINNED].astype(np.float64).ravel()
            sure = np.isfinite(y)
            x = np.stack([np.clip(one, 0, 1).ravel() for one in says], 1)
            out.append((k, x[sure], y[sure]))
    return out


def _missed(told: Floats, truth: Floats) -> float:
    return float(((told - truth) ** 2).mean())


def of_others(recipe: Recipe, taught: Taught, task: str) -> dict[str, Callable[[Steps], Floats]]:
    """Model -> what other people's recordings of a task teach. The network's head is the bodies,
    ridges and kernel by their shares."""
    body = taught.body
    known = crafted(taught.examples[task], recipe.seed, full=True)
    near, full = known.near, known.full or known.near
    sizes = (body.deep_n, body.wide_n, len(near.centres))
    deep = deep_line(recipe, body, list(taught.examples).index(task), sum(sizes))
    lines = (
        deep,
        in_head(among(body, known.plain), sizes, 1),
        in_head(known.line, sizes, 1),
        in_head(near.line, sizes, 2),
        level(known.mean, sum(sizes)),
    )
    head = weighted(lines, shares_of(recipe, taught, task))
    channels_n = body.rows_n // len(KINDS)
    network = for_task(recipe, channels_n, body, near, head)
    return {
        "ridge-envelope": lambda s: known.plain(envelopes(s.features())),
        "ridge-log": lambda s: known.line(lags(s.features())),
        "kernel-log": lambda s: full(lags(s.features())),
        "course": lambda s: answers(network, s),
    }


def weighted(lines: Sequence[Linear], shares: Floats) -> Linear:
    """The sum of lines over the same columns by their shares."""
    return Linear(
        np.sum([s * line.weight for s, line in zip(shares, lines, strict=True)], axis=0),
        np.sum([s * line.bias for s, line in zip(shares, lines, strict=True)], axis=0),
    )


def in_head(line: Linear, sizes: Sequence[int], which: int) -> Linear:
    """A line over one of the groups of a head's columns (deep, linear, radial) as one over all."""
    parts = [np.zeros((size, line.weight.shape[1])) for size in sizes]
    parts[which] = line.weight
    return Linear(np.concatenate(parts), line.bias)


def level(mean: Floats, columns_n: int) -> Linear:
    """A line that always says the same."""
    return Linear(np.zeros((columns_n, len(mean))), mean)


def among(body: CourseNetwork, plain: Linear) -> Linear:
    """A line over envelopes as one over all lags."""
    return envelopes_among_lags(plain, body.rows_n, body.wide_n // body.rows_n)


def lags(features: Samples) -> Floats:
    """What the ridge on logarithms and the kernel rest on."""
    return lag_columns(features.astype(np.float64), STEPS_N, LAG_STEPS)


def envelopes(features: Samples) -> Floats:
    """What the baseline rests on."""
    return envelope_columns(features.astype(np.float64), STEPS_N, LAG_STEPS)


def _thin(steps: Steps, columns: Callable[[Samples], Floats]) -> Fitted:
    return columns(steps.features()[::THINNED]), steps.aims()[::THINNED].astype(np.float64)

"""What a wearer's own recording teaches of continuous control, on top of what other people did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from preprocessing.course import KINDS
from training.continuous_data import STEPS_N, Steps, Take, calibration_of, centre_of, steps_of
from training.continuous_fit import answers, deep_columns, deep_line, for_task
from training.continuous_linear import (
    BLOCKS_N,
    UNITS_N,
    Floats,
    Linear,
    in_blocks,
    kernel,
    mixed,
    ridge_and_miss,
)
from training.continuous_people import Taught, among, envelopes, in_head, lags, level
from training.continuous_score import Score, scored
from training.networks.course import CourseNetwork
from training.recipe import Recipe

CALIBRATED, BETWEEN = "calibrated", "between"
"""The begin of the recording is known; or what is at least 1 s before and behind the part that is
estimated. The second knows the future: no wearer can be calibrated so, it tells what of the truth
the signal holds where a recording is too short to be cut in two."""
PARTS_N = 5
Which = NDArray[np.intp]
"""numbers of windows"""


def calibrated(
    recipe: Recipe, field: str, taught: Taught, take: Take
) -> tuple[list[Score], CourseNetwork]:
    """(scores on what follows the calibration, the network fitted to it)"""
    own = calibration_of(take)
    steps = steps_of(recipe, take.segment, centre_of(recipe, [own]), fixed=True)
    n = len(own.samples) // recipe.signal.hop_samples - STEPS_N + 1
    rest = np.arange(n, steps.windows_n())
    if n < STEPS_N or len(rest) < 2:
        raise Refused(f"The recording {take.segment.key} is too short to calibrate on its begin.")
    told, network = fitted(recipe, taught, take.task, steps, np.arange(n), rest)
    truth = steps.aims()[rest]
    return [
        score
        for model, estimates in told.items()
        for score in scored(field, take, CALIBRATED, model, truth, estimates)
    ], network


def between(recipe: Recipe, field: str, taught: Taught, take: Take) -> list[Score]:
    """Scores of a whole recording, each part estimated by what the others teach whose windows
    share nothing with it."""
    steps = steps_of(recipe, take.segment, centre_of(recipe, [take.segment]), fixed=True)
    told: dict[str, list[Floats]] = {}
    for known, part in parts_of(steps.windows_n()):
        for model, said in fitted(recipe, taught, take.task, steps, known, part)[0].items():
            told.setdefault(model, []).append(said)
    return [
        score
        for model, parts in told.items()
        for score in scored(field, take, BETWEEN, model, steps.aims(), np.concatenate(parts))
    ]


def parts_of(n: int) -> list[tuple[Which, Which]]:
    """(windows that teach, windows that are estimated) of n: of their steps they share none."""
    return [
        (np.r_[0 : max(0, part[0] - STEPS_N), min(n, part[-1] + STEPS_N + 1) : n], part)
        for part in np.array_split(np.arange(n), PARTS_N)
    ]


def fitted(
    recipe: Recipe, taught: Taught, task: str, steps: Steps, known: Which, asked: Which
) -> tuple[dict[str, Floats], CourseNetwork]:
    """(model -> what it says of the windows `asked`, when it was fitted to the windows `known`;
    the network). The network's head is a mean of six, by how little each missed on blocks of
    `known` that it was not fitted to: what the bodies say, set right by deep and linear columns, by
    linear ones and by radial ones; deep and linear columns alone; the baseline; the mean.

    No model says more or less than was known, as the decoder keeps within the contract's range."""
    body = taught.body
    features, truth = steps.features(), steps.aims().astype(np.float64)
    wide, narrow, y = lags(features), envelopes(features), truth[known]
    line, _ = ridge_and_miss(in_blocks(wide[known], y), (wide.shape[1],))
    plain = ridge_and_miss(in_blocks(narrow[known], y), (narrow.shape[1],))
    full, _ = kernel(in_blocks(wide[known], y), recipe.seed)
    channels_n = body.rows_n // len(KINDS)
    both = np.concatenate([deep_columns(body, steps), wide], 1)
    at = list(taught.examples).index(task)
    missing = y - deep_line(recipe, body, at, both.shape[1])(both[known])
    near, near_missed = kernel(in_blocks(wide[known], missing), recipe.seed, UNITS_N)
    sizes = (body.deep_n, body.wide_n, len(near.centres))
    prior = deep_line(recipe, body, at, sum(sizes))
    right, right_missed = ridge_and_miss(in_blocks(both[known], missing), sizes[:2])
    alone, alone_missed = ridge_and_miss(in_blocks(both[known], y), sizes[:2])
    light, light_missed = ridge_and_miss(in_blocks(wide[known], missing), (wide.shape[1],))
    head = mixed(
        [
            (_plus(prior, _first(right, sizes)), right_missed),
            (_plus(prior, in_head(light, sizes, 1)), light_missed),
            (_plus(prior, in_head(near.line, sizes, 2)), near_missed),
            (_first(alone, sizes), alone_missed),
            (in_head(among(body, plain[0]), sizes, 1), plain[1]),
            (level(y.mean(axis=0), sum(sizes)), _missed_by_mean(y)),
        ]
    )
    network = for_task(recipe, channels_n, body, near, head)
    told = {
        "ridge-envelope": plain[0](narrow[asked]),
        "ridge-log": line(wide[asked]),
        "kernel-log": full(wide[asked]),
        "course": answers(network, steps)[asked],
    }
    low, high = y.min(axis=0), y.max(axis=0)
    return {model: np.clip(said, low, high) for model, said in told.items()}, network


def _missed_by_mean(y: Floats) -> float:
    """Squared error of the mean of the other blocks on each."""
    parts = np.array_split(y, BLOCKS_N)
    rest = [np.concatenate(parts[:i] + parts[i + 1 :]).mean(axis=0) for i in range(BLOCKS_N)]
    return float(sum(((part - r) ** 2).sum() for part, r in zip(parts, rest, strict=True)))


def _plus(a: Linear, b: Linear) -> Linear:
    return Linear(a.weight + b.weight, a.bias + b.bias)


def _first(line: Linear, sizes: Sequence[int]) -> Linear:
    """A line over the deep and the linear columns as one over all."""
    rest = np.zeros((sum(sizes) - len(line.weight), line.weight.shape[1]))
    return Linear(np.concatenate([line.weight, rest]), line.bias)

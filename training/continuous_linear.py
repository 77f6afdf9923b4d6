"""Closed-form estimators of continuous targets: ridge and kernel regression, and a network's head.

Each chooses its settings by blocks of what it is fitted to, so that nothing is tuned on a test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from preprocessing.course import KINDS

Floats = NDArray[np.float64]
Estimator = Callable[[Floats], Floats]
"""(window, column) -> (window, target)"""

BLOCKS_N = 4
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
FEWER = (3e-2, 1.0)
"""Where several groups have one each."""
WIDTHS = (1.0, 2.0, 4.0)
"""Of the kernel, times the median distance of two windows."""
CENTRES_N = 150
UNITS_N = 40
"""Centres inside a network, so that its artifact stays below 150 kB."""
ENVELOPE_STEPS = 20
"""0.5 s of lags."""


@dataclass(frozen=True, eq=False)
class Linear:
    """estimate = columns @ weight + bias."""

    weight: Floats
    """(column, target)"""
    bias: Floats
    """(target,)"""

    def __call__(self, x: Floats) -> Floats:
        return np.asarray(x @ self.weight + self.bias)


NO_LINE = Linear(np.zeros((0, 1)), np.zeros(1))
Fitted = tuple[Floats, Floats]
"""(columns (window, column), truth (window, target)) of one stretch"""


def ridge(stretches: Sequence[Fitted], groups: Sequence[int]) -> Linear:
    """Least squares with a penalty for each group of columns, chosen by leaving stretches out.

    groups: how many columns each has, in their order; a column's penalty is on its standardized
    weight and grows with the windows.
    """
    return ridge_and_miss(stretches, groups)[0]


def ridge_and_miss(stretches: Sequence[Fitted], groups: Sequence[int]) -> tuple[Linear, float]:
    """(the same, squared error on the stretches that were left out)."""
    columns = np.concatenate([x for x, _ in stretches])
    mean, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
    parts = [((x - mean) / spread, y) for x, y in stretches]
    moments = [_moments(x, y) for x, y in parts]
    whole = _sum(moments)
    grid = PENALTIES if len(groups) == 1 else FEWER
    best, least = grid[-1:] * len(groups), np.inf
    for penalties in product(grid, repeat=len(groups)):
        diagonal = np.repeat(penalties, groups)
        missed = 0.0
        for turn in range(min(BLOCKS_N, len(parts))):
            held = range(turn, len(parts), BLOCKS_N)
            out = _sum([moments[i] for i in held])
            w, b = _solved(tuple(a - o for a, o in zip(whole, out, strict=True)), diagonal)
            missed += sum(float(((parts[i][0] @ w + b - parts[i][1]) ** 2).sum()) for i in held)
        if missed < least:
            best, least = penalties, missed
    w, b = _solved(whole, np.repeat(best, groups))
    weight = w / spread[:, None]
    return Linear(weight, b - mean @ weight), least


@dataclass(frozen=True, eq=False)
class Kernel:
    """estimate = line(exp(-|columns * scale + shift - centre|^2)) over all centres."""

    scale: Floats
    shift: Floats
    centres: Floats
    """(centre, column), after scale and shift"""
    line: Linear

    def near(self, x: Floats) -> Floats:
        """(window, centre) 0 .. 1"""
        return np.asarray(np.exp(-_distances(x * self.scale + self.shift, self.centres)))

    def __call__(self, x: Floats) -> Floats:
        return self.line(self.near(x))


def kernel(
    stretches: Sequence[Fitted], seed: int, centres_n: int = CENTRES_N
) -> tuple[Kernel, float]:
    """Ridge on radial functions of the distances to some of the windows (Nystroem), its width
    chosen by leaving stretches out; and the squared error on what was left out."""
    columns = np.concatenate([x for x, _ in stretches])
    mean, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
    rng = np.random.default_rng(seed)
    some = (columns[rng.permutation(len(columns))[:centres_n]] - mean) / spread
    usual = float(np.median(_distances(some, some))) + 1e-9
    tried = []
    for width in WIDTHS:
        scale = 1 / (spread * np.sqrt(2 * usual) * width)
        shape = Kernel(scale, -mean * scale, some * spread * scale, NO_LINE)
        parts = [(shape.near(x), y) for x, y in stretches]
        line, missed = ridge_and_miss(parts, (len(some),))
        tried.append((missed, width, replace(shape, line=line)))
    missed, _, found = min(tried, key=lambda row: row[0])
    return found, missed


def mixed(lines: Sequence[tuple[Linear, float]]) -> Linear:
    """The mean of lines over the same columns, by how little each missed on what it was not fitted
    to: weights go with the inverse square of the squared error."""
    share = np.array([1 / (missed + 1e-12) ** 2 for _, missed in lines])
    share /= share.sum()
    return Linear(
        np.sum([s * line.weight for s, (line, _) in zip(share, lines, strict=True)], axis=0),
        np.sum([s * line.bias for s, (line, _) in zip(share, lines, strict=True)], axis=0),
    )


def envelopes_among_lags(line: Linear, rows_n: int, groups_n: int) -> Linear:
    """A line over the columns of `envelope_columns` as one over those of `lag_columns`."""
    channels_n, targets_n = rows_n // len(KINDS), line.weight.shape[1]
    weight = np.zeros((rows_n, groups_n, targets_n))
    kept = line.weight.reshape(channels_n, -1, targets_n)
    first = KINDS.index("mav") * channels_n
    weight[first : first + channels_n, -kept.shape[1] :] = kept
    return Linear(weight.reshape(-1, targets_n), line.bias)


def in_blocks(x: Floats, y: Floats) -> list[Fitted]:
    """One recording's windows as consecutive stretches, to leave out in turn."""
    return list(zip(np.array_split(x, BLOCKS_N), np.array_split(y, BLOCKS_N), strict=True))


def lag_columns(features: Floats, steps_n: int, every: int) -> Floats:
    """(window, feature) of a course as means over `every` steps: (window, row x steps / every)."""
    rows = features.reshape(len(features), -1, steps_n)[:, :, steps_n % every :]
    means = rows.reshape(len(rows), rows.shape[1], -1, every).mean(axis=3)
    return np.asarray(means.reshape(len(rows), -1))


def envelope_columns(features: Floats, steps_n: int, every: int) -> Floats:
    """The mean absolute values of the last half second alone: the envelopes with lags."""
    rows = features.reshape(len(features), -1, steps_n)
    channels_n = rows.shape[1] // len(KINDS)
    mav = rows[:, KINDS.index("mav") * channels_n :][:, :channels_n, -ENVELOPE_STEPS:]
    return lag_columns(mav.reshape(len(rows), -1), ENVELOPE_STEPS, every)


def _moments(x: Floats, y: Floats) -> tuple[Floats, ...]:
    return x.T @ x, x.T @ y, x.sum(axis=0), y.sum(axis=0), np.array(float(len(x)))


def _sum(moments: Sequence[tuple[Floats, ...]]) -> tuple[Floats, ...]:
    return tuple(np.sum([m[i] for m in moments], axis=0) for i in range(5))


def _solved(moments: tuple[Floats, ...], diagonal: Floats) -> tuple[Floats, Floats]:
    """(weight, bias) of centred least squares."""
    square, cross, x_sum, y_sum, n = moments
    count = max(float(n), 1.0)
    a = square - np.outer(x_sum, x_sum) / count + np.diag(diagonal * count)
    w = solve(a, cross - np.outer(x_sum, y_sum) / count, assume_a="pos", check_finite=False)
    return w, (y_sum - x_sum @ w) / count


def _distances(a: Floats, b: Floats) -> Floats:
    """(a, b) squared."""
    square = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.maximum(square, 0))

"""The issue's baseline, ridge on envelopes of knees, by ways of filtering, lags and splits.

What others publish as "ridge on envelopes" differs in these; the table shows how much of the
figure is owed to the split alone, and to filters that know the future.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from scipy.signal import butter, sosfilt, sosfiltfilt

from training.continuous_data import Take
from training.continuous_linear import Floats

STEP_N = 20
"""50 values per second, as the goniometer's true rate."""
BAND, ENVELOPE_HZ = (0.02, 0.45), 4.0
"""20 to 450 Hz at 1000 samples per second."""
LAGS = {"none": (0,), "0.5 s": tuple(range(0, 26, 5)), "1 s": tuple(range(0, 51, 5))}
PENALTY = 1e-3
FILTERS = {"causal": sosfilt, "zero-phase": sosfiltfilt}
FORWARD = {"forward 60/40": 0.6, "forward 80/20": 0.8}
SPLITS = ("itself", "shuffled", "blocks", *FORWARD)
"""Fitted to what is scored; fifths of single values drawn anywhere; fifths of time; the end."""


def baseline_rows(found: Sequence[Take]) -> list[dict[str, Any]]:
    """One row for each task, filter, lags and split: R2 over the recordings of all people."""
    rows = []
    for task in dict.fromkeys(t.task for t in found):
        mine = [t for t in found if t.task == task]
        for kind, name in product(FILTERS, LAGS):
            parts = [(lagged(envelopes(t, kind), LAGS[name]), _truth(t)) for t in mine]
            for split in SPLITS:
                r2 = np.array([_r2(y, estimates(x, y, split)) for x, y in parts])
                rows.append(
                    {
                        "task": task,
                        "filter": kind,
                        "lags": name,
                        "split": split,
                        "people_n": len(r2),
                        "mean": float(r2.mean()),
                        "lower_quarter": float(np.percentile(r2, 25)),
                        "median": float(np.median(r2)),
                        "upper_quarter": float(np.percentile(r2, 75)),
                    }
                )
    return rows


TESTED = {"knee_extension": 0, "knee_flexion": 1, "dorsiflexion": 2, "plantar_flexion": 3}
"""Task of the force set -> the channel of the muscle that was tested (its README)."""
SMOOTH_HZ = 0.5


def followed_rows(found: Sequence[Take]) -> list[dict[str, Any]]:
    """One row for each task: how the slow envelope of the tested muscle goes with its force, and
    what the best straight line of it reaches on the very recording that it is fitted to."""
    rows = []
    for task in dict.fromkeys(t.task for t in found):
        mine = [t for t in found if t.task == task]
        r = np.array([_correlation(t, TESTED[task]) for t in mine])
        line, middle = float((r * r).mean()), float(np.median(r))
        rows.append({"task": task, "people_n": len(r), "correlation": middle, "line_r2": line})
    return rows


def _correlation(take: Take, channel: int) -> float:
    rate = take.segment.spec.rate_hz
    samples = take.segment.samples[:, channel].astype(np.float64)
    smooth = butter(1, SMOOTH_HZ, fs=rate, output="sos")
    slow = sosfilt(smooth, np.abs(samples - samples.mean()))
    first = round(rate / 2)
    if take.segment.targets is None:
        raise ValueError(f"the segment {take.segment.key} has no targets")  # none of ours
    truth = take.segment.targets.values[:, 0].astype(np.float64)
    known = np.isfinite(truth) & (np.arange(len(truth)) >= first)
    return float(np.corrcoef(slow[known], truth[known])[0, 1])


def envelopes(take: Take, kind: str) -> Floats:
    """(time at 50 Hz, channel): rectified in the band, low-passed."""
    run, rate = FILTERS[kind], take.segment.spec.rate_hz
    samples = take.segment.samples.astype(np.float64)
    band = run(butter(4, BAND, "band", fs=1.0, output="sos"), samples, axis=0)
    smooth = run(butter(2, ENVELOPE_HZ, fs=rate, output="sos"), np.abs(band), axis=0)
    return np.asarray(smooth[::STEP_N])


def lagged(x: Floats, lags: Sequence[int]) -> Floats:
    """Each column now and so many rows ago; before the first row, the first."""
    rows = np.arange(len(x))[:, None] - np.array(lags)
    return np.asarray(x[np.maximum(rows, 0)].reshape(len(x), -1))


def estimates(x: Floats, y: Floats, split: str) -> Floats:
    """Of all values; NaN where the split asks for none."""
    n = len(y)
    told = np.full(n, np.nan)
    every = np.arange(n)
    if split == "itself":
        tests = [every]
    elif split == "shuffled":
        drawn = np.random.default_rng(0).permutation(n)
        tests = [drawn[i::5] for i in range(5)]
    elif split == "blocks":
        tests = np.array_split(every, 5)
    else:
        tests = [every[int(n * FORWARD[split]) :]]
    for test in tests:
        known = every if split == "itself" else np.setdiff1d(every, test)
        told[test] = _ridge(x[known], y[known], x[test])
    return told


def _ridge(x: Floats, y: Floats, asked: Floats) -> Floats:
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = (x - mean) / spread
    square = z.T @ z + PENALTY * len(y) * np.eye(z.shape[1])
    w = np.linalg.solve(square, z.T @ (y - y.mean()))
    return np.asarray((asked - mean) / spread @ w + y.mean())


def _truth(take: Take) -> Floats:
    if take.segment.targets is None:
        raise ValueError(f"the segment {take.segment.key} has no targets")  # none of ours
    return take.segment.targets.values[::STEP_N, 0].astype(np.float64)


def _r2(y: Floats, told: Floats) -> float:
    asked = np.isfinite(told)
    y, told = y[asked], told[asked]
    return float(1 - ((y - told) ** 2).sum() / ((y - y.mean()) ** 2).sum())

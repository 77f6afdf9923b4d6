"""How near estimates came, recording by recording, and over the users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisition.stream import Samples
from training.continuous_data import STEP_S, Take
from training.continuous_linear import Floats

CLIP = (-0.1, 1.1)
"""Shares of a recording's usual range, beyond which nothing was trained on."""
LAGS_N = 20
"""Half a second of steps either way."""
RESAMPLED_N = 2000


@dataclass(frozen=True)
class Score:
    """One model on one recording and target."""

    field: str
    task: str
    target: str
    group: str
    user: str
    setting: str
    model: str
    r2: float
    """1 less the share of the variance that was missed, with all delay included"""
    rmse: float
    """in the unit"""
    unit: str
    delay_ms: float
    """by which the estimates must be moved to follow the truth best; above 0 they are late"""
    r2_moved: float
    """squared correlation after that"""


def scored(
    field: str, take: Take, setting: str, model: str, truth: Samples | Floats, told: Floats
) -> list[Score]:
    """truth, told: (window, target), shares. A target that stands still is not scored."""
    out = []
    names = take.segment.targets.names if take.segment.targets else ()
    told = np.clip(told, *CLIP)
    for i, name in enumerate(names):
        known = np.isfinite(truth[:, i])
        y, p = truth[known, i].astype(np.float64), told[known, i].astype(np.float64)
        spread = float(((y - y.mean()) ** 2).sum()) if len(y) else 0.0
        if not spread > 0:
            continue
        missed = float(((p - y) ** 2).sum())
        lag, moved = best_lag(y, p)
        out.append(
            Score(
                field, take.task, name, take.segment.group, take.segment.user, setting, model,
                1 - missed / spread,
                float(np.sqrt(missed / len(y))) * take.spans[i],
                take.units[i],
                round(lag * STEP_S * 1e3, 3),
                moved,
            )
        )  # fmt: skip
    return out


def best_lag(truth: Floats, told: Floats) -> tuple[int, float]:
    """(steps by which `told` is late, squared correlation when it is moved back by so many)."""
    best = (0, -1.0)
    for lag in sorted(range(-LAGS_N, LAGS_N + 1), key=abs):
        a, b = (truth[: len(truth) - lag], told[lag:]) if lag >= 0 else (truth[-lag:], told[:lag])
        if len(a) > 2 * LAGS_N and a.std() > 0 and b.std() > 0:
            r = float(np.corrcoef(a, b)[0, 1])
            if max(r, 0.0) ** 2 > best[1] + 1e-9:
                best = (lag, max(r, 0.0) ** 2)
    return best


def summary(scores: Sequence[Score], seed: int) -> list[dict[str, Any]]:
    """One row for each field, task, target, group, setting and model, means over users with 95 %
    intervals (users drawn again and again)."""
    rows = []
    keys = dict.fromkeys((s.field, s.task, s.target, s.group, s.setting, s.model) for s in scores)
    for key in keys:
        mine = [
            s for s in scores if (s.field, s.task, s.target, s.group, s.setting, s.model) == key
        ]
        r2 = np.array([s.r2 for s in mine])
        drawn = np.random.default_rng(seed).integers(0, len(r2), (RESAMPLED_N, len(r2)))
        low, high = np.percentile(r2[drawn].mean(axis=1), (2.5, 97.5))
        names = ("field", "task", "target", "group", "setting", "model")
        rows.append(
            {
                **dict(zip(names, key, strict=True)),
                "users_n": len(mine),
                "r2": float(r2.mean()),
                "r2_interval": [float(low), float(high)],
                "r2_median": float(np.median(r2)),
                "r2_worst": float(r2.min()),
                "rmse": float(np.mean([s.rmse for s in mine])),
                "unit": mine[0].unit,
                "delay_ms": float(np.median([s.delay_ms for s in mine])),
                "r2_moved": float(np.mean([s.r2_moved for s in mine])),
                "per_user": {s.user: s.r2 for s in mine},
                "seeds": [seed],
            }
        )
    return rows

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
    n: int = 1
    mean: float = 0.0
    """of the truth, in shares"""
    spread: float = 1.0
    """sum of the truth's squared distances from it"""
    seed: int = 0


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
                len(y),
                float(y.mean()),
                spread,
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


def summary(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """One row for each field, task, target, group, setting and model: means over users, each a
    mean over seeds, with 95 % intervals (users drawn again and again)."""
    names = ("field", "task", "target", "group", "setting", "model")
    found: dict[tuple[str, ...], list[Score]] = {}
    for score in scores:
        found.setdefault(tuple(getattr(score, name) for name in names), []).append(score)
    return [{**dict(zip(names, key, strict=True)), **_row(mine)} for key, mine in found.items()]


def _row(mine: Sequence[Score]) -> dict[str, Any]:
    users, seeds = (tuple(dict.fromkeys(getattr(s, k) for s in mine)) for k in ("user", "seed"))
    by_seed = [[s for s in mine if s.seed == seed] for seed in seeds]
    per_user = {u: float(np.mean([s.r2 for s in mine if s.user == u])) for u in users}
    r2 = np.array(list(per_user.values()))
    drawn = np.random.default_rng(0).integers(0, len(r2), (RESAMPLED_N, len(r2)))
    low, high = np.percentile(r2[drawn].mean(axis=1), (2.5, 97.5))
    return {
        "users_n": len(users),
        "r2": float(r2.mean()),
        "r2_interval": [float(low), float(high)],
        "r2_median": float(np.median(r2)),
        "r2_worst": float(r2.min()),
        "r2_pooled": float(np.mean([pooled(part) for part in by_seed])),
        "rmse": float(np.mean([s.rmse for s in mine])),
        "unit": mine[0].unit,
        "delay_ms": float(np.median([s.delay_ms for s in mine])),
        "r2_moved": float(np.mean([s.r2_moved for s in mine])),
        "per_user": per_user,
        "per_seed": [float(np.mean([s.r2 for s in part])) for part in by_seed],
        "seeds": list(seeds),
    }


def pooled(scores: Sequence[Score]) -> float:
    """R2 of all recordings as if they were one: the share of the variance around their common
    mean. A recording that hardly moves counts little in it, as little as its misses do."""
    mean = sum(s.n * s.mean for s in scores) / sum(s.n for s in scores)
    missed = sum((1 - s.r2) * s.spread for s in scores)
    return float(1 - missed / sum(s.spread + s.n * (s.mean - mean) ** 2 for s in scores))

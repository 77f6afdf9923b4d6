"""What the protocol "days" tells: outcomes of sessions, and the rows over users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from training.cost import Cost, cost
from training.days_artifact import Heard, Pair
from training.days_studies import REST, Study
from training.protocol_myo import interval

MODELS = ("lda", "covariance", "covariance_adaptive")
"""Linear discriminant on time-domain features; the head, fixed; and following the wearer."""
NO_COST = Cost(0, 0, 0, 0.0)
Key = tuple[str, str, str]
"""(case, calibration, model)"""


@dataclass(frozen=True, eq=False)
class Outcome:
    """One model on one session; shares are of the windows."""

    right: float
    """by the int8 artifact"""
    full: float
    """right, by the float one"""
    equal: float
    """decided equally by both, unlabelled windows too"""
    recall: float
    """mean over the gestures"""
    moved: float
    """share of the rest windows"""
    windows_n: int
    cycles: int = 0
    """of the wearer's calibration"""
    decision_us: float = 0.0
    cost: Cost = field(default=NO_COST)
    held: int = 0
    """refits that went only part of the way"""
    rollbacks: int = 0


def outcome_of(
    said: Heard, wanted: NDArray[np.int64], study: Study, cycles: int, costs: Cost = NO_COST
) -> Outcome:
    """How right decisions were where it is known what was done: wanted (window,)."""
    known = wanted >= 0
    right, rest = said.small[known] == wanted[known], study.labels.index(REST)
    held = wanted[known]
    if not len(held):
        raise Refused("A tested session has no window of which anybody knows the gesture.")
    recalls = [right[held == k].mean() for k in np.unique(held)]
    resting = held == rest
    return Outcome(
        right=float(right.mean()),
        full=float((said.full[known] == held).mean()),
        equal=float((said.small == said.full).mean()),
        recall=float(np.mean(recalls)),
        moved=float(1 - right[resting].mean()) if resting.any() else 0.0,
        windows_n=len(held),
        cycles=cycles,
        decision_us=said.decision_us,
        cost=costs,
        held=said.counts.held,
        rollbacks=said.counts.rollbacks,
    )


def cost_of(pair: Pair) -> Cost:
    """What a decision by the smaller one costs."""
    return cost(pair.small, pair.full)


def rows_of(
    name: str, study: Study, found: Mapping[Key, Mapping[str, Sequence[Outcome]]]
) -> list[dict[str, Any]]:
    """A row for each (case, calibration, model); an adaptive one tells what it was before."""
    means = {
        key: {user: float(np.mean([o.right for o in told])) for user, told in users.items()}
        for key, users in found.items()
    }
    rows = []
    for key, users in found.items():
        case, calibration, model = key
        row: dict[str, Any] = {
            "set": name,
            "question": study.question,
            "case": case,
            "calibration": calibration,
            "model": model,
            **_shares(means[key], users),
            "cut": study.cut,
        }
        before = means.get((case, calibration, "covariance"))
        if model == "covariance_adaptive" and before:
            row["before"] = float(np.mean(list(before.values())))
            row["worst_change"] = min(means[key][u] - before[u] for u in before)
        rows.append(row)
    return rows


def _shares(
    per_user: Mapping[str, float], users: Mapping[str, Sequence[Outcome]]
) -> dict[str, Any]:
    every = [o for told in users.values() for o in told]
    equal = [float(np.mean([o.equal for o in told])) for told in users.values()]
    shares = np.array(list(per_user.values()))
    low, high = interval(shares)
    return {
        "cycles": max(o.cycles for o in every),
        "mean": float(shares.mean()),
        "worst": float(shares.min()),
        "ci95": [low, high],
        "per_user": dict(per_user),
        "float_mean": float(np.mean([np.mean([o.full for o in told]) for told in users.values()])),
        "int8_agreement": float(np.mean(equal)),
        "int8_agreement_worst": min(equal),
        "mean_recall": float(np.mean([o.recall for o in every])),
        "rest_false_activation": float(np.mean([o.moved for o in every])),
        "params": max(o.cost.parameters_n for o in every),
        "macs": max(o.cost.macs_n for o in every),
        "bytes": max(o.cost.bytes_n for o in every),
        "us": float(np.median([o.cost.hop_us for o in every])),
        "decision_us": float(np.median([o.decision_us for o in every])),
        "sessions_n": len(every),
        "windows_n": sum(o.windows_n for o in every),
        "held": sum(o.held for o in every),
        "rollbacks": sum(o.rollbacks for o in every),
    }

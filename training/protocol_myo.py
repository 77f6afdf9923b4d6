"""The protocol "myo": 9 people of the MyoArmbandDataset, zero-shot and after 1 to 4 cycles.

Priors from the pre-training users; calibration on the first c cycles of training0; scored on all
files of Test0 and Test1 in their order through the live decoder, window by window, without a
vote. What adapts sees only the past of the session that is scored. The mean of both sessions, and
the mean over users. See docs/benchmarks.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.myo_files import MYO_GESTURES
from acquisition.session import Session
from models.artifact import Artifact
from models.contract import Provenance
from training import combined
from training.covariance import deploy_head, fit_family, wearers_head
from training.datasets import Segment, fingerprint, read_myo_armband
from training.fit import Progress
from training.golden import golden_of
from training.myo_score import COUNTED, add, scores_of
from training.raw_head import RECIPE, deploy_raw, fit_raw_family, signal_of, wearers_raw
from training.recipe import Signal
from training.splits import Selection, refuse_overlap, select
from training.train import provenance

CALIBRATION, TESTS, REST = "training0", ("Test0", "Test1"), "rest"
RING_N = 8
RESAMPLES = 2000

UNUSED = MYO_GESTURES[-2:]
"""In skewed use these are never made,"""
UNKNOWN = "unknown"
"""and this is: the closed hand with its electrodes in an order that no hand has."""
UNKNOWN_ORDER = [3, 6, 1, 4, 7, 2, 5, 0]
REST_TIMES, GESTURE_S = 4, 1.0
"""A rest of 5 s four times for every 4 gestures and an unknown movement of 1 s: 80 % rest."""


@dataclass(frozen=True)
class Case:
    """One variant of the protocol."""

    window_samples: int = 52
    skewed: bool = False


MODELS: Mapping[str, bool] = {
    "covariance": False,
    "covariance_adaptive": True,
    "second_order": False,
    "second_order_adaptive": True,
    "combined": False,
    "combined_adaptive": True,
}
"""name -> whether its head follows the wearer"""
Made = tuple[Artifact, Artifact, float]
"""(int8 artifact, float artifact, seconds of the calibration)"""
Maker = Callable[..., Made]
"""(path, segments of the calibration, provenance, adaptive=, name=) -> what was made"""


def run_myo(
    case: Case,
    root: Path,
    models: Sequence[str],
    cycles: Sequence[int],
    folder: Path,
    users: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The rows of the protocol, for each of `models` (of MODELS) and `cycles` (0: zero-shot)."""
    segments = read_myo_armband(root)
    known = sorted({s.user for s in segments if s.user.startswith("evaluation/")})
    users = list(users or known)
    others = tuple(sorted({s.user for s in segments if s.user.startswith("pretraining/")}))
    general = select(segments, Selection(users=others))
    fit_s: dict[str, float] = {}
    makers: dict[str, Maker] = {}
    for family in dict.fromkeys(model.removesuffix("_adaptive") for model in models):
        begin = time.perf_counter()
        makers[family] = MAKERS[family](general, case, folder)
        fit_s[family] = round(time.perf_counter() - begin, 2)
    digest, rows, done = fingerprint(root), [], 0
    for model in models:
        for count in cycles:
            scored = []
            for user in users:
                test = select(segments, Selection((user,), TESTS))
                own = _own(segments, user, count)
                streams = stream_of(test, case)
                refuse_overlap({"pre-training": general, "calibration": own, "test": test})
                where = {"pretraining": others, "calibration": (f"{user} x{count}",)}
                origin = provenance("MyoArmbandDataset", digest, where, 0, {})
                path = folder / f"{model}-{user.replace('/', '-')}-{count}.onnx"
                make = makers[model.removesuffix("_adaptive")]
                *made, calibrate_s = make(path, own, origin, adaptive=MODELS[model], name=model)
                scored.append(scores_of(made[0], made[1], streams) | {"cal": calibrate_s})
                done += 1
                if progress:
                    progress(done, len(models) * len(cycles) * len(users))
            rows.append(row_of(model, count, users, scored))
    return {
        "protocol": "myo",
        "window_samples": case.window_samples,
        "skewed": case.skewed,
        "data_digest": digest,
        "seeds": "covariance: none, closed form; second_order: 0",
        "fit_s": fit_s,
        "rows": rows,
    }


def _maker(general: Sequence[Segment], case: Case, folder: Path) -> Maker:
    """Deploys hand-crafted features with a head, calibrated where there is a calibration."""
    signal = replace(Signal(), window_samples=case.window_samples)
    family = fit_family(general, MYO_GESTURES, signal, RING_N)
    golden = golden_of(general, signal)

    def make(path: Path, own: Sequence[Segment], origin: Provenance, **how: Any) -> Made:
        begin = time.perf_counter()
        head = wearers_head(family, own, MYO_GESTURES, signal) if own else family.head
        taken_s = time.perf_counter() - begin
        made = deploy_head(path, family, head, MYO_GESTURES, REST, origin, golden, **how)
        return *made, taken_s

    return make


def _raw_maker(general: Sequence[Segment], case: Case, folder: Path) -> Maker:
    """The same with a network on raw windows."""
    recipe = signal_of(RECIPE, case.window_samples)
    family = fit_raw_family(general, MYO_GESTURES, recipe, folder)
    golden = golden_of(general, recipe.signal)

    def make(path: Path, own: Sequence[Segment], origin: Provenance, **how: Any) -> Made:
        begin = time.perf_counter()
        found = wearers_raw(family, own, MYO_GESTURES) if own else (family.head, family.chain)
        taken_s = time.perf_counter() - begin
        made = deploy_raw(path, family, *found, MYO_GESTURES, REST, origin, golden, **how)
        return *made, taken_s

    return make


def _combined_maker(general: Sequence[Segment], case: Case, folder: Path) -> Maker:
    """Both in one graph; the hand-crafted features alone where there is no calibration."""
    recipe = signal_of(combined.RECIPE, case.window_samples)
    taught = combined.fit_combined(general, MYO_GESTURES, recipe, RING_N, folder)
    golden = golden_of(general, recipe.signal)

    def make(path: Path, own: Sequence[Segment], origin: Provenance, **how: Any) -> Made:
        told: Any = (MYO_GESTURES, REST, origin, golden)
        if not own:
            return *deploy_head(path, taught.alone, taught.alone.head, *told, **how), 0.0
        begin = time.perf_counter()
        found = combined.wearers_both(taught, own)
        taken_s = time.perf_counter() - begin
        return *deploy_raw(path, taught.both, *found, *told, **how), taken_s

    return make


MAKERS: Mapping[str, Callable[..., Maker]] = {
    "covariance": _maker,
    "second_order": _raw_maker,
    "combined": _combined_maker,
}
"""model without "_adaptive" -> what deploys it"""


def _own(segments: Sequence[Segment], user: str, count: int) -> tuple[Segment, ...]:
    if not count:
        return ()
    return select(segments, Selection((user,), (CALIBRATION,), tuple(range(count))))


def stream_of(test: Sequence[Segment], case: Case) -> list[Session]:
    """The sessions that are scored, as recorded or as skewed use."""
    out = []
    for name in TESTS:
        parts = [s for s in test if s.session == name]
        out.append(_session(_skewed(parts) if case.skewed else parts))
    return out


def _skewed(parts: Sequence[Segment]) -> list[Segment]:
    rate_hz, out = parts[0].spec.rate_hz, []
    n = round(GESTURE_S * rate_hz)
    for cycle in sorted({part.cycle for part in parts}):
        mine = {part.gesture: part for part in parts if part.cycle == cycle}
        for gesture in MYO_GESTURES:
            if gesture == REST or gesture in UNUSED or gesture not in mine:
                continue
            out += [mine[REST]] * (REST in mine)
            out.append(replace(mine[gesture], samples=mine[gesture].samples[n : 2 * n]))
        if UNUSED[0] in mine:
            strange = mine[UNUSED[0]].samples[n : 2 * n, UNKNOWN_ORDER]
            out.append(replace(mine[UNUSED[0]], samples=strange, gesture=UNKNOWN))
    return out


def _session(parts: Sequence[Segment]) -> Session:
    starts = np.cumsum([0, *(len(part.samples) for part in parts[:-1])])
    markers = tuple((int(n), part.gesture) for n, part in zip(starts, parts, strict=True))
    return Session(parts[0].spec, np.concatenate([part.samples for part in parts]), markers)


def row_of(
    model: str, count: int, users: Sequence[str], scored: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """One row of the table, from the users' shares."""

    def column(name: str) -> Any:
        return np.array([one[name] for one in scored])

    confusion: dict[str, dict[str, int]] = {}
    for one in scored:
        add(confusion, one["confusion"])
    low, high = interval(column("int8"))
    return {
        "model": model,
        "cycles": count,
        "mean": float(column("int8").mean()),
        "worst": float(column("int8").min()),
        "ci95": [low, high],
        "per_user": {u: float(v) for u, v in zip(users, column("int8"), strict=True)},
        "float_mean": float(column("float").mean()),
        "int8_agreement": float(column("agreement").mean()),
        "rest_false_activation": float(column("rest").mean()),
        "params": int(column("params").max()),
        "macs": int(column("macs").max()),
        "bytes": int(column("bytes").max()),
        "us": float(np.median(column("us"))),
        "decision_us": float(np.median(column("decision_us"))),
        "calibrate_s": float(column("cal").max()),
        **{name: int(column(name).sum()) for name in COUNTED if name in scored[0]},
        "confusion": confusion,
    }


def interval(shares: Any, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over users, by drawing users with replacement."""
    rng = np.random.default_rng(seed)
    means = shares[rng.integers(0, len(shares), (RESAMPLES, len(shares)))].mean(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))

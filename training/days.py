"""The protocol "days": other days, other places of the electrodes, other people, other data sets.

For each study (training.days_studies) and each user: nobody's calibration, or the wearer's first
session; then every tested session from its beginning, as by a decoder that was just switched on,
decided window by window without a vote; the mean over the sessions of a case, then over users.
What adapts has seen the past of the session alone, and no labels. Priors come from other users:
each of at most FOLDS groups of users is tested by what all others taught.

Decisions are the decoder's arithmetic in float on features worked once; what int8 costs stands in
the protocol "myo".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from models.adapt import Adaptation
from models.calibrate import calibrated
from models.head import Head
from training.datasets import Segment, read_dataset
from training.days_follow import followed, linear
from training.days_streams import Stream, streams
from training.days_studies import REST, STUDIES, UNORDERED, Study
from training.head import Session, fit_head
from training.leaks import refuse_future, refuse_overlap
from training.protocol_myo import interval

FOLDS = 5
BLOCK_S = 0.5
"""As in training.covariance."""
MODELS = ("lda", "covariance", "covariance_adaptive")
"""Linear discriminant on time-domain features; the head, fixed; and following the wearer."""
NOBODY, FIRST = "nobody", "first session"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Outcome:
    """One model on one session."""

    right: float
    """share of the windows"""
    recall: float
    """mean over the gestures"""
    moved: float
    """share of the rest windows"""
    windows_n: int
    rollbacks: int = 0


def run_days(
    there: Mapping[str, Path],
    models: Sequence[str] = MODELS,
    users: Sequence[str] | None = None,
    progress: Progress | None = None,
    studies: Mapping[str, Study] = STUDIES,
) -> dict[str, Any]:
    """The rows of all studies whose sets are `there` (name -> folder). Refuses where none is."""
    rows: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    for n, (name, study) in enumerate(studies.items()):
        lacking = [s for s in (study.test, *study.teachers) if s not in there]
        if lacking:
            missing[name] = f"the data set {', '.join(lacking)} is not in the folder"
        else:
            rows += study_rows(name, study, there, models, users)
        if progress:
            progress(n + 1, len(studies))
    if not rows:
        raise Refused(
            f"The folder holds none of {', '.join(studies)}; give the one with all data sets."
        )
    return {"protocol": "days", "left_out": missing, "seeds": "none: closed form", "rows": rows}


def study_rows(
    name: str,
    study: Study,
    there: Mapping[str, Path],
    models: Sequence[str],
    users: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """The rows of one study: case, calibration and model."""
    every = _streams(study, there)
    found: dict[tuple[str, str, str], dict[str, list[Outcome]]] = {}
    for tested, teachers in folds(study, every):
        wanted = [u for u in tested if users is None or u in users]
        if not wanted:
            continue
        rate_hz = every[0].parts[0].spec.rate_hz
        adaptation = Adaptation(block_windows=round(BLOCK_S * rate_hz / study.front.hop_samples))
        known = [Session(s.features, s.gestures) for s in teachers]
        head = fit_head(known, len(study.labels), adaptation.block_windows, study.ring_n)
        for user in wanted:
            for key, outcome in _of_user(study, every, teachers, head, adaptation, models, user):
                found.setdefault(key, {}).setdefault(user, []).append(outcome)
    return rows_of(name, study, found)


def _streams(study: Study, there: Mapping[str, Path]) -> list[Stream]:
    out = []
    for name, want in {study.test: study.want, **study.teachers}.items():
        segments = read_dataset(f"{name}:{there[name]}", want).whole()
        roles = (study.case, study.calibrates, study.teaches)
        segments = tuple(s for s in segments if any(role(s) for role in roles))
        out += streams(segments, study.front, study.labels, by_cycle=name in UNORDERED)
    return out


def folds(study: Study, every: Sequence[Stream]) -> Iterator[tuple[list[str], list[Stream]]]:
    """(users to test, sessions of others that teach): nobody is in both. Sessions that lack a
    gesture teach nothing."""
    whole = set(range(len(study.labels)))
    teach = [s for s in every if study.teaches(s.parts[0]) and whole <= set(s.gestures.tolist())]
    users = sorted({s.user for s in every if study.case(s.parts[0])})
    apart = not set(users) & {s.user for s in teach}
    for i in range(1 if apart else min(FOLDS, len(users))):
        tested = users if apart else users[i::FOLDS]
        yield tested, [s for s in teach if s.user not in tested]


def _of_user(
    study: Study,
    every: Sequence[Stream],
    teachers: Sequence[Stream],
    head: Head,
    adaptation: Adaptation,
    models: Sequence[str],
    user: str,
) -> Iterator[tuple[tuple[str, str, str], Outcome]]:
    """((case, calibration, model), outcome) of each tested session."""
    mine = [s for s in every if s.user == user]
    tests = [s for s in mine if study.case(s.parts[0])]
    own = [s for s in mine if study.calibrates(s.parts[0])]
    _refuse_cheating(study, teachers, own, tests)
    begins: dict[str, tuple[Head, Any]] = {NOBODY: (head, None)}
    if own:
        begins[FIRST] = (_fitted(study, head, adaptation, own[0]), _windows(study, own[0]))
    for calibration, (start, windows) in begins.items():
        plain = None
        if "lda" in models:
            x, held = windows or _pooled(teachers)
            plain = linear(x, held, len(study.labels))
        for stream in tests:
            for model in models:
                if model == "lda" and plain is not None:
                    got = (stream.plain @ plain[0] + plain[1]).argmax(axis=1)
                    outcome = outcome_of(got, stream.gestures, study)
                else:
                    settings = adaptation if model == "covariance_adaptive" else None
                    rest = study.labels.index(REST)
                    got, counts = followed(start, settings, rest, stream.features)
                    outcome = outcome_of(got, stream.gestures, study, counts.rollbacks)
                yield (study.case(stream.parts[0]), calibration, model), outcome


def _refuse_cheating(
    study: Study, teachers: Sequence[Stream], own: Sequence[Stream], tests: Sequence[Stream]
) -> None:
    past = [p for s in own for p in s.parts if study.cycles is None or p.cycle in study.cycles]
    test = _segments(tests)
    refuse_overlap({"teaching": _segments(teachers), "calibration": past, "test": test})
    refuse_future(past, test)


def _segments(parts: Sequence[Stream]) -> list[Segment]:
    return [segment for stream in parts for segment in stream.parts]


def _chosen(study: Study, stream: Stream) -> NDArray[np.bool_]:
    inside = stream.gestures >= 0
    return inside if study.cycles is None else inside & np.isin(stream.cycles, study.cycles)


def _fitted(study: Study, head: Head, adaptation: Adaptation, own: Stream) -> Head:
    kept = _chosen(study, own)
    return calibrated(
        head,
        own.features[kept],
        own.gestures[kept],
        own.cycles[kept],
        adaptation.block_windows,
        adaptation.weight,
    )


def _windows(study: Study, own: Stream) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    kept = _chosen(study, own)
    return own.plain[kept], own.gestures[kept]


def _pooled(teachers: Sequence[Stream]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    gestures = np.concatenate([s.gestures for s in teachers])
    return np.concatenate([s.plain for s in teachers])[gestures >= 0], gestures[gestures >= 0]


def outcome_of(
    got: NDArray[np.int64], wanted: NDArray[np.int64], study: Study, rollbacks: int = 0
) -> Outcome:
    """How right decisions (window,) were where it is known what was done."""
    known = wanted >= 0
    right, rest = got[known] == wanted[known], study.labels.index(REST)
    held = wanted[known]
    if not len(held):
        raise Refused("A tested session has no window of which anybody knows the gesture.")
    recalls = [right[held == k].mean() for k in np.unique(held)]
    resting = held == rest
    moved = 1 - right[resting].mean() if resting.any() else 0.0
    recall, share = float(np.mean(recalls)), float(right.mean())
    return Outcome(share, recall, float(moved), len(held), rollbacks)


def rows_of(
    name: str,
    study: Study,
    found: Mapping[tuple[str, str, str], Mapping[str, Sequence[Outcome]]],
) -> list[dict[str, Any]]:
    """A row for each (case, calibration, model); an adaptive one tells what it was before."""
    means = {
        key: {user: float(np.mean([o.right for o in told])) for user, told in users.items()}
        for key, users in found.items()
    }
    rows = []
    for key, users in found.items():
        case, calibration, model = key
        shares = np.array(list(means[key].values()))
        low, high = interval(shares)
        every = [o for told in users.values() for o in told]
        row: dict[str, Any] = {
            "set": name,
            "question": study.question,
            "case": case,
            "calibration": calibration,
            "model": model,
            "mean": float(shares.mean()),
            "worst": float(shares.min()),
            "ci95": [low, high],
            "per_user": means[key],
            "mean_recall": float(np.mean([o.recall for o in every])),
            "rest_false_activation": float(np.mean([o.moved for o in every])),
            "sessions_n": len(every),
            "windows_n": sum(o.windows_n for o in every),
            "rollbacks": sum(o.rollbacks for o in every),
            "cut": study.cut,
        }
        before = means.get((case, calibration, "covariance"))
        if model == "covariance_adaptive" and before:
            row["before"] = float(np.mean(list(before.values())))
            row["worst_change"] = min(means[key][u] - before[u] for u in before)
        rows.append(row)
    return rows

"""The protocol "days": other days, other places of the electrodes, other people, other data sets.

For each study (training.days_studies) and each user: nobody's calibration, or the wearer's first
session; then every tested session from its beginning, as by a decoder that was just switched on,
decided window by window by the int8 artifact in the live decoder, without a vote, with the float
artifact beside it; the mean over the sessions of a case, then over users. What adapts has seen the
past of the session alone, and no labels. Priors come from other users: each of at most FOLDS
groups of users is tested by what all others taught.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from models.adapt import Adaptation
from models.calibrate import calibrated
from models.contract import Provenance
from models.head import Head
from training.covariance import Family
from training.datasets import Segment, fingerprint, read_dataset
from training.days_artifact import Pair, family_of, head_pair, heard, linear, linear_pair
from training.days_rows import MODELS, Key, Outcome, cost_of, outcome_of, rows_of
from training.days_streams import Stream, streams
from training.days_studies import STUDIES, UNORDERED, Study
from training.head import Session, fit_head
from training.leaks import refuse_future, refuse_overlap
from training.train import provenance

FOLDS = 5
BLOCK_S = 0.5
"""As in training.covariance."""
VOICES_N = 18
"""Ways in which people differ that an artifact keeps, the largest first: as many as the 19 people
of the protocol "myo" give, so that an artifact stays below 150 kB where more people teach."""
NOBODY, FIRST = "nobody", "first session"
Progress = Callable[[int, int], None]


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
    digests = {name: fingerprint(path) for name, path in there.items()}
    return {
        "protocol": "days",
        "data_digests": digests,
        "left_out": missing,
        "seeds": "none: closed form",
        "rows": rows,
    }


def study_rows(
    name: str,
    study: Study,
    there: Mapping[str, Path],
    models: Sequence[str],
    users: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """The rows of one study: case, calibration and model."""
    every = _streams(study, there)
    found: dict[Key, dict[str, list[Outcome]]] = {}
    for tested, teachers in folds(study, every):
        wanted = [u for u in tested if users is None or u in users]
        if not wanted:
            continue
        family = _taught(study, every, teachers)
        for user in wanted:
            with TemporaryDirectory() as folder:
                told = _of_user(study, every, teachers, family, models, user, Path(folder))
                for key, outcome in told:
                    found.setdefault(key, {}).setdefault(user, []).append(outcome)
    return rows_of(name, study, found)


def _taught(study: Study, every: Sequence[Stream], teachers: Sequence[Stream]) -> Family:
    """What others teach of somebody of whom nothing is known."""
    spec = next(s.parts[0].spec for s in every if study.case(s.parts[0]))
    adaptation = Adaptation(block_windows=round(BLOCK_S * spec.rate_hz / study.front.hop_samples))
    known = [Session(s.features, s.gestures) for s in teachers]
    size = (len(study.labels), adaptation.block_windows, study.ring_n, study.front.dimensions_n)
    head = fit_head(known, *size)
    head = replace(head, voices=head.voices[:VOICES_N])
    return family_of(study, head, adaptation, teachers, spec)


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
    family: Family,
    models: Sequence[str],
    user: str,
    folder: Path,
) -> Iterator[tuple[Key, Outcome]]:
    """((case, calibration, model), outcome) of each tested session."""
    mine = [s for s in every if s.user == user]
    tests = [s for s in mine if study.case(s.parts[0])]
    own = [s for s in mine if study.calibrates(s.parts[0])]
    _refuse_cheating(study, teachers, own, tests)
    for calibration, begun in ((NOBODY, None), (FIRST, own[0] if own else None)):
        if calibration == FIRST and begun is None:
            continue
        pairs = _pairs(study, family, models, teachers, begun, folder)
        costs = {model: cost_of(pair) for model, pair in pairs.items()}
        cycles = 0 if begun is None else len(np.unique(begun.cycles[_chosen(study, begun)]))
        plain = {m: p for m, p in pairs.items() if m == "lda"}
        heads = {m: p for m, p in pairs.items() if m != "lda"}
        for stream in tests:
            said = {m: h for part in (plain, heads) if part for m, h in _heard(study, part, stream)}
            for model in models:
                told = outcome_of(said[model], stream.gestures, study, cycles, costs[model])
                yield (study.case(stream.parts[0]), calibration, model), told


def _heard(study: Study, pairs: Mapping[str, Pair], stream: Stream) -> Any:
    return heard(pairs, stream, study.labels).items()


def _pairs(
    study: Study,
    family: Family,
    models: Sequence[str],
    teachers: Sequence[Stream],
    own: Stream | None,
    folder: Path,
) -> dict[str, Pair]:
    """Model -> its artifacts, calibrated by the wearer's `own` session where there is one."""
    head = family.head if own is None else _fitted(study, family.head, family.adaptation, own)
    origin = _origin(study, teachers, own)
    out = {}
    for model in models:
        place = (folder, model, teachers[0])
        if model == "lda":
            x, held = _pooled(teachers) if own is None else _windows(study, own)
            line = linear(x, held, len(study.labels))
            out[model] = linear_pair(study, line, family.spec, place, origin)
        else:
            out[model] = head_pair(study, family, head, place, origin)
    return out


def _origin(study: Study, teachers: Sequence[Stream], own: Stream | None) -> Provenance:
    users = {"pretraining": tuple(dict.fromkeys(s.user for s in teachers))}
    if own is not None:
        users["calibration"] = (f"{own.user} {own.parts[0].session}",)
    return provenance(study.test, "", users, 0, {})


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

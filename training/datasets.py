"""Recordings of people as segments: one gesture, held once, by one user, in one session."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

from acquisition.imports import load_session
from acquisition.myo_files import MYO_GESTURES, MYO_SPEC, myo_session_files, read_myo_file
from acquisition.session import Session, protocol_labels
from acquisition.stream import Refused, Samples, Spec
from acquisition.tables import look_up
from models.score import OTHER, asked

DATASETS: dict[str, tuple[str, str]] = {
    "myo_armband": ("training.datasets", "read_myo_armband"),
    "xdf": ("training.datasets", "read_xdf"),
    "synthetic": ("training.simulated", "read_simulated"),
}
"""name -> (module, function of a path that gives segments), imported lazily."""

Key = tuple[str, str, int]
"""(user, session, cycle): what may never be on both sides of a split."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Consecutive samples of one gesture. A gap ends a segment, so a cycle may have several."""

    user: str
    session: str
    cycle: int
    """Which repetition of the gesture in its session this is, from 0."""
    gesture: str
    samples: Samples
    """(time, channel)"""
    spec: Spec

    @property
    def key(self) -> Key:
        return self.user, self.session, self.cycle


def read_dataset(word: str) -> tuple[Segment, ...]:
    """The segments of `NAME:PATH`, e.g. "myo_armband:data/myo_armband" or "xdf:recordings"."""
    name, _, path = word.partition(":")
    reader = cast("Callable[[Path], tuple[Segment, ...]]", look_up(DATASETS, name, "data set"))
    return reader(Path(path))


MYO_PARTS = {"PreTrainingDataset": "pretraining", "EvaluationDataset": "evaluation"}
"""Folder -> what the names of its users begin with: both have a Male0, who is not the same."""

MYO_REPEATED = frozenset({"pretraining/Female7", "pretraining/Female8", "pretraining/Female9"})
"""Not users of their own: their files are, byte for byte, the three sessions of evaluation user
Female0 (found by comparing all files; the published protocol leaves them out as well)."""


def read_myo_armband(root: Path, users: Collection[str] | None = None) -> tuple[Segment, ...]:
    """The segments of the MyoArmbandDataset at `root`: one per file.

    Users are called "pretraining/Male0", "evaluation/Female0" and so on; `users` limits what is
    read. Refuses a folder without either part, and files that are no counts of an armband.
    """
    if not any((root / part).is_dir() for part in MYO_PARTS):
        raise Refused(
            f"{root} has neither PreTrainingDataset nor EvaluationDataset; "
            "give the folder of the MyoArmbandDataset that holds them."
        )
    return tuple(
        Segment(user, session.name, number // 7, MYO_GESTURES[number % 7], samples, MYO_SPEC)
        for user, folder in _myo_users(root)
        if users is None or user in users
        for session in _folders(folder)
        for number, path in myo_session_files(session)
        for samples in [read_myo_file(path)]
    )


def _myo_users(root: Path) -> Iterator[tuple[str, Path]]:
    for part, prefix in MYO_PARTS.items():
        for folder in _folders(root / part):
            user = f"{prefix}/{folder.name}"
            if user not in MYO_REPEATED:
                yield user, folder


def _folders(parent: Path) -> list[Path]:
    """The folders in `parent`, Male2 before Male10."""
    found = [path for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
    return sorted(found, key=lambda path: (len(path.name), path.name))


def read_xdf(root: Path, gestures: Collection[str] = MYO_GESTURES) -> tuple[Segment, ...]:
    """The segments of recordings of ours: one file, or the folder USER/SESSION.xdf of many.

    A marker whose text is one of `gestures`, or of those that the recording's own protocol asks
    for, begins a segment that lasts until the next one, or until something else is asked for;
    what comes before the first belongs to none. Refuses a path without such a recording or marker.
    """
    paths = sorted(root.rglob("*.xdf")) if root.is_dir() else [root]
    if not paths:
        raise Refused(f"{root} has no recording: no file in it ends in .xdf.")
    return tuple(segment for path in paths for segment in _of_recording(path, gestures))


def _of_recording(path: Path, gestures: Collection[str]) -> list[Segment]:
    session = load_session(path)
    gestures = protocol_labels(session.markers) or gestures
    prompts = [
        (index, gesture)
        for index, text in session.markers
        if (gesture := asked(text, gestures)) is not None
    ]
    if not any(gesture for _, gesture in prompts):
        raise Refused(
            f"{path} has no marker of a gesture ({', '.join(gestures)}); "
            "record it with prompts, or name its gestures."
        )
    user, found = path.resolve().parent.name, []
    held: Counter[str] = Counter()
    for (begin, gesture), (end, _) in pairwise([*prompts, (len(session.samples), OTHER)]):
        if gesture == OTHER:
            continue
        for first, last in pairwise(_edges(session, begin, end)):
            samples = session.samples[first:last]
            found.append(Segment(user, path.stem, held[gesture], gesture, samples, session.spec))
        held[gesture] += 1
    return found


def _edges(session: Session, begin: int, end: int) -> list[int]:
    return sorted({begin, end, *(index for index, _ in session.gaps if begin < index < end)})


def fingerprint(root: Path) -> str:
    """sha256 over the names and bytes of the recordings at `root`, in the order of the names.

    The place of `root` is no part of it, and neither are files of other kinds.
    """
    digest = hashlib.sha256()
    paths = root.rglob("*") if root.is_dir() else [root]
    found = [path for path in paths if path.suffix in {".dat", ".xdf"} and path.is_file()]
    if not found:
        raise Refused(f"{root} has no recording: no file ends in .dat or .xdf.")
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in found):
        data = path.read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()

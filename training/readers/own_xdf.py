"""Recordings of ours: prompts as markers, gaps as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

from acquisition.imports import load_session
from acquisition.myo_files import MYO_GESTURES
from acquisition.session import Session, protocol_labels
from acquisition.stream import Refused
from models.score import OTHER, asked
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The segments of one file, or of USER/SESSION.xdf below a folder."""
    return segments_of(root, want, MYO_GESTURES)


def segments_of(root: Path, want: Selection, gestures: Collection[str]) -> Iterator[Item]:
    """The same with gestures of one's own.

    A marker whose text is one of `gestures`, or of those that the recording's own protocol asks
    for, begins a segment that lasts until the next one, or until something else is asked for;
    what comes before the first belongs to none, and is unlabelled. Refuses a path without any
    recording, and a single file that is broken or has no such marker.
    """
    paths = sorted(root.rglob("*.xdf")) if root.is_dir() else [root]
    if not paths:
        raise Refused(f"{root} has no recording: no file in it ends in .xdf.")
    for path in paths:
        user = path.resolve().parent.name
        if not (want.user(user) and want.session(path.stem)):
            continue
        try:
            yield from cut_at_prompts(load_session(path), user, path, want, gestures)
        except Refused as error:
            if path == root:
                raise
            yield LeftOut(path.relative_to(root).as_posix(), str(error))


def cut_at_prompts(
    session: Session, user: str, path: Path, want: Selection, gestures: Collection[str]
) -> Iterator[Segment]:
    """A session as segments between its prompts and gaps; `path` names it."""
    known = protocol_labels(session.markers) or gestures
    prompts = [
        (index, gesture)
        for index, text in session.markers
        if (gesture := asked(text, known)) is not None
    ]
    if not want.unlabelled and not any(gesture for _, gesture in prompts):
        raise Refused(
            f"{path} has no marker of a gesture ({', '.join(known)}); "
            "record it with prompts, or name its gestures."
        )
    held: Counter[str] = Counter()
    first = prompts[0][0] if prompts else len(session.samples)
    parts = [(0, OTHER)] * (first > 0) + prompts + [(len(session.samples), OTHER)]
    for (begin, asked_for), (end, _) in pairwise(parts):
        gesture = UNLABELLED if asked_for == OTHER else asked_for
        for at, stop in pairwise(_edges(session, begin, end)):
            if want.gesture(gesture):
                yield Segment(
                    user,
                    path.stem,
                    held[gesture],
                    gesture,
                    session.samples[at:stop],
                    session.spec,
                    recording=path.name,
                    begin=session.position(at),
                )
        held[gesture] += 1


def _edges(session: Session, begin: int, end: int) -> list[int]:
    return sorted({begin, end, *(index for index, _ in session.gaps if begin < index < end)})

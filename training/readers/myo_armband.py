"""The MyoArmbandDataset: a folder for each session, a file for each repetition.

Layout: README of github.com/UlysseCoteAllard/MyoArmbandDataset. See acquisition.myo_files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from acquisition.myo_files import MYO_GESTURES, MYO_SPEC, myo_session_files, read_myo_file
from acquisition.stream import Refused
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.labels import natural

PARTS = {"PreTrainingDataset": "pretraining", "EvaluationDataset": "evaluation"}
"""Folder -> what the names of its users begin with: both have a Male0, who is not the same."""

REPEATED = frozenset({"pretraining/Female7", "pretraining/Female8", "pretraining/Female9"})
"""Not users of their own: their files are, byte for byte, the three sessions of evaluation user
Female0 (found by comparing all files; the published protocol leaves them out as well)."""

ORDER = {"training0": 1, "Test0": 2, "Test1": 3}
"""Session -> its place in time: the tests were recorded after the training."""


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each file. Users are called "pretraining/Male0", "evaluation/Female0".

    Refuses a folder without either part; a broken file is left out.
    """
    if not any((root / part).is_dir() for part in PARTS):
        raise Refused(
            f"{root} has neither PreTrainingDataset nor EvaluationDataset; "
            "give the folder of the MyoArmbandDataset that holds them."
        )
    for part, prefix in PARTS.items():
        for folder in folders(root / part):
            user = f"{prefix}/{folder.name}"
            if not want.user(user):
                continue
            if user in REPEATED:
                why = "A copy of the evaluation user Female0 under another name."
                yield LeftOut(f"{part}/{folder.name}", why, broken=False)
                continue
            for session in folders(folder):
                if want.session(session.name):
                    yield from _session(user, session, want)


def _session(user: str, folder: Path, want: Selection) -> Iterator[Item]:
    for number, path in myo_session_files(folder):
        cycle, gesture = number // len(MYO_GESTURES), MYO_GESTURES[number % len(MYO_GESTURES)]
        if not (want.cycle(cycle) and want.gesture(gesture)):
            continue
        try:
            samples = read_myo_file(path)
        except Refused as error:
            yield LeftOut(f"{folder.name}/{path.name}", str(error))
            continue
        order = ORDER.get(folder.name)
        yield Segment(
            user, folder.name, cycle, gesture, samples, MYO_SPEC, order=order, recording=path.stem
        )


def folders(parent: Path) -> list[Path]:
    """The folders in `parent`, Male2 before Male10."""
    there = [path for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
    return sorted(there, key=lambda path: natural(path.name))

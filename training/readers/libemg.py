"""Folders of LibEMG's screen-guided training, as USER/SESSION/C_0_R_0_emg.csv.

The files say no rate: it is written behind the path, e.g. "libemg:recordings@1000".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from acquisition.libemg_files import read_session
from acquisition.stream import Refused
from training.datasets import Item, LeftOut, Selection
from training.readers.labels import natural
from training.readers.own_xdf import cut_at_prompts


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The segments of each folder that LibEMG recorded below `root`.

    A class and repetition is a segment. Refuses a path without a rate, or without a recording.
    """
    place, _, rate = str(root).rpartition("@")
    try:
        rate_hz = float(rate)
    except ValueError:
        rate_hz = 0.0
    if not place or rate_hz <= 0:
        raise Refused(
            f"{root} does not say at what rate LibEMG recorded, and its files do not either; "
            f"write it behind the path: {root}@1000."
        )
    folder = Path(place)
    sessions = sorted({path.parent for path in folder.rglob("*_*_*_*.csv")}, key=natural)
    found = False
    for path in sessions:
        user = path.resolve().parent.name
        if not (want.user(user) and want.session(path.name)):
            found = True
            continue
        try:
            session = read_session(path, b"", rate_hz)
        except Refused as error:
            found = True
            yield LeftOut(path.relative_to(folder).as_posix(), str(error))
            continue
        if session is None:
            continue
        found = True
        for note in session.notes:
            yield LeftOut(path.relative_to(folder).as_posix(), note, broken=False)
        gestures = sorted({text for _, text in session.markers})
        for item in cut_at_prompts(session, user, path, want, gestures):
            # Each file stands alone: nobody knows what was between two of them.
            name = f"{item.gesture} {item.cycle}"
            yield replace(item, recording=name, begin=None)
    if not found:
        raise Refused(f"{folder} has no folder of C_*_R_*.csv files, as LibEMG writes them.")

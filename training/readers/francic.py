"""myo-readings-dataset: _readings/10000-1/1.txt is user, session and the file's gesture.

github.com/aljazfrancic/myo-readings-dataset: eight counts of a Myo and the label of each sample,
200 Hz; the prompt changes every 5 s between hibernation (0) and the gesture. File 0 is all
hibernation, with slight movements.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from acquisition.myo_files import MYO_SPEC
from acquisition.stream import Refused, Samples
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.labels import Labels, natural, runs
from training.readers.packed import one_form, recordings

GESTURES = (
    "rest",
    "wrist_flexion",
    "wrist_extension",
    "radial_deviation",
    "ulnar_deviation",
    "pronation",
    "supination",
    "hand_close",
)
REACTION_S = 0.7
"""Cut from the begin of each stretch behind a change: the labels follow the prompt, and the wearer
is still on the way (seen in the amplitudes of several users)."""
CYCLE_S = 10.0
"""Hibernation and the gesture, 5 s each."""
LARGEST = 128

_FOLDER = re.compile(r"(\d{5})-(\d+)")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The stretches of one label. Users are called "10000", sessions "session1"."""
    plain = sorted(
        (path for path in root.rglob("[0-9].txt") if _FOLDER.fullmatch(path.parent.name)),
        key=lambda path: natural(path.relative_to(root)),
    )
    packed = sorted(root.rglob("subject_[0-9][0-9][0-9][0-9][0-9].npz"), key=natural)
    if not plain and not packed:
        raise Refused(f"{root} holds no 10000-1/1.txt; give the folder of myo-readings-dataset.")
    plain, told = one_form(root, plain, packed)
    yield from told
    for path in plain:
        user, _, order = path.parent.name.partition("-")
        if not (want.user(user) and want.session(f"session{order}")):
            continue
        where = path.relative_to(root).as_posix()
        try:
            samples, labels, broken_n = _lines(path)
        except Refused as error:
            yield LeftOut(where, str(error))
            continue
        for _ in range(broken_n):
            yield LeftOut(where, "A line that is not nine numbers.", broken=False)
        yield from _segments(samples, labels, user, int(order), path.stem, want)
    for path in packed:
        user = path.stem.removeprefix("subject_")
        if not want.user(user):
            continue
        try:
            for one in recordings(path):
                order_n = int(one.fields["session"])
                if one.targets is not None and want.session(f"session{order_n}"):
                    labels = one.targets[:, 0].astype(np.int64)
                    name = str(one.fields["gesture_file"])
                    yield from _segments(one.samples, labels, user, order_n, name, want)
        except Refused as error:
            yield LeftOut(path.name, str(error))


def _segments(
    samples: Samples, labels: Labels, user: str, order: int, name: str, want: Selection
) -> Iterator[Item]:
    cycle_n = round(CYCLE_S * MYO_SPEC.rate_hz)
    cut_n = round(REACTION_S * MYO_SPEC.rate_hz)
    held: Counter[int] = Counter()
    for first, end in runs(labels):
        code, start = int(labels[first]), first + cut_n * (first > 0)
        gesture = GESTURES[code] if 0 <= code < len(GESTURES) else f"label_{code}"
        # File 0 is one long stretch: as many pieces as the others have cycles.
        pieces_n = max(1, (end - start) // cycle_n)
        edges = [start + i * cycle_n for i in range(pieces_n)] + [end]
        for begin, last in pairwise(edges):
            cycle = held[code]
            held[code] += 1
            if begin < last and want.gesture(gesture) and want.cycle(cycle):
                yield Segment(
                    user,
                    f"session{order}",
                    cycle,
                    gesture,
                    samples[begin:last],
                    MYO_SPEC,
                    order=order,
                    recording=name,
                    begin=begin,
                )


def _lines(path: Path) -> tuple[Samples, Labels, int]:
    """(counts, labels, lines that were passed over); some lines of the set are malformed."""
    lines = [line.split(",") for line in path.read_text("utf-8", "replace").split() if line]
    rows = [
        [int(word) for word in line]
        for line in lines
        if len(line) == 9 and all(re.fullmatch(r"-?\d+", word) for word in line)
    ]
    if not rows:
        raise Refused(f"{path.name} has no line of nine numbers; copy it again.")
    table = np.array(rows, np.int64)
    if np.abs(table[:, :8]).max() > LARGEST:
        raise Refused(f"{path.name} holds values beyond a Myo's 8 bits; it is of another kind.")
    return table[:, :8].astype(np.float32), table[:, 8], len(lines) - len(rows)

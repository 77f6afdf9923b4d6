"""UCI "EMG data for gestures": 01/1_raw_data_13-12_22.03.16.txt, a series of one user each.

Columns: time (ms), eight channels of a Myo, class. A row comes every millisecond or so and holds
what had arrived from the armband by then: the same values stand for some 9 ms, so about half of
its 200 samples per second were never written down. The rows are brought back to the armband's
200 Hz by taking the newest one every 5 ms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.myo_files import MYO_SPEC
from acquisition.stream import Refused, Samples
from acquisition.text_rows import columns_of, lines_of
from acquisition.uci_files import COUNT
from acquisition.uci_files import GESTURES as WORDS
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection
from training.readers.labels import Labels, natural, runs
from training.readers.packed import one_form, recordings

STEP_MS = 1000.0 / MYO_SPEC.rate_hz
LONGEST_HOLD_MS = 20.0
"""Rows further apart than this are a gap, and end a segment."""
GESTURES = {code: UNLABELLED if word == "unmarked" else word for code, word in WORDS.items()}
WRAP_MS = 30_000
"""The packed form keeps the time modulo this."""

_NAME = re.compile(r"(\d)_raw_data_.*\.txt")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The stretches of one class in counts of the armband. Users are called "01" to "36" as the
    folders are, sessions "series1" and "series2"."""
    plain = sorted(root.rglob("[0-9]_raw_data_*.txt"), key=natural)
    packed = sorted(root.rglob("subject_[0-9][0-9].npz"), key=natural)
    if not plain and not packed:
        raise Refused(f"{root} holds no 1_raw_data_*.txt; give the folder of UCI's gestures.")
    plain, told = one_form(root, plain, packed)
    yield from told
    for path in plain:
        match = _NAME.fullmatch(path.name)
        user, series = path.parent.name, int(match[1]) if match else 0
        if not (want.user(user) and want.session(f"series{series}")):
            continue
        try:
            times, counts, classes = _table(path)
        except Refused as error:
            yield LeftOut(path.relative_to(root).as_posix(), str(error))
            continue
        yield from _segments(times, counts, classes, user, series, want)
    for path in packed:
        user = path.stem.removeprefix("subject_")
        if not want.user(user):
            continue
        try:
            for one in recordings(path):
                series = int(one.fields["series"])
                if one.targets is None or not want.session(f"series{series}"):
                    continue
                jumps = np.diff(one.targets[:, 1], prepend=one.targets[:1, 1])
                times = np.cumsum(np.where(jumps < -WRAP_MS / 2, jumps + WRAP_MS, jumps))
                counts = np.rint(one.samples / COUNT).astype(np.float32)
                classes = one.targets[:, 0].astype(np.int64)
                yield from _segments(times, counts, classes, user, series, want)
        except Refused as error:
            yield LeftOut(path.relative_to(root).as_posix(), str(error))


def at_steps(times_ms: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(newest row at each step of the armband's clock, whether that row is still fresh)."""
    steps = times_ms[0] + STEP_MS * np.arange(int((times_ms[-1] - times_ms[0]) / STEP_MS) + 1)
    rows = np.searchsorted(times_ms, steps + 1e-6, side="right") - 1
    return rows, steps - times_ms[rows] <= LONGEST_HOLD_MS


def _segments(
    times: NDArray[np.float64],
    counts: Samples,
    classes: Labels,
    user: str,
    series: int,
    want: Selection,
) -> Iterator[Item]:
    rows, fresh = at_steps(times)
    session = f"series{series}"
    if not fresh.all():
        why = f"Nothing was written for longer than {LONGEST_HOLD_MS:g} ms."
        yield LeftOut(f"{user} {session}", why, broken=False)
    samples, codes = counts[rows], classes[rows]
    held: Counter[str] = Counter()
    last = -1
    for begin, end in runs(codes, fresh):
        code = int(codes[begin])
        gesture = GESTURES.get(code, f"class_{code}")
        # A gap within one hold leaves two segments of one cycle.
        if code != last:
            held[gesture] += 1
        last = code
        if fresh[begin] and want.gesture(gesture):
            yield Segment(
                user,
                session,
                held[gesture] - 1,
                gesture,
                samples[begin:end],
                MYO_SPEC,
                order=series,
                recording=session,
                begin=begin,
            )


def _table(path: Path) -> tuple[NDArray[np.float64], Samples, Labels]:
    """(times in ms, counts, classes); a row with a cell that is no number is passed over."""
    split = [line.split("\t") for line in lines_of(path)[1:]]
    rows = columns_of([row for row in split if len(row) == 10], range(10))
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        raise Refused(f"{path.name} has no rows of ten numbers; copy it again.")
    ahead = np.concatenate([[True], np.diff(rows[:, 0]) > 0])
    rows = rows[ahead]
    if len(rows) < 2:
        raise Refused(f"{path.name} has no times that advance; copy it again.")
    return rows[:, 0], np.rint(rows[:, 1:9] / COUNT).astype(np.float32), rows[:, 9].astype(np.int64)

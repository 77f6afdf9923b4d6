"""putEMG: emg_gestures-03-sequential-2018-05-11-11-10-50-475.hdf5, a table that pandas wrote.

biolab.put.poznan.pl/putemg-dataset, data format: EMG_1 .. EMG_24 are counts of a 12-bit converter
over 5 V behind a gain of 200, at 5120 Hz; TRAJ_GT is what the video shows was done, -1 where that
is not clear. Each person came on two days, at least a week apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection
from training.readers.hdf5 import opened
from training.readers.labels import found, runs

TO_UV = 5.0 / 2**12 / 200 * 1e6
CHANNELS_N = 24
SPEC = Spec(5120.0, tuple(f"emg{i}" for i in range(1, CHANNELS_N + 1)), "uV", TO_UV)
GESTURES = {
    -1: UNLABELLED,
    0: "rest",
    1: "hand_close",
    2: "wrist_flexion",
    3: "wrist_extension",
    6: "pinch_index",
    7: "pinch_middle",
    8: "pinch_ring",
    9: "pinch_little",
}
COLUMNS = (
    *(f"EMG_{i}" for i in range(1, CHANNELS_N + 1)),
    "TRAJ_1",
    "subject",
    "TRAJ_GT_NO_FILTER",
    "VIDEO_STAMP",
    "TRAJ_GT",
)
"""Of the table's block of numbers."""

_NAME = re.compile(r"emg_gestures-(\d+)-(\w+)-(\d{4}-\d{2}-\d{2})-[\d-]+\.hdf5")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The stretches of one gesture; a session is a day, and a cycle counts within it."""
    named = []
    for path in found(root, "emg_*.hdf5", "putEMG's Data-HDF5"):
        if match := _NAME.fullmatch(path.name):
            named.append((path, match[1], match[2], match[3]))
        else:
            yield LeftOut(path.name, "No gestures, by its name: another experiment.", broken=False)
    days = {user: sorted({day for _, u, _, day in named if u == user}) for _, user, _, _ in named}
    counted: Counter[tuple[str, str, str]] = Counter()
    for path, user, trajectory, day in named:
        if not (want.user(user) and want.session(day)):
            continue
        try:
            samples, codes = _table(path)
        except Refused as error:
            yield LeftOut(path.name, str(error))
            continue
        for begin, end in runs(codes):
            code = int(codes[begin])
            gesture = GESTURES.get(code, f"gesture_{code}")
            cycle = counted[user, day, gesture]
            counted[user, day, gesture] += 1
            if want.gesture(gesture) and want.cycle(cycle):
                yield Segment(
                    user,
                    day,
                    cycle,
                    gesture,
                    samples[begin:end],
                    SPEC,
                    order=1 + days[user].index(day),
                    recording=trajectory,
                    begin=begin,
                )


def _table(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(samples in microvolts, gesture codes). Refuses a table of another shape."""
    with opened(path) as file:
        rows = file["data/table"][:] if "data/table" in file else None
    block = _numbers(rows)
    if block is None:
        raise Refused(
            f"{path.name} has no block of {len(COLUMNS)} numbers in data/table, as putEMG's "
            "files have; copy it again."
        )
    samples = (block[:, :CHANNELS_N] * TO_UV).astype(np.float32)
    return samples, block[:, COLUMNS.index("TRAJ_GT")].astype(np.int64)


def _numbers(rows: Any) -> NDArray[np.float64] | None:
    if rows is None or rows.dtype.names is None:
        return None
    for name in rows.dtype.names:
        if rows[name].ndim == 2 and rows[name].shape[1] == len(COLUMNS):
            return np.asarray(rows[name], np.float64)
    return None

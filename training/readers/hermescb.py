"""Legs of older adults: "ID 1.xlsx" with the sheets DNM, EMG_VL, EMG_BF, EMG_TA and EMG_LG.

github.com/hermescb/Electromyography-and-Dynamometry-of-the-Lower-Limb-of-the-Elderly, README: one
sheet for each muscle that was tested, its four columns are the four muscles at 2000 Hz; the
columns of DNM are the load cell's force during the four tests, on the same clock. Units are not
stated: the signal's step of 2.442 makes microvolts plausible, and the cell of 200 kgf makes kgf.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples, Spec
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.labels import natural
from training.readers.packed import one_form, recordings
from training.targets import Targets

MUSCLES = ("vastus_lateralis", "biceps_femoris", "tibialis_anterior", "gastrocnemius_lateralis")
TASKS = {
    "VL": "knee_extension",
    "BF": "knee_flexion",
    "TA": "dorsiflexion",
    "GL": "plantar_flexion",
}
"""Muscle -> what was pulled, isometrically, for 10 s"""
SPEC = Spec(2000.0, MUSCLES, "raw")
FORCE_UNIT = "kgf"
SESSION = "session1"
SHEET = re.compile(r"EM[GB]_(VL|BF|TA|GL|LG)")
"""One file writes EMB for EMG, and all write LG for GL."""

_NAME = re.compile(r"ID[ _](\d+)\.(?:xlsx|npz)")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each task with its force. Users are called "ID1"."""
    plain = sorted(root.rglob("ID *.xlsx"), key=natural)
    packed = sorted(root.rglob("ID_*.npz"), key=natural)
    if not plain and not packed:
        raise Refused(f'{root} holds no "ID 1.xlsx"; give the folder of the set.')
    plain, told = one_form(root, plain, packed)
    yield from told
    for path in [*plain, *packed]:
        match = _NAME.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no person.", broken=False)
            continue
        user = f"ID{int(match[1])}"
        if not (want.user(user) and want.session(SESSION)):
            continue
        try:
            for muscle, samples, force in _packed(path) if path.suffix == ".npz" else _book(path):
                n = min(len(samples), len(force))
                targets = Targets(
                    force[:n, None].astype(np.float32), ("force",), (FORCE_UNIT,), SPEC.rate_hz
                )
                yield Segment(
                    user,
                    SESSION,
                    0,
                    TASKS[muscle],
                    samples[:n].astype(np.float32),
                    SPEC,
                    targets=targets,
                    order=1,
                    recording=muscle,
                    begin=0,
                )
        except Refused as error:
            yield LeftOut(path.name, str(error))


Test = tuple[str, Samples, NDArray[np.floating[Any]]]
"""(muscle, samples, force)"""


def _packed(path: Path) -> Iterator[Test]:
    for one in recordings(path):
        if one.targets is not None:
            yield str(one.fields["task"]), one.samples, one.targets[:, 0]


def _book(path: Path) -> Iterator[Test]:
    """The tests of a workbook. Refuses one without forces or muscles."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # a broken archive raises a dozen kinds
        raise Refused(f"{path.name} is no whole workbook; copy it again ({error}).") from None
    try:
        if "DNM" not in book.sheetnames:
            raise Refused(f"{path.name} has no sheet DNM with the forces.")
        forces = _numbers(path, book["DNM"])
        for name in book.sheetnames:
            match = SHEET.fullmatch(name.strip())
            if match is not None:
                muscle = "GL" if match[1] == "LG" else match[1]
                force = forces[:, list(TASKS).index(muscle)]
                samples = _numbers(path, book[name])
                if not np.isfinite(samples).all():
                    raise Refused(f"{path.name}, sheet {name}, has cells without a number.")
                yield muscle, samples.astype(np.float32), force
    finally:
        book.close()


def _numbers(path: Path, sheet: Any) -> NDArray[np.float64]:
    """(row, 4); a cell without a number is NaN, and rows without any, as a header, are none."""
    rows = [
        [float(cell) if isinstance(cell, (int, float)) else np.nan for cell in row[:4]]
        for row in sheet.iter_rows(values_only=True)
        if any(isinstance(cell, (int, float)) for cell in row[:4])
    ]
    table = np.array(rows, np.float64)
    if table.ndim != 2 or table.shape[1] != len(MUSCLES):
        raise Refused(f"{path.name}, sheet {sheet.title}, has no four columns of numbers.")
    return table

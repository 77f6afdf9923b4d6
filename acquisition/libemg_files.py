"""Folders that LibEMG's screen-guided training recorded: one file per gesture and repetition.

Names are C_<class>_R_<repetition>_<modality>.csv (LibEMG 1 and 2) or R_<repetition>_C_<class>.csv
(its data sets); collection_details.json names the classes. Neither says a rate.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from acquisition.session import Session, assemble, told_rate
from acquisition.stream import Refused, Spec
from acquisition.text_rows import Rows, cells_of, columns_of, counted, lines_of

_NAMES = (
    re.compile(r"C_(?P<c>\d+)_R_(?P<r>\d+)(?:_(?P<m>\w+))?\.csv", re.IGNORECASE),
    re.compile(r"R_(?P<r>\d+)_C_(?P<c>\d+)(?:_(?P<m>\w+))?\.csv", re.IGNORECASE),
)


def read_session(path: Path, head: bytes, rate_hz: float | None) -> Session | None:
    """The folder as one stream, repetition by repetition, a marker at the start of each file.

    The files say nothing of the time between them, so nothing counts as lost there. Refuses
    files of different widths and a folder whose rate nobody gave.
    """
    if not path.is_dir():
        return None
    found = [(match, each) for each in path.iterdir() if (match := _match(each.name))]
    signal = [(m, each) for m, each in found if (m["m"] or "emg").lower() == "emg"]
    if not signal:
        return None
    rate = told_rate(path, None, rate_hz)
    signal.sort(key=lambda row: (int(row[0]["r"]), int(row[0]["c"])))
    classes = _classes(path)
    parts: list[Rows] = []
    marks: list[tuple[int, str]] = []
    at = 0
    for match, file in signal:
        rows = _rows(file)
        if parts and rows.shape[1] != parts[0].shape[1]:
            raise Refused(
                f"{file} has {rows.shape[1]} columns and {signal[0][1].name} has "
                f"{parts[0].shape[1]}; one folder holds the recordings of one device."
            )
        marks.append((at, classes.get(match["c"], f"class_{match['c']}")))
        parts.append(rows)
        at += len(rows)
    rows = np.concatenate(parts)
    broken = int((~np.isfinite(rows).all(axis=1)).sum())
    if broken == len(rows):
        raise Refused(f"{path} has no row of numbers in its {len(signal)} files.")
    spec = Spec(rate, tuple(f"emg{i + 1}" for i in range(rows.shape[1])), "raw")
    notes = counted(broken, "Rows without numbers, counted as lost")
    others = len(found) - len(signal)
    if others:
        notes += counted(others, "Files of other modalities, left out")
    return assemble(spec, rows, marks=marks, notes=notes)


def _match(name: str) -> re.Match[str] | None:
    return next((match for pattern in _NAMES if (match := pattern.fullmatch(name))), None)


def _rows(file: Path) -> Rows:
    rows = [cells_of(line, ",") for line in lines_of(file) if line]
    if not rows:
        raise Refused(f"{file} is empty; record this repetition again, or take the file away.")
    widths = [len(row) for row in rows]
    width = max(set(widths), key=widths.count)
    # A row of another width is broken as a whole: no telling which cell is missing.
    return columns_of([row if len(row) == width else [] for row in rows], range(width))


def _classes(folder: Path) -> dict[str, str]:
    """Class number -> its name, of what LibEMG noted; none where it noted nothing."""
    try:
        details = json.loads((folder / "collection_details.json").read_text(encoding="utf-8"))
        named = details.get("class_map") or dict(enumerate(details["classes"]))
        return {str(key): str(name) for key, name in named.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}

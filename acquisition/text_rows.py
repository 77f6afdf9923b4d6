"""Rows of numbers as text files have them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused

Rows = NDArray[np.float64]
"""(row, column); NaN where a cell is empty or no number"""

LONGEST_LINE = 100_000
"""Characters; the csv module raises over longer cells."""


def text_of(head: bytes) -> str:
    """The beginning of a text file; nothing of a file of bytes."""
    return "" if b"\0" in head[:64] else head.decode("utf-8-sig", "replace")


def lines_of(path: Path) -> list[str]:
    """The lines of a text file. Refuses one that cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace").split("\n")
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None


def cells_of(line: str, separator: str) -> list[str]:
    """The cells of one line. A quote that nobody closes ends with the line."""
    if '"' not in line or len(line) > LONGEST_LINE:
        return line.split(separator)
    return next(csv.reader([line.replace("\0", "")], delimiter=separator), [])


def number(cell: str, comma: bool = False) -> float:
    """The number in a cell, NaN where there is none; `comma` is the decimal sign."""
    try:
        return float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return float("nan")


def columns_of(rows: Sequence[Sequence[str]], columns: Sequence[int], comma: bool = False) -> Rows:
    """The columns of split rows. A cell that a short row lacks is empty."""
    out = np.full((len(rows), len(columns)), np.nan)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if column < len(row) and row[column]:
                out[i, j] = number(row[column], comma)
    return out


def counted(n: int, what: str) -> tuple[str, ...]:
    """A note about n rows, none about none: "Rows without numbers, counted as lost: 3."."""
    return (f"{what}: {n}.",) if n else ()


def steps_of(path: Path, times: NDArray[np.float64]) -> tuple[float, NDArray[np.int64], int]:
    """(seconds between samples, samples lost before each row, rows whose time does not advance).

    The usual step is the median; a time that jumps by more of them tells of lost samples.
    Refuses times that do not advance at all.
    """
    lost = np.zeros(len(times), np.int64)
    ahead = np.diff(times)
    forward = ahead[ahead > 0]
    if not len(forward):
        raise Refused(f"{path} has times that do not advance, which tell no rate; export it again.")
    usual_s = float(np.median(forward))
    steps = np.rint(ahead / usual_s).astype(np.int64)
    lost[1:] = np.maximum(steps - 1, 0)
    good = steps >= 1
    # Times are written with few digits: the mean over all steps is exacter than one.
    step_s = float(ahead[good].sum() / steps[good].sum())
    return step_s, lost, int((~good).sum())

"""From a label for each sample to stretches of one label, and files in the order people mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused

Labels = NDArray[np.int64]
"""(time,)"""


def runs(*columns: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """(first, last + 1) of each stretch in which none of the columns (time,) changes."""
    n = min(len(column) for column in columns)
    if not n:
        return
    changes = np.zeros(n, bool)
    changes[0] = True
    for column in columns:
        changes[1:] |= column[1:n] != column[: n - 1]
    edges = [*np.flatnonzero(changes).tolist(), n]
    yield from pairwise(edges)


def carried(cycles: Labels, none: int = 0) -> Labels:
    """Each sample's cycle, rest counted to the repetition before it: the newest that is not
    `none`; before the first one, the first."""
    known = np.flatnonzero(cycles != none)
    if not len(known):
        return np.zeros_like(cycles)
    at = np.searchsorted(known, np.arange(len(cycles)), side="right") - 1
    before: Labels = cycles[known[np.maximum(at, 0)]]
    return before


def natural(name: str | Path) -> list[tuple[int, str]]:
    """A key that sorts Male2 before Male10."""
    words = re.split(r"(\d+)", str(name))
    return [(int(word), "") if word.isdigit() else (-1, word) for word in words]


def found(root: Path, pattern: str, what: str) -> list[Path]:
    """The files below `root` that match, in natural order. Refuses where there is none."""
    paths = sorted(root.rglob(pattern), key=lambda path: natural(path.relative_to(root)))
    if not paths:
        raise Refused(f"{root} holds no {pattern}; give the folder of {what}.")
    return paths

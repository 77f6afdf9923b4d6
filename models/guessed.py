"""What a guessed channel does to what a head decides on: it moves it, and lets it scatter more.

A channel that is guessed from the others (preprocessing.mask) is right on average at best. So what
the head decides on is taken back by what the guess moves it on average, and each gesture's scatter
is widened in the directions that the guess spoils: there little is believed, elsewhere as much as
ever. Measured on the 19 pre-training users of the MyoArmbandDataset, each left out of the head and
of these numbers, calibrated on one cycle, without adaptation: a lost electrode of eight costs 0.8
points and not 3.3, the worst electrode of the worst user 6.6 and not 25.5.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from acquisition.stream import Refused
from models.adapt import Adapter
from models.head import Matrix
from preprocessing.packed import HALF, unpacked

TOLD = "What a guessed channel does"
LEAST = 1e-9
"""of a gesture's whole precision: what is left of it in any direction at least"""


@dataclass(frozen=True)
class Guessed:
    """For each channel, in the order that the head knows."""

    channels_n: int
    dimensions_n: int
    shift: str
    """base64 of float16 (channel, dimension): what a guess adds on average"""
    spread: str
    """base64 of float16 (channel, direction, dimension): the sum of the directions' squares is
    the covariance that a guess adds"""

    def tables(self) -> tuple[Matrix, Matrix]:
        """(shift, spread) in numbers. Refuses what does not fit."""
        size = self.channels_n * self.dimensions_n
        shift, spread = (unpacked(text, TOLD, HALF) for text in (self.shift, self.spread))
        if size < 1 or len(shift) != size or not len(spread) or len(spread) % size:
            raise Refused(
                f"{TOLD} is told in {len(shift)} and {len(spread)} numbers, which do not fit "
                f"{self.channels_n} channels and {self.dimensions_n} dimensions; export the "
                f"artifact again."
            )
        shape = self.channels_n, -1, self.dimensions_n
        return shift.reshape(shape[0], shape[2]), spread.reshape(shape)


@dataclass(frozen=True, eq=False)
class Doubt:
    """What is known of decisions while channels are guessed."""

    places: tuple[int, ...]
    """of the guessed channels, in the order that the head knows"""
    adapter: Adapter
    """the same, with the scatter that the guess adds"""
    shift: Matrix
    """(dimension,) to be taken off"""
    spread: Matrix
    """(direction, dimension)"""


def doubt_of(adapter: Adapter, tables: tuple[Matrix, Matrix], places: tuple[int, ...]) -> Doubt:
    """Several channels that are guessed at once count as the sum of each alone."""
    shift, spread = tables
    added = spread[list(places)].reshape(-1, shift.shape[1])
    wide = copy(adapter)
    wide.head = replace(adapter.head, factors=widened(adapter.head.factors, added))
    return Doubt(places, wide, shift[list(places)].sum(axis=0), added)


def widened(factors: Matrix, spread: Matrix) -> Matrix:
    """Factors (gesture, dimension, dimension) of precisions, with a covariance added to each
    scatter. spread: (direction, dimension), as Doubt has it."""
    precision = np.matmul(factors, factors.transpose(0, 2, 1))
    across = np.matmul(spread, precision)
    inner = np.eye(len(spread)) + np.matmul(across, spread.T)
    less = np.matmul(across.transpose(0, 2, 1), np.linalg.solve(inner, across))
    left, eye = precision - less, np.eye(precision.shape[1])
    floor = LEAST * np.trace(precision, axis1=1, axis2=2)  # rounding leaves no negative precision
    return np.asarray(np.linalg.cholesky(left + floor[:, None, None] * eye))

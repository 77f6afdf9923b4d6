"""The head: what the gestures look like in a network's output, and how that differs among people.

A network (or a projection of features) gives an embedding, in which the held windows of one
gesture scatter with covariance I. A wearer's gesture k lies at

    means[k] + shift + s + sum_i z[i] * voices[i, k] + rest of its own,

s (what this wearer, electrode and day add to every gesture) normal with `shift_covariance`, z
standard normal: the ways in which the users of the training differed from each other, as
"eigenvoices" do for speech (Kuhn 2000). From that, few windows tell much, labelled or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from preprocessing.bands import BANDS, ring_turns

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Head:
    """Arrays of float; written by training.head and by models.calibrate."""

    projection: Matrix
    """(feature, dimension): the float twin of what the graph computes, for the adaptation"""
    offset: Matrix
    """(dimension,) added behind the projection"""
    shift: Matrix
    """(dimension,)"""
    shift_covariance: Matrix
    """(dimension, dimension)"""
    means: Matrix
    """(gesture, dimension), their mean is 0"""
    voices: Matrix
    """(voice, gesture, dimension)"""
    factors: Matrix
    """(gesture, dimension, dimension): factor @ factor.T is the precision of one window of the
    gesture, for decisions; lower triangular"""
    labelled_n: Matrix = field(default_factory=lambda: np.empty(0))
    """(gesture,): how many blocks the wearer's calibration is worth; empty without one"""
    labelled: Matrix = field(default_factory=lambda: np.empty((0, 0)))
    """(gesture, dimension): the calibration's means"""
    ring_n: int = 0
    """electrodes of a ring that may be worn turned; 0: the electrodes keep their places"""
    turn_spread: Matrix = field(default_factory=lambda: np.empty((0, 0)))
    """(feature, feature): whitens a gesture's blocks of many users; for finding the turn of a
    ring, empty without one. All features: the projection hides what a wrong turn looks like."""
    turn_means: Matrix = field(default_factory=lambda: np.empty((0, 0)))
    """(gesture, feature): the gestures of many users, behind turn_spread; their mean is 0"""
    turn_shift: Matrix = field(default_factory=lambda: np.empty(0))
    """(feature,): what their mean is of, behind turn_spread"""
    turn: int = 0
    """how the wearer wore the ring at calibration; see preprocessing.bands.ring_turns"""

    def __post_init__(self) -> None:
        gestures_n, dimensions_n = self.means.shape if self.means.ndim == 2 else (0, 0)
        want = {
            "projection": (len(self.projection), dimensions_n),
            "offset": (dimensions_n,),
            "shift": (dimensions_n,),
            "shift_covariance": (dimensions_n, dimensions_n),
            "voices": (len(self.voices), gestures_n, dimensions_n),
            "factors": (gestures_n, dimensions_n, dimensions_n),
        }
        features_n = len(self.projection)
        if self.ring_n:
            want["turn_spread"] = (features_n, features_n)
            want["turn_means"] = (gestures_n, features_n)
            want["turn_shift"] = (features_n,)
        if self.calibrated:
            want |= {"labelled_n": (gestures_n,), "labelled": (gestures_n, dimensions_n)}
        for name, shape in want.items():
            array = getattr(self, name)
            if array.shape != shape or not array.size or not np.isfinite(array).all():
                raise Refused(
                    f"The head's {name} has the shape {array.shape} (wanted: {shape}), or holds "
                    f"what is no number; export it again."
                )
        if np.linalg.eigvalsh(self.shift_covariance)[0] <= 0:
            raise Refused("The head's shift_covariance must be a covariance matrix.")
        if (np.diagonal(self.factors, axis1=1, axis2=2) <= 0).any():
            raise Refused("The head's factors must have diagonals above 0.")
        turns_n = 2 * self.ring_n or 1
        ring_features_n = len(BANDS) * self.ring_n * (self.ring_n + 1) // 2
        if not 0 <= self.turn < turns_n or (self.ring_n and features_n != ring_features_n):
            raise Refused(
                f"The head knows {turns_n} turns of a ring with {ring_features_n} features, and is "
                f"said to be at turn {self.turn} with {features_n}."
            )

    @property
    def calibrated(self) -> bool:
        return bool(len(self.labelled_n))

    @cached_property
    def turns(self) -> NDArray[np.int64]:
        """(turn, feature): orders of the features that may be right."""
        if self.ring_n:
            return ring_turns(self.ring_n)
        return np.arange(len(self.projection))[None]

    @cached_property
    def shift_precision(self) -> Matrix:
        return np.asarray(np.linalg.inv(self.shift_covariance))

    @cached_property
    def voice_products(self) -> Matrix:
        """(gesture, voice, voice)"""
        return np.asarray(np.einsum("rkd,qkd->krq", self.voices, self.voices))

    @cached_property
    def scales(self) -> Matrix:
        """(gesture,): logarithms of the densities' normalisation, but for a constant."""
        return np.asarray(np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(axis=1))

    @cached_property
    def views(self) -> tuple[int, ...]:
        """Dimensions of each view of the window that the head rests on, in their order. The factors
        hold 0 between views: what each says is summed, and none explains another's scatter."""
        some = (self.factors != 0).any(axis=0)
        some = some | some.T
        sizes: list[int] = []
        while sum(sizes) < len(some):
            sizes.append(int(some[sum(sizes)].sum()))
        clean = sum(sizes) == len(some) and np.array_equal(of_one_view(sizes), some)
        return tuple(sizes) if clean else (len(some),)

    def embed(self, features: NDArray[Any], turn: int) -> Matrix:
        """(window, dimension) of features (window, feature), in float."""
        return np.asarray(features[:, self.turns[turn]] @ self.projection + self.offset)


def of_one_view(sizes: Sequence[int]) -> NDArray[np.bool_]:
    """(dimension, dimension): which are of the same view, for views of these sizes."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    return np.asarray(owner[:, None] == owner)


def logits(head: Head, embedding: NDArray[Any], means: Matrix) -> Matrix:
    """(gesture,): log-density of one embedding (dimension,) under each gesture, but for a
    constant."""
    away = (embedding - means)[:, None, :]
    spread = np.matmul(away, head.factors)[:, 0, :]
    return np.asarray(head.scales - 0.5 * np.einsum("kd,kd->k", spread, spread))


def scores(head: Head, embedded: Matrix, means: Matrix) -> Matrix:
    """(window, gesture): the same for many at once, embedded (window, dimension)."""
    spread = np.matmul(embedded[None] - means[:, None], head.factors)
    return np.asarray((head.scales[:, None] - 0.5 * (spread**2).sum(axis=2)).T)


def posterior_means(head: Head, counts: Matrix, centres: Matrix, own: float) -> Matrix:
    """(gesture, dimension): where the wearer's gestures most likely lie.

    counts (gesture,): how many independent blocks were seen of each; centres (gesture, dimension)
    their means. own: variance of what neither the shift nor the voices explain.
    """
    n, voices = head.means.shape[1], head.voices
    weight = counts / (1 + counts * own)
    size = n + len(voices)
    left, right = np.zeros((size, size)), np.zeros(size)
    left[:n, :n] = head.shift_precision + weight.sum() * np.eye(n)
    left[n:, n:] = np.eye(len(voices)) + np.tensordot(weight, head.voice_products, 1)
    left[:n, n:] = np.einsum("k,rkd->dr", weight, voices)
    left[n:, :n] = left[:n, n:].T
    unexplained = centres - head.means - head.shift
    right[:n] = weight @ unexplained
    right[n:] = np.einsum("k,rkd,kd->r", weight, voices, unexplained)
    found = np.linalg.solve(left, right)
    expected = head.means + head.shift + found[:n] + np.tensordot(found[n:], voices, 1)
    return np.asarray(expected + (weight * own)[:, None] * (centres - expected))


def start_means(head: Head, own: float) -> Matrix:
    """The gestures as the calibration leaves them, or as people have them on average."""
    if not head.calibrated:
        return head.means + head.shift
    return posterior_means(head, head.labelled_n, head.labelled, own)

"""Whether a window looks like anything that the wearer ever calibrated.

A network answers with one of its labels whatever it is shown: a movement that nobody taught it, a
lifted electrode or a jolt. Measured on the virtual wearer, eight such movements were taken for
gestures at 0.5 to 0.9 confidence. So each gesture keeps how its power is spread over the channels,
and what is too far from all of them is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from models.decision import Decision

Floats = NDArray[np.float64]

FLOOR_SHARE = 0.15
"""Of rest's median power: what is added to every power, so that silence is no minus infinity."""
OWN_SHARE = 0.5
"""Of a gesture's own spread; the rest is that of all, which few windows cannot spoil."""
KNOWN_SHARE = 0.99
"""Of the calibration's windows that are within the limit before the margin."""
MARGIN = 2.25
"""On the limit: a gesture that begins, or is made in another posture, is not a foreign one."""


class State(NamedTuple):
    rest: int
    centres: Floats
    """(label, channel)"""
    weights: Floats
    """(label, channel, channel) whose product with a difference has the distance as its square"""


@dataclass(frozen=True)
class Familiar:
    """Rejects what is further than `limit` from every gesture: rest, marked as rejected."""

    centres: tuple[tuple[float, ...], ...]
    """(label, channel): mean logarithm of the power behind the filters, labels in their order"""
    weights: tuple[tuple[tuple[float, ...], ...], ...]
    """(label, channel, channel): root of the inverse covariance around the centre"""
    limit: float
    """largest squared distance"""
    floor: float
    """added to each power, in the square of the unit behind the filters"""

    def start(self, labels: tuple[str, ...], rest: str) -> State:
        centres = np.array(self.centres, np.float64)
        weights = np.array(self.weights, np.float64)
        n = centres.shape[-1]
        if len(labels) != len(centres) or weights.shape != (len(labels), n, n):
            raise Refused(
                f"What is familiar was kept for {len(centres)} gestures and the artifact has "
                f"{len(labels)}; export it again."
            )
        if not (self.limit > 0 and self.floor > 0):
            raise Refused(f"A limit and a floor are above 0, not {self.limit} and {self.floor}.")
        return State(labels.index(rest), centres, weights)

    def step(self, decision: Decision, state: State) -> Decision:
        if decision.power is None:
            return decision
        off = np.log(decision.power + self.floor) - state.centres
        apart = np.matmul(off[:, None, :], state.weights)[:, 0, :]
        if float((apart * apart).sum(axis=1).min()) <= self.limit:
            return decision
        _, confidence, level, strength, _, power = decision
        return Decision(state.rest, confidence, level, strength, True, power)


def familiar_from(windows: Any, gestures: NDArray[np.int64], rest: int) -> Familiar:
    """What the windows of a calibration have in common.

    windows: (window, channel, time) behind the filters; gestures: (window,) label numbers from 0,
    each with more windows than there are channels.
    """
    power = np.square(windows, dtype=np.float64).mean(axis=2)
    floor = FLOOR_SHARE * float(np.median(power[gestures == rest]))
    x = np.log(power + floor)
    labels = range(int(gestures.max()) + 1)
    own = [np.cov(x[gestures == label].T) for label in labels]
    shared = np.mean(own, axis=0)
    centres = np.array([x[gestures == label].mean(axis=0) for label in labels])
    weights = np.array([_inverse_root(OWN_SHARE * c + (1 - OWN_SHARE) * shared) for c in own])
    off = np.matmul((x[:, None, :] - centres)[:, :, None, :], weights)[:, :, 0, :]
    nearest = np.square(off).sum(axis=2).min(axis=1)
    limit = MARGIN * float(np.quantile(nearest, KNOWN_SHARE))
    return Familiar(_rounded(centres), tuple(map(_rounded, weights)), round(limit, 3), floor)


def _inverse_root(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance + 1e-3 * np.eye(len(covariance)))
    root: Floats = (vectors / np.sqrt(values)) @ vectors.T
    return root


def _rounded(table: Floats) -> tuple[tuple[float, ...], ...]:
    rows: Sequence[Sequence[float]] = np.round(table, 4).tolist()
    return tuple(tuple(row) for row in rows)

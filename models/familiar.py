"""Whether a window looks like anything that the wearer ever calibrated.

A network answers with one of its labels whatever it is shown: a movement that nobody taught it, a
lifted electrode or a jolt. Measured on the virtual wearer, eight such movements were taken for
gestures at 0.5 to 0.9 confidence. So each gesture keeps how its power is spread over the channels,
and what is too far from all of them is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
        if self.nearest(decision.power[None], state)[0] <= self.limit:
            return decision
        return decision._replace(gesture=state.rest, rejected=True)

    def nearest(self, power: Any, state: State) -> Floats:
        """(window,) squared distance from the nearest gesture; see `distances`."""
        found: Floats = self.distances(power, state).min(axis=1)
        return found

    def distances(self, power: Any, state: State) -> Floats:
        """(window, gesture) squared distances. power: (window, channel); a channel of which
        nothing is known is NaN in all windows, and counts for nothing."""
        known = ~np.isnan(power[0])
        if not known.all():
            power, state = power[:, known], _without(state, known)
        off = np.log(power + self.floor)[:, None, None, :] - state.centres[:, None, :]
        apart = np.matmul(off, state.weights)[:, :, 0, :]
        found: Floats = (apart * apart).sum(axis=2)
        return found


def _without(state: State, known: NDArray[np.bool_]) -> State:
    """The gestures as the known channels show them."""
    spread = np.linalg.inv(np.matmul(state.weights, state.weights))
    weights = np.array([_inverse_root(c, 0.0) for c in spread[:, known][:, :, known]])
    return State(state.rest, state.centres[:, known], weights)


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
    made = Familiar(_rounded(centres), tuple(map(_rounded, weights)), 1.0, floor)
    nearest = made.nearest(power, State(rest, centres, weights))
    limit = MARGIN * float(np.quantile(nearest, KNOWN_SHARE))
    return replace(made, limit=round(limit, 3))


def _inverse_root(covariance: Floats, ridge: float = 1e-3) -> Floats:
    values, vectors = np.linalg.eigh(covariance + ridge * np.eye(len(covariance)))
    root: Floats = (vectors / np.sqrt(values)) @ vectors.T
    return root


def _rounded(table: Floats) -> tuple[tuple[float, ...], ...]:
    rows: Sequence[Sequence[float]] = np.round(table, 4).tolist()
    return tuple(tuple(row) for row in rows)

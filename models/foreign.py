"""Whether a window is rather a movement that the wearer never calibrated.

How far it lies from the calibrated gestures tells half of that: on the 19 pre-training users of the
MyoArmbandDataset, left out one at a time and calibrated on one cycle of five gestures, it tells the
two others from them with an AUROC of 0.963, and refuses 67 % of them at 2 % of the known ones. The
other half is told by people: where those two gestures would lie on this wearer follows from the
ways in which people differ (models.head), though this wearer never made them. With that, 0.987 and
90 %. What is refused teaches the adaptation nothing, or it would learn to take one for the other:
on 7 of those users with the adaptation at work 0.954 and 67 %, and so 0.991 and 95 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from acquisition.stream import Refused
from models.decision import Decision
from models.guessed import widened
from models.head import Head, Matrix, posterior_means
from preprocessing.packed import packed, unpacked

SURE = 20.0
"""Log-likelihood by which a known gesture may outweigh the others at most: surer is not nearer."""
LIMIT = 100.0
"""Chosen on those 7 users: 2 % of the known windows are above 93."""
OWN_SHARE = 0.98
"""Of a wearer's known windows that the wearer's own limit lets through."""
LEAST, MOST = 2.0, 3.0
"""Of that limit, for each dimension: one repetition tells too little of the next ones to go
further. The 19 users, each left out, calibrated on three repetitions with two gestures left out,
the limit from the third: 91.5 % of those two are refused and 0.5 % of the known, in a fourth; 90.2
and 0.4 % by LIMIT."""


@dataclass
class State:
    rest: int
    means: Matrix
    """(movement, dimension) that others made"""
    factors: Matrix
    """(movement, dimension, dimension)"""
    scales: Matrix
    """(movement,)"""
    newest: float = 0.0
    """strangeness of the newest window"""
    spread: Matrix | None = None
    """by which guessed channels widened `wide`"""
    wide: Matrix | None = None
    """factors with that"""


@dataclass(frozen=True)
class Foreign:
    """Rejects what fits no calibrated gesture, or fits one worse than a movement of others: rest,
    marked as rejected. For artifacts with a head."""

    dimensions_n: int
    limit: float = LIMIT
    means: str = ""
    """base64 of float32 (movement, dimension): where others' movements lie on this wearer"""
    factors: str = ""
    """base64 of float32 (movement, lower triangle): see models.head.Head.factors"""

    def start(self, labels: tuple[str, ...], rest: str) -> State:
        n = self.dimensions_n
        rows, columns = np.tril_indices(max(n, 1))
        told = "The movements of others"
        means, triangles = unpacked(self.means, told), unpacked(self.factors, told)
        count = len(means) // max(n, 1)
        if n < 1 or len(means) != count * n or len(triangles) != count * len(rows):
            raise Refused(
                f"The movements of others are told in {len(means)} and {len(triangles)} numbers, "
                f"which do not fit {n} dimensions; export the artifact again."
            )
        factors = np.zeros((count, n, n))
        factors[:, rows, columns] = triangles.reshape(count, len(rows))
        diagonals = np.diagonal(factors, axis1=1, axis2=2)
        if (diagonals <= 0).any() or not np.isfinite(self.limit):
            raise Refused("The movements of others need factors above 0; export it again.")
        scales = np.log(diagonals).sum(axis=1)
        return State(labels.index(rest), means.reshape(count, n), factors, scales)

    def step(self, decision: Decision, state: State) -> Decision:
        if decision.embedding is None:
            return decision
        state.newest = self.strangeness(decision, state)
        if state.newest <= self.limit:
            return decision
        return decision._replace(gesture=state.rest, rejected=True)

    def strangeness(self, decision: Decision, state: State) -> float:
        """How little the window is of a calibrated gesture; twice a log-likelihood."""
        lead = -SURE
        if len(state.means):
            factors = _factors(decision, state)
            apart = np.matmul((decision.embedding - state.means)[:, None, :], factors)
            others = state.scales - 0.5 * np.square(apart[:, 0]).sum(axis=1)
            lead = max(lead, float(others.max()) - decision.likely)
        return 2 * (lead - decision.likely)


def _factors(decision: Decision, state: State) -> Matrix:
    """Of others' movements, as wide as guessed channels leave the wearer's gestures."""
    if decision.spread is None:
        return state.factors
    if state.wide is None or state.spread is not decision.spread:
        state.spread, state.wide = decision.spread, widened(state.factors, decision.spread)
    return state.wide


def own_limit(strangeness: Matrix, dimensions_n: int) -> float:
    """The limit of a wearer, from known windows (window,) that the head was not taught by."""
    asked = float(np.quantile(strangeness, OWN_SHARE))
    return min(max(asked, LEAST * dimensions_n), MOST * dimensions_n)


def foreign_from(head: Head, known: list[int], calibrated: Head, own: float) -> Foreign:
    """The stage of a wearer who calibrated some of a head's gestures.

    head: of many people, with all gestures; known: which of them the wearer calibrated;
    calibrated: the wearer's head, of those alone and at the same turn of a ring. own: of the
    adaptation.
    """
    gestures_n, n = head.means.shape
    counts, centres = np.zeros(gestures_n), np.zeros((gestures_n, n))
    counts[known], centres[known] = calibrated.labelled_n, calibrated.labelled
    others = [k for k in range(gestures_n) if k not in known]
    if not others:
        return Foreign(n)
    means = posterior_means(head, counts, centres, own)[others]
    rows, columns = np.tril_indices(n)
    factors = head.factors[others][:, rows, columns]
    return Foreign(n, means=packed(means), factors=packed(factors))


def narrowed(head: Head, known: list[int]) -> Head:
    """A head for some of its gestures alone."""
    turn_means = head.turn_means[known] if head.ring_n else head.turn_means
    own = head.calibrated
    return replace(
        head,
        labelled_n=head.labelled_n[known] if own else head.labelled_n,
        labelled=head.labelled[known] if own else head.labelled,
        means=head.means[known],
        voices=head.voices[:, known],
        factors=head.factors[known],
        turn_means=turn_means,
    )

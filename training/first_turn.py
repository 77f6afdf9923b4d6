"""How people's shifts scatter, by which a ring's turn is told in the first seconds of use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.first_turn import FirstTurn
from models.head import Head
from preprocessing.packed import HALF, packed
from training.head import SHIFT_SHRINK, Session

DIRECTIONS_N = 6


def first_turn_from(people: Sequence[Session], turns: Sequence[int], head: Head) -> FirstTurn:
    """turns: how each of them wears the ring, as the head has it."""
    gestures = range(len(head.means))
    shifts = []
    for session, turn in zip(people, turns, strict=True):
        means = [session.features[session.gestures == k].mean(axis=0) for k in gestures]
        shifts.append(np.mean(means, axis=0, dtype=np.float64)[head.turns[turn]])
    values, vectors = np.linalg.eigh(np.cov((np.array(shifts) @ head.turn_spread).T))
    values = (1 - SHIFT_SHRINK) * values + SHIFT_SHRINK * values.mean()
    spread = (vectors[:, -DIRECTIONS_N:] * np.sqrt(values[-DIRECTIONS_N:])).T
    rest = float(values[:-DIRECTIONS_N].mean())
    return FirstTurn(len(values), packed(spread, HALF), rest)

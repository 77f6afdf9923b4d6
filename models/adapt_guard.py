"""How far adapted means may go: never so far that a gesture loses the ground it stood on.

The gestures as they are known for sure (the calibration's means) are replayed: carried along by
what the session adds to all gestures, then decided on by the adapted means. Where one of them
would lose more than half of its lead over another gesture, the means go only part of the way, or
none of it. In closed form, from what the head holds: nothing else is kept.
"""

from __future__ import annotations

import numpy as np

from models.head import Head, Matrix, scores

KEPT = 0.5
"""Share of its lead that a replayed gesture keeps at least. Of 0.5, 0.6 and 0.7 the one that costs
the 19 pre-training users nothing on average; it takes the loss of one of them from 1.7 points to
0.5."""
STEPS = (1.0, 0.75, 0.5, 0.25)
"""How much of the way is tried, the whole of it first."""


def leads(head: Head, points: Matrix, means: Matrix) -> Matrix:
    """(gesture, other): by how much log-density each of `points` (gesture, dimension) is its own
    gesture's rather than the other's, for such means; 0 on the diagonal."""
    found = scores(head, points, means)
    return np.asarray(np.diagonal(found)[:, None] - found)


def bounded(head: Head, means: Matrix, reference: Matrix) -> tuple[Matrix, float]:
    """(means, how much of the way from the reference to them was gone: 1 .. 0). Only a head that
    was calibrated knows gestures for sure; without a calibration all of the way is."""
    if not head.calibrated:
        return means, 1.0
    least = KEPT * leads(head, head.labelled, reference)
    for step in STEPS:
        there = reference + step * (means - reference)
        carried = head.labelled + (there - reference).mean(axis=0)
        if (leads(head, carried, there) >= least).all():
            return there, step
    return reference, 0.0

"""How a ring of electrodes is worn, asked in the first seconds of somebody who did not calibrate.

models.turns asks after 17 s, of the mean density of what was seen. Here every way to wear the ring
is asked how likely all blocks together are: each as some gesture of many people, behind a shift
that the wearer, the electrodes and the day add to all of them alike. That shift is found for every
way anew, as likely as shifts of people are (models.head has the same, for the head's dimensions).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from models.head import Head, Matrix
from models.turns import turn_products
from preprocessing.packed import HALF, unpacked

BLOCK_WINDOWS = 10
"""Windows of a block: a quarter of a second at a hop of 25 ms."""
BEGIN_BLOCKS, ASK_BLOCKS, END_BLOCKS = 12, 2, 70
"""Blocks before it is asked, from one question to the next, and after which models.turns asks."""
LEAD, MARGIN = 2.0, 2.0
"""Log-likelihood for each block by which another way must fit better than the one in use, and than
every other. On the 19 pre-training users of the MyoArmbandDataset, each left out, who make all
gestures for 0.7 s each in any order: with the band turned by an electrode 82 % are found in 5 s,
88 % in 10, and 0.3 % turned wrongly; worn the other way round as many. Of those who wear it as most
do one in 140 is turned; who rests and then makes up to four gestures, one in 45, nearly all of it
one user, who wears it between two places. Half of both finds 90 % in 5 s, and turns 3 % wrongly."""
GESTURES_N, BLOCKS_EACH = 3, 2
"""Gestures, rest apart, that must have been seen, and in how many blocks: from rest and one gesture
the likeliest way is the right one in 59 % of the cases, from two gestures in 79 %."""
ROUNDS = 6


@dataclass(frozen=True)
class FirstTurn:
    """How people's shifts scatter, behind the head's turn_spread."""

    features_n: int
    spread: str
    """base64 of float16 (direction, feature): orthogonal, each as long as people's shifts
    deviate in it"""
    rest: float
    """variance in all other directions"""

    def table(self) -> Matrix:
        """(direction, feature). Refuses what does not fit."""
        found = unpacked(self.spread, "The shifts of people", HALF)
        if self.features_n < 1 or not len(found) or len(found) % self.features_n or self.rest <= 0:
            raise Refused(
                f"The shifts of people are told in {len(found)} numbers and a variance of "
                f"{self.rest:g}, which do not fit {self.features_n} features; export the artifact "
                f"again."
            )
        return found.reshape(-1, self.features_n)


@dataclass
class Seen:
    """What was seen so far."""

    block: Matrix
    """(feature,) sum of the windows of the block that is being filled"""
    filled_n: int = 0
    blocks: list[Matrix] = field(default_factory=list)
    """(turn, feature) of each, in every way to wear the ring, behind the head's turn_spread"""

    def forget_block(self) -> None:
        """A gap: the block that is being filled is dropped."""
        self.block[:], self.filled_n = 0.0, 0


def seen(head: Head) -> Seen:
    """Nothing."""
    return Seen(np.zeros(len(head.projection)))


def first_turn(
    head: Head, shifts: tuple[Matrix, float], features: Any, now: int, rest: int, state: Seen
) -> int:
    """The turn after the window (feature,): `now`, or another one as soon as that is clear.

    shifts: table and rest of FirstTurn.
    """
    if len(state.blocks) >= END_BLOCKS:
        return now
    state.block += features
    state.filled_n += 1
    if state.filled_n < BLOCK_WINDOWS:
        return now
    block = state.block / BLOCK_WINDOWS
    state.forget_block()
    if not np.isfinite(block).all():
        return now
    state.blocks.append(block[head.turns] @ head.turn_spread)
    if len(state.blocks) < BEGIN_BLOCKS or len(state.blocks) % ASK_BLOCKS:
        return now
    return clearest(head, shifts, np.stack(state.blocks, axis=1), now, rest)


def clearest(head: Head, shifts: tuple[Matrix, float], x: Matrix, now: int, rest: int) -> int:
    """The way that fits best, or `now` where none is clearly better. x: (turn, block, feature)
    behind the head's turn_spread, in each of the ways."""
    fits, gestures = likelihoods(head, shifts, x)
    best, n = int(fits.argmax()), x.shape[1]
    counts = np.bincount(gestures[best], minlength=len(head.means))
    counts[rest] = 0
    enough = (counts >= BLOCKS_EACH).sum() >= GESTURES_N
    lead, margin = fits[best] - fits[now], fits[best] - np.delete(fits, best).max()
    return best if enough and lead > LEAD * n and margin > MARGIN * n else now


def likelihoods(
    head: Head, shifts: tuple[Matrix, float], x: Matrix
) -> tuple[Matrix, NDArray[np.int64]]:
    """((turn,) log-likelihood, but for what all ways share; (turn, block) likeliest gestures) of
    x, as `clearest` has it."""
    table, rest = shifts
    variances = (table**2).sum(axis=1)
    axes, n = table / np.sqrt(variances)[:, None], x.shape[1]
    usual = n * rest / (1 + n * rest)
    own = n * variances / (1 + n * variances) - usual
    middle, moved = x.mean(axis=1) - head.turn_shift, np.zeros((len(x), x.shape[2]))
    products = turn_products(head, x - head.turn_shift)
    for _ in range(ROUNDS):
        shares = np.exp(products - products.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        away = middle - shares.mean(axis=1) @ head.turn_means
        before, moved = moved, usual * away + (own * (away @ axes.T)) @ axes
        products = products - ((moved - before) @ head.turn_means.T)[:, None]
    top = products.max(axis=2)
    whole = top + np.log(np.exp(products - top[..., None]).sum(axis=2))
    along = moved @ axes.T
    off = ((moved**2).sum(axis=1) - (along**2).sum(axis=1)) / rest
    prior = off + (along**2 / variances).sum(axis=1)
    square = ((x - head.turn_shift - moved[:, None]) ** 2).sum(axis=(1, 2))
    return whole.sum(axis=1) - 0.5 * (square + prior), products.argmax(axis=2)

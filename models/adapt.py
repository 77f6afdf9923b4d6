"""Adaptation on the wearer, without labels: the head's means follow what the wearer does.

The network stays as it is. What is kept of the past is a bounded memory of block means of the
features; every few blocks the means are found afresh from the head's priors and that memory
(expectation-maximisation), so that no error of an earlier refit lives on. A refit that would
confuse gestures with each other, or move one too far, is refused; when what comes fits the
adapted means worse than the ones of the calibration, those come back: a rollback, counted.
That guard sees faults, not every loss: means that decide worse can fit better.

Decisions rest on the newest window and on means from windows before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from models.adapt_guard import bounded
from models.adapt_refit import refit
from models.adapt_rest import Levels, energies, levels, rest_scores
from models.head import Head, Matrix, start_means
from models.slip import Slipping, slipped, slipping
from models.turns import turn_found

Features = NDArray[np.float32]
KNOWN = 3.0
"""Log-density that a gesture as it was calibrated has to be likelier by than one as it is made
now, so that a wearer who falls back into the old way is understood. Of 3, 4, 10 and never: the
least that costs the 19 pre-training users nothing, all cycles taken together, and it takes what
adaptation costs one of them most from 2.5 points to 0.7."""
SURE = 5.0
"""Log-density by which a window that must be rest is likelier rest than anything else."""
TURN_EVERY = 8
"""Blocks from one question how the ring is worn to the next: 4 s."""


@dataclass(frozen=True)
class Adaptation:
    """Settings. Those of the refit were chosen by leaving out one of 19 pre-training users of the
    MyoArmbandDataset at a time, in balanced and in skewed use; those of the guard (bound, slack,
    watch and pause) by judgement."""

    block_windows: int = 20
    """Windows that make a block: half a second at a hop of 25 ms."""
    refit_blocks: int = 2
    """New blocks from one refit to the next."""
    memory_blocks: int = 400
    """Blocks that are remembered: 200 s."""
    weight: float = 0.5
    """Independent observations in a block: windows of one contraction resemble each other."""
    own: float = 0.8
    """Variance of a wearer's gesture that neither shift nor voices explain."""
    temperature: float = 10.0
    """Divides log-densities before they say to which gesture a block belongs: contractions
    differ more from each other than blocks of one contraction."""
    doubt: float = 2.0
    """How slowly a block loses weight that lies far from every gesture."""
    certain: float = 0.2
    """A block teaches no gesture to which less of it belongs: hours of rest would drag along what
    is never used."""
    alike_blocks: float = 20.0
    """Blocks alike count together as this many at most, so that skewed use, mostly rest, says no
    more of a session than balanced use does."""
    rest_margin: float = 5.0
    """Log-density by which a block must be likelier rest than anything else for the reference, to
    stay rest whatever the adapted means say: rest looks much the same on everybody. Held to in
    each decision too, it costs the 19 users, and gains nothing in skewed use."""
    iterations: int = 4
    prior_blocks: float = 40.0
    """Blocks that the users' mean shift is worth, when a refit begins."""
    turn_blocks: int = 35
    """Blocks before it is asked how a ring of electrodes is worn by somebody who did not
    calibrate; 0 never asks, nor after a calibration (models.slip)."""
    bound: float = 15.0
    """Largest distance that a gesture moves against the others, in deviations of a block."""
    slack: float = 0.15
    """How much worse than the reference the adapted means may fit, in log-density a dimension,
    averaged over about `watch_blocks`."""
    watch_blocks: int = 24
    pause_blocks: int = 20
    """Blocks after a rollback in which nothing adapts."""

    def __post_init__(self) -> None:
        counts = (self.block_windows, self.refit_blocks, self.iterations, self.watch_blocks)
        amounts = (self.weight, self.own, self.temperature, self.doubt, self.bound, self.slack)
        if min(counts) < 1 or min(amounts) <= 0 or self.prior_blocks < 0:
            raise Refused(f"The adaptation needs settings above 0, not {self}.")
        if self.memory_blocks < self.turn_blocks or self.memory_blocks < self.refit_blocks:
            raise Refused(
                f"The adaptation remembers {self.memory_blocks} blocks and wants "
                f"{max(self.turn_blocks, self.refit_blocks)} to decide on; remember more."
            )


@dataclass
class Adapted:
    """What happened, counted."""

    blocks: int = 0
    refits: int = 0
    refused: int = 0
    """refits that would have confused gestures or moved one too far"""
    held: int = 0
    """refits that went only part of the way, so that no calibrated gesture lost its ground"""
    rollbacks: int = 0
    """times that the calibration's means came back"""
    turns: int = 0
    """times that the ring was found to be worn in another way"""


@dataclass
class State:
    """All that adapts."""

    means: Matrix
    """(gesture, dimension) in use"""
    turn: int
    memory: Features
    """(memory_blocks, feature), newest last"""
    held_n: int
    block: Matrix
    """(feature,) sum of the windows of the block that is being filled"""
    filled_n: int
    watch: float
    """how much better the adapted means fit than the reference, in log-density a dimension"""
    paused_n: int
    counts: Adapted
    slip: Slipping
    levels: Levels | None = None
    """how quiet and how loud the session is, where that is known and asked for"""


class Adapter:
    """Settings and tools; what changes is in the State that `start` gives."""

    def __init__(self, head: Head, settings: Adaptation | None, rest: int = 0) -> None:
        self.head, self.settings, self._rest = head, settings, rest
        self.reference = start_means(head, (settings or Adaptation()).own)
        self._order = head.turns

    def start(self) -> State:
        features_n = self._order.shape[1]
        memory_n = self.settings.memory_blocks if self.settings else 0
        memory = np.empty((memory_n, features_n), np.float32)
        block = np.zeros(features_n)
        slip = slipping(self.head)
        return State(self.reference, self.head.turn, memory, 0, block, 0, 0.0, 0, Adapted(), slip)

    def arranged(self, features: Features, state: State) -> Features:
        """Features (1, feature) in the order that the network knows."""
        if not self.head.ring_n or not state.turn:
            return features
        return features[:, self._order[state.turn]]

    def logits(
        self, embedding: NDArray[Any], state: State, features: Features | None = None
    ) -> Matrix:
        """(gesture,) of the network's output (dimension,) for features (1, feature); without
        these it is not asked how strong the window is."""
        found: Matrix = self.scores(embedding[None], state, features)[0]
        return found

    def scores(
        self, embedded: NDArray[Any], state: State, features: Features | None = None
    ) -> Matrix:
        """(window, gesture): the same for many windows that are decided by one state."""
        found = rest_scores(self.head, embedded, state.means, self._rest)
        if self.head.calibrated and state.means is not self.reference:
            carried = self.reference + (state.means - self.reference).mean(axis=0)
            before = rest_scores(self.head, embedded, carried, self._rest)
            found = np.maximum(found, before - KNOWN)
        if state.levels is not None and features is not None:
            quiet = state.levels.quiet_ones(energies(self.head, features))
            found[quiet, self._rest] = found[quiet].max(axis=1) + SURE
        return found

    def learn(self, features: Features, state: State, *, strange: bool = False) -> None:
        """The window (1, feature), decided already, moves what later ones are decided by; a
        strange one, that was refused, only tells whether a ring has turned."""
        settings = self.settings
        if settings is None:
            return
        if self.head.calibrated and self.head.ring_n and settings.turn_blocks:
            self._ask(features[0], state)
        if strange:
            return
        state.block += features[0]
        state.filled_n += 1
        if state.filled_n < settings.block_windows:
            return
        mean = (state.block / settings.block_windows).astype(np.float32)
        state.block[:], state.filled_n = 0, 0
        if np.isfinite(mean).all():
            self._block(mean, state, settings)

    def forget_block(self, state: State) -> None:
        """A gap: the blocks that are being filled are dropped."""
        state.block[:] = state.slip.block[:] = 0
        state.filled_n = state.slip.filled_n = 0

    def _ask(self, window: Features, state: State) -> None:
        """Whether the ring has turned. What was learnt before is of electrodes elsewhere."""
        means = self.reference, state.means
        turn = slipped(self.head, means, window, state.turn, self._rest, state.slip)
        if turn != state.turn:
            state.turn, state.means, state.held_n, state.watch = turn, self.reference, 0, 0.0
            state.counts.turns += 1
            self.forget_block(state)

    def _block(self, mean: Features, state: State, settings: Adaptation) -> None:
        state.counts.blocks += 1
        if state.paused_n:
            state.paused_n -= 1
            return
        if state.means is not self.reference and self._worse(mean, state, settings):
            self.roll_back(state)
            return
        if state.held_n == len(state.memory):
            state.memory[:-1] = state.memory[1:]
            state.held_n -= 1
        state.memory[state.held_n] = mean
        state.held_n += 1
        if state.counts.blocks % settings.refit_blocks == 0:
            self._refit(state, settings)

    def _worse(self, mean: Features, state: State, settings: Adaptation) -> bool:
        """Whether the means in use fit worse than the reference, for some while now. The block
        is asked before any means have seen it."""
        ours = _density(self.head.embed(mean[None], state.turn), state.means, settings)
        theirs = _density(self.head.embed(mean[None], self.head.turn), self.reference, settings)
        better = float(np.clip((ours - theirs) / self.head.means.shape[1], -1.0, 1.0))
        state.watch += (better - state.watch) / settings.watch_blocks
        return state.watch < -settings.slack

    def roll_back(self, state: State) -> None:
        """The reference decides again, and adaptation begins anew after a pause. Counted."""
        state.means, state.turn = self.reference, self.head.turn
        state.held_n, state.watch, state.levels = 0, 0.0, None
        state.paused_n = self.settings.pause_blocks if self.settings else 0
        state.counts.rollbacks += 1

    def _refit(self, state: State, settings: Adaptation) -> None:
        blocks = state.memory[: state.held_n]
        open_still = self.head.ring_n and settings.turn_blocks and not self.head.calibrated
        enough = state.held_n >= settings.turn_blocks
        if open_still and enough and state.counts.blocks % TURN_EVERY == 0:
            turn = turn_found(self.head, blocks, state.turn, settings.prior_blocks)
            state.counts.turns += turn != state.turn
            state.turn = turn
        embedded = self.head.embed(blocks, state.turn)
        state.levels = levels(self.head, blocks)
        loud = state.levels
        quiet = None if loud is None else loud.quiet_ones(energies(self.head, blocks))
        means = refit(self.head, embedded, self.reference, settings, self._rest, quiet)
        if fits(means, self.reference, settings.bound):
            self._go(means, state)
        else:
            state.counts.refused += 1

    def _go(self, means: Matrix, state: State) -> None:
        """To these means, or as far as calibrated gestures keep their ground; where they keep none,
        back to the calibration."""
        means, step = bounded(self.head, means, self.reference)
        if step:
            state.means = means
            state.counts.refits += 1
            state.counts.held += step < 1
        elif state.means is not self.reference:
            self.roll_back(state)
        else:
            state.counts.refused += 1


def fits(means: Matrix, reference: Matrix, bound: float) -> bool:
    """Whether means (gesture, dimension) may decide: seen from the middle of all, no two gestures
    lie better in each other's place than in their own, and none is further than `bound` away."""
    if not np.isfinite(means).all():
        return False
    now, before = means - means.mean(axis=0), reference - reference.mean(axis=0)
    distances = ((now[:, None] - before[None]) ** 2).sum(axis=2)
    own = np.diagonal(distances)
    kept, changed = own[:, None] + own[None], distances + distances.T
    return bool((kept <= changed + 1e-9).all() and own.max() <= bound**2)


def _density(embedding: Matrix, means: Matrix, settings: Adaptation) -> float:
    """Log-density of one block (1, dimension), softened like `belongings`."""
    soft = -0.5 * ((embedding - means) ** 2).sum(axis=1) / settings.temperature
    top = soft.max()
    return float(settings.temperature * (top + np.log(np.exp(soft - top).mean())))

"""Re-centring: one matrix on the channels that makes a session's mean covariance the identity.

It undoes gain and contact differences between donnings without labels (measured on the
MyoArmbandDataset: +0.5 to +1.5 points within a user, +9 across users, for a linear classifier).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from preprocessing.blocks import through_blocks
from preprocessing.features import covariance, symmetric_log
from preprocessing.stage import Array

Matrix = NDArray[np.float64]
ALIKE = 6.0
"""Blocks are alike within a squared distance of so many times n (n + 1) / samples of a block, for n
channels: 8.3 for a Myo's. There blocks of one gesture differ by less than 8.4 in 95 of 100 pairs,
blocks of two gestures by more than 13 (every second of the pre-training users, high-passed)."""
MEMORY_BLOCKS = 400


@dataclass
class State:
    """Where the wearer's mean covariance is thought to be."""

    log_reference: Matrix
    log_sum: Matrix
    """Sum of the logarithms of the blocks seen."""
    blocks_n: int
    block: Array
    """(time, channel): the newest samples, until they fill a block."""
    filled_n: int
    matrix: NDArray[np.float32]
    """(channel, channel), symmetric: what each sample is multiplied by now."""
    seen: Seen | None = None
    """where blocks alike count together"""


@dataclass
class Seen:
    """The newest blocks, and how many others are like each."""

    logs: Matrix
    """(block, feature): upper triangles of their logarithms, distances kept"""
    crowds: NDArray[np.int64]
    """(block,): itself counted"""


@dataclass(frozen=True)
class Recentre:
    """x -> M^(-1/2) x, where M is the log-Euclidean running mean of block covariances.

    It starts at `reference`, worth `prior_blocks` blocks, and follows the wearer causally: a
    block acts on samples after it only. `prior_blocks` = 0 keeps M fixed.

    With `alike_blocks`, blocks that are like each other count together as so many at most, of
    those of the last two minutes: else an hour of rest would become the centre, and the gestures
    would lie elsewhere than at calibration.
    """

    reference: tuple[tuple[float, ...], ...]
    """Mean covariance of the calibration (channel, channel), in the stream's unit squared."""
    prior_blocks: int = 400
    block_samples: int = 52
    ridge: float = 1.0
    """Added to each block's covariance, in the stream's unit squared."""
    bound: float = 2.0
    """Largest distance of M from the reference (log-Euclidean, Frobenius): adaptation that runs
    away stops there."""
    alike_blocks: float = 0.0
    """0: every block counts the same."""

    def start(self, spec: Spec) -> tuple[State, Spec]:
        n = len(spec.channels)
        reference = np.array(self.reference, np.float64)
        if reference.shape != (n, n):
            raise Refused(
                f"The stream has {n} channels, and the re-centring was made for "
                f"{len(self.reference)}; calibrate with this electrode set."
            )
        if not np.allclose(reference, reference.T) or np.linalg.eigvalsh(reference)[0] <= 0:
            raise Refused("The reference of a re-centring must be a covariance matrix.")
        if (
            min(self.prior_blocks, self.alike_blocks) < 0
            or self.block_samples < n
            or min(self.ridge, self.bound) <= 0
        ):
            raise Refused(
                f"Re-centring needs prior_blocks and alike_blocks >= 0, block_samples >= {n}, "
                f"ridge > 0, bound > 0."
            )
        log_reference = symmetric_log(reference)
        state = State(
            log_reference,
            np.zeros((n, n)),
            0,
            np.empty((self.block_samples, n), np.float32),
            0,
            _inverse_root(log_reference),
            Seen(np.empty((0, n * (n + 1) // 2)), np.empty(0, np.int64))
            if self.alike_blocks
            else None,
        )
        return state, Spec(spec.rate_hz, spec.channels, "recentred")

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        if not self.prior_blocks:
            return _mix(x, state.matrix), state
        found = through_blocks(
            x, state, lambda x: _mix(x, state.matrix), lambda: self._learn(state)
        )
        return found, state

    def delay_s(self, spec: Spec) -> float:
        return 0.0

    def _learn(self, state: State) -> None:
        """The full block moves the matrix."""
        n = state.block.shape[1]
        m = covariance(np.ascontiguousarray(state.block.T)[None])[0] + self.ridge * np.eye(n)
        log_m = symmetric_log(m)
        if state.seen is None:
            state.log_sum = state.log_sum + log_m
            state.blocks_n += 1
            worth: float = state.blocks_n
        else:
            state.log_sum, worth = self._evenly(log_m, state.seen)
        mean = (self.prior_blocks * state.log_reference + state.log_sum) / (
            self.prior_blocks + worth
        )
        moved = mean - state.log_reference
        distance = float(np.sqrt((moved * moved).sum()))
        if distance > self.bound:
            mean = state.log_reference + moved * (self.bound / distance)
        state.matrix = _inverse_root(mean)

    def _evenly(self, log_m: Matrix, seen: Seen) -> tuple[Matrix, float]:
        """(weighted sum of the logarithms seen, the new one too; sum of the weights)"""
        n = len(log_m)
        rows, columns = np.triu_indices(n)
        scale = np.where(rows == columns, 1.0, np.sqrt(2.0))
        near = ALIKE * n * (n + 1) / self.block_samples
        if len(seen.logs) == MEMORY_BLOCKS:
            first = seen.logs[0]
            seen.crowds = seen.crowds[1:] - _near(seen.logs[1:], first, near)
            seen.logs = seen.logs[1:]
        new = log_m[rows, columns] * scale
        like = _near(seen.logs, new, near)
        seen.crowds = np.append(seen.crowds + like, 1 + like.sum())
        seen.logs = np.concatenate([seen.logs, new[None]])
        weights = np.minimum(1.0, self.alike_blocks / seen.crowds)
        whole = np.zeros((n, n))
        whole[rows, columns] = whole[columns, rows] = (weights @ seen.logs) / scale
        return whole, float(weights.sum())


def _near(logs: Matrix, one: Matrix, near: float) -> NDArray[np.int64]:
    """(block,): 1 where a block is like this one."""
    return np.asarray(((logs - one) ** 2).sum(axis=1) < near, np.int64)


def _inverse_root(log_m: Matrix) -> Any:
    values, vectors = np.linalg.eigh(log_m)
    return ((vectors * np.exp(-values / 2)) @ vectors.T).astype(np.float32)


def _mix(x: Array, matrix: NDArray[np.float32]) -> Any:
    """Each sample times the (symmetric) matrix. One small product per sample, so that the bits
    do not depend on how many samples came together."""
    return np.matmul(x[:, None, :], matrix)[:, 0, :]

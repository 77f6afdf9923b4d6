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


@dataclass(frozen=True)
class Recentre:
    """x -> M^(-1/2) x, where M is the log-Euclidean running mean of block covariances.

    It starts at `reference`, worth `prior_blocks` blocks, and follows the wearer causally: a
    block acts on samples after it only. `prior_blocks` = 0 keeps M fixed.
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
        if self.prior_blocks < 0 or self.block_samples < n or self.ridge <= 0 or self.bound <= 0:
            raise Refused(
                f"Re-centring needs prior_blocks >= 0, block_samples >= {n}, ridge > 0, bound > 0."
            )
        log_reference = symmetric_log(reference)
        state = State(
            log_reference,
            np.zeros((n, n)),
            0,
            np.empty((self.block_samples, n), np.float32),
            0,
            _inverse_root(log_reference),
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
        state.log_sum = state.log_sum + symmetric_log(m)
        state.blocks_n += 1
        seen = state.blocks_n
        mean = (self.prior_blocks * state.log_reference + state.log_sum) / (
            self.prior_blocks + seen
        )
        moved = mean - state.log_reference
        distance = float(np.sqrt((moved * moved).sum()))
        if distance > self.bound:
            mean = state.log_reference + moved * (self.bound / distance)
        state.matrix = _inverse_root(mean)


def _inverse_root(log_m: Matrix) -> Any:
    values, vectors = np.linalg.eigh(log_m)
    return ((vectors * np.exp(-values / 2)) @ vectors.T).astype(np.float32)


def _mix(x: Array, matrix: NDArray[np.float32]) -> Any:
    """Each sample times the (symmetric) matrix. One small product per sample, so that the bits
    do not depend on how many samples came together."""
    return np.matmul(x[:, None, :], matrix)[:, 0, :]

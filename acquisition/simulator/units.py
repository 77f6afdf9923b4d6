"""When motor units fire: recruitment by size, rate coding and irregular intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.simulator.anatomy import Floats

Indices = NDArray[np.intp]

# Fuglevand 1993, with the figures of forearm muscles: the last unit joins at 75 % of the
# greatest drive, rates run from 8 to 35 (first recruited) .. 25 (last) pulses per second.
RECRUITMENT_RANGE = 30.0
LAST_RECRUITED_AT = 0.75
SIZE_RANGE = 100.0
LEAST_RATE_PPS = 8.0
PEAK_RATE_PPS = (35.0, 25.0)
RATE_PER_DRIVE_PPS = 40.0
INTERVAL_CV = 0.17
FIBRES_PER_UNIT = 400.0
"""Mean over a muscle; 200..600 in forearm muscles."""
INTERVAL_LIMITS = (0.5, 1.5)
"""Three standard deviations: a shorter interval would be inside the refractory time."""


@dataclass(frozen=True)
class Pool:
    """The motor units of several muscles, one after the other. Arrays are (unit,)."""

    muscle: Indices
    """Which muscle a unit belongs to."""
    threshold: Floats
    """Drive at which it is recruited."""
    peak_pps: Floats
    size: Floats
    """Twitch force of the unit, the smallest of a muscle being about 1."""
    fibres_n: Floats


def pool(units_n: tuple[int, ...]) -> Pool:
    """Muscles with so many motor units each; sizes and thresholds grow exponentially."""
    rank = [np.arange(1, n + 1) / n for n in units_n]
    size = [SIZE_RANGE**r for r in rank]
    first, last = PEAK_RATE_PPS
    every = np.concatenate(rank)
    return Pool(
        muscle=np.repeat(np.arange(len(units_n)), units_n),
        threshold=LAST_RECRUITED_AT * RECRUITMENT_RANGE ** (every - 1),
        peak_pps=first + (last - first) * every,
        size=np.concatenate(size),
        fibres_n=np.concatenate([FIBRES_PER_UNIT * s / s.mean() for s in size]),
    )


@dataclass
class Firing:
    """How far each unit is between two of its spikes."""

    phase: Floats
    """(unit,) mean intervals since the last spike"""
    due: Floats
    """(unit,) phase at which the next spike comes"""
    rng: np.random.Generator


def start(units: Pool, rng: np.random.Generator) -> Firing:
    """Every unit somewhere between two spikes, so that none start together."""
    n = len(units.muscle)
    due = _intervals(rng, n)
    return Firing(rng.random(n) * due, due, rng)


def rates(units: Pool, drive: Floats) -> Floats:
    """(unit,) pulses per second under a drive (muscle,) of 0..1; 0 for units at rest."""
    above = drive[units.muscle] - units.threshold
    rate = np.minimum(LEAST_RATE_PPS + RATE_PER_DRIVE_PPS * above, units.peak_pps)
    return np.asarray(rate * (above >= 0))


def fire(units: Pool, drive: Floats, state: Firing, step_s: float) -> tuple[Floats, Indices]:
    """(seconds after the step began, unit) of every spike in one step of at most 10 ms.

    The state moves on. A unit that is not recruited keeps its phase.
    """
    moved = rates(units, drive) * step_s
    phase = state.phase + moved
    fired = np.nonzero((phase >= state.due) & (moved > 0))[0]
    wait = state.due[fired] - state.phase[fired]
    when = step_s * np.minimum(wait / moved[fired], 0.999)
    phase[fired] -= state.due[fired]
    state.due[fired] = _intervals(state.rng, len(fired))
    state.phase = phase
    return when, fired


def _intervals(rng: np.random.Generator, n: int) -> Floats:
    drawn = rng.normal(1.0, INTERVAL_CV, n)
    return np.asarray(np.minimum(np.maximum(drawn, INTERVAL_LIMITS[0]), INTERVAL_LIMITS[1]))

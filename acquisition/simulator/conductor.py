"""What one firing of a motor unit leaves between two electrodes on the skin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.simulator.anatomy import Floats, Person
from acquisition.simulator.units import Pool

Potentials = NDArray[np.float32]
"""float32 uV, (unit, time, electrode pair)"""

FIBRE_DIAMETER_M = 50e-6
INSIDE_S_PER_M = 1.01
ACROSS_S_PER_M = 0.063
ALONG_OVER_ACROSS = 0.33 / 0.063
"""Anisotropy of muscle (Farina & Merletti 2001); fat has none."""
CELL_MM = 2.5
"""Along the fibre. The nearest electrode blurs the source by more than 8 mm."""
TERRITORY_MM = 3.0
"""Fibres of a unit are spread so far around its middle: no electrode is at a point source."""
DISTAL_MM = (20.0, 45.0)
PROXIMAL_MM = (15.0, 40.0)
"""Reach of a fibre from its innervation zone; forearm fibres are 40..80 mm long (Lieber 1990)."""
POTENTIAL_S = 0.040
"""The slowest wave has then left the longest fibre."""
_BATCH = 64


@dataclass(frozen=True)
class Ring:
    """Bipolar electrode pairs around the forearm, each pair along the arm."""

    turn: Floats
    """(pair,) where they sit, in turns"""
    along_mm: float
    """Middle of the pairs along the arm, distal positive."""
    between_mm: float
    """Between the two electrodes of a pair."""


@dataclass(frozen=True)
class Fibres:
    """Where the units of a pool lie; one fibre stands for all fibres of its unit."""

    turn: Floats
    depth_mm: Floats
    """Below the skin."""
    innervation_mm: Floats
    distal_mm: Floats
    """From the innervation zone to the distal tendon."""
    proximal_mm: Floats
    velocity_m_s: Floats
    fibres_n: Floats
    fat_mm: float
    radius_mm: float


def fibres(body: Person, units: Pool, rng: np.random.Generator) -> Fibres:
    """Units spread over the cross-section of their muscles.

    Innervation zones scatter by 8 mm and velocities by 0.3 m/s (NeuroMotion, Ma 2024).
    """
    n = len(units.muscle)
    m = units.muscle
    shallow, deep = body.depth_mm[m].T
    return Fibres(
        turn=body.turn[m] + body.width[m] * rng.uniform(-0.5, 0.5, n),
        depth_mm=body.fat_mm + rng.uniform(shallow, deep),
        innervation_mm=body.innervation_mm[m] + rng.normal(0, 8, n),
        distal_mm=rng.uniform(*DISTAL_MM, n),
        proximal_mm=rng.uniform(*PROXIMAL_MM, n),
        velocity_m_s=body.velocity_m_s + np.clip(rng.normal(0, 0.3, n), -0.8, 0.8),
        fibres_n=units.fibres_n,
        fat_mm=body.fat_mm,
        radius_mm=body.radius_mm,
    )


def potentials(
    lie: Fibres, which: NDArray[np.intp], speed: Floats, ring: Ring, rate_hz: float
) -> Potentials:
    """(unit, time, pair) uV left by one spike of each unit in `which`, from the spike on.

    `speed` (unit in which,) scales the conduction velocity: 1 when rested.
    """
    out = [
        _batch(lie, which[i : i + _BATCH], speed[i : i + _BATCH], ring, rate_hz)
        for i in range(0, len(which), _BATCH)
    ]
    return np.concatenate(out)


def _batch(
    lie: Fibres, which: NDArray[np.intp], speed: Floats, ring: Ring, rate_hz: float
) -> Potentials:
    """Rosenfalck 1969: the membrane potential travels both ways from the innervation zone.

    The current per length is the derivative of psi = dV/dz, cut off at the tendons, so what
    is born at the innervation zone and what dies at a tendon balance (Farina & Merletti
    2001). Integrated by parts that is psi times the slope of the electrode's kernel, and the
    integral of psi over a cell of the fibre is a difference of V.
    """
    f32 = np.float32
    edge = np.arange(0.0, DISTAL_MM[1] + CELL_MM, CELL_MM, dtype=f32)
    middle = (edge[1:] + edge[:-1]) / 2
    ms = np.arange(round(POTENTIAL_S * rate_hz), dtype=f32) * f32(1000 / rate_hz)
    front = (lie.velocity_m_s[which] * speed).astype(f32)[:, None] * ms
    height = _membrane_mv(front[:, :, None] - edge)
    psi = height[:, :, :-1] - height[:, :, 1:]
    apart = _stretched_square(lie, which, ring)
    born = lie.innervation_mm[which].astype(f32)[:, None]
    distal = (middle < lie.distal_mm[which][:, None])[:, :, None]
    proximal = (middle < lie.proximal_mm[which][:, None])[:, :, None]
    slope = _slope(born + middle, apart, ring) * distal
    slope -= _slope(born - middle, apart, ring) * proximal
    uv = -_source_uv_mm2_per_mv() * lie.fibres_n[which].astype(f32)
    return np.asarray((psi @ slope) * uv[:, None, None], f32)


def _membrane_mv(behind_mm: Potentials) -> Potentials:
    """Rosenfalck's 96 z^3 exp(-z) mV, z mm behind the wave front; the resting -90 cancels."""
    z = np.maximum(behind_mm, 0)
    return np.asarray(96 * z * z * z * np.exp(-z), np.float32)


def _source_uv_mm2_per_mv() -> np.float32:
    """Moment of the source over what the medium conducts; a half space doubles it."""
    moment = math.pi * FIBRE_DIAMETER_M**2 * INSIDE_S_PER_M / 4
    return np.float32(moment / (2 * math.pi * ACROSS_S_PER_M) * 1e6 * 1e3)


def _stretched_square(lie: Fibres, which: NDArray[np.intp], ring: Ring) -> Potentials:
    """(unit, 1, pair) squared distance, stretched where it runs through muscle.

    The straight path is in fat for the share fat/depth of its length.
    """
    r = lie.radius_mm
    depth = lie.depth_mm[which][:, None]
    angle = 2 * math.pi * (ring.turn - lie.turn[which][:, None])
    square = r * r + (r - depth) ** 2 - 2 * r * (r - depth) * np.cos(angle) + TERRITORY_MM**2
    fat = lie.fat_mm / depth
    stretch = math.sqrt(ALONG_OVER_ACROSS) * (1 - fat) + fat
    return np.asarray((square * stretch**2)[:, None, :], np.float32)


def _slope(z_mm: Potentials, apart: Potentials, ring: Ring) -> Potentials:
    """(unit, cell, pair) slope along the fibre of the difference of both electrodes' kernels."""
    total = np.zeros((1, 1, 1), np.float32)
    for sign in (1, -1):
        dz = np.float32(ring.along_mm + sign * ring.between_mm / 2) - z_mm[:, :, None]
        square = dz * dz + apart
        total = total + sign * dz / (square * np.sqrt(square))
    return total

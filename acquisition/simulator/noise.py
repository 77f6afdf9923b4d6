"""What electrodes pick up that no muscle made."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from acquisition.simulator.anatomy import Floats


@dataclass(frozen=True)
class Noise:
    """Disturbances at the electrodes, in µV."""

    thermal_uv: float = 2.0
    """RMS over the simulated band; 1..5 at dry electrodes."""
    line_hz: float = 50.0
    line_uv: float = 5.0
    """Amplitude of the fundamental; 0..50. Harmonic k is 1/k² of it."""
    wander_uv: float = 5.0
    """RMS of the baseline's wandering, below a few Hz."""
    artefacts_per_min: float = 0.0
    artefact_uv: float = 500.0
    """Height of a motion artefact, up to 1 mV."""
    gain_drift: float = 0.02
    """Standard deviation of a channel's gain over minutes, as a share."""


LINE_HARMONICS = 5
WANDER_S = 0.3
GAIN_S = 120.0
ARTEFACT_HZ = (1.0, 10.0)
ARTEFACT_S = 0.15
ARTEFACT_RISE_S = 0.01
"""Time constants of its decay and its rise."""


@dataclass
class NoiseState:
    rng: np.random.Generator
    bump_rng: np.random.Generator
    """Apart, so that an artefact leaves all other noise as it is."""
    line_phase: Floats
    """(harmonic, channel)"""
    line_share: Floats
    """(channel,)"""
    wander: Floats
    """(channel,) at the end of the last block, of unit variance"""
    drift: Floats
    """(channel,) of unit variance"""
    bumps: list[tuple[float, float, Floats]]
    """(second it began, Hz, height (channel,)) of the artefacts that still sound"""


def start(rng: np.random.Generator, channels_n: int) -> NoiseState:
    return NoiseState(
        rng,
        rng.spawn(1)[0],
        rng.uniform(0, 2 * math.pi, (LINE_HARMONICS, channels_n)),
        np.exp(rng.normal(0, 0.4, channels_n)),
        rng.normal(size=channels_n),
        rng.normal(size=channels_n),
        [],
    )


def disturb(
    settings: Noise, emg_uv: Floats, line: Floats, hiss: Floats, seconds: Floats, state: NoiseState
) -> Floats:
    """(time, channel) uV with everything added to it, block by block. The state moves on.

    `line` (time, channel) scales the line, `hiss` (time, channel) the thermal noise,
    `seconds` (time,) are the times of the samples.
    """
    block_s = float(seconds[-1] - seconds[0]) + float(seconds[1] - seconds[0])
    state.drift = _walk(state.rng, state.drift, block_s / GAIN_S)
    uv = emg_uv * np.exp(settings.gain_drift * state.drift)
    uv += settings.thermal_uv * hiss * state.rng.normal(size=uv.shape)
    uv += settings.line_uv * line * state.line_share * _line(settings, seconds, state)
    before = state.wander
    state.wander = _walk(state.rng, before, block_s / WANDER_S)
    part = np.arange(1, len(uv) + 1)[:, None] / len(uv)
    uv += settings.wander_uv * (before + part * (state.wander - before))
    if state.bump_rng.random() < settings.artefacts_per_min * block_s / 60:
        bump(settings, float(seconds[0]), 1.0, state)
    return np.asarray(uv + _bumps(seconds, state)) if state.bumps else np.asarray(uv)


def bump(settings: Noise, at_s: float, factor: float, state: NoiseState) -> None:
    """A motion artefact begins: all channels feel it, each in its own way."""
    height = factor * settings.artefact_uv * state.bump_rng.normal(0, 0.5, len(state.drift))
    state.bumps.append((at_s, float(state.bump_rng.uniform(*ARTEFACT_HZ)), height))


def _walk(rng: np.random.Generator, value: Floats, share: float) -> Floats:
    """One step of a walk of unit variance that forgets with its time constant."""
    keep = math.exp(-share)
    return keep * value + math.sqrt(1 - keep**2) * rng.normal(size=len(value))


def _line(settings: Noise, seconds: Floats, state: NoiseState) -> Floats:
    """(time, channel) of unit amplitude at the fundamental"""
    harmonic = np.arange(1, LINE_HARMONICS + 1)
    angle = (2 * math.pi * settings.line_hz) * np.outer(seconds, harmonic)
    square = harmonic[:, None] ** 2
    phase = state.line_phase
    return np.asarray(
        np.sin(angle) @ (np.cos(phase) / square) + np.cos(angle) @ (np.sin(phase) / square)
    )


def _bumps(seconds: Floats, state: NoiseState) -> Floats:
    state.bumps = [b for b in state.bumps if seconds[0] - b[0] < 8 * ARTEFACT_S]
    total = np.zeros((len(seconds), len(state.drift)))
    for at, hz, height in state.bumps:
        since = np.maximum(seconds - at, 0.0)
        shape = np.exp(-since / ARTEFACT_S) - np.exp(-since / ARTEFACT_RISE_S)
        shape *= np.cos(2 * math.pi * hz * since)
        total += shape[:, None] * height
    return total

"""Simulated muscles in the counts of any device."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from acquisition.emulators.twin import Counts, Signal
from acquisition.simulator.arms import ARMBAND, SLEEVE16
from acquisition.simulator.script import demo_script
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Spec

SIMULATED_MAX_N = 16
"""More channels repeat these, each a little later: a simulation of 400 would not keep up."""
SIMULATED_MAX_HZ = 4000.0
"""Faster devices get each simulated sample several times: muscles have nothing above it."""
RAW_SHARE = 0.25
"""Of a device's range without a known scale that strong effort takes."""


def muscles(spec: Spec, low: int, high: int, *, seed: int = 0) -> Signal:
    """A wearer who follows the demo's script, in counts from `low` to `high` around their middle.

    Samples are made in order: asking for earlier ones gives zeros.
    """
    channels_n = min(len(spec.channels), SIMULATED_MAX_N)
    names = tuple(f"emg{i}" for i in range(1, channels_n + 1))
    base = ARMBAND if spec.rate_hz == ARMBAND.rate_hz else SLEEVE16
    held_n = math.ceil(spec.rate_hz / SIMULATED_MAX_HZ)
    rate_hz = spec.rate_hz / held_n
    arm = replace(base, channels=names, rate_hz=rate_hz, seed=seed)
    simulation = Simulation(arm, demo_script(), ())
    middle = (low + high + 1) // 2
    if spec.unit == "uV":
        per_unit = 1 / spec.scale
    else:
        full = ARMBAND.front_end.counts if base is ARMBAND else 1500.0
        per_unit = RAW_SHARE * (high - low) / full * (2 if base is ARMBAND else 1)
    made: list[Counts] = [np.empty((0, channels_n), np.int64)]
    state = {"first_n": 0}

    def take(first_n: int, n: int) -> Counts:
        held = made[0]
        skip_n = first_n - state["first_n"]
        if skip_n < 0:
            return np.full((n, len(spec.channels)), middle, np.int64)
        while len(held) < skip_n + n:
            part = simulation.take(max(1, round(0.05 * rate_hz))).samples
            counts = np.rint(part * per_unit).astype(np.int64).repeat(held_n, axis=0) + middle
            held = np.concatenate([held, np.clip(counts, low, high)])
        made[0], state["first_n"] = held[skip_n:], first_n
        out = made[0][:n]
        repeats = -(-len(spec.channels) // channels_n)
        wide = [np.roll(out, k, axis=0) for k in range(repeats)]
        return np.concatenate(wide, axis=1)[:, : len(spec.channels)]

    return take

"""The whole forearm, sample by sample: prompts in, device counts out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from acquisition.simulator import conductor, front_end, noise, units, wearer
from acquisition.simulator.anatomy import Floats, donning, person
from acquisition.simulator.arms import Arm
from acquisition.simulator.faults import Fault, check
from acquisition.simulator.script import Plan
from acquisition.stream import Marker, Samples

BLOCK_S = 0.05
"""The simulation moves in such blocks, whatever is asked for at a time: so its samples do not
depend on the chunks, and no block holds the interpreter for long."""
_STEPS_N = round(BLOCK_S / wearer.STEP_S)
_RENEWED_N = 4
"""Units whose potentials are made anew per block while muscles tire: all of them in some 20 s."""


@dataclass(frozen=True)
class Taken:
    """What `Simulation.take` gives."""

    samples: Samples
    """(time, channel), in the unit of the spec"""
    markers: tuple[Marker, ...]


class Simulation:
    """One wearer who follows one script, or a will, from its first sample on.

    Holds the state of all parts. Not for two threads.
    """

    def __init__(self, arm: Arm, script: Plan, faults: Sequence[Fault] = ()) -> None:
        check(faults, len(arm.channels))
        self.arm = arm
        self.faults = tuple(faults)
        self.taken_n = 0
        self._block_n = round(BLOCK_S * arm.simulated_hz)
        self._made_n = 0  # simulated samples, so far
        self._ready: Samples = np.empty((0, len(arm.channels)), np.float32)
        self._prompts = script.told()
        self._prompt = next(self._prompts, None)
        body = person(arm.user)
        self._worn = donning(arm.user, arm.session, len(arm.channels))
        # One stream of random numbers per part: a setting of one part leaves the others alone.
        streams = np.random.SeedSequence([103, arm.user, arm.session, arm.seed]).spawn(3)
        wearing, firing, noisy = (np.random.default_rng(s) for s in streams)
        self._pool = units.pool(body.units_n)
        self._fibres = conductor.fibres(body, self._pool, np.random.default_rng([104, arm.user]))
        self._wearer = wearer.start(body, arm.manner, script, wearing)
        self._firing = units.start(self._pool, firing)
        self._noise = noise.start(noisy, len(arm.channels))
        self._front = front_end.start(
            arm.front_end, arm.simulated_hz, self._block_n, len(arm.channels)
        )
        self._wear_deg = body.wear_deg + self._worn.turn_deg + arm.rotation_deg
        turned = {0.0} | {f.strength for f in self.faults if f.kind == "rotation"}
        self._potentials = {deg: self._library(deg) for deg in sorted(turned)}
        length = self._potentials[0.0].shape[1]
        self._tail = np.zeros(length * len(arm.channels), np.float32)
        self._renewed = 0

    def take(self, n: int) -> Taken:
        """The next n samples, with the prompts that begin in them."""
        parts, have = [self._ready], len(self._ready)
        while have < n:
            parts.append(self._block())
            have += len(parts[-1])
        joined = np.concatenate(parts) if len(parts) > 1 else parts[0]
        self._ready = joined[n:]
        markers = self._markers(n)
        self.taken_n += n
        return Taken(joined[:n], markers)

    def ahead_n(self) -> int:
        """Samples that are made but not taken."""
        return len(self._ready)

    def make_ahead(self) -> None:
        """Makes one block more than was asked for, so that the next `take` is quick."""
        self._ready = np.concatenate([self._ready, self._block()])

    def _markers(self, n: int) -> tuple[Marker, ...]:
        found = []
        while self._prompt is not None:
            at, prompt = self._prompt
            sample_n = math.ceil(round(at * self.arm.rate_hz, 6)) - self.taken_n
            if sample_n >= n:
                break
            found.append(Marker(sample_n, prompt.gesture))
            self._prompt = next(self._prompts, None)
        return tuple(found)

    def _ring(self, turned_deg: float) -> conductor.Ring:
        n = len(self.arm.channels)
        turn = self.arm.first_turn - np.arange(n) / n + (self._wear_deg + turned_deg) / 360
        return conductor.Ring(turn, self._worn.slide_mm, self.arm.between_mm)

    def _library(self, turned_deg: float) -> conductor.Potentials:
        every = np.arange(len(self._pool.muscle))
        return conductor.potentials(
            self._fibres, every, np.ones(len(every)), self._ring(turned_deg), self.arm.simulated_hz
        )

    def _turned_deg(self) -> float:
        second = self._made_n / self.arm.simulated_hz
        held = [f.strength for f in self.faults if f.kind == "rotation" and f.holds(second)]
        return held[-1] if held else 0.0

    def _block(self) -> Samples:
        """(time, channel) of the next BLOCK_S."""
        arm, n, first = self.arm, self._block_n, self._made_n
        when, who = self._spikes()
        emg = self._sum(when, who)
        seconds = (first + np.arange(n)) / arm.simulated_hz
        uv = self._at_skin(emg * self._worn.gain, seconds)
        counts = front_end.step(arm.front_end, uv, self._front)
        self._made_n += n
        return self._at_device(counts, first // arm.front_end.keep_every)

    def _spikes(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(sample within the block, unit) of every spike of a block, ordered by sample."""
        when, who = [], []
        for k in range(_STEPS_N):
            drive = wearer.drive(self._wearer)
            at, unit = units.fire(self._pool, drive, self._firing, wearer.STEP_S)
            when.append(at + k * wearer.STEP_S)
            who.append(unit)
        sample = (np.concatenate(when) * self.arm.simulated_hz).astype(np.intp)
        order = np.argsort(sample, kind="stable")
        return sample[order], np.concatenate(who)[order]

    def _sum(self, when: NDArray[np.intp], who: NDArray[np.intp]) -> Floats:
        """(time, channel) uV: every spike leaves its unit's potentials from its sample on."""
        width = len(self.arm.channels)
        turned = self._turned_deg()
        library = self._potentials[turned]
        if self.arm.manner.fatigue_s is not None:
            self._renew(library, turned)
        flat = library.reshape(len(library), -1)
        total = np.zeros(self._block_n * width + flat.shape[1], np.float32)
        total[: len(self._tail)] += self._tail
        edges = np.append(np.flatnonzero(np.diff(when, prepend=-1)), len(when)).tolist()
        for i, j in pairwise(edges):
            at = int(when[i]) * width
            total[at : at + flat.shape[1]] += flat[who[i:j]].sum(axis=0)
        self._tail = total[self._block_n * width :]
        return total[: self._block_n * width].reshape(-1, width).astype(np.float64)

    def _renew(self, library: conductor.Potentials, turned_deg: float) -> None:
        """Potentials of the next few units, as slow as their muscles are tired by now."""
        which = (self._renewed + np.arange(_RENEWED_N)) % len(library)
        self._renewed = int(which[-1]) + 1
        tired = wearer.speed(self._wearer)[self._pool.muscle[which]]
        ring = self._ring(turned_deg)
        library[which] = conductor.potentials(
            self._fibres, which, tired, ring, self.arm.simulated_hz
        )

    def _at_skin(self, emg_uv: Floats, seconds: Floats) -> Floats:
        """(time, channel) uV between the electrodes, with noise and with faults of the skin."""
        rate, first = self.arm.simulated_hz, self._made_n
        line, hiss = np.ones_like(emg_uv), np.full_like(emg_uv, self._worn.noise)
        bridges = []
        for fault in self.faults:
            at = fault.part(first, len(emg_uv), rate)
            if at.start == at.stop:
                continue
            if fault.kind == "line":
                line[at] *= fault.strength
            elif fault.kind == "lift_off":
                emg_uv[at, fault.channels] = 0.0
                hiss[at, fault.channels] *= fault.strength
                line[at, fault.channels] *= 20.0
            elif fault.kind == "bridge":
                bridges.append((at, fault.channels))
            elif fault.kind == "artefact" and math.ceil(fault.at_s * rate) >= first:
                noise.bump(self.arm.noise, fault.at_s, fault.strength, self._noise)
        uv = noise.disturb(self.arm.noise, emg_uv, line, hiss, seconds, self._noise)
        for at, pair in bridges:
            uv[at, pair] = uv[at, pair].mean(axis=1, keepdims=True)
        return uv

    def _at_device(self, counts: Floats, first: int) -> Samples:
        """(time, channel) in the spec's unit, with faults of the device."""
        arm = self.arm
        samples = front_end.quantise(arm.front_end, counts)
        for fault in self.faults:
            at = fault.part(first, len(samples), arm.rate_hz)
            where = (at, fault.channels or slice(None))
            if fault.kind == "saturate":
                samples[where] = np.rint(arm.front_end.counts * fault.strength)
            elif fault.kind == "flat":
                samples[where] = fault.strength
            elif fault.kind == "nan":
                samples[where] = np.nan
        return samples * np.float32(arm.scale)

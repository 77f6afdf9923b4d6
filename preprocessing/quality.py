"""Is each channel fit to be believed? Flat, clipped, line, noisy, bridged; with a mend for each.

Thresholds: measured on 17 wearers of the MyoArmbandDataset, where none of them fires on a healthy
channel (rest noise 1.0 to 7.4 counts, clipping at most 2.2 % of a file, line share below 0.8 %,
neighbours' correlation at most 0.77).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Samples, Spec

MENDS = {
    "flat": "press the electrode, check the lead",
    "clipped": "lower the gain or move the electrode",
    "line": "move away from mains leads, check the reference electrode",
    "noisy": "moisten the skin or tighten the band",
    "bridged": "dry the skin between the two electrodes",
    "lifted": "press the electrode onto the skin, dry it, tighten the band",
}
"""kind of finding -> what a person can do about it"""

GRID_N = 16
"""With more channels than this electrodes are so near that many hear the same muscle: only
neighbours in the order of the channels are compared."""
FLOORS_N = 24
"""Checks, 12 s of them, whose quietest is a channel's noise floor: longer than a gesture is held,
or its strongest channel would pass for a noisy one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one channel."""

    channel: str
    kind: str
    """a key of MENDS"""
    fault: bool
    """True: the channel is not to be believed and the hand must rest; False: a warning."""
    value: float
    """What was measured, in the unit of the rule."""
    other: str = ""
    """the channel that it is bridged with"""

    def __str__(self) -> str:
        kind = f"{self.kind} with {self.other}" if self.other else self.kind
        return f"{self.channel} {kind}: {MENDS[self.kind]}"


@dataclass
class State:
    """What is remembered of the stream."""

    spec: Spec
    fast_n: int
    slow_n: int
    held: Samples
    """(time, channel) room for the newest samples; `held_n` of them are filled"""
    held_n: int = 0
    since_slow_n: int = 0
    newest: list[float] = field(default_factory=list)
    """the newest sample, one number per channel"""
    same_n: list[int] = field(default_factory=list)
    """samples since the ends of chunks last differed, one number per channel"""
    suspect_n: int = 0
    """samples for which there is still reason to look closely"""
    floors: list[NDArray[np.float64]] = field(default_factory=list)
    line_shares: list[NDArray[np.float64]] = field(default_factory=list)
    lift_n: int = 0
    """samples since electrodes were last looked at for having come off"""
    alone: tuple[int, int] = (-1, 0)
    """channel that was loud alone at that look, and at how many in a row"""
    heard: NDArray[np.bool_] | None = None
    """(channel,) whether a neighbour hears the muscles of that channel; None: not known"""
    lifted: dict[int, float] = field(default_factory=dict)
    """channel that came off -> its noise floor before"""
    fast_findings: tuple[Finding, ...] = ()
    slow_findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Quality:
    """Settings of the check. `step` takes raw samples, before any filter."""

    line_hz: float = 50.0
    fast_s: float = 0.1
    """Span of the checks that stop the hand: long enough that a resting 8-bit armband (1 count
    RMS) is practically never constant, short enough to rest within 150 ms."""
    slow_s: float = 1.0
    """Span of the checks that need a spectrum or a correlation."""
    stuck_share: float = 0.5
    """Share of the fast span at full scale that counts as saturated."""
    clip_warn_share: float = 0.01
    clip_fault_share: float = 0.05
    line_warn_share: float = 0.10
    """Share of the power within 1 Hz of the line."""
    bridged_correlation: float = 0.95
    noisy_ratio: float = 5.0
    """Noise floor against the median channel's."""
    lifted_ratio: float = 3.5
    """Of its own noise floor: a channel that is so loud while no other rises above
    `quiet_ratio` of its own has no muscle below it (a muscle is heard by its neighbours)."""
    quiet_ratio: float = 1.6
    muscle_correlation: float = 0.3
    """With a neighbour, over a second: such a channel hears a muscle and sits after all."""
    heard_correlation: float = 0.2
    """Between neighbours over a whole calibration, rest included."""
    lifted_s: float = 0.15
    look_s: float = 0.02
    """From one look for such channels to the next."""
    looks_n: int = 4
    """In a row that count: a muscle that begins is heard by one electrode first."""

    def start(self, spec: Spec, usual: NDArray[np.float64] | None = None) -> State:
        """A state that has seen nothing. With the covariance (channel, channel) of a calibration
        it also sees which electrodes come off: of those whose neighbours hear their muscles."""
        fast_n, slow_n = round(self.fast_s * spec.rate_hz), round(self.slow_s * spec.rate_hz)
        held = np.empty((4 * slow_n, len(spec.channels)), np.float32)
        state = State(spec, fast_n, slow_n, held)
        if usual is not None and len(usual) > 2:
            width = np.sqrt(np.diag(usual))
            r = np.abs(np.diag(np.roll(usual / np.outer(width, width), 1, axis=1)))
            state.heard = np.maximum(r, np.roll(r, -1)) > self.heard_correlation
        return state

    def step(self, x: Samples, state: State) -> tuple[tuple[Finding, ...], State]:
        """(what is wrong now, state after). x: (time, channel), finite."""
        x = x[-state.slow_n :]
        n = len(x)
        if state.held_n + n > len(state.held):
            kept = state.held[state.held_n - state.slow_n : state.held_n]
            state.held[: state.slow_n], state.held_n = kept, state.slow_n
        state.held[state.held_n : state.held_n + n] = x
        state.held_n += n
        state.since_slow_n += n
        if n:
            self._suspect(state, x[-1].tolist(), n)
        if state.held_n >= state.fast_n and (state.suspect_n > 0 or state.fast_findings):
            state.fast_findings = self._fast(state)
        if 2 * state.since_slow_n >= state.slow_n <= state.held_n:
            state.since_slow_n = 0
            state.slow_findings = self._slow(state)
        state.lift_n += n
        if (
            state.heard is not None
            and state.floors
            and state.lift_n >= self.look_s * state.spec.rate_hz
        ):
            state.lift_n = 0
            self._look(state)
        names = state.spec.channels
        off = tuple(Finding(names[i], "lifted", True, level) for i, level in state.lifted.items())
        return state.fast_findings + state.slow_findings + off, state

    def _look(self, state: State) -> None:
        """Which electrodes have come off, and which sit again."""
        n = round(self.lifted_s * state.spec.rate_hz)
        level = state.held[max(0, state.held_n - n) : state.held_n].std(axis=0)
        floor = np.maximum(np.min(state.floors, axis=0), state.spec.scale / 2)
        state.lifted = {i: f for i, f in state.lifted.items() if level[i] > self.quiet_ratio * f}
        loud = level / floor
        loud[list(state.lifted)] = 0.0
        first = int(loud.argmax())
        others = np.delete(loud, first)
        came_off = loud[first] > self.lifted_ratio and (others < self.quiet_ratio).all()
        before, times_n = state.alone
        times_n = times_n + 1 if came_off and first == before else int(came_off)
        state.alone = first, times_n
        if times_n >= self.looks_n and state.heard is not None and state.heard[first]:
            state.lifted[first] = float(floor[first])

    def _suspect(self, state: State, newest: list[float], n: int) -> None:
        """Whether a channel may be flat or stuck, by the ends of chunks alone: that costs a tenth
        of the full look, and a channel that is flat for a span has equal ends all along it."""
        spec = state.spec
        limit = math.inf if spec.full_scale is None else spec.full_scale - spec.scale / 2
        before = state.newest or newest
        same = state.same_n or [0] * len(newest)
        state.same_n = [
            run + n if a == b else 0 for run, a, b in zip(same, newest, before, strict=True)
        ]
        state.newest = newest
        if max(newest) >= limit or min(newest) <= -limit:
            state.suspect_n = state.fast_n + n
        elif max(state.same_n) + n >= state.fast_n:
            state.suspect_n = max(state.suspect_n, n + 1)
        state.suspect_n -= n

    def _fast(self, state: State) -> tuple[Finding, ...]:
        spec = state.spec
        x = state.held[state.held_n - state.fast_n : state.held_n]
        high, low = x.max(axis=0).tolist(), x.min(axis=0).tolist()
        flat = [a == b for a, b in zip(high, low, strict=True)]
        limit = math.inf if spec.full_scale is None else spec.full_scale - spec.scale / 2
        if max(high) < limit and min(low) > -limit and not any(flat):
            return ()
        stuck = (np.abs(x) >= limit).mean(axis=0)
        found = []
        for i, name in enumerate(spec.channels):
            if stuck[i] > self.stuck_share:
                found.append(Finding(name, "clipped", True, float(stuck[i])))
            elif flat[i]:
                found.append(Finding(name, "flat", True, 0.0))
        return tuple(found)

    def _slow(self, state: State) -> tuple[Finding, ...]:
        spec = state.spec
        newest = state.held[state.held_n - state.slow_n : state.held_n]
        x = newest.astype(np.float64)
        x -= x.mean(axis=0)
        power = np.maximum((x * x).mean(axis=0), 1e-12)
        found = self._clipping(newest, spec) + self._line(x, power, state)
        state.floors = [*state.floors, np.sqrt(power)][-FLOORS_N:]
        floor = np.min(state.floors, axis=0)
        usual = max(float(np.median(floor)), spec.scale)
        correlation = (x.T @ x) / len(x) / np.sqrt(np.outer(power, power))
        for i, name in enumerate(spec.channels):
            if floor[i] > self.noisy_ratio * usual and len(state.floors) == FLOORS_N:
                found.append(Finding(name, "noisy", False, float(floor[i])))
            if math.sqrt(power[i]) < spec.scale / 2 and spec.unit == "raw":
                found.append(Finding(name, "flat", True, math.sqrt(power[i])))
            near = abs(correlation[i, i - 1]), abs(correlation[i, (i + 1) % len(power)])
            if max(near) > self.muscle_correlation:
                state.lifted.pop(i, None)
        found += self._bridged(correlation, power, state)
        return tuple(found)

    def _bridged(self, correlation: Any, power: Any, state: State) -> list[Finding]:
        """Each pair of channels that gives the same, wherever the two sit."""
        spec = state.spec
        if len(spec.channels) < 3:
            return []
        loud = power > (2 * spec.scale) ** 2
        if state.line_shares:  # the line is the same in all of them
            loud &= state.line_shares[-1] < self.line_warn_share
        alike = np.triu(np.abs(correlation) > self.bridged_correlation, 1) & loud & loud[:, None]
        if len(spec.channels) > GRID_N:
            alike &= ~np.triu(alike, 2)
        return [
            Finding(spec.channels[i], "bridged", False, float(correlation[i, j]), spec.channels[j])
            for i, j in np.argwhere(alike).tolist()
        ]

    def _clipping(self, x: Samples, spec: Spec) -> list[Finding]:
        if spec.full_scale is None:
            return []
        share = (np.abs(x) >= spec.full_scale - spec.scale / 2).mean(axis=0)
        return [
            Finding(name, "clipped", bool(share[i] > self.clip_fault_share), float(share[i]))
            for i, name in enumerate(spec.channels)
            if share[i] > self.clip_warn_share
        ]

    def _line(self, x: Any, power: Any, state: State) -> list[Finding]:
        """Share of the power in the discrete frequencies within 1 Hz of the line, averaged over
        the last checks: one second of healthy noise alone strays above the limit at times."""
        spec = state.spec
        if self.line_hz + 1 >= spec.rate_hz / 2:
            return []
        t = np.arange(len(x)) / spec.rate_hz
        hz = np.fft.rfftfreq(len(x), 1 / spec.rate_hz)
        near = hz[np.abs(hz - self.line_hz) <= 1.0]
        waves = np.exp(-2j * np.pi * np.outer(near, t))
        now = 2 * (np.abs(waves @ x) ** 2).sum(axis=0) / len(x) ** 2 / power
        state.line_shares = [*state.line_shares, now][-6:]
        share = np.mean(state.line_shares, axis=0)
        return [
            Finding(name, "line", False, float(share[i]))
            for i, name in enumerate(spec.channels)
            if share[i] > self.line_warn_share
            and power[i] > (2 * spec.scale) ** 2
            and len(state.line_shares) == 6
        ]

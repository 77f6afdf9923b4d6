"""A virtual wearer who follows moving aims with several degrees of freedom at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from acquisition.simulator.anatomy import GESTURES, Floats
from acquisition.simulator.script import Blend, Prompt
from acquisition.simulator.wearer import RAMP_LAGS, STEP_S, Manner
from acquisition.stream import Refused


@dataclass(frozen=True)
class Freedom:
    """One degree of freedom: what is done towards either side of rest."""

    positive: str
    negative: str


WRIST = (
    Freedom("wrist_flexion", "wrist_extension"),
    Freedom("radial_deviation", "ulnar_deviation"),
)
HAND = (Freedom("wrist_flexion", "wrist_extension"), Freedom("hand_close", "hand_open"))


@dataclass(frozen=True)
class Pursuit:
    """Takes the place of a script: each degree of freedom follows a sum of slow waves, -1 .. 1,
    of its own, so that all of them move together and no combination repeats.

    Wave speeds are those of reaching and of tracking tests, up to about half a hertz.
    """

    freedoms: tuple[Freedom, ...] = WRIST
    effort: float = 0.6
    """of the greatest effort, where an aim is at 1"""
    seed: int = 0
    waves_hz: tuple[float, ...] = (0.07, 0.13, 0.23, 0.37)

    def __post_init__(self) -> None:
        words = [word for f in self.freedoms for word in (f.positive, f.negative)]
        unknown = sorted(set(words) - set(GESTURES))
        if unknown or not words or not 0 < self.effort <= 1 or not self.waves_hz:
            raise Refused(
                f"A pursuit needs gestures of {', '.join(GESTURES)}, waves and an effort above 0 "
                f"and up to 1, not {words}, {self.waves_hz} and {self.effort}."
            )

    def aims(self, seconds: Floats) -> Floats:
        """(time, freedom) where each aim is, -1 .. 1; at rest before the begin."""
        rng = np.random.default_rng([105, self.seed])
        shape = (len(self.freedoms), len(self.waves_hz))
        phase, speed = rng.uniform(0, 2 * math.pi, shape), rng.uniform(0.85, 1.15, shape)
        angle = 2 * math.pi * speed * self.waves_hz * seconds[:, None, None] + phase
        waves = np.sin(angle).sum(axis=2) / math.sqrt(len(self.waves_hz))
        return np.asarray(np.clip(waves, -1, 1) * (seconds >= 0)[:, None])

    def followed(self, manner: Manner, seconds: Floats) -> Floats:
        """(time, freedom) what the wearer does at these moments: the aims, later by the reaction
        and by the two lags of the muscles' ramp, without any unsteadiness. The truth of a
        recording."""
        n = math.ceil(float(seconds[-1]) / STEP_S) + 2 if len(seconds) else 0
        meant = self.aims(np.arange(n) * STEP_S - manner.reaction_s)
        share = 1 - math.exp(-STEP_S * RAMP_LAGS / manner.ramp_s)
        done, held = np.zeros_like(meant), np.zeros((2, len(self.freedoms)))
        for i in range(n):
            held[1] += share * (meant[i] - held[1])
            held[0] += share * (held[1] - held[0])
            done[i] = held[0]
        return np.asarray(done[np.minimum((seconds / STEP_S).astype(np.intp), n - 1)])

    def begins(self) -> Iterator[tuple[float, Blend]]:
        """(second, what is asked from then on), every step."""
        step_n = 0
        while True:
            aim = self.aims(np.array([step_n * STEP_S]))[0].tolist()
            efforts = tuple(
                (f.positive if a >= 0 else f.negative, abs(a) * self.effort)
                for f, a in zip(self.freedoms, aim, strict=True)
            )
            yield step_n * STEP_S, Blend(efforts)
            step_n += 1

    def told(self) -> Iterator[tuple[float, Prompt]]:
        """No prompts: nothing is asked for by name."""
        return iter(())

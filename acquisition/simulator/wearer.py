"""How prompts become drive: reaction, ramp, habit, unsteadiness and fatigue."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from acquisition.simulator.anatomy import GESTURES, Floats, Person
from acquisition.simulator.script import Blend, Plan, Prompt

STEP_S = 0.01
"""Drive changes this often; unsteadiness ends near 3 Hz, ramps last 200 ms."""


@dataclass(frozen=True)
class Manner:
    """How the wearer carries out a prompt."""

    reaction_s: float = 0.2
    """From prompt to first change of drive; varies by a fifth of it from prompt to prompt."""
    ramp_s: float = 0.2
    """From 10 to 90 % of the new drive; 150..300 ms are natural."""
    tremor: float = 0.03
    """Standard deviation of the common drive, as a share of it, below 2.5 Hz (De Luca 1994)."""
    sway: float = 0.10
    """The same of the slow wandering of a held effort, over seconds."""
    repeat: float = 0.14
    """How differently the same gesture is made each time: per muscle, as a share."""
    effort_repeat: float = 0.10
    """How differently the same effort is made each time, as a share."""
    fatigue_s: float | None = None
    """Seconds of full drive after which a muscle is 63 % tired; None: it never tires."""


RAMP_LAGS = 3.36
"""Two equal lags in a row: 10 to 90 % of a step takes so many of their time constants."""
TREMOR_HZ = 2.5
SWAY_HZ = 0.2
TIRED_VELOCITY = 0.8
"""Conduction velocity of a fully tired muscle, as a share of the rested one."""
RECOVERY_S = 180.0


@dataclass
class Wearer:
    """Where the wearer is in the script, and what the muscles do now."""

    body: Person
    manner: Manner
    rng: np.random.Generator
    coming: Iterator[tuple[float, Floats]]
    next_s: float
    next_target: Floats
    step_n: int
    target: Floats
    """(muscle,) drive that is meant"""
    held: Floats
    """(muscle, 2) drive that follows it, and its lagging half"""
    tremor: Floats
    sway: float
    tired: Floats = field(default_factory=lambda: np.zeros(0))
    """(muscle,) 0 rested .. 1 tired"""


def start(body: Person, manner: Manner, script: Plan, rng: np.random.Generator) -> Wearer:
    n = len(body.turn)
    coming = _intentions(body, manner, script, np.random.default_rng(rng.integers(2**63)))
    next_s, next_target = next(coming)
    return Wearer(
        body, manner, rng, coming, next_s, next_target, 0, body.tone.copy(),
        np.repeat(body.tone[:, None], 2, axis=1), rng.normal(size=n), float(rng.normal()),
        np.zeros(n),
    )  # fmt: skip


def drive(state: Wearer) -> Floats:
    """(muscle,) drive 0..1 during the next step of STEP_S. The state moves on."""
    manner = state.manner
    if state.step_n * STEP_S >= state.next_s:
        state.target = state.next_target
        state.next_s, state.next_target = next(state.coming, (math.inf, state.target))
    state.step_n += 1
    share = 1 - math.exp(-STEP_S * RAMP_LAGS / manner.ramp_s)
    state.held[:, 1] += share * (state.target - state.held[:, 1])
    state.held[:, 0] += share * (state.held[:, 1] - state.held[:, 0])
    drawn = state.rng.normal(size=len(state.target) + 1)
    keep = math.exp(-2 * math.pi * TREMOR_HZ * STEP_S)
    state.tremor = keep * state.tremor + math.sqrt(1 - keep**2) * drawn[1:]
    keep = math.exp(-2 * math.pi * SWAY_HZ * STEP_S)
    state.sway = keep * state.sway + math.sqrt(1 - keep**2) * float(drawn[0])
    unsteady = manner.tremor * state.tremor + (1 + manner.sway * state.sway)
    now = np.minimum(np.maximum(state.held[:, 0] * unsteady, 0.0), 1.0)
    if manner.fatigue_s is not None:
        state.tired += STEP_S * (
            (1 - state.tired) * now / manner.fatigue_s - state.tired * (1 - now) / RECOVERY_S
        )
    return np.asarray(now)


def speed(state: Wearer) -> Floats:
    """(muscle,) conduction velocity as a share of the rested one."""
    return 1 - (1 - TIRED_VELOCITY) * state.tired


def _intentions(
    body: Person, manner: Manner, script: Plan, rng: np.random.Generator
) -> Iterator[tuple[float, Floats]]:
    """(second, drive that is meant from then on) for each prompt, made anew each time; a blend
    goes on as it was begun."""
    delay, meant = 0.0, body.tone
    style: Floats | None = None
    for at, prompt in script.begins():
        if isinstance(prompt, Blend):
            if style is None:
                style = np.exp(rng.normal(0, manner.repeat, len(body.turn)))
            delay, meant = manner.reaction_s, _blended(body, prompt, style)
        elif prompt is not None:
            delay = manner.reaction_s * max(0.2, 1 + 0.2 * rng.normal())
            meant = _meant(body, manner, prompt, rng)
        yield at + delay, meant


def _meant(body: Person, manner: Manner, prompt: Prompt, rng: np.random.Generator) -> Floats:
    style = np.exp(rng.normal(0, manner.repeat, len(body.turn)))
    effort = prompt.effort * math.exp(rng.normal(0, manner.effort_repeat))
    asked = body.synergy[GESTURES.index(prompt.gesture)] * style * effort
    return np.minimum(np.maximum(asked, body.tone), 1.0)


def _blended(body: Person, blend: Blend, style: Floats) -> Floats:
    """Each muscle does what all gestures of the blend ask of it together, as far as it can."""
    asked = sum(effort * body.synergy[GESTURES.index(g)] for g, effort in blend.efforts)
    return np.minimum(np.maximum(asked * style, body.tone), 1.0)

"""Tests of control with the virtual wearer: simulated muscles and the real decoder, in virtual
time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from acquisition.simulator.arms import ARMS
from acquisition.simulator.simulation import Simulation
from acquisition.simulator.will import Will
from acquisition.stream import Chunk
from acquisition.tables import refuse_unknown
from flexor import fitts, motion_test, tac
from flexor.virtual_wearer import Mind, Person, decide
from models.artifact import Artifact
from models.decoder import Decoder
from models.intent import Intent

CHUNK_N = 2
"""Samples at a time, as the Myo sends them."""
HOLD_S = 0.15
"""A decision moves the cursor no longer than a command moves a hand."""
SPEED = 1.0
"""Half widths per second that full strength moves the cursor by."""
SPEED_DEG_S = 60.0
"""The same for the limb of the TAC test."""
BREAK_S = 1.5
"""Rest between two motions of the motion test."""
EFFORT = 0.5


Runs = Sequence[tuple[Artifact, int, int]]
"""(what decides, user, seed) of the virtual wearers"""


class Arm:
    """A virtual wearer's arm with the decoder behind it, in virtual time."""

    def __init__(self, artifact: Artifact, user: int, seed: int) -> None:
        arm = ARMS["armband"]
        # The one who decides has its reaction time already.
        manner = replace(arm.manner, reaction_s=0.0)
        self.will = Will()
        self.now_s = 0.0
        self.period_s = CHUNK_N / arm.rate_hz
        self._simulation = Simulation(replace(arm, user=user, seed=seed, manner=manner), self.will)
        self._decoder = Decoder(artifact)
        self._state = self._decoder.start()
        self._last: Intent | None = None
        self._last_s = 0.0

    def turn(self) -> list[Intent]:
        """The decisions of the next moment."""
        chunk = Chunk(self._simulation.take(CHUNK_N).samples, self.now_s)
        self.now_s += self.period_s
        intents = self._decoder.step(chunk, self._state)
        if intents:
            self._last, self._last_s = intents[-1], self.now_s
        return intents

    def velocity(self, person: Person, axes_n: int, speed: float) -> tuple[float, ...]:
        """(axis,) that the newest decision moves, unless it is old."""
        if self._last is None or self.now_s - self._last_s > HOLD_S:
            return (0.0,) * axes_n
        gesture, along = self._last.gesture, speed * self._last.strength
        return tuple(
            along * ((gesture == up) - (gesture == down)) for up, down in person.axes[:axes_n]
        )


def fitts_test(
    artifact: Artifact,
    ring: fitts.Ring,
    person: Person,
    user: int = 0,
    seed: int = 0,
    speed: float = SPEED,
) -> list[fitts.Result]:
    """Every trial of a ring, by a virtual wearer through the decoder that runs live."""
    arm, mind = Arm(artifact, user, seed), Mind()
    results, at = [], (0.0, 0.0)
    for target in fitts.targets(ring):
        trial = fitts.begin(target, at)
        while not trial.done:
            arm.turn()
            x, y = arm.velocity(person, 2, speed)
            trial = fitts.step(ring, trial, (x, y), arm.period_s)
            arm.will.want(
                *decide(person, mind, arm.now_s, trial.at, (x, y), target, ring.width / 2)
            )
        at = trial.at
        results.append(fitts.result(ring, trial))
    return results


def tac_test(
    artifact: Artifact,
    test: tac.Tac,
    person: Person,
    user: int = 0,
    seed: int = 0,
    speed_deg_s: float = SPEED_DEG_S,
) -> list[tac.Outcome]:
    """Every posture, by a virtual wearer through the decoder that runs live."""
    arm = Arm(artifact, user, seed)
    outcomes = []
    for target in tac.postures(test):
        attempt, mind = tac.begin(test, target), Mind()
        while not attempt.done:
            arm.turn()
            moving = arm.velocity(person, test.freedoms_n, speed_deg_s)
            attempt = tac.step(test, attempt, moving, arm.period_s)
            seen = attempt.at_deg
            arm.will.want(
                *decide(person, mind, arm.now_s, seen, moving, target, test.tolerance_deg)
            )
        outcomes.append(tac.outcome(attempt))
    return outcomes


def motions_test(
    artifact: Artifact, test: motion_test.MotionTest, user: int = 0, seed: int = 0
) -> list[motion_test.Motion]:
    """Every gesture of the artifact once, by a virtual wearer, with rest between."""
    arm, rest = Arm(artifact, user, seed), artifact.contract.rest
    done = []
    for gesture in (g for g in artifact.contract.labels if g != rest):
        for _ in _moments(arm, BREAK_S):
            arm.will.want(rest, 0.0)
        motion, began_s = motion_test.Motion(gesture), arm.now_s
        arm.will.want(gesture, EFFORT)
        while not motion.done:
            for intent in arm.turn():
                at_s = arm.now_s - began_s
                motion = motion_test.step(test, motion, intent.gesture, rest, at_s)
        done.append(motion)
    return done


def _moments(arm: Arm, seconds: float) -> Iterator[None]:
    until_s = arm.now_s + seconds
    while arm.now_s < until_s:
        yield
        arm.turn()


def variants(artifact: Artifact) -> dict[str, Artifact]:
    """The artifact as it is, without each of its decision stages, and with none of them that
    only choose (strength is kept: the cursor's speed rests on it)."""
    stages = artifact.contract.decision
    named = {type(s).__name__.lower(): s for s in stages if type(s).__name__ != "Proportional"}
    kept = {"all stages": stages}
    for name, stage in named.items():
        kept[f"without {name}"] = tuple(s for s in stages if s is not stage)
    kept["none of them"] = tuple(s for s in stages if s not in named.values())
    return {
        name: replace(artifact, contract=replace(artifact.contract, decision=decision))
        for name, decision in kept.items()
    }


def assess(
    artifacts: Mapping[int, Artifact], what: str, *, seeds: tuple[int, ...]
) -> list[dict[str, Any]]:
    """One row for each way of deciding: the figures of the test over all users and seeds.

    artifacts: user -> what decides for that virtual wearer; all of the same decision stages.
    """
    refuse_unknown(what, TESTS, "test")
    made = {user: variants(artifact) for user, artifact in artifacts.items()}
    names = next(iter(made.values()))
    return [
        {
            "decision": name,
            **TESTS[what]([(of[name], user, seed) for user, of in made.items() for seed in seeds]),
        }
        for name in names
    ]


def _fitts(runs: Runs) -> dict[str, Any]:
    ring, person = fitts.Ring(), Person()
    return fitts.summary([r for a, u, s in runs for r in fitts_test(a, ring, person, u, s)])


def _tac(runs: Runs) -> dict[str, Any]:
    # The window is small beside the way, and slow is what finds it.
    test, person = tac.Tac(), Person(near=4.0)
    return tac.summary([o for a, u, s in runs for o in tac_test(a, test, person, u, s)])


def _motion(runs: Runs) -> dict[str, Any]:
    test = motion_test.MotionTest()
    return motion_test.summary([m for a, u, s in runs for m in motions_test(a, test, u, s)])


TESTS: dict[str, Callable[[Runs], dict[str, Any]]] = {
    "fitts": _fitts,
    "tac": _tac,
    "motion": _motion,
}
"""name -> figures over runs"""

"""Fault 37: an adaptation without labels is led astray."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.script import Prompt, Script
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Chunk
from firmware_bridge.safety_state import Phase
from flexor.fault_bench import VirtualRun
from flexor.fault_stream import DEVICE
from flexor.fault_table import Outcome
from flexor.profile import DEMO_ARTIFACT
from models.adapt import Adaptation, fits
from models.artifact import Artifact, open_artifact
from models.contract import Contract, Tensor
from models.familiar import Familiar
from models.head import Head, Matrix
from preprocessing.features import LogCovariance
from preprocessing.stage import Array, Chain, offline
from preprocessing.windows import Windows

EFFORT, HELD_S, SETTLE_S = 0.5, 2.5, 0.7
DIMENSIONS_N = 6
RIDGE = 1e-3
QUICK = Adaptation(
    block_windows=4, refit_blocks=1, memory_blocks=40, turn_blocks=0, watch_blocks=4,
    pause_blocks=10, prior_blocks=5.0,
)  # fmt: skip
"""Ten times as quick as a wearer's, so that what takes minutes takes seconds."""
ASTRAY_S, BACK_S, END_S = 5.0, 9.0, 15.0
SCRIPT = Script(
    (
        Prompt("rest", 0.0, 2.5),
        Prompt("hand_close", EFFORT, 2.5),
        Prompt("rest", 0.0, 6.0),
        Prompt("hand_open", EFFORT, 1.5),
        Prompt("rest", 0.0, 3.0),
    ),
    loop=False,
)
RESTED_S, OPENS_S = 10.2, 11.0
"""From when on rest has to be rest again, and until when nothing else is asked for."""
REST_SHARE = 0.99
INDEX, CLOSED_DEG, OPEN_DEG = 2, 80.0, 10.0
LED_ASTRAY = 5.0
"""Deviations of a block by which a mean moves that was led astray."""
LOUD = np.array([1, 8, 1, 8, 1, 8, 1, 8], np.float32)
"""What leads it astray: every second electrode reads eight times too much."""


class Projection:
    """A linear network, computed here."""

    name = "numpy"

    def __init__(self, projection: Matrix, offset: Matrix) -> None:
        self._projection, self._offset = projection, offset

    def start(self) -> Any:
        return None

    def run(self, x: Array, state: Any = None) -> Array:
        out = x.reshape(1, -1) @ self._projection + self._offset
        return np.asarray(out, np.float32)


def adaptive(settings: Adaptation | None) -> Artifact:
    """An artifact that follows its wearer: a linear head on the simulated arm's log-covariances,
    fitted to a few seconds of each gesture."""
    demo = open_artifact(DEMO_ARTIFACT)
    contract = demo.contract
    cut = next(i for i, s in enumerate(contract.chain.stages) if isinstance(s, Windows))
    chain = Chain((*contract.chain.stages[: cut + 1], LogCovariance()))
    rows = _examples(contract, chain)
    means = np.stack([row.mean(axis=0) for row in rows])
    middle = means.mean(axis=0)
    within = np.mean([np.cov(row.T) for row in rows], axis=0)
    values, vectors = np.linalg.eigh(within + RIDGE * np.trace(within) * np.eye(len(within)))
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    axes = np.linalg.svd((means - middle) @ whiten, full_matrices=False)[2][:DIMENSIONS_N].T
    projection = whiten @ axes
    offset = -middle @ projection
    gestures_n, n = len(means), DIMENSIONS_N
    head = Head(
        projection,
        offset,
        shift=np.zeros(n),
        shift_covariance=np.eye(n),
        means=means @ projection + offset,
        voices=np.zeros((1, gestures_n, n)),
        factors=np.tile(np.eye(n), (gestures_n, 1, 1)),
    )
    size = (1, len(projection))
    decision = tuple(s for s in contract.decision if not isinstance(s, Familiar))
    made = replace(
        contract,
        chain=chain,
        decision=decision,
        input=Tensor("x", size, "float32"),
        output=Tensor("embedding", (1, n), "float32"),
        head=head,
        adaptation=settings,
    )
    return replace(demo, contract=made, runtime=Projection(projection, offset))


def _examples(contract: Contract, chain: Chain) -> list[Array]:
    """For each label the features (window, feature) of it held."""
    rate_hz = contract.spec.rate_hz
    prompts = tuple(Prompt(label, EFFORT, HELD_S) for label in contract.labels)
    lead = Prompt(contract.rest, 0.0, HELD_S)
    simulation = Simulation(replace(ARMBAND, seed=3), Script((lead, *prompts), loop=False), ())
    samples = simulation.take(round((1 + len(prompts)) * HELD_S * rate_hz)).samples
    features = offline(chain, samples, contract.spec)
    windows = contract.windows
    ends_s = (windows.length_samples + windows.hop_samples * np.arange(len(features))) / rate_hz
    rows = []
    for i in range(len(prompts)):
        begin_s = (i + 1) * HELD_S
        held = (ends_s > begin_s + SETTLE_S) & (ends_s <= begin_s + HELD_S)
        rows.append(features[held].reshape(held.sum(), -1))
    return rows


def astray() -> Outcome:
    """37: for four seconds the electrodes tell what no wearer did, and the head follows.

    It moves within its bound and never its reference; when what comes fits the calibration better
    again, that comes back, and rest is rest.
    """
    run = VirtualRun(word=DEVICE, c=True, script=SCRIPT, artifact=adaptive(QUICK))
    run.change = lambda chunk: _loud(chunk) if ASTRAY_S <= run.second < BACK_S else chunk
    adapter, state = run.loop.decoder.adapter, run.loop.state.adaptive
    if adapter is None or state is None:
        return Outcome(False, None, "")
    before = adapter.reference.copy()
    ok, moved = True, 0.0
    while run.second < BACK_S - 1e-6:
        run.until(run.second + 0.1)
        ok &= fits(state.means, before, QUICK.bound)
        moved = max(moved, float(np.abs(state.means - before).max()))
    ok &= moved > LED_ASTRAY and run.mcu.position_deg[INDEX] > CLOSED_DEG
    run.until(RESTED_S)
    stood, decided_n = run.mcu.position_udeg, len(run.loop.tally.decided)
    run.until(OPENS_S)
    rested = [d.gesture for d in run.loop.tally.decided[decided_n:]]
    ok &= rested.count("rest") >= REST_SHARE * len(rested) and run.mcu.position_udeg == stood
    ok &= state.counts.rollbacks > 0 and np.array_equal(adapter.reference, before)
    run.until(END_S)
    ok &= run.loop.gate_state.phase is Phase.ARMED and run.mcu.position_deg[INDEX] < OPEN_DEG
    return Outcome(bool(ok), None, run.told(ASTRAY_S))


def _loud(chunk: Chunk) -> Chunk:
    return replace(chunk, samples=chunk.samples * LOUD)

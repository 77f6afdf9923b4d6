"""Measures this machine: ratios in one run, medians with p99."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.stream import Chunk, Refused
from firmware_bridge.command import Command, Mode
from firmware_bridge.control import HAND6_GRIPS, Grips, command_of, control
from firmware_bridge.hands import HAND6, Telemetry
from firmware_bridge.link import HandState
from firmware_bridge.safety import gate
from firmware_bridge.safety_state import Do, Health, Phase, Request, gate_start, limits_for
from flexor.profile import DEMO_ARTIFACT
from flexor.tally import spread
from models.artifact import open_artifact
from models.decoder import Decoder
from preprocessing.quality import Quality

START_S = 1000.0
ARMING_DECISIONS = 60
BENCHES = ("latency", "load", "start")


def run_bench(what: str, artifact_path: Path | None, repeats: int) -> dict[str, Any]:
    """The figures of one bench. Refuses an unknown one."""
    if what not in BENCHES:
        raise Refused(f'There is no bench "{what}"; there are {", ".join(BENCHES)}.')
    if not 50 <= repeats <= 1_000_000:
        raise Refused(f"A bench takes 50 to 1,000,000 repeats, not {repeats}.")
    if what == "start":
        return bench_start(min(repeats, 20))
    if what == "load":
        from flexor.bench_load import bench_load

        return bench_load(repeats)
    return bench_latency(artifact_path or DEMO_ARTIFACT, repeats)


def bench_latency(path: Path, repeats: int) -> dict[str, Any]:
    """One hop of signal to the bytes of its command, stage by stage, beside the bare call of the
    runtime on the same window, taken in turns so that a busy machine is busy for both.

    The whole hop comes in one chunk. Frames go to a pseudo-terminal that a thread empties.
    """
    from flexor.bench_port import drained_link

    artifact = open_artifact(path)
    contract = artifact.contract
    hop_n = contract.windows.hop_samples
    rng = np.random.default_rng(0)
    level = (contract.spec.full_scale or 100.0) / 8
    samples = rng.normal(size=((repeats + 400) * hop_n, len(contract.spec.channels))) * level
    samples = samples.round().astype(np.float32)
    stages: dict[str, list[float]] = {}
    whole: list[float] = []
    bare: list[float] = []
    with drained_link() as link:
        once = _pipeline(artifact, link)
        for k in range(repeats + 400):
            first = k * hop_n
            now_s = START_S + (first + hop_n) / contract.spec.rate_hz
            chunk = Chunk(
                samples[first : first + hop_n], now_s - (hop_n - 1) / contract.spec.rate_hz
            )
            marks, x = once(chunk, now_s)
            if x is None or k < 400:
                continue
            for name, begin, end in marks:
                stages.setdefault(name, []).append(end - begin)
            whole.append(marks[-1][2] - marks[0][1])
            begin = time.perf_counter()
            artifact.runtime.run(x)
            bare.append(time.perf_counter() - begin)
    pipeline, runtime = spread(whole, 1e6), spread(bare, 1e6)
    if pipeline is None or runtime is None:
        raise Refused("Nothing was measured: the artifact decided nothing.")
    return {
        "artifact": contract.name,
        "runtime": artifact.runtime.name,
        "channels": len(contract.spec.channels),
        "rate_hz": contract.spec.rate_hz,
        "hop_ms": 1e3 * contract.hop_s,
        "stages_us": {name: (spread(v, 1e6) or {})["p50"] for name, v in stages.items()},
        "pipeline_us": pipeline,
        "runtime_us": runtime,
        "ratio": round(pipeline["p50"] / runtime["p50"], 3),
        "share_of_one_core": round(pipeline["p50"] / (1e6 * contract.hop_s), 5),
    }


def _pipeline(artifact: Any, link: Any) -> Callable[..., Any]:
    """A function (chunk, now_s) -> (marks (name, begin, end), network input or None): exactly the
    steps of the live loop, armed, with a clock read between them."""
    contract = artifact.contract
    decoder = Decoder(artifact)
    state = decoder.start()
    quality = Quality()
    limits = limits_for(HAND6)
    moving = [g for g in HAND6_GRIPS.grips if g.gesture in contract.labels]
    mapping = control(
        Grips(tuple(moving), contract.rest), HAND6, contract.labels, 1 / contract.hop_s
    )
    healthy = Health(True, True, True)
    held: dict[str, Any] = {"quality": quality.start(contract.spec), "gate": gate_start(limits)}
    middle = tuple(sum(joint.range_deg) / 2 for joint in HAND6.joints)
    held["gate"] = _armed(held["gate"], middle, limits)
    state.counters.decisions = ARMING_DECISIONS
    clock = time.perf_counter

    def once(chunk: Chunk, now_s: float) -> tuple[list[tuple[str, float, float]], Any]:
        t0 = clock()
        _, held["quality"] = quality.step(chunk.samples, held["quality"])
        t1 = clock()
        windows = decoder.push(chunk, state)
        t2 = clock()
        if not windows:
            return [("quality", t0, t1), ("preprocessing", t1, t2)], None
        intent = decoder.decide(windows[-1], state)
        t3 = clock()
        command = command_of(mapping, intent)
        held["gate"], output = gate(
            held["gate"],
            command,
            Telemetry(HandState.ARMED, middle, 0.0),
            healthy,
            None,
            now_s,
            limits,
        )
        t4 = clock()
        link.send(output, now_s)
        t5 = clock()
        names = ("quality", "preprocessing", "inference and decision", "control and gate", "link")
        edges = (t0, t1, t2, t3, t4, t5)
        return list(zip(names, edges[:-1], edges[1:], strict=True)), windows[-1].x

    return once


def _armed(state: Any, at_deg: tuple[float, ...], limits: Any) -> Any:
    """The gate after a rest long enough, a request, and the hand's word that it is armed."""
    healthy = Health(True, True, True)
    hand, request = HandState.IDLE, None
    for n in range(ARMING_DECISIONS):
        now_s = START_S - (ARMING_DECISIONS - n) * 0.025
        command = Command(Mode.VELOCITY, (0.0,) * len(at_deg), now_s, n, 0.15, rest=True)
        telemetry = Telemetry(hand, at_deg, 0.0)
        state, output = gate(state, command, telemetry, healthy, request, now_s, limits)
        request = Request.ARM if n == ARMING_DECISIONS - 5 else None
        hand = HandState.ARMED if output.do is Do.ARM else hand
    if state.phase is not Phase.ARMED:
        raise Refused(f"The gate did not arm for the bench: {state.cause.value}")
    return state


def bench_start(repeats: int) -> dict[str, Any]:
    """How long help takes, against the start of an interpreter that imports numpy, in turns."""
    flexor = [sys.executable, "-c", "from flexor.cli import main; main()", "--help"]
    numpy = [sys.executable, "-c", "import numpy"]
    taken: dict[str, list[float]] = {"help": [], "numpy": []}
    for _ in range(repeats):
        for name, words in (("help", flexor), ("numpy", numpy)):
            begin = time.perf_counter()
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - begin)
    help_ms, numpy_ms = spread(taken["help"], 1e3), spread(taken["numpy"], 1e3)
    ratio = (help_ms or {})["p50"] / (numpy_ms or {})["p50"]
    return {"help_ms": help_ms, "numpy_ms": numpy_ms, "ratio": round(ratio, 2)}

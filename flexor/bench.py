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
from firmware_bridge.control import HAND6_GRIPS, Grips, command_of, control, grips_for
from firmware_bridge.hands import HAND6, Telemetry
from firmware_bridge.link import HandState
from firmware_bridge.safety import gate
from firmware_bridge.safety_state import Do, Health, Phase, Request, gate_start, limits_for
from firmware_bridge.serial_link import SerialLink
from firmware_bridge.session import LinkPhase, Session
from flexor.profile import DEMO_ARTIFACT
from flexor.tally import spread
from models.artifact import open_artifact
from models.decoder import Decoder
from preprocessing.quality import Quality

START_S = 1000.0
ARMING_DECISIONS = 60
WARM_HOPS = 400
PIPELINE = ("preprocessing", "inference and decision", "framing")
"""Stages that the ratio to the bare runtime counts; the rest of the hop is shown beside it."""
BENCHES = ("latency", "start", "sources")


def run_bench(what: str, artifact_path: Path | None, repeats: int) -> dict[str, Any]:
    """The figures of one bench. Refuses an unknown one."""
    if what not in BENCHES:
        raise Refused(f'There is no bench "{what}"; there are {", ".join(BENCHES)}.')
    if not 50 <= repeats <= 1_000_000:
        raise Refused(f"A bench takes 50 to 1,000,000 repeats, not {repeats}.")
    if what == "start":
        return bench_start(min(repeats, 20))
    if what == "sources":
        from flexor.bench_sources import bench_sources

        return bench_sources()
    return bench_latency(artifact_path or DEMO_ARTIFACT, repeats)


def bench_latency(path: Path, repeats: int) -> dict[str, Any]:
    """One hop of signal to the bytes of its command, stage by stage, beside the bare call of the
    runtime on such a window, taken in turns so that a busy machine is busy for both.

    The pipeline is preprocessing, inference, decision and framing; the hop has the quality check,
    the control mapping and the safety gate too. Twice bare: "runtime" is the runtime's public
    call, "runtime bound" the one with buffers bound once that the pipeline itself uses. The whole
    hop comes in one chunk; the frame is made to the last byte, and the kernel's part of writing
    it is left out, as that of reading samples is.
    """
    artifact = open_artifact(path)
    contract = artifact.contract
    hop_n, rate_hz = contract.windows.hop_samples, contract.spec.rate_hz
    rng = np.random.default_rng(0)
    level = (contract.spec.full_scale or 100.0) / 8
    hops_n = 2 * repeats + WARM_HOPS
    samples = rng.normal(size=(hops_n * hop_n, len(contract.spec.channels))) * level
    samples = samples.round().astype(np.float32)
    plain = plain_runtime(path)
    stages: dict[str, list[float]] = {}
    taken: dict[str, list[float]] = {n: [] for n in ("hop", "pipeline", "runtime", "bound")}
    pipeline = Pipeline(artifact)
    for k in range(hops_n):
        now_s = START_S + (k + 1) * hop_n / rate_hz
        clock_s = now_s - (hop_n - 1) / rate_hz
        chunk = Chunk(samples[k * hop_n : (k + 1) * hop_n], clock_s)
        run = (plain, None, artifact.runtime.run, None)[k % 4]
        marks = pipeline.hop(chunk, now_s, run)
        if not marks or k < WARM_HOPS:
            continue
        if run is None:
            taken["hop"].append(marks[-1][2] - marks[0][1])
            taken["pipeline"].append(sum(e - b for n, b, e in marks if n in PIPELINE))
            for name, begin, end in marks:
                stages.setdefault(name, []).append(end - begin)
        else:
            name, begin, end = marks[-1]
            taken["runtime" if run is plain else "bound"].append(end - begin)
    spreads = {name: spread(values, 1e6) for name, values in taken.items()}
    hop, whole, bare, bound = (spreads[n] for n in ("hop", "pipeline", "runtime", "bound"))
    if hop is None or whole is None or bare is None or bound is None:
        raise Refused("Nothing was measured: the artifact decided nothing.")
    return {
        "artifact": contract.name,
        "runtime": artifact.runtime.name,
        "channels": len(contract.spec.channels),
        "rate_hz": rate_hz,
        "hop_ms": 1e3 * contract.hop_s,
        "stages_us": {name: (spread(v, 1e6) or {})["p50"] for name, v in stages.items()},
        "pipeline_us": whole,
        "hop_us": hop,
        "runtime_us": bare,
        "runtime_bound_us": bound,
        "ratio": round(whole["p50"] / bare["p50"], 3),
        "ratio_hop": round(hop["p50"] / bare["p50"], 3),
        "ratio_bound": round(whole["p50"] / bound["p50"], 3),
        "share_of_one_core": round(hop["p50"] / (1e6 * contract.hop_s), 5),
        "setpoints_sent": pipeline.sent_n,
    }


def plain_runtime(path: Path) -> Callable[[Any], Any]:
    """The network as anybody would call it: the runtime's public call, an array in, one out."""
    artifact = open_artifact(path)
    if path.suffix != ".onnx":
        return artifact.runtime.run
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    names, inside = [artifact.contract.output.name], artifact.contract.input.name
    return lambda x: session.run(names, {inside: x})


Mark = tuple[str, float, float]
"""(name, begin, end) in seconds of perf_counter"""


class NullPort:
    """Takes every byte at once."""

    is_open = True

    def write(self, data: bytes) -> int:
        return len(data)


class Pipeline:
    """Exactly the steps of the live loop, armed, with a clock read between them."""

    def __init__(self, artifact: Any) -> None:
        contract = artifact.contract
        self._decoder = Decoder(artifact)
        self._state = self._decoder.start()
        self._quality = Quality()
        self._quality_state = self._quality.start(contract.spec)
        self._limits = limits_for(HAND6)
        grips = grips_for(contract.labels, Grips(HAND6_GRIPS.grips, contract.rest))
        self._control = control(grips, HAND6, contract.labels, 1 / contract.hop_s)
        self._healthy = Health(True, True, True)
        middle = tuple(sum(joint.range_deg) / 2 for joint in HAND6.joints)
        # A hand that moves: one that stood still would be told apart as stuck.
        self._telemetry = [
            Telemetry(HandState.ARMED, tuple(deg + shift for deg in middle), 0.0)
            for shift in (-1.0, 1.0)
        ]
        self._gate = _armed(gate_start(self._limits), middle, self._limits)
        self._state.counters.decisions = ARMING_DECISIONS
        session = Session(1, len(HAND6.joints), 150, LinkPhase.UP)
        self._link = SerialLink("bench", HAND6, NullPort(), None, session)
        self.sent_n = 0

    def hop(self, chunk: Chunk, now_s: float, run: Callable[[Any], Any] | None) -> list[Mark]:
        """The marks of one hop. With `run`, that is called and timed in the place of what follows
        the preprocessing, so that both find the caches in the same state."""
        clock = time.perf_counter
        t0 = clock()
        _, self._quality_state = self._quality.step(chunk.samples, self._quality_state)
        t1 = clock()
        windows = self._decoder.push(chunk, self._state)
        t2 = clock()
        if not windows:
            return []
        window = windows[-1]
        if run is not None:
            begin = clock()
            run(window.x)
            return [("runtime", begin, clock())]
        t3 = clock()
        intent = self._decoder.decide(window, self._state)
        t4 = clock()
        command = command_of(self._control, intent)
        telemetry = self._telemetry[intent.decision_n % 2]
        self._gate, output = gate(
            self._gate, command, telemetry, self._healthy, None, now_s, self._limits
        )
        t5 = clock()
        sent = self._link.send(output, now_s)
        t6 = clock()
        self.sent_n += sent is not None
        return [
            ("quality", t0, t1),
            ("preprocessing", t1, t2),
            ("inference and decision", t3, t4),
            ("control and gate", t4, t5),
            ("framing", t5, t6),
        ]


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

"""Writes artifacts: the only writer of contracts."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
from pathlib import Path

import numpy as np

from acquisition.stream import Refused, Samples
from models import onnx_file, tflite_file
from models.artifact import CONTRACT_KEY, MAX_BYTES, Artifact, logits_of, open_artifact
from models.contract import Contract, Golden
from models.contract_json import to_bytes
from models.runtimes import Runtime, open_runtime
from models.whole_file import replace_file as write_whole
from preprocessing.stage import offline

FEATURES_TOLERANCE = 1e-5
"""Relative. Filters run in float64; other processors differ in the last bits of the design."""
LOGITS_TOLERANCE_SHARE = 0.02
"""Of the span of the golden logits: five int8 steps. A wrong kernel is off by tens of percent."""
GOLDEN_FLOATS = 2_500
"""How many numbers of features an artifact keeps, at most, and one window at least."""

NO_GOLDEN = Golden(
    np.empty((0, 0), np.float32), (), np.empty(0, np.float32), np.empty(0, np.float32), 0.0, 0.0
)


def write_artifact(path: Path, graph: bytes, draft: Contract, golden: Samples) -> Artifact:
    """Puts the contract, completed by the graph's digest and the golden recording, into the graph
    and the file in place; gives the artifact as a device will open it.

    graph: bytes of an ONNX or TensorFlow Lite graph, as the suffix of `path` says.
    golden: (time, channel) of the draft's spec, long enough for one window.
    """
    lite = path.suffix == ".tflite"
    digest = tflite_file.digest(graph) if lite else onnx_file.read(graph)[1]
    draft = dataclasses.replace(draft, digest=digest)
    runtime = open_runtime(path.suffix, graph, draft)
    contract = dataclasses.replace(draft, golden=make_golden(draft, runtime, golden))
    written = to_bytes(contract)
    data = (
        tflite_file.with_contract(graph, written)
        if lite
        else onnx_file.with_metadata(graph, CONTRACT_KEY, written)
    )
    if len(data) > MAX_BYTES:
        raise Refused(f"The artifact would have {len(data)} bytes; {MAX_BYTES} is the most.")
    replace_file(path, data)
    return open_artifact(path)


def make_golden(contract: Contract, runtime: Runtime, samples: Samples) -> Golden:
    """What the chain and the runtime make of a short recording, on this machine."""
    features = offline(contract.chain, samples, contract.spec)
    if not len(features):
        raise Refused(
            f"A golden recording of {len(samples)} samples is shorter than one window of "
            f"{contract.windows.length_samples}."
        )
    logits = logits_of(runtime, features, contract)
    kept_n = max(1, min(len(features), GOLDEN_FLOATS // features[0].size))
    kept = np.linspace(len(features) - 1, 0, kept_n).round().astype(int)[::-1]
    span = float(logits.max() - logits.min())
    return Golden(
        samples=samples.astype(np.float32),
        windows=tuple(int(k) for k in kept),
        features=features[kept],
        logits=logits,
        features_tolerance=FEATURES_TOLERANCE,
        logits_tolerance=LOGITS_TOLERANCE_SHARE * span,
    )


def calibration_digest(windows: Samples) -> str:
    """SHA-256 of the windows that a quantization was calibrated on."""
    return hashlib.sha256(np.ascontiguousarray(windows, "<f4").tobytes()).hexdigest()


def replace_file(path: Path, data: bytes) -> None:
    """Puts `data` at `path`, whole or not at all, in a folder that is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def code_commit() -> str:
    """The git commit of the running code, "+dirty" behind it when files differ, or "unknown"."""
    here = Path(__file__).resolve().parent
    try:
        commit = _git(here, "rev-parse", "HEAD")
        changed = _git(here, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+dirty" if changed else "")


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words],  # noqa: S607 - the developer's own git
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()

"""Reads an artifact, refuses what must not run, and proves it on its golden recording."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from acquisition.stream import Refused, Spec
from models import onnx_file, tflite_file
from models.contract import Contract
from models.contract_json import from_bytes
from models.runtimes import Runtime, open_runtime
from preprocessing.stage import Array, offline

MAX_BYTES = 8_000_000
"""No network that decides in time on a device is larger."""
CONTRACT_KEY = "contract"


@dataclass(frozen=True)
class Artifact:
    """A checked contract with a runtime that has passed its golden recording."""

    path: str
    contract: Contract
    runtime: Runtime
    digest: str
    """SHA-256 of the whole file"""
    bytes_n: int
    instead: str = ""
    """why this one decides in place of another that was refused; "" where none was"""


def open_artifact(path: str | Path) -> Artifact:
    """The artifact in a .onnx or .tflite file.

    Refuses, each in one sentence: what is missing, a link, too large, cut, without a contract,
    of another schema, with unknown keys, with foreign operators or weights elsewhere, changed
    after export, or not giving on this device what it gave when it was made.
    """
    path = Path(path)
    data = _bytes(path)
    contract, graph = read_contract(data, path.suffix)
    runtime = open_runtime(path.suffix, graph, contract)
    check_golden(contract, runtime)
    return Artifact(str(path), contract, runtime, hashlib.sha256(data).hexdigest(), len(data))


def open_or_last_good(path: str | Path, last_good: str | Path = "") -> Artifact:
    """The artifact in `path` or, where that is refused and there is one, the last good artifact.

    Which is told in its `instead`. Refuses in the first one's words where neither can serve.
    """
    try:
        return open_artifact(path)
    except Refused as refusal:
        if not last_good:
            raise
        why = str(refusal)
    try:
        good = open_artifact(last_good)
    except Refused as refusal:
        raise Refused(f"{why} The last good artifact cannot serve either: {refusal}") from None
    return replace(good, instead=f'{why} The last good one, "{last_good}", decides instead.')


def read_contract(data: bytes, suffix: str) -> tuple[Contract, bytes]:
    """(contract, graph) of an artifact's bytes, checked but not run."""
    if suffix == ".onnx":
        metadata, digest = onnx_file.read(data)
        if CONTRACT_KEY not in metadata:
            raise Refused(
                "The artifact carries no contract; it is cut or was not exported by Flexor."
            )
        contract, graph = from_bytes(metadata[CONTRACT_KEY]), data
        onnx_file.check(graph)
    else:
        written, digest, graph = tflite_file.read(data)
        contract = from_bytes(written)
        tflite_file.check(graph)
    if digest != contract.digest:
        raise Refused(
            f"The artifact's graph has the digest {digest[:12]}, and its contract was written for "
            f"{contract.digest[:12]}; it was changed or damaged after export."
        )
    return contract, graph


def check_golden(contract: Contract, runtime: Runtime) -> None:
    """Runs the golden recording through the chain and the network of this device."""
    golden = contract.golden
    try:
        with np.errstate(all="ignore"):
            features = offline(contract.chain, golden.samples, contract.spec)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        raise Refused(f"The golden recording cannot go through the chain ({error}).") from None
    if len(features) != len(golden.logits):
        raise Refused(
            f"The golden recording gives {len(features)} windows on this device, and gave "
            f"{len(golden.logits)} when the artifact was made."
        )
    logits = logits_of(runtime, features, contract)
    kept = features[list(golden.windows)]
    scale = max(float(np.abs(golden.features).max()), 1e-6)
    _same("chain", kept, golden.features, golden.features_tolerance * scale)
    _same(runtime.name, logits, golden.logits, golden.logits_tolerance)


def logits_of(runtime: Runtime, features: Array, contract: Contract) -> Array:
    """(window, output) of consecutive windows (window, ...)."""
    shape, state = contract.input.shape, runtime.start()
    return np.concatenate([runtime.run(x.reshape(shape), state).copy() for x in features])


def check_spec(contract: Contract, spec: Spec) -> None:
    """Refuses a live stream that is not the one the artifact was trained for."""
    want = contract.spec
    if spec.rate_hz != want.rate_hz:
        raise Refused(
            f"The source gives {spec.rate_hz:g} Hz and the artifact was trained for "
            f"{want.rate_hz:g} Hz; use a source of that rate, or train for this one."
        )
    if spec.channels != want.channels:
        raise Refused(
            f"The source has the channels {list(spec.channels)} and the artifact was trained for "
            f"{list(want.channels)}, in that order; mend the wiring, or train for this one."
        )
    if (spec.unit, spec.scale) != (want.unit, want.scale):
        raise Refused(
            f"The source gives {spec.unit} with {spec.scale:g} per count and the artifact was "
            f"trained for {want.unit} with {want.scale:g}; use the device it was trained for."
        )


def _same(what: str, live: Array, golden: Array, tolerance: float) -> None:
    if live.shape != golden.shape:
        raise Refused(
            f"The golden recording gives {live.shape} through the {what} of this device, and gave "
            f"{golden.shape} when the artifact was made."
        )
    worst = float(np.abs(live - golden).max())
    if not worst <= tolerance:
        raise Refused(
            f"The golden recording differs by {worst:.3g} through the {what} of this device from "
            f"what it gave when the artifact was made (allowed: {tolerance:.3g}); this runtime "
            f"must not decide."
        )


def _bytes(path: Path) -> bytes:
    if path.suffix not in (".onnx", ".tflite"):
        raise Refused(f'"{path}" is no artifact: one ends in .onnx or .tflite.')
    if path.is_symlink():
        raise Refused(f'"{path}" is a link; name the artifact itself.')
    if not path.is_file():
        raise Refused(f'There is no artifact "{path}".')
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Refused(
            f'"{path}" has {size} bytes, and {MAX_BYTES} is the most that an artifact may have.'
        )
    return path.read_bytes()

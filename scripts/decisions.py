"""What the shipped artifacts decide on one recording, here and on another machine.

scripts/decisions.py record RECORDING            the simulator's wearer, once, on one machine
scripts/decisions.py decide RECORDING RESULT     on each machine
scripts/decisions.py compare RESULT RESULT       exit code 1 where a decision differs
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.script import demo_script
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Chunk
from models.artifact import open_artifact
from models.decoder import open_decoder

ARTIFACTS = Path(__file__).resolve().parents[1] / "flexor" / "artifacts"
SECONDS = 40
"""Every gesture of the demo's script, with rest between."""
CHUNK_SAMPLES = 2
"""As an armband sends them."""
LITE = ("ai_edge_litert", "tflite_runtime")


def record(recording: Path) -> None:
    """Another processor would round the simulation otherwise, so it is made once."""
    simulation = Simulation(ARMBAND, demo_script())
    np.save(recording, simulation.take(round(SECONDS * ARMBAND.rate_hz)).samples)


def ways(artifact: Path) -> Iterator[str]:
    """The name of each runtime that is installed for the artifact, while it is the only one."""
    if artifact.suffix == ".onnx":
        yield "onnxruntime"
        return
    for name in LITE:
        if find_spec(name):
            others = {other: None for other in LITE if other != name}
            sys.modules.update(others)  # type: ignore[arg-type]
            yield name
            for other in others:
                del sys.modules[other]


def decided(artifact: Path, samples: np.ndarray) -> dict[str, Any]:
    """The decisions of the live decoder, and how sure it was of each."""
    opened = open_artifact(artifact)
    decoder = open_decoder(opened, ARMBAND.spec)
    state = decoder.start()
    intents = []
    for n in range(0, len(samples), CHUNK_SAMPLES):
        chunk = Chunk(samples[n : n + CHUNK_SAMPLES], n / ARMBAND.rate_hz)
        intents += decoder.step(chunk, state)
    return {
        "digest": opened.digest,
        "runtime": opened.runtime.name,
        "machine": platform.machine(),
        "gestures": [intent.gesture for intent in intents],
        "confidence": [intent.confidence for intent in intents],
    }


def decide(recording: Path, result: Path) -> None:
    samples = np.load(recording)
    found = {
        f"{artifact.name} by {way}": decided(artifact, samples)
        for artifact in sorted([*ARTIFACTS.glob("*.onnx"), *ARTIFACTS.glob("*.tflite")])
        for way in ways(artifact)
    }
    result.write_text(json.dumps(found))


def compare(first: Path, second: Path) -> int:
    here, there = json.loads(first.read_text()), json.loads(second.read_text())
    both = sorted(set(here) & set(there))
    lone = {name.partition(" ")[0] for name in {*here, *there}} - {
        name.partition(" ")[0] for name in both
    }
    if lone or not both:
        print(f"No runtime decided on both machines for {sorted(lone) or 'any artifact'}.")
        return 1
    wrong_n = 0
    for name in both:
        a, b = here[name], there[name]
        if a["digest"] != b["digest"] or len(a["gestures"]) != len(b["gestures"]):
            print(f"{name}: the two machines did not decide on the same artifact and recording.")
            wrong_n += 1
            continue
        differ_n = sum(x != y for x, y in zip(a["gestures"], b["gestures"], strict=True))
        apart = np.abs(np.subtract(a["confidence"], b["confidence"]))
        print(
            f"{name}: {differ_n} of {len(a['gestures'])} decisions differ between {a['machine']} "
            f"and {b['machine']}, of {len(set(a['gestures']))} gestures; "
            f"confidence by at most {apart.max():.1e}."
        )
        wrong_n += differ_n
    return int(wrong_n > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["record", "decide", "compare"])
    parser.add_argument("files", type=Path, nargs="+")
    asked = parser.parse_args()
    work = {"record": record, "decide": decide, "compare": compare}[asked.what]
    return work(*asked.files) or 0


if __name__ == "__main__":
    sys.exit(main())

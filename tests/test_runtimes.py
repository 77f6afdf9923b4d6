"""The shipped artifact in both formats, on every runtime that is installed here."""

from __future__ import annotations

import builtins
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Chunk, Refused
from acquisition.synthetic import open_synthetic
from flexor.profile import DEMO_ARTIFACT
from models.artifact import Artifact, open_artifact
from models.decoder import Decoder
from models.runtimes import lite_interpreter

pytestmark = pytest.mark.edge

LITE = DEMO_ARTIFACT.with_suffix(".tflite")
RUNTIMES = ("ai_edge_litert", "tflite_runtime")


def has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if that package were not installed."""
    real = builtins.__import__

    def gone(module: str, *rest: Any, **more: Any) -> Any:
        if module.split(".", maxsplit=1)[0] == name:
            raise ImportError(name)
        return real(module, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", gone)


def decisions(artifact: Artifact, seconds: float = 12.0) -> list[str]:
    decoder = Decoder(artifact)
    state = decoder.start()
    source = open_synthetic(fast=True, seconds=seconds, seed=5)
    source.start()
    out = []
    while (chunk := source.read(1.0)) is not None:
        out += [intent.gesture for intent in decoder.step(chunk, state)]
    return out


def test_the_shipped_artifacts_are_small_and_pass_their_golden_recordings() -> None:
    assert DEMO_ARTIFACT.stat().st_size < 200_000
    assert LITE.stat().st_size < 200_000
    contract = open_artifact(DEMO_ARTIFACT).contract
    assert contract.rest == "rest"
    assert contract.quantization.agreement > 0.99


@pytest.mark.parametrize("only", RUNTIMES)
def test_the_tflite_artifact_decides_like_the_onnx_one(
    only: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has(only):
        pytest.skip(f"{only} is not installed here")
    if only == "tflite_runtime" and int(np.__version__.split(".")[0]) >= 2:
        pytest.skip("tflite-runtime is built against numpy 1")
    other = next(name for name in RUNTIMES if name != only)
    without(other, monkeypatch)
    artifact = open_artifact(LITE)
    assert artifact.runtime.name.startswith(only.replace("_", "-"))
    a, b = decisions(artifact), decisions(open_artifact(DEMO_ARTIFACT))
    same = sum(x == y for x, y in zip(a, b, strict=True)) / len(a)
    assert same > 0.98


def test_litert_is_taken_where_both_are_there() -> None:
    if not has("ai_edge_litert"):
        pytest.skip("ai-edge-litert is not installed here")
    assert lite_interpreter()[1].startswith("ai-edge-litert")


def test_without_a_tflite_runtime_the_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    without("ai_edge_litert", monkeypatch)
    monkeypatch.setitem(sys.modules, "tflite_runtime", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", None)
    with pytest.raises(Refused, match=r"install flexor\[tflite\]"):
        lite_interpreter()


def test_tflite_runtime_with_numpy_2_is_refused_before_it_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not has("tflite_runtime"):
        pytest.skip("tflite-runtime is not installed here")
    without("ai_edge_litert", monkeypatch)
    monkeypatch.setattr(np, "__version__", "2.4.6")
    with pytest.raises(Refused, match="needs numpy 1 and numpy 2"):
        lite_interpreter()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_tflite_artifact_is_refused(share: float, tmp_path: Path) -> None:
    out = tmp_path / "cut.tflite"
    data = LITE.read_bytes()
    out.write_bytes(data[: int(share * len(data))])
    with pytest.raises(Refused, match="no readable contract"):
        open_artifact(out)


def test_a_tflite_graph_that_was_changed_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "changed.tflite"
    data = bytearray(LITE.read_bytes())
    data[3000] ^= 1
    out.write_bytes(data)
    with pytest.raises(Refused, match="changed or damaged after export"):
        open_artifact(out)


def test_one_format_under_the_name_of_the_other_is_refused(tmp_path: Path) -> None:
    for path, suffix in ((DEMO_ARTIFACT, ".tflite"), (LITE, ".onnx")):
        wrong = tmp_path / f"wrong{suffix}"
        shutil.copy(path, wrong)
        with pytest.raises(Refused):
            open_artifact(wrong)


def test_the_runtime_is_asked_once_per_window_and_its_buffer_is_reused() -> None:
    artifact = open_artifact(DEMO_ARTIFACT)
    decoder = Decoder(artifact)
    state = decoder.start()
    x = np.zeros((200, 8), np.float32)
    windows = decoder.push(Chunk(x, 0.0), state)
    first = artifact.runtime.run(windows[0].x)
    assert artifact.runtime.run(windows[1].x) is first

"""Benchmarks by name, their intervals, and sessions in skewed use; cheating is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Chunk, Refused
from flexor.benchmark import run_benchmark
from models.artifact import open_artifact
from models.decoder import Decoder
from tests.toy_people import myo_segments, write_myo
from training.protocol_myo import (
    UNKNOWN,
    UNUSED,
    Case,
    interval,
    row_of,
    run_myo,
    stream_of,
)
from training.raw_head import RECIPE


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small set in the published layout."""
    root = tmp_path_factory.mktemp("myo")
    for n in range(3):
        parts = myo_segments(f"Male{n}", "training0", n)
        write_myo(root / f"PreTrainingDataset/Male{n}/training0", parts)
    for n, session in enumerate(("training0", "Test0", "Test1")):
        parts = myo_segments("Male0", session, 20 + n)
        write_myo(root / f"EvaluationDataset/Male0/{session}", parts)
    return root


def test_the_myo_protocol_gives_a_row_for_each_model_and_count(root: Path, tmp_path: Path) -> None:
    report = run_benchmark(
        "myo", Path("none.toml"), root, "0,1", "covariance_adaptive", "", tmp_path
    )
    assert "--protocol myo " in report["command"]
    assert "--cycles 0,1 --models covariance_adaptive" in report["command"]
    assert report["commit"]
    rows = report["rows"]
    assert [(row["model"], row["cycles"]) for row in rows] == [
        ("covariance_adaptive", 0),
        ("covariance_adaptive", 1),
    ]
    assert rows[1]["mean"] > 0.95
    assert rows[1]["int8_agreement"] > 0.98
    assert rows[1]["bytes"] <= 150_000
    assert set(rows[0]["per_user"]) == {"evaluation/Male0"}


def test_a_network_on_raw_windows_has_rows_whose_head_follows_its_output(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(RECIPE, pretrain=replace(RECIPE.pretrain, steps=30, batch=64), width=24)
    monkeypatch.setattr("training.protocol_myo.RECIPE", short)
    report = run_myo(Case(), root, ["second_order_adaptive"], [1], tmp_path)
    row = report["rows"][0]
    assert row["mean"] > 0.6, "after 30 steps; by chance 0.14"
    assert row["int8_agreement"] > 0.9
    assert row["bytes"] <= 150_000
    made = open_artifact(tmp_path / "second_order_adaptive-evaluation-Male0-1.onnx")
    assert made.contract.follows_output
    decoder = Decoder(made)
    state = decoder.start()
    chunk = Chunk(myo_segments("Male0", "Test0", 21)[3].samples, 0.0, 0)
    intents = decoder.step(chunk, state)
    assert state.adaptive is not None
    assert state.adaptive.held_n == len(intents) // made.contract.adaptation.block_windows
    kept = list(tmp_path.glob("second_order-*.pt"))
    before = kept[0].stat().st_mtime_ns
    run_myo(Case(), root, ["second_order"], [0], tmp_path)
    assert kept[0].stat().st_mtime_ns == before, "the network was not fitted again"


def test_a_calibration_that_is_also_the_test_is_refused(root: Path, tmp_path: Path) -> None:
    test = root / "EvaluationDataset/Male0/Test0"
    cheat = tmp_path / "set"
    for folder in ("PreTrainingDataset", "EvaluationDataset"):
        for path in sorted((root / folder).rglob("*.dat")):
            at = cheat / path.relative_to(root)
            at.parent.mkdir(parents=True, exist_ok=True)
            source = (
                test / path.name if "training0" in at.parts and "Evaluation" in folder else path
            )
            at.write_bytes(source.read_bytes())
    with pytest.raises(Refused, match="calibration and test parts hold the same samples"):
        run_myo(Case(), cheat, ["covariance"], [1], tmp_path)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("other", "0", ""), 'no protocol "other"'),
        (("myo", "5", ""), "whole numbers from 0 to 4"),
        (("myo", "0", "covarianse"), 'Did you mean "covariance"'),
    ],
)
def test_wrong_words_are_refused(words: tuple[str, str, str], sentence: str, root: Path) -> None:
    protocol, cycles, models = words
    with pytest.raises(Refused, match=sentence):
        run_benchmark(protocol, Path("none.toml"), root, cycles, models, "", root)


def test_skewed_use_is_mostly_rest_and_lacks_two_gestures() -> None:
    test = [s for name in ("Test0", "Test1") for s in myo_segments("u", name, 3, cycles_n=2)]
    long = [replace(s, samples=np.tile(s.samples, (3, 1))[:1000]) for s in test]
    stream = stream_of(long, Case(skewed=True))[0]
    ends = [n for n, _ in stream.markers[1:]] + [len(stream.samples)]
    held: dict[str, int] = {}
    for (start, gesture), end in zip(stream.markers, ends, strict=True):
        held[gesture] = held.get(gesture, 0) + end - start
    assert held["rest"] / len(stream.samples) == pytest.approx(0.8, abs=0.01)
    assert UNKNOWN in held
    assert not set(UNUSED) & set(held)


def test_the_interval_holds_the_mean_and_narrows_with_more_users() -> None:
    few, many = (np.tile([0.9, 1.0], n) for n in (3, 300))
    low, high = interval(few)
    assert low < 0.95 < high
    near = interval(many)
    assert near[1] - near[0] < high - low
    assert interval(few) == (low, high)


def test_a_row_names_its_worst_user() -> None:
    def one(share: float) -> dict[str, Any]:
        shares = dict.fromkeys(("int8", "float", "agreement", "rest"), share)
        rest = {"confusion": {}, "params": 1, "macs": 1, "bytes": 9, "us": 1.0, "cal": 0.1}
        return {**shares, **rest, "decision_us": 2.0}

    row = row_of("covariance", 1, ["a", "b"], [one(0.9), one(0.7)])
    assert row["worst"] == 0.7
    assert row["mean"] == pytest.approx(0.8)
    assert row["per_user"] == {"a": 0.9, "b": 0.7}

"""A damaged artifact never decides: cut, with flipped bits, or changed behind its seal."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused
from flexor.run import run_live
from models import onnx_file
from models.artifact import CONTRACT_KEY, open_artifact, open_or_last_good, read_contract
from models.contract_json import to_bytes
from tests.toys import toy_artifact, toy_graph

DEMO = Path(__file__).resolve().parents[1] / "flexor" / "artifacts" / "demo.onnx"
DEMO_TFLITE = DEMO.with_suffix(".tflite")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(toy_artifact(tmp_path_factory.mktemp("toy")).path)


@settings(max_examples=60)
@given(share=st.floats(0, 0.9999))
def test_an_artifact_cut_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, path: Path, share: float
) -> None:
    out = tmp_path_factory.getbasetemp() / "cut.onnx"
    data = path.read_bytes()
    out.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(Refused):
        open_artifact(out)


@settings(max_examples=60)
@given(place=st.integers(0, 10**9), flip=st.integers(1, 255))
def test_a_flipped_byte_in_the_graph_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, path: Path, place: int, flip: int
) -> None:
    out = tmp_path_factory.getbasetemp() / "flipped.onnx"
    data = bytearray(path.read_bytes())
    graph_n = len(toy_graph())
    data[place % graph_n] ^= flip
    out.write_bytes(data)
    with pytest.raises(Refused):
        open_artifact(out)


@settings(max_examples=60)
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_in_the_contract_is_refused(
    tmp_path_factory: pytest.TempPathFactory, path: Path, place: int, bit: int
) -> None:
    out = tmp_path_factory.getbasetemp() / "flipped.onnx"
    data = bytearray(path.read_bytes())
    written = onnx_file.read(bytes(data))[0][CONTRACT_KEY]
    data[data.index(written) + place % len(written)] ^= 1 << bit
    out.write_bytes(data)
    with pytest.raises(Refused):
        open_artifact(out)


@settings(max_examples=100)
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_behind_a_tflite_graph_is_refused_or_harmless(place: int, bit: int) -> None:
    data = bytearray(DEMO_TFLITE.read_bytes())
    contract, graph = read_contract(bytes(data), ".tflite")
    begin = len(graph)
    data[begin + place % (len(data) - begin)] ^= 1 << bit
    try:
        found, same = read_contract(bytes(data), ".tflite")
    except Refused:
        return
    assert (to_bytes(found), same) == (to_bytes(contract), graph)


def test_a_decision_that_was_changed_under_its_seal_is_refused(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    written = onnx_file.read(data)[0][CONTRACT_KEY]
    changed = written.replace(b'"min_confidence":0.5', b'"min_confidence":0.1')
    assert changed != written
    out = tmp_path / "changed.onnx"
    out.write_bytes(onnx_file.with_metadata(data, CONTRACT_KEY, changed))
    with pytest.raises(Refused, match="not the one that was written"):
        open_artifact(out)


def test_a_golden_recording_that_breaks_the_chain_is_refused(path: Path, tmp_path: Path) -> None:
    contract = open_artifact(path).contract
    samples = np.full_like(contract.golden.samples, np.inf)
    golden = dataclasses.replace(contract.golden, samples=samples)
    out = tmp_path / "broken.onnx"
    written = to_bytes(dataclasses.replace(contract, golden=golden))
    out.write_bytes(onnx_file.with_metadata(path.read_bytes(), CONTRACT_KEY, written))
    with pytest.raises(Refused, match="golden recording"):
        open_artifact(out)


def test_the_last_good_artifact_decides_where_another_is_damaged(
    path: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(path.read_bytes()[:2000])
    kept = open_or_last_good(cut, path)
    assert kept.digest == open_artifact(path).digest
    assert "is damaged" in kept.instead
    assert f'The last good one, "{path}", decides instead.' in kept.instead
    assert open_or_last_good(path, cut).instead == ""
    with pytest.raises(Refused, match="is damaged"):
        open_or_last_good(cut)
    with pytest.raises(Refused, match=r"is damaged.*cannot serve either"):
        open_or_last_good(cut, cut)


def test_a_run_goes_on_with_the_last_good_artifact_and_tells_why(tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(DEMO.read_bytes()[:-5000])
    profile = tmp_path / "wearer.toml"
    profile.write_text(f'artifact = "{cut}"\nlast_good = "{DEMO}"\n')
    run: dict[str, Any] = {
        "hand_word": None,
        "arm": False,
        "record": None,
        "seconds": 0.5,
        "view": False,
    }
    report = run_live(profile_path=profile, source_word=None, artifact_path=None, **run)
    assert report["events"]["artifact refused"] == 1
    assert report["decisions"] > 0
    assert "decides instead" in report["artifact"]["instead"]
    with pytest.raises(Refused, match="damaged"):  # what is named at the command line is meant
        run_live(profile_path=profile, source_word=None, artifact_path=cut, **run)

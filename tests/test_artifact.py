"""What is deployed is read back whole, and everything that must not run is refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from acquisition.stream import Refused, Spec
from models import onnx_file
from models.artifact import (
    CONTRACT_KEY,
    MAX_BYTES,
    check_spec,
    open_artifact,
    read_contract,
)
from models.contract_json import from_bytes, to_bytes
from tests.toys import SPEC, signal, toy_artifact, toy_contract, toy_graph
from training.export import write_artifact


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(toy_artifact(tmp_path_factory.mktemp("toy")).path)


def rewritten(path: Path, folder: Path, change: Any) -> Path:
    """The artifact with its contract's JSON changed."""
    data = path.read_bytes()
    value = json.loads(onnx_file.read(data)[0][CONTRACT_KEY])
    del value["seal"]  # older contracts have none, and what they say is checked all the same
    change(value)
    out = folder / "changed.onnx"
    out.write_bytes(onnx_file.with_metadata(data, CONTRACT_KEY, json.dumps(value).encode()))
    return out


def test_an_artifact_comes_back_as_it_was_written(path: Path) -> None:
    first = open_artifact(path)
    contract, _ = read_contract(path.read_bytes(), ".onnx")
    assert to_bytes(contract) == to_bytes(first.contract)
    assert to_bytes(from_bytes(to_bytes(contract))) == to_bytes(contract)


def test_equal_exports_give_equal_bytes(path: Path, tmp_path: Path) -> None:
    assert toy_artifact(tmp_path).digest == open_artifact(path).digest


def test_onnx_itself_reads_what_is_written(path: Path) -> None:
    model = onnx.load(path)
    onnx.checker.check_model(model)
    assert [pair.key for pair in model.metadata_props] == [CONTRACT_KEY]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda v: v.update(schema=2), "schema 2 and this version reads 1"),
        (lambda v: v.update(extra=1), r"keys \['extra'\], which this version does not know"),
        (lambda v: v.pop("rest"), r"lacks the keys \['rest'\]"),
        (lambda v: v["spec"].update(gain=2), "A spec has the keys"),
        (lambda v: v["golden"].update(more=1), "golden recording has the keys"),
        (lambda v: v["stages"][0].update(kind="highpas"), 'no stage "highpas"'),
        (lambda v: v["stages"][0].update(cut=2), "has the settings"),
        (lambda v: v["decision"][0].update(kind="oracle"), 'no decision stage "oracle"'),
        (lambda v: v.update(labels=["rest", "close"]), "3 outputs and the contract 2 labels"),
        (lambda v: v.update(labels=["a", "b", "c"]), 'calls "rest" rest'),
        (lambda v: v.update(stages=v["stages"][:1]), "cut windows exactly once"),
        (lambda v: v.update(digest="0" * 64), "changed or damaged after export"),
        (lambda v: v["golden"]["samples"].update(float32="?"), "malformed"),
        (lambda v: v.update(labels=None), "malformed"),
        (lambda v: v["stages"][0].update(low_hz=20.0), "golden recording differs"),
        (lambda v: v["stages"][0].update(order=2), "golden recording differs"),
        (lambda v: v["stages"][1].update(hop_samples=40), "golden recording gives"),
        (lambda v: v["input"].update(shape=[1, 8, 1, 50]), "the contract says"),
        (lambda v: v["output"].update(name="y"), "the contract says"),
    ],
)
def test_a_changed_contract_is_refused(
    path: Path, tmp_path: Path, change: Any, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        open_artifact(rewritten(path, tmp_path, change))


def test_a_wrong_golden_logit_is_refused(path: Path, tmp_path: Path) -> None:
    contract = open_artifact(path).contract
    golden = dataclasses.replace(contract.golden, logits=contract.golden.logits + 500)
    wrong = to_bytes(dataclasses.replace(contract, golden=golden))
    out = tmp_path / "wrong.onnx"
    out.write_bytes(onnx_file.with_metadata(path.read_bytes(), CONTRACT_KEY, wrong))
    with pytest.raises(Refused, match=r"differs by 500 through the onnxruntime"):
        open_artifact(out)


def test_a_graph_without_a_contract_is_refused(tmp_path: Path) -> None:
    bare = tmp_path / "bare.onnx"
    bare.write_bytes(toy_graph())
    with pytest.raises(Refused, match="carries no contract"):
        open_artifact(bare)


def test_a_missing_file_a_wrong_suffix_and_a_link_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no artifact"):
        open_artifact(tmp_path / "none.onnx")
    with pytest.raises(Refused, match=r"ends in \.onnx or \.tflite"):
        open_artifact(tmp_path / "weights.pkl")
    link = tmp_path / "link.onnx"
    link.symlink_to(path)
    with pytest.raises(Refused, match="is a link"):
        open_artifact(link)


def test_an_oversize_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    big = tmp_path / "big.onnx"
    with big.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(Refused, match="the most that an artifact may have"):
        open_artifact(big)


def with_contract(folder: Path, graph: bytes) -> Path:
    contract = dataclasses.replace(toy_contract(), digest=onnx_file.read(graph)[1])
    out = folder / "made.onnx"
    out.write_bytes(onnx_file.with_metadata(graph, CONTRACT_KEY, to_bytes(contract)))
    return out


def test_a_foreign_domain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="only standard ONNX operators"):
        open_artifact(with_contract(tmp_path, toy_graph(domain="com.evil")))


def test_a_foreign_operator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="operator ReduceMax"):
        open_artifact(with_contract(tmp_path, toy_graph(op="ReduceMax")))


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(toy_graph())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    with pytest.raises(Refused, match="keeps weights in another file"):
        open_artifact(with_contract(tmp_path, model.SerializeToString()))


def test_nested_graphs_and_own_functions_are_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(toy_graph())
    body = helper.make_graph([], "body", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("then_branch", body))
    with pytest.raises(Refused, match="nests graphs"):
        open_artifact(with_contract(tmp_path, model.SerializeToString()))
    model = onnx.load_from_string(toy_graph())
    model.functions.add(name="f", domain="d")
    with pytest.raises(Refused, match="functions of its own"):
        open_artifact(with_contract(tmp_path, model.SerializeToString()))


@pytest.mark.parametrize(
    ("live", "sentence"),
    [
        (dataclasses.replace(SPEC, rate_hz=1000.0), "gives 1000 Hz .* trained for 200 Hz"),
        (
            dataclasses.replace(SPEC, channels=(*SPEC.channels[1::-1], *SPEC.channels[2:])),
            r"\['emg2', 'emg1', 'emg3'",
        ),
        (dataclasses.replace(SPEC, unit="uV", scale=0.02), "gives uV with 0.02 per count"),
        (Spec(200.0, SPEC.channels[:4], "raw"), "in that order"),
    ],
)
def test_a_live_stream_of_another_kind_is_refused(live: Spec, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        check_spec(toy_contract(), live)


def test_the_same_stream_is_taken() -> None:
    check_spec(toy_contract(), SPEC)


def test_a_golden_recording_shorter_than_a_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="shorter than one window"):
        write_artifact(tmp_path / "a.onnx", toy_graph(), toy_contract(), signal("close", 20))


def test_an_interrupted_write_leaves_the_old_artifact(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.onnx"
    shutil.copy(path, kept)
    (tmp_path / "kept.onnx.part").write_bytes(b"half")
    assert open_artifact(kept).digest == open_artifact(path).digest


def test_arrays_come_back_to_the_bit() -> None:
    contract = toy_contract()
    golden = dataclasses.replace(
        contract.golden, samples=np.array([[0.1, 1e-30, -3.3]], np.float32)
    )
    back = from_bytes(to_bytes(dataclasses.replace(contract, golden=golden)))
    assert back.golden.samples.tobytes() == golden.samples.tobytes()

"""Every family of networks learns, is exported, and decides in the decoder that runs live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from acquisition.stream import Chunk, Refused
from models.artifact import Artifact, open_artifact
from models.decoder import Decoder
from tests.learning_rig import GESTURES, session
from training.cost import Cost, cost
from training.evaluate import decisions, evaluate
from training.folder import load_run, save_run
from training.networks import NETWORKS, Size, make_network
from training.quantize import METHOD, NOTHING
from training.recipe import Fit, Recipe
from training.run import as_session
from training.train import calibrate, calibration_windows, deploy, draft_contract, provenance

pytestmark = pytest.mark.slow

FIT = Fit(120, 64, 3e-3, warmup_steps=10, average=0.9)
LOG_COVARIANCE = {"features": "log_covariance"}


@dataclass(frozen=True)
class Case:
    recipe: Recipe
    bar: float
    """share of right decisions on another donning that it must reach"""


def case(name: str, bar: float = 0.85, fit: Fit = FIT, **settings: object) -> Case:
    recipe = Recipe(name, fit, fit, width=16, network=name)
    return Case(replace(recipe, **settings), bar)  # type: ignore[arg-type]


CASES = {
    "raw_cnn": case("raw_cnn"),
    "symmetric_cnn": case("symmetric_cnn", 0.8),
    "tcn": case("tcn", 0.8),
    "gru": case("gru", 0.8),
    "lstm": case("lstm", 0.8),
    "graph": case("graph"),
    "attention": case("attention"),
    "second_order": case("second_order"),
    "mlp": case("mlp", **LOG_COVARIANCE),
    "dbn": case("dbn", fit=replace(FIT, steps=300, rate=1e-2), **LOG_COVARIANCE),
    "course": case("course", 0.75, features="course"),
    "tcn, streaming": case("tcn", 0.8, streaming=True),
}


@dataclass(frozen=True)
class Made:
    case: Case
    folder: Path
    small: Artifact
    full: Artifact
    cost: Cost


@pytest.fixture(scope="module", params=CASES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    row, folder = CASES[request.param], tmp_path_factory.mktemp("network")
    learnt = calibrate(row.recipe, None, session(0), GESTURES, "rest")
    origin = provenance("simulator", "0" * 64, {}, 0, {})
    spec = session(0)[0].spec
    draft = draft_contract(row.recipe, learnt, spec, GESTURES, "rest", origin)
    windows = calibration_windows(learnt.windows)
    small, full = deploy(folder / "artifact.onnx", learnt.module, draft, windows, learnt.golden)
    save_run(folder, row.recipe, learnt.module, windows)
    return Made(row, folder, small, full, cost(small, full))


def test_every_family_is_held_to_this() -> None:
    assert {row.recipe.network for row in CASES.values()} == set(NETWORKS)


def test_it_decides_what_it_has_not_seen(made: Made) -> None:
    result = evaluate(made.small, as_session(session(0, 1, 51)), settle_s=0.0)
    assert result.accuracy is not None
    assert result.accuracy > made.case.bar


def test_int8_decides_as_float_and_says_how_it_was_made(made: Made) -> None:
    quantization = made.small.contract.quantization
    assert quantization.agreement >= 0.98
    int8 = made.case.recipe.network != "mlp"  # so small that rounding only costs
    assert quantization.method == (METHOD if int8 else NOTHING)
    assert made.full.contract.quantization.method == NOTHING


def test_it_is_small_and_its_cost_is_counted(made: Made) -> None:
    assert made.small.bytes_n < 150_000
    module, _, _ = load_run(made.folder)
    head = made.cost.parameters_n / sum(p.numel() for p in module.parameters())
    assert 0.9 < head < 1.2  # normalisation is folded, and buffers are counted
    assert made.cost.macs_n > made.cost.parameters_n / 4
    assert 0 < made.cost.hop_us < 10_000


def test_chunks_as_they_come_decide_as_one_long_chunk(made: Made) -> None:
    whole = as_session(session(0, 1, 51))
    artifact = open_artifact(made.small.path)  # proves itself on its golden recording
    decoder = Decoder(artifact)
    state, live = decoder.start(), []
    for at in range(0, len(whole.samples), 3):
        chunk = Chunk(whole.samples[at : at + 3], at / 200)
        live += [intent.gesture for intent in decoder.step(chunk, state)]
    assert live == [decided.gesture for decided in decisions(artifact, whole)]


def test_a_changed_weight_fails_the_golden_recording(made: Made, tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    from models import onnx_file
    from models.artifact import CONTRACT_KEY
    from models.contract_json import to_bytes

    model = onnx.load(made.full.path)
    big = max(model.graph.initializer, key=lambda w: len(w.raw_data))
    big.CopyFrom(numpy_helper.from_array(-2 * numpy_helper.to_array(big), big.name))
    graph = model.SerializeToString()
    contract = replace(made.full.contract, digest=onnx_file.read(graph)[1])
    path = tmp_path / "changed.onnx"
    path.write_bytes(onnx_file.with_metadata(graph, CONTRACT_KEY, to_bytes(contract)))
    with pytest.raises(Refused):
        open_artifact(path)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_unknown_option_is_refused_with_those_there_are(name: str) -> None:
    features_n = 36 if name in ("mlp", "dbn") else 0
    with pytest.raises(Refused, match=r"has (no options|the options .*), not \['depth'\]"):
        make_network(name, Size(8, 3, 52, 5, features_n), 16, {"depth": 3})


@pytest.mark.parametrize("name", NETWORKS)
def test_a_family_that_is_given_the_wrong_thing_is_refused(name: str) -> None:
    features_n = 0 if name in ("mlp", "dbn", "course") else 36
    with pytest.raises(Refused, match=r"takes (features|window) and the recipe gives it"):
        make_network(name, Size(8, 3, 52, 5, features_n), 16)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("graph", {"adjacency": "star"}, 'ring, learned or both, not "star"'),
        ("attention", {"heads": 5}, "not divided by 5 heads"),
        ("symmetric_cnn", {"reach": 5}, "turned by 1 to 4 of them, not 5"),
        ("tcn", {"kernel": 48}, "it needs two: shorten the hop"),
    ],
)
def test_options_that_make_no_network_are_refused(
    name: str, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        make_network(name, Size(8, 3, 52, 5), 16, options)


@pytest.mark.parametrize("adjacency", ["ring", "learned", "both"])
def test_a_graph_on_the_ring_treats_all_electrodes_alike_and_a_learned_one_need_not(
    adjacency: str,
) -> None:
    import torch

    torch.manual_seed(0)
    graph = make_network("graph", Size(8, 3, 52, 5), 8, {"adjacency": adjacency}).eval()
    for layer in graph.layers:  # type: ignore[union-attr]
        if layer.free is not None:
            torch.nn.init.normal_(layer.free)
    x = torch.randn(2, 8, 1, 52)
    with torch.no_grad():
        plain = graph.embed(x).reshape(2, 16, 8)  # type: ignore[operator]
        turned = graph.embed(x.roll(3, 1)).reshape(2, 16, 8)  # type: ignore[operator]
    same = torch.allclose(plain.roll(3, 2), turned, atol=1e-5)
    assert same == (adjacency == "ring")


def test_a_symmetric_network_minds_a_turned_armband_less() -> None:
    recipe = CASES["raw_cnn"].recipe
    shares = {}
    for name in ("raw_cnn", "symmetric_cnn"):
        made = calibrate(replace(recipe, network=name), None, session(0), GESTURES, "rest")
        windows = made.windows
        x = windows.windows(np.arange(0, len(windows), 3))
        shares[name] = np.mean([_equal(made.module, windows, x, turn) for turn in (-1, 1)])
    assert shares["symmetric_cnn"] > shares["raw_cnn"] + 0.05


def _equal(module: object, windows: object, x: np.ndarray, turn: int) -> float:
    import torch

    with torch.no_grad():
        both = [
            module(torch.from_numpy(windows.inputs(np.ascontiguousarray(y)))).argmax(1)  # type: ignore
            for y in (x, np.roll(x, turn, axis=1))
        ]
    return float((both[0] == both[1]).float().mean())

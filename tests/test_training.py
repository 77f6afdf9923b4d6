"""From segments to an artifact that decides: the whole training, small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from acquisition.imports import load_session
from acquisition.session import Session
from acquisition.stream import Refused
from models.artifact import open_artifact
from models.settings import from_mapping, read_toml
from tests.toys import SPEC, signal
from training.datasets import Segment, read_myo_armband
from training.evaluate import evaluate
from training.folder import load_run
from training.folding import folded
from training.networks import Size, make_network
from training.recipe import Decisions, Fit, Recipe
from training.run import as_session, export_onnx, train_run
from training.splits import Selection, select
from training.windows import deployed_chain, reference, window_set

GESTURES = ("rest", "hand_close", "hand_open")
RECIPE = Recipe("small", Fit(150, 64, 3e-3, average=0.9), Fit(60, 64, average=0.9), width=16)


def segments(user: str, session: str, seed: int, cycles_n: int = 2) -> list[Segment]:
    loud = {"rest": "rest", "hand_close": "close", "hand_open": "open"}
    return [
        Segment(user, session, c, g, signal(loud[g], 260, seed + 10 * c + i), SPEC)
        for c in range(cycles_n)
        for i, g in enumerate(GESTURES)
    ]


def train(out: Path, recipe: Recipe = RECIPE) -> dict[str, object]:
    general = segments("a", "s", 100) + segments("b", "s", 200)
    held_out = segments("w", "later", 400)
    return train_run(
        recipe, "toys", "0" * 64, general, segments("w", "s", 300), held_out, out, "rest"
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    train(out)
    return out


def test_a_training_leaves_an_int8_artifact_that_decides_what_it_has_not_seen(made: Path) -> None:
    artifact = open_artifact(made / "artifact.onnx")
    result = evaluate(artifact, as_session(segments("w", "last", 900)), settle_s=0.0)
    assert result.accuracy is not None
    assert result.accuracy > 0.95
    assert artifact.contract.quantization.agreement > 0.97
    assert artifact.contract.labels == GESTURES


def test_a_seed_gives_the_same_artifact_twice_and_another_seed_another(
    made: Path, tmp_path: Path
) -> None:
    again = train(tmp_path / "again")
    first = open_artifact(made / "artifact.onnx")
    assert again["graph_digest"] == first.contract.digest
    if open_artifact(str(again["artifact"])).contract.provenance == first.contract.provenance:
        assert again["digest"] == first.digest
    other = train(tmp_path / "other", replace(RECIPE, seed=1))
    assert other["graph_digest"] != first.contract.digest


def test_the_card_says_who_trained_and_how_right_it_was(made: Path) -> None:
    card = (made / "card.md").read_text()
    assert "a, b" in card
    assert "w later" in card
    assert "uint8 activations" in card


def test_a_folder_exports_the_same_network_again(made: Path, tmp_path: Path) -> None:
    again = export_onnx(made, tmp_path / "again.onnx")
    graph = open_artifact(made / "artifact.onnx").contract.digest
    assert open_artifact(again["artifact"]).contract.digest == graph


def test_a_folder_without_its_parts_is_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"has no artifact\.onnx"):
        load_run(tmp_path)


def test_a_calibration_that_is_also_the_test_is_refused(tmp_path: Path) -> None:
    own = segments("w", "s", 300)
    with pytest.raises(Refused, match="share repetitions"):
        train_run(RECIPE, "toys", "0" * 64, (), own, own, tmp_path, "rest")


def test_a_calibration_without_a_gesture_of_two_wearers_is_refused(tmp_path: Path) -> None:
    mixed = segments("w", "s", 300) + segments("v", "s", 500)
    with pytest.raises(Refused, match="of one wearer"):
        train_run(RECIPE, "toys", "0" * 64, (), mixed, (), tmp_path, "rest")


def test_folding_batch_normalisation_changes_nothing() -> None:
    torch.manual_seed(0)
    module = make_network("raw_cnn", Size(8, 3, 52, 5), 16).train()
    x = torch.randn(64, 8, 1, 52)
    module(x)
    module.eval()
    with torch.no_grad():
        torch.testing.assert_close(folded(module)(x), module(x), rtol=1e-4, atol=1e-5)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded(module).modules())


def test_training_windows_are_what_the_live_chain_would_cut() -> None:
    own = segments("w", "s", 300)
    windows = window_set([own], RECIPE, GESTURES, hop_samples=5)
    chain = deployed_chain(RECIPE, reference(own, RECIPE), fixed=True)
    state, _ = chain.start(SPEC)
    live, _ = chain.step(own[0].samples, state)
    np.testing.assert_array_equal(windows.windows(np.arange(len(live))), live)


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(Refused, match='no network "resnet"'):
        make_network("resnet", Size(8, 3, 52, 5), 16)


def test_decision_stages_follow_the_recipe() -> None:
    levels = {"rest": 1.0, "hand_close": 3.0}
    assert len(Decisions().stages(levels)) == 1
    assert len(Decisions(0.5, 3, 2, 4).stages(levels)) == 5


def test_recipes_in_the_repository_are_read_and_a_wrong_key_is_named(tmp_path: Path) -> None:
    for path in Path("experiments").glob("*.toml"):
        assert read_toml(path, Recipe).name
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "x"\npretrian = {steps = 1}\n')
    with pytest.raises(Refused, match=r'"pretrian", which is not known\. Did you mean "pretrain"'):
        read_toml(wrong, Recipe)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"name": 3, "pretrain": {"steps": 1}, "finetune": {"steps": 1}}, "must be a text"),
        ({"name": "x", "pretrain": 3, "finetune": {"steps": 1}}, "must be a table"),
        ({"name": "x", "pretrain": {"steps": 1.5}, "finetune": {"steps": 1}}, "a whole number"),
        ({"name": "x", "pretrain": {"steps": 1}}, "lacks finetune"),
    ],
)
def test_settings_of_the_wrong_kind_are_refused(value: dict[str, object], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        from_mapping(value, Recipe, "the recipe")


def test_live_chunks_and_one_long_chunk_score_the_same(made: Path) -> None:
    from acquisition.replay import Replay

    artifact = open_artifact(made / "artifact.onnx")
    session = as_session(segments("w", "last", 900))
    whole = evaluate(artifact, session, settle_s=0.0)
    from models.decoder import Decoder
    from models.score import Decided, score
    from training.evaluate import prompts

    decoder = Decoder(artifact)
    state = decoder.start()
    source = Replay(session, 2, fast=True, loop=False, clock=lambda: 0.0, sleep=lambda s: None)
    source.start()
    decided = []
    while (chunk := source.read(1.0)) is not None:
        for window in decoder.push(chunk, state):
            decided.append(Decided(window.sample_n, decoder.decide(window, state).gesture))
    live = score(
        decided,
        prompts(session, artifact.contract.labels),
        window_samples=52,
        rate_hz=200.0,
        rest="rest",
        settle_s=0.0,
    )
    assert live == whole


def test_a_real_wearer_is_decided_well_after_a_short_training(
    shared_data: Path, tmp_path: Path
) -> None:
    """A tenth of the real recipe's steps, one wearer: the full figures are in docs."""
    root = shared_data / "myo_armband"
    user = "evaluation/Male1"
    found: Sequence[Segment] = read_myo_armband(root, [user])
    own = select(found, Selection((user,), ("training0",)))
    recipe = Recipe("myo", Fit(1), Fit(120, 128, 3e-3, mix=0.04), width=32)
    made = train_run(recipe, "myo_armband", "0" * 64, (), own, (), tmp_path, "rest")
    session: Session = load_session(root / "EvaluationDataset" / "Male1" / "Test0")
    result = evaluate(open_artifact(str(made["artifact"])), session, settle_s=0.0)
    assert result.accuracy is not None
    assert result.accuracy > 0.93
    assert json.dumps(made)

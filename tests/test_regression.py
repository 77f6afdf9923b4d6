"""Continuous targets: learnt, exported with their units, and given live by the same decoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from acquisition.stream import Chunk, Refused, Spec
from models.artifact import Artifact, open_artifact
from models.contract import Target
from models.contract_json import from_bytes, to_bytes
from models.decoder import Decoder
from tests.toys import SPEC
from training.datasets import Segment
from training.recipe import Fit, Recipe
from training.regression import (
    calibrate_targets,
    draft_targets,
    estimate,
    pretrain_targets,
    targets_of,
)
from training.run import train_run
from training.targets import Targets
from training.train import calibration_windows, deploy, provenance

FIT = Fit(250, 64, 3e-3, warmup_steps=10, average=0.9, mix=0.0)
RECIPE = Recipe(
    "wrist", FIT, FIT, network="second_order", width=16, targets=("flexion", "rotation")
)

pytestmark = pytest.mark.slow


def moving(user: str, seed: int, seconds: float = 20.0) -> Segment:
    """Two joints that move at once; each drives electrodes of its own, and some of the other's."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(200 * seconds)) / 200
    angles = np.stack(
        [np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in rng.uniform(0.2, 0.5, 2)], 1
    )
    reach = np.array([40.0, 70.0])
    drive = np.concatenate([np.maximum(angles, 0), np.maximum(-angles, 0)], 1)
    mixing = np.random.default_rng(7).uniform(0, 0.3, (4, 8)) + np.repeat(np.eye(4), 2, axis=1)
    power = 2 + 30 * drive @ mixing
    x = np.clip((rng.normal(size=power.shape) * power).round(), -127, 127).astype(np.float32)
    values = np.concatenate([angles * reach, t[:, None]], 1).astype(np.float32)
    values[:100] = np.nan
    names, units = ("rotation", "flexion", "time"), ("deg", "deg", "s")
    return Segment(user, f"s{seed}", 0, "moves", x, SPEC, Targets(values, names, units, 200.0))


@pytest.fixture(scope="module", params=[False, True], ids=["windows", "stream"])
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Artifact, Artifact]:
    recipe = RECIPE
    if request.param:
        recipe = replace(RECIPE, network="tcn", streaming=True, quantization="aware")
    learnt = calibrate_targets(recipe, None, [moving("w", 1)])
    draft = draft_targets(recipe, learnt, provenance("toys", "0" * 64, {}, 0, {}), moving("w", 1))
    path = tmp_path_factory.mktemp("targets") / "artifact.onnx"
    return deploy(path, learnt.module, draft, calibration_windows(learnt.windows), learnt.golden)


def test_two_joints_are_estimated_at_once_in_their_units(made: tuple[Artifact, Artifact]) -> None:
    found = estimate(made[0], [moving("w", 2)])
    assert list(found) == ["flexion", "rotation"]
    for score, reach in ((found["flexion"], 70.0), (found["rotation"], 40.0)):
        assert score.r2 > 0.7
        assert 0 < score.rmse < 0.4 * reach
        assert score.windows_n > 700


def test_int8_estimates_as_float(made: tuple[Artifact, Artifact]) -> None:
    small, full = made
    assert small.contract.quantization.max_error < 10
    a, b = estimate(small, [moving("w", 2)]), estimate(full, [moving("w", 2)])
    assert abs(a["flexion"].r2 - b["flexion"].r2) < 0.02


def test_live_intents_carry_targets_within_the_range_that_was_trained(
    made: tuple[Artifact, Artifact],
) -> None:
    artifact = open_artifact(made[0].path)
    decoder = Decoder(artifact)
    state, intents = decoder.start(), []
    samples = moving("w", 3).samples * np.float32(1.5)
    for at in range(0, len(samples), 7):
        intents += decoder.step(Chunk(samples[at : at + 7], at / 200), state)
    targets = np.array([intent.targets for intent in intents])
    first, second = artifact.contract.targets
    assert (first.name, first.unit, second.name) == ("flexion", "deg", "rotation")
    assert targets.shape[1] == 2
    assert targets[:, 0].min() >= first.low
    assert targets[:, 0].max() <= first.high
    assert np.ptp(targets[:, 0]) > 60
    assert {intent.gesture for intent in intents} == {"rest"}
    assert {intent.strength for intent in intents} == {0.0}
    assert [i.decision_n for i in intents] == list(range(1, len(intents) + 1))


def test_what_lags_loses(made: tuple[Artifact, Artifact]) -> None:
    later = moving("w", 2)
    assert later.targets is not None
    earlier = np.roll(later.targets.values, -40, axis=0)  # the truth is 200 ms ahead
    moved = replace(later, targets=replace(later.targets, values=earlier))
    now, ahead = estimate(made[0], [later]), estimate(made[0], [moved])
    assert ahead["flexion"].r2 < now["flexion"].r2 - 0.03


def test_many_users_teach_a_new_one() -> None:
    short = replace(RECIPE, pretrain=replace(FIT, steps=200), finetune=replace(FIT, steps=10))
    weights = pretrain_targets(short, [moving("a", 11), moving("b", 12)])
    shares = []
    for begun in (weights, None):
        own = [moving("w", 1, 5.0)]
        learnt = calibrate_targets(short, begun, own)
        shares.append(_error(learnt.module, learnt.windows, short))
    assert shares[0] < 0.7 * shares[1]


def _error(module: object, windows: object, recipe: Recipe) -> float:
    """Root mean square on another recording, in degrees."""
    import torch

    from training.windows import sessions, window_set

    other = moving("w", 4)
    assert other.targets is not None
    found = window_set(sessions([other]), recipe, (), 5)
    newest = found.starts + found.length_samples - 1
    truth = other.targets.values[newest][:, [1, 0]]
    known = np.isfinite(truth).all(axis=1)
    x = found.inputs(found.windows(np.arange(len(found))))
    with torch.no_grad():
        told = module(torch.from_numpy(x)).numpy()  # type: ignore[operator]
    return float(np.sqrt(np.mean((told - truth)[known] ** 2)))


def test_a_recipe_with_targets_trains_from_segments_to_an_artifact(tmp_path: Path) -> None:
    made = train_run(
        replace(RECIPE, pretrain=replace(FIT, steps=60), finetune=replace(FIT, steps=60)),
        "toys",
        "0" * 64,
        [moving("a", 11)],
        [moving("w", 1)],
        [moving("w", 2)],
        tmp_path,
        "rest",
    )
    artifact = open_artifact(made["artifact"])
    assert artifact.contract.provenance.metrics["w s2 flexion R2"] > 0.5
    assert "flexion (deg)" in (tmp_path / "card.md").read_text()


def test_a_contract_with_targets_is_read_back(made: tuple[Artifact, Artifact]) -> None:
    contract = made[0].contract
    assert from_bytes(to_bytes(contract)).targets == contract.targets
    assert b'"targets"' in to_bytes(contract)
    with pytest.raises(Refused, match=r"2 outputs and the contract 1 targets"):
        replace(contract, targets=contract.targets[:1])
    with pytest.raises(Refused, match="decides gestures as well"):
        replace(contract, labels=("rest", "open"))


def test_targets_that_are_not_there_are_refused() -> None:
    bare = replace(moving("w", 1), targets=None)
    with pytest.raises(Refused, match=r"lacks the targets \['flexion', 'rotation'\]; it has none"):
        calibrate_targets(RECIPE, None, [bare])
    with pytest.raises(Refused, match="names no targets"):
        calibrate_targets(replace(RECIPE, targets=()), None, [moving("w", 1)])
    whole = moving("w", 1)
    assert whole.targets is not None
    still = np.where(np.isfinite(whole.targets.values), np.float32(3), np.float32(np.nan))
    dead = replace(whole, targets=replace(whole.targets, values=still))
    with pytest.raises(Refused, match="never move in these segments"):
        calibrate_targets(RECIPE, None, [dead])
    nothing = replace(whole.targets, values=np.full_like(still, np.nan))
    with pytest.raises(Refused, match="No window has known values"):
        calibrate_targets(RECIPE, None, [replace(whole, targets=nothing)])


def test_ranges_and_units_come_from_the_segments() -> None:
    flexion, rotation = targets_of(RECIPE, [moving("w", 1)])
    assert isinstance(flexion, Target)
    assert (flexion.unit, rotation.unit) == ("deg", "deg")
    assert flexion.high == pytest.approx(70, abs=1)
    assert rotation.low == pytest.approx(-40, abs=1)
    assert isinstance(SPEC, Spec)

"""Two views of a window under one head, and covariances beside a network in one artifact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Chunk, Refused
from flexor.calibration_head import head_eye
from models.artifact import open_artifact
from models.calibrate import calibrated
from models.contract_json import head_from_json, head_to_json
from models.decoder import Decoder
from models.head import Head, scores
from preprocessing.recentre import Recentre
from tests.toy_people import myo_segments, write_myo
from training import combined
from training.head import Session, fit_head
from training.protocol_myo import Case, run_myo

GESTURES_N, VIEWS = 4, ((6, 3), (9, 5))


def windows(seed: int, n: int = 40) -> tuple[Any, Any]:
    """(features (window, 15), gestures) of somebody, each gesture held for n windows."""
    rng = np.random.default_rng(seed)
    means = np.random.default_rng(99).normal(size=(GESTURES_N, 15)) * 2
    held = np.repeat(np.arange(GESTURES_N), n)
    own = means + 0.3 * rng.normal(size=means.shape)
    return (own[held] + 0.5 * rng.normal(size=(len(held), 15))).astype(np.float32), held


def taught() -> Head:
    return fit_head([Session(*windows(n)) for n in range(6)], GESTURES_N, 5, views=VIEWS)


def own_head(head: Head) -> Head:
    x, held = windows(50)
    return calibrated(head, x, held, np.zeros(len(x), np.int64), 5, 0.5)


def cut(head: Head, part: slice) -> Head:
    return replace(
        head,
        projection=head.projection[:, part],
        offset=head.offset[part],
        shift=head.shift[part],
        shift_covariance=head.shift_covariance[part, part],
        means=head.means[:, part],
        voices=head.voices[:, :, part],
        factors=head.factors[:, part, part],
    )


@pytest.mark.parametrize("of", [taught, lambda: own_head(taught())], ids=["new", "calibrated"])
def test_what_two_views_of_a_window_say_is_summed(of: Any) -> None:
    head = head_from_json(head_to_json(of()))
    x, _ = windows(70)
    embedded = head.embed(x, 0)
    whole = scores(head, embedded, head.means)
    plain = replace(head, labelled_n=np.empty(0), labelled=np.empty((0, 0)))
    parts = [
        scores(cut(plain, part), embedded[:, part], head.means[:, part])
        for part in (slice(0, 3), slice(3, 8))
    ]
    np.testing.assert_allclose(whole, parts[0] + parts[1], atol=1e-6)


def test_each_view_has_dimensions_of_its_own_features_alone() -> None:
    head = taught()
    assert head.projection.shape == (15, 8)
    assert not head.projection[:6, 3:].any()
    assert not head.projection[6:, :3].any()
    assert own_head(head).factors[:, :3, :3].any()


def test_views_of_other_features_are_refused() -> None:
    sessions = [Session(*windows(n)) for n in range(3)]
    with pytest.raises(Refused, match="do not hold its 15 features"):
        fit_head(sessions, GESTURES_N, 5, views=((6, 3), (8, 5)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(rows, folder of the artifacts) of a small set in the published layout."""
    root, folder = tmp_path_factory.mktemp("myo"), tmp_path_factory.mktemp("made")
    for n in range(3):
        parts = myo_segments(f"Male{n}", "training0", n, cycles_n=2)
        write_myo(root / f"PreTrainingDataset/Male{n}/training0", parts)
    for n, session in enumerate(("training0", "Test0", "Test1")):
        parts = myo_segments("Male0", session, 20 + n)
        write_myo(root / f"EvaluationDataset/Male0/{session}", parts)
    how = replace(combined.RECIPE.pretrain, steps=30, batch=64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(combined, "RECIPE", replace(combined.RECIPE, pretrain=how, width=24))
        report = run_myo(Case(), root, ["combined", "combined_adaptive"], [0, 1], folder)
    return report["rows"], folder


def test_covariances_beside_a_network_have_rows_whose_artifacts_are_small(made: Any) -> None:
    rows, _ = made
    assert [(row["model"], row["cycles"]) for row in rows] == [
        (model, cycles) for model in ("combined", "combined_adaptive") for cycles in (0, 1)
    ]
    for row in rows:
        assert row["int8_agreement"] > 0.98
        assert row["bytes"] <= 150_000
    assert rows[3]["mean"] > 0.95


def test_who_has_not_calibrated_gets_the_covariances_alone(made: Any) -> None:
    _, folder = made
    new_at, own_at = (folder / f"combined_adaptive-evaluation-Male0-{n}.onnx" for n in (0, 1))
    new, own = open_artifact(new_at).contract, open_artifact(own_at).contract
    assert new.input.shape == (1, 72)
    assert new.head is not None
    assert new.head.ring_n == 8
    assert own.input.shape == (1, 72 + 8 * 52)
    assert own.head is not None
    assert own.head.calibrated
    assert own.follows_output
    assert head_eye(open_artifact(new_at), ("rest", "hand_open")) is not None
    assert head_eye(open_artifact(own_at), ("rest", "hand_open")) is None, "all from scratch"
    centring = next(stage for stage in own.chain.stages if isinstance(stage, Recentre))
    assert centring.alike_blocks == combined.ALIKE_BLOCKS


def test_covariances_beside_a_network_decide_the_same_however_the_samples_come(made: Any) -> None:
    _, folder = made
    artifact = open_artifact(folder / "combined_adaptive-evaluation-Male0-1.onnx")
    x = np.concatenate([part.samples for part in myo_segments("Male0", "Test0", 21)])
    told = []
    for length in (len(x), 7):
        decoder = Decoder(artifact)
        state = decoder.start()
        intents = [
            intent
            for first in range(0, len(x), length)
            for intent in decoder.step(Chunk(x[first : first + length], first / 200.0, 0), state)
        ]
        told.append([(intent.gesture, intent.confidence) for intent in intents])
        assert state.adaptive is not None
        assert state.adaptive.counts.refits > 0
    assert told[0] == told[1]


@pytest.mark.parametrize("views", [[3, 4], [8, 0], []])
def test_a_head_whose_views_do_not_make_its_dimensions_is_refused(views: list[int]) -> None:
    with pytest.raises(Refused, match="views"):
        head_from_json(head_to_json(taught()) | {"views": views})

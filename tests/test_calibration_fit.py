"""What a calibration comes to: an artifact that decides, a profile, a recording to go on from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Chunk, Refused, Spec
from flexor.calibration import Guide, Phase
from flexor.calibration_artifact import HEAD, SCRATCH, fit, write
from flexor.calibration_fit import discriminant, temperature
from flexor.calibration_follow import followed
from flexor.calibration_head import head_eye
from flexor.calibration_keep import keep, profile_text
from flexor.calibration_look import eye_for
from flexor.calibration_plan import Wanted
from flexor.calibration_sitting import finish, hear, leave, sit
from flexor.toml_text import toml_text
from models.adapt import Adaptation
from models.artifact import Artifact
from models.decoder import open_decoder
from models.head import Head
from models.linear_graph import linear_graph
from models.onnx_file import check
from models.settings import tomllib
from tests.calibration_rig import FOUR, TWO, good, guided, told

pytestmark = pytest.mark.edge


def live_share(artifact: Artifact, gestures: tuple[str, ...], user: int) -> float:
    """Of settled decisions on the same wearer, a moment later, those that are right."""
    source = told(user, seed=9)
    source.start()
    decoder = open_decoder(artifact, source.spec)
    state, right = decoder.start(), []
    for gesture in ("rest", *gestures):
        source.perform(gesture, 0.0 if gesture == "rest" else 0.5)
        for n in range(200):
            chunk = source.read(0.0)
            assert chunk is not None
            decided = decoder.step(chunk, state)
            right += [intent.gesture == gesture for intent in decided if n > 100]
    return float(np.mean(right))


def test_the_fit_takes_less_than_a_second_and_decides_live(tmp_path: Path) -> None:
    fitted = fit(good(), "me")
    assert fitted.way == SCRATCH
    assert fitted.seconds < 1.0
    assert fitted.accuracy is not None
    assert fitted.accuracy > 0.9
    assert set(fitted.levels) == set(FOUR.gestures)
    artifact = write(fitted, tmp_path / "me.onnx")
    assert artifact.contract.labels == ("rest", *FOUR.gestures)
    assert live_share(artifact, FOUR.gestures, 0) > 0.9


def test_too_few_contractions_are_refused_by_name() -> None:
    guide, _ = guided(TWO, most_s=13.0)
    with pytest.raises(Refused, match="fewer than two good contractions of hand_close, hand_open"):
        fit(guide, "me")


def with_head(path: Path, guide: Guide) -> Artifact:
    """An artifact as a training leaves it: features of the calibration's eye, a linear projection
    as its graph, and a head of what people have in common."""
    scratch = fit(guide, "general")
    size, labels = scratch.draft.input.shape[-1], guide.labels
    rng = np.random.default_rng(0)
    x = np.concatenate([look.features for look in guide.looks]).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(x.T) + 1e-3 * np.eye(size))
    project = (vectors / np.sqrt(values))[:, -12:]
    n, k = project.shape[1], len(labels)
    head = Head(
        projection=project,
        offset=-(x.mean(axis=0) @ project),
        shift=np.zeros(n),
        shift_covariance=np.eye(n),
        means=rng.normal(size=(k, n)) * 0.1,
        voices=rng.normal(size=(3, k, n)),
        factors=np.repeat(np.eye(n)[None], k, axis=0),
    )
    draft = replace(
        scratch.draft,
        head=head,
        adaptation=Adaptation(),
        output=replace(scratch.draft.output, shape=(1, n)),
    )
    graph = linear_graph(project, head.offset)
    return write(replace(scratch, draft=draft, graph=graph), path)


def test_the_head_of_a_trained_artifact_is_fitted_where_it_knows_the_same_gestures(
    tmp_path: Path,
) -> None:
    guide = good()
    base = with_head(tmp_path / "general.onnx", guide)
    assert base.contract.head is not None
    assert not base.contract.head.calibrated
    assert head_eye(base, ("rest", "hand_close", "fly")) is None
    assert head_eye(base, ("hand_close", "rest")) is None
    assert head_eye(base, guide.labels) is not None
    fitted = fit(guide, "me", base)
    assert (fitted.way, fitted.seconds < 1.0) == (HEAD, True)
    artifact = write(fitted, tmp_path / "me.onnx")
    assert artifact.contract.head is not None
    assert artifact.contract.head.calibrated
    assert live_share(artifact, FOUR.gestures, 0) > 0.9


@pytest.mark.parametrize("channels_n", [2, 16, 32])
def test_every_ring_has_an_eye_that_stays_finite_in_silence(channels_n: int) -> None:
    spec = Spec(2000.0, tuple(f"c{i}" for i in range(channels_n)), "uV", 0.2)
    eye = eye_for(spec, np.zeros((4000, channels_n), np.float32))
    state, _ = eye.chain.start(spec)
    features, _ = eye.chain.step(np.zeros((4000, channels_n), np.float32), state)
    assert len(features) > 0
    assert np.isfinite(features).all()


def test_a_discriminant_never_decides_what_it_was_not_taught() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 4)).astype(np.float32)
    fitted = discriminant(x, np.repeat([0, 2], 30), 3)
    assert set(fitted.logits(x).argmax(axis=1).tolist()) <= {0, 2}


def test_the_surer_the_wrong_answers_the_higher_the_temperature() -> None:
    asked = np.array([0, 1] * 50)
    sure = np.eye(2)[asked] * 10.0
    assert temperature(sure, asked) == 1.0
    sure[:20] = sure[:20, ::-1]
    assert temperature(sure, asked) > 3.0


def test_a_linear_graph_gives_what_the_numbers_give() -> None:
    ort = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(2)
    weights, offsets = rng.normal(size=(72, 7)), rng.normal(size=7)
    graph = linear_graph(weights, offsets)
    check(graph)
    x = rng.normal(size=(1, 72)).astype(np.float32)
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    assert np.allclose(session.run(None, {"x": x})[0], x @ weights + offsets, atol=1e-4)


def test_a_moving_target_is_followed_and_the_muscle_that_follows_is_named() -> None:
    wanted = Wanted(("hand_close",), repetitions=2, ramps=0, follows=1)
    [row] = followed(guided(wanted)[0])
    assert row["shape"] == "follow"
    assert row["correlation"] > 0.8
    assert row["behind_s"] < 0.7
    assert row["low"] < row["high"]


def test_a_profile_keeps_all_else_and_the_artifact_that_it_named_before(tmp_path: Path) -> None:
    profile = tmp_path / "me.toml"
    (tmp_path / "old.onnx").write_bytes(b"old")
    profile.write_text(
        'artifact = "old.onnx"\nhand = "ability"\n[levels.pinch]\nlow = 0.1\nhigh = 0.5\n'
        "[levels.hand_close]\nlow = 0.01\nhigh = 0.02\n"
    )
    keep(profile, tmp_path / "new.onnx", fit(good(), "me"), "myo")
    told = tomllib.loads(profile.read_text())
    assert (told["artifact"], told["last_good"]) == ("new.onnx", "old.onnx")
    assert (told["hand"], told["source"]) == ("ability", "myo")
    assert set(told["levels"]) == set(FOUR.gestures)
    assert told["levels"]["hand_close"]["high"] > 0.1


def test_a_profile_that_trusts_signed_artifacts_alone_is_left_as_it_is(tmp_path: Path) -> None:
    profile = tmp_path / "me.toml"
    profile.write_text(f'signed_by = "{"ab" * 32}"\n')
    with pytest.raises(Refused, match="a calibration is signed by nobody"):
        profile_text(profile, "new.onnx", fit(good(), "me"), "myo")


def test_a_sitting_that_hears_samples_fits_and_decides_on_the_next(tmp_path: Path) -> None:
    source = told()
    source.start()
    sitting = sit(TWO, source.spec, "synthetic", tmp_path, perform=source.perform, record=False)
    with pytest.raises(Refused, match="fewer than two"):
        finish(sitting)
    while sitting.guide.phase is not Phase.DONE:
        chunk = source.read(0.0)
        assert chunk is not None
        hear(sitting, chunk)
    finish(sitting)
    assert sitting.intent is None
    for _ in range(100):
        chunk = source.read(0.0)
        assert chunk is not None
        hear(sitting, Chunk(chunk.samples, chunk.clock_s))
    assert sitting.intent is not None
    leave(sitting)


KEYS = st.text(min_size=1, max_size=8)
PLAIN = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text(max_size=12)
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(PLAIN, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3),
        st.lists(st.dictionaries(KEYS, inner, max_size=2), min_size=1, max_size=2),
    ),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_as_toml_reads_back_the_same(value: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(value)) == value

"""A head that people taught, fitted to one of them: what it refuses, and of whom."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flexor import calibration_head
from flexor.calibration import Guide
from flexor.calibration_artifact import HEAD, Fitted, fit, write
from flexor.calibration_fit import windowed
from flexor.calibration_head import head_eye
from models.adapt import Adaptation
from models.artifact import Artifact
from models.decoder import open_decoder
from models.familiar import Familiar
from models.foreign import Foreign
from models.linear_graph import linear_graph
from tests.calibration_rig import FOUR, good, guided, told
from training.head import Session, fit_head

THREE = replace(FOUR, gestures=FOUR.gestures[:3])
LEFT = FOUR.gestures[3]
ADAPTATION = Adaptation(block_windows=10)


@lru_cache
def some(user: int = 0) -> Guide:
    """A calibration of all but one of the gestures."""
    return guided(THREE, user=user)[0]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """What three simulated people taught, who are not the wearer."""
    guides = [good(user) for user in (1, 2, 3)]
    windows = [windowed(guide.looks, guide.labels) for guide in guides]
    sessions = [Session(x.features, x.gestures) for x in windows]
    head = fit_head(sessions, len(guides[0].labels), ADAPTATION.block_windows)
    scratch = fit(guides[0], "general")
    output = replace(scratch.draft.output, shape=(1, head.means.shape[1]))
    draft = replace(scratch.draft, head=head, adaptation=ADAPTATION, output=output)
    graph = linear_graph(head.projection, head.offset)
    path = tmp_path_factory.mktemp("general") / "general.onnx"
    return write(replace(scratch, draft=draft, graph=graph), path)


def decided(artifact: Artifact, gesture: str) -> list[str]:
    """What a wearer's gesture is taken for, a second after it began."""
    source, found = told(0, seed=9), []
    source.start()
    decoder = open_decoder(artifact, source.spec)
    state = decoder.start()
    source.perform(gesture, 0.0 if gesture == "rest" else 0.5)
    for n in range(160):
        chunk = source.read(0.0)
        assert chunk is not None
        found += [intent.gesture for intent in decoder.step(chunk, state) if n > 80]
    return found


def stages(fitted: Fitted) -> list[type]:
    return [type(stage) for stage in fitted.draft.decision]


def test_who_calibrates_some_of_a_heads_gestures_has_the_others_refused(
    base: Artifact, tmp_path: Path
) -> None:
    fitted = fit(some(), "me", base)
    assert (fitted.way, fitted.seconds < 1.0) == (HEAD, True)
    artifact = write(fitted, tmp_path / "me.onnx")
    assert artifact.contract.labels == ("rest", *THREE.gestures)
    stage = artifact.contract.decision[0]
    assert isinstance(stage, Foreign)
    assert len(stage.start(artifact.contract.labels, "rest").means) == 1
    for gesture in artifact.contract.labels:
        assert np.mean([g == gesture for g in decided(artifact, gesture)]) > 0.9
    assert np.mean([g != "rest" for g in decided(artifact, LEFT)]) < 0.1


def test_nothing_is_refused_where_all_is_to_be_decided(base: Artifact) -> None:
    guide = good()
    bold = replace(guide, wanted=replace(guide.wanted, refuses=False))
    for trained, refusing in ((None, Familiar), (base, Foreign)):
        usual = stages(fit(bold, "me", trained))
        assert not {Familiar, Foreign} & set(usual)
        assert stages(fit(guide, "me", trained)) == [refusing, *usual]


def test_what_refused_before_is_replaced_by_the_wearers_own(base: Artifact) -> None:
    first = fit(good(), "me", base)
    refusing = replace(base, contract=replace(base.contract, decision=first.draft.decision))
    again = fit(some(), "me", refusing)
    assert stages(again) == stages(first)
    assert again.draft.decision[0] != first.draft.decision[0]


def test_the_last_repetition_tells_the_wearers_limit(
    base: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def limit(found: Any, dimensions_n: int) -> float:
        asked.append((len(found), dimensions_n))
        return 91.0

    monkeypatch.setattr(calibration_head, "own_limit", limit)
    fitted = fit(good(), "me", base)
    [stage] = [s for s in fitted.draft.decision if isinstance(s, Foreign)]
    assert asked == [(fitted.accuracy_n, stage.dimensions_n)]
    assert stage.limit == 91.0


def test_a_head_that_was_calibrated_may_be_calibrated_again_for_fewer_gestures(
    base: Artifact, tmp_path: Path
) -> None:
    mine = write(fit(good(), "me", base), tmp_path / "me.onnx")
    assert mine.contract.head is not None
    assert mine.contract.head.calibrated
    fitted = fit(some(), "me", mine)
    assert fitted.draft.labels == ("rest", *THREE.gestures)
    assert fitted.draft.head is not None
    assert len(fitted.draft.head.labelled_n) == len(fitted.draft.labels)


def test_a_gesture_that_the_head_does_not_know_has_all_fitted_from_scratch(base: Artifact) -> None:
    assert head_eye(base, ("rest", "hand_close")) is not None
    assert head_eye(base, ("rest", "hand_close", "fly")) is None
    assert head_eye(base, ("hand_close", "rest")) is None

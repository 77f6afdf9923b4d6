"""The command that calibrates, on the simulated wearer in no time, and what it leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.imports import load_session
from acquisition.session import protocol_labels
from acquisition.stream import Chunk, Refused
from flexor.calibrate import Choices, catch_up, run_calibrate
from flexor.calibration import Phase
from flexor.calibration_plan import tasks_of
from flexor.calibration_sitting import TARGET, resumed, sit
from flexor.profile import read_profile
from models.artifact import open_artifact
from tests.calibration_rig import TWO, told
from training.evaluate import evaluate

pytestmark = pytest.mark.edge


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """(folder, report) of `flexor calibrate` in no time, with moving targets."""
    folder = tmp_path_factory.mktemp("made")
    choices = Choices(fast=True, keep=True)
    wanted = replace(TWO, ramps=1)
    return folder, run_calibrate("synthetic:armband", folder / "me.toml", wanted, choices)


def test_the_command_calibrates_tries_and_keeps(made: tuple[Path, dict[str, Any]]) -> None:
    folder, report = made
    assert report["kept"]
    assert report["fit_s"] < 1.0
    assert report["trial"]["accuracy"] > 0.9
    assert [row["reason"] for row in report["rows"]] == [""] * 6
    json.dumps(report)
    profile = read_profile(folder / "me.toml")
    assert open_artifact(profile.artifact).contract.labels == ("rest", *TWO.gestures)
    assert set(profile.levels) == set(TWO.gestures)


def test_its_recording_has_what_was_asked_for_and_where_the_target_was(
    made: tuple[Path, dict[str, Any]],
) -> None:
    session = load_session(made[1]["recording"])
    texts = [text for _, text in session.markers]
    assert protocol_labels(session.markers) == ("rest", *TWO.gestures)
    assert [t for t in texts if t in TWO.gestures] == ["hand_close", "hand_open"] * 4  # and tried
    assert texts.count("free") == 1
    values = [float(t.rsplit(" ", 1)[1]) for t in texts if t.startswith(TARGET)]
    assert max(values) == 1.0
    assert len(values) > 150


def test_its_recording_scores_the_artifact_as_it_was_tried(
    made: tuple[Path, dict[str, Any]],
) -> None:
    score = evaluate(open_artifact(made[1]["artifact"]), load_session(made[1]["recording"]))
    assert score.rest_false_activation is not None
    assert score.rest_false_activation < 0.1
    assert score.per_gesture["hand_close"] > 0.8


def test_after_a_power_cut_it_goes_on_from_the_last_whole_contraction(
    made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    data = Path(made[1]["recording"]).read_bytes()
    whole = resumed(Path(made[1]["recording"]))
    assert whole.phase is Phase.DONE
    assert len(whole.takes) == 6
    cut = tmp_path / "cut.xdf"
    cut.write_bytes(data[: len(data) // 2])
    guide = resumed(cut)
    made_n = len(guide.takes)
    assert 1 <= made_n < 6
    assert guide.phase is Phase.READY
    assert guide.task is not None
    assert guide.task.key == tasks_of(guide.wanted)[made_n].key


def test_what_goes_on_names_what_it_goes_on_from(
    made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    data = Path(made[1]["recording"]).read_bytes()
    cut = tmp_path / "cut.xdf"
    cut.write_bytes(data[: len(data) // 2])
    choices = Choices(fast=True, keep=True, continues=cut, trial_s=0.0)
    report = run_calibrate(
        "synthetic:armband", tmp_path / "me.toml", replace(TWO, ramps=1), choices
    )
    assert len(report["rows"]) == 6
    assert report["signal_s"] < 30.0
    assert len(resumed(Path(report["recording"])).takes) == 6


def test_discarding_leaves_the_recording_and_nothing_else(tmp_path: Path) -> None:
    choices = Choices(fast=True, keep=False, trial_s=0.0)
    report = run_calibrate("synthetic:armband", tmp_path / "me.toml", TWO, choices)
    assert not report["kept"]
    assert [path.suffix for path in tmp_path.iterdir()] == [".xdf"]


def test_a_person_in_a_terminal_may_repeat_a_gesture_and_say_no(tmp_path: Path) -> None:
    answers = iter(["wrist_flexion", "hand_open", "", "n"])
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return next(answers)

    choices = Choices(fast=True, trial_s=0.0)
    report = run_calibrate("synthetic:armband", tmp_path / "me.toml", TWO, choices, ask)
    assert not report["kept"]
    assert len(asked) == 4
    again = resumed(Path(report["recording"]))  # with the repeated one in the place of the first
    assert len(again.takes) == 4
    assert again.takes["hand_open", "bent", 2].ready_n == 600
    assert report["signal_s"] > 20.0 + 5.0


@pytest.mark.parametrize(
    ("source", "choices", "sentence"),
    [
        ("replay:x.xdf", Choices(fast=True), "are for simulated muscles"),
        ("synthetic:glove", Choices(), "simulated arm"),
        ("synthetic", Choices(continues=Path("nowhere.xdf")), "nowhere.xdf"),
        ("synthetic", Choices(base=Path("nowhere.onnx")), "There is no artifact"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_and_leaves_nothing(
    source: str, choices: Choices, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        run_calibrate(source, tmp_path / "me.toml", TWO, choices)
    assert list(tmp_path.iterdir()) == []


def test_what_waited_while_a_question_was_asked_is_part_of_no_contraction() -> None:
    source = told()
    sitting = sit(TWO, source.spec, "synthetic", Path(), record=False)
    sitting.guide.phase = Phase.DONE
    waited = [Chunk(np.zeros((20, 8), np.float32), 0.1 * n) for n in range(60)]
    left = iter(waited)
    catch_up(sitting, left, lambda: 4.05)
    assert next(left) is waited[39]
    assert sitting.guide.at_n == 0

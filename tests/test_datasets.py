"""Recordings of people become segments that know whose they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from acquisition.imports import load_session
from acquisition.myo_files import MYO_GESTURES, MYO_SPEC
from acquisition.recording import create_recording
from acquisition.session import protocol_marker
from acquisition.stream import Refused, Spec
from acquisition.xdf import Stream
from training.datasets import fingerprint, read_dataset, read_myo_armband, read_xdf

SPEC = Spec(200.0, ("emg1", "emg2"), "raw", 1.0, 127.0)


@pytest.fixture
def armbands(tmp_path: Path) -> Path:
    """A small MyoArmbandDataset: two parts with a Male0 each, and two whole cycles."""
    for folder in (
        "PreTrainingDataset/Male0/training0",
        "PreTrainingDataset/Male10/training0",
        "PreTrainingDataset/Male2/training0",
        "PreTrainingDataset/Female7/training0",
        "EvaluationDataset/Male0/training0",
        "EvaluationDataset/Male0/Test0",
    ):
        session = tmp_path / "set" / folder
        session.mkdir(parents=True)
        (session.parent / "experiment.csv").write_text("Sex,M,,")
        for number in range(14):
            counts = np.full((number + 1, 8), number, "<i2")
            (session / f"classe_{number}.dat").write_bytes(counts.tobytes())
    return tmp_path / "set"


def record(path: Path, prompts: list[tuple[int, str]], samples_n: int, gap_at: int = 0) -> None:
    """A recording whose samples count up, with a gap of 5 at the sample `gap_at`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    x = np.arange(2 * samples_n, dtype=np.float32).reshape(samples_n, 2)
    writer = create_recording(path, SPEC, "test")
    for first in range(samples_n):
        lost = 5 if gap_at and first == gap_at else 0
        at_s = (first + 5 * (gap_at > 0 and first >= gap_at)) / 200
        for index, text in prompts:
            if index == first:
                writer.text(Stream.MARKERS, at_s, text)
        writer.samples(at_s, x[first : first + 1].tobytes(), lost)
    writer.close()


def test_a_file_is_a_segment_of_its_gesture_and_cycle(armbands: Path) -> None:
    segments = [
        s
        for s in read_myo_armband(armbands)
        if (s.user, s.session) == ("evaluation/Male0", "training0")
    ]
    assert [(s.cycle, s.gesture) for s in segments] == [
        (cycle, gesture) for cycle in (0, 1) for gesture in MYO_GESTURES
    ]
    assert [len(s.samples) for s in segments] == list(range(1, 15))
    assert [s.samples[0, 0] for s in segments] == list(range(14))
    assert {s.spec for s in segments} == {MYO_SPEC}


def test_the_two_parts_have_different_users_of_the_same_name(armbands: Path) -> None:
    users = list(dict.fromkeys(s.user for s in read_myo_armband(armbands)))
    assert users == [
        "pretraining/Male0",
        "pretraining/Male2",
        "pretraining/Male10",
        "evaluation/Male0",
    ]


def test_the_users_that_repeat_an_evaluation_user_are_left_out(armbands: Path) -> None:
    assert "pretraining/Female7" not in {s.user for s in read_myo_armband(armbands)}


def test_only_the_users_asked_for_are_read(armbands: Path) -> None:
    (armbands / "PreTrainingDataset/Male2/training0/classe_3.dat").write_bytes(b"broken")
    segments = read_myo_armband(armbands, users={"evaluation/Male0"})
    assert {s.user for s in segments} == {"evaluation/Male0"}
    with pytest.raises(Refused, match=r"classe_3\.dat has 6 bytes"):
        read_myo_armband(armbands)


def test_the_real_set_has_the_users_of_the_published_protocol(shared_data: Path) -> None:
    segments = read_myo_armband(shared_data / "myo_armband")
    sessions = Counter((s.user, s.session) for s in segments)
    assert set(sessions.values()) == {28}
    users = {user for user, _ in sessions}
    assert {user for user in users if user.startswith("pretraining/")} == {
        *(f"pretraining/Female{i}" for i in range(7)),
        *(f"pretraining/Male{i}" for i in range(12)),
    }
    assert ("evaluation/Male0", "Test1") in sessions


def test_live_and_offline_see_the_same_samples(shared_data: Path) -> None:
    root = shared_data / "myo_armband"
    whole = load_session(root / "EvaluationDataset" / "Male1" / "Test0")
    samples, markers = whole.samples, list(whole.markers)
    segments = [
        s for s in read_myo_armband(root, users={"evaluation/Male1"}) if s.session == "Test0"
    ]
    np.testing.assert_array_equal(np.concatenate([s.samples for s in segments]), samples)
    assert [s.gesture for s in segments] == [text for _, text in markers]


def test_a_recording_is_cut_where_its_prompts_change(tmp_path: Path) -> None:
    prompts = [
        (2, "rest"),
        (6, "hand_open"),
        (8, "a word"),
        (11, "rest"),
        (14, "hand_open"),
    ]
    record(tmp_path / "anna" / "morning.xdf", prompts, 20)
    segments = read_xdf(tmp_path)
    assert [(s.user, s.session, s.cycle, s.gesture) for s in segments] == [
        ("anna", "morning", 0, "rest"),
        ("anna", "morning", 0, "hand_open"),
        ("anna", "morning", 1, "rest"),
        ("anna", "morning", 1, "hand_open"),
    ]
    firsts = [(s.samples[0, 0] / 2, len(s.samples)) for s in segments]
    assert firsts == [(2, 4), (6, 5), (11, 3), (14, 6)]


def test_no_segment_spans_a_gap(tmp_path: Path) -> None:
    record(tmp_path / "anna" / "a.xdf", [(0, "rest"), (6, "hand_open")], 12, gap_at=9)
    segments = read_xdf(tmp_path / "anna" / "a.xdf")
    assert [(s.gesture, s.cycle, len(s.samples)) for s in segments] == [
        ("rest", 0, 6),
        ("hand_open", 0, 3),
        ("hand_open", 0, 3),
    ]
    assert len({s.key for s in segments}) == 1


def test_gestures_of_ones_own_are_named(tmp_path: Path) -> None:
    record(tmp_path / "anna" / "a.xdf", [(0, "point"), (6, "rest")], 12)
    assert [s.gesture for s in read_xdf(tmp_path, gestures=("point",))] == ["point"]
    record(tmp_path / "anna" / "b.xdf", [(0, "point")], 12)
    with pytest.raises(Refused, match=r"b\.xdf has no marker of a gesture"):
        read_xdf(tmp_path)


def test_the_gestures_of_a_recording_are_those_of_its_protocol_and_others_end_them(
    tmp_path: Path,
) -> None:
    asked = [(0, protocol_marker("fine", ("rest", "pinch"))), (2, "rest"), (5, "pinch"), (9, "x")]
    record(tmp_path / "anna" / "a.xdf", asked, 12)
    assert [(s.gesture, len(s.samples)) for s in read_xdf(tmp_path)] == [("rest", 3), ("pinch", 4)]


def test_a_data_set_is_opened_by_name_and_path(armbands: Path) -> None:
    assert len(read_dataset(f"myo_armband:{armbands}")) == 5 * 14
    with pytest.raises(Refused, match='Did you mean "myo_armband"'):
        read_dataset(f"myo_armbands:{armbands}")


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    for read in (read_myo_armband, read_xdf, fingerprint):
        with pytest.raises(Refused, match=str(tmp_path)):
            read(tmp_path)


def test_the_fingerprint_is_of_the_recordings_and_not_of_their_place(armbands: Path) -> None:
    before = fingerprint(armbands)
    moved = armbands.rename(armbands.with_name("moved"))
    (moved / "notes.txt").write_text("not a recording")
    assert fingerprint(moved) == before
    path = moved / "EvaluationDataset/Male0/Test0/classe_0.dat"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"\x01")
    assert fingerprint(moved) != before
    path.write_bytes(data)
    assert fingerprint(moved) == before
    path.rename(path.with_name("classe_99.dat"))
    assert fingerprint(moved) != before

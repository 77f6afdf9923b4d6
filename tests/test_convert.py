"""A recording becomes a file for other programs, with nothing changed that is not told."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.bids_files import Entities
from acquisition.imports import load_session
from acquisition.recording import create_recording, read_recording
from acquisition.session import Session
from acquisition.stream import Refused, Spec
from acquisition.xdf import Stream
from flexor.convert import convert
from tests.moving import MOTION_SPEC
from tests.peer_files import PEERS

pytestmark = pytest.mark.edge

SPEC = Spec(200.0, ("emg1", "emg, 2"), "uV", 0.195)
COUNTS = np.random.default_rng(3).integers(-3000, 3000, (300, 2))
MOTION = np.stack([np.linspace(-1, 1, 75), np.linspace(-90, 90, 75)], axis=1).astype("<f4")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Gaps in both streams, markers with commas and quotes, motion."""
    path = tmp_path / "in.xdf"
    writer = create_recording(path, SPEC, "test", MOTION_SPEC)
    rows = (COUNTS * 0.195).astype("<f4")
    writer.samples(7.0, rows[:100].tobytes())
    writer.samples(7.0 + 120 / 200, rows[100:].tobytes(), lost=20)
    writer.motion(7.02, MOTION[:40].tobytes())
    writer.motion(7.02 + 42 / 50, MOTION[40:].tobytes(), lost=2)
    writer.text(Stream.MARKERS, 7.0, "rest")
    writer.text(Stream.MARKERS, 7.0 + 150 / 200, 'say "close", now')
    writer.close()
    return path


def assert_same(ours: Session, theirs: Session) -> None:
    assert ours.spec == theirs.spec
    assert (ours.markers, ours.gaps) == (theirs.markers, theirs.gaps)
    np.testing.assert_array_equal(ours.samples, theirs.samples)


def rows_of(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_csv_keeps_every_value_loss_and_marker(recording: Path, tmp_path: Path) -> None:
    report = convert(recording, tmp_path / "a.csv")
    assert [Path(p).name for p in report["written"]] == ["a.csv", "a.motion.csv"]
    with (tmp_path / "a.csv").open(newline="") as file:
        head, *rows = list(csv.reader(file))
    assert head == ["time_s", "emg1 [uV]", "emg, 2 [uV]", "lost", "marker"]
    values = np.array([[float(cell) for cell in row[1:3]] for row in rows], np.float32)
    np.testing.assert_array_equal(values, load_session(recording).samples)
    assert [(i, row[3]) for i, row in enumerate(rows) if row[3] != "0"] == [(100, "20")]
    marks = [(i, row[4]) for i, row in enumerate(rows) if row[4]]
    assert marks == [(0, "rest"), (130, 'say "close", now')]
    assert [float(rows[i][0]) for i in (0, 99, 100)] == [0.0, 0.495, 0.6]
    with (tmp_path / "a.motion.csv").open(newline="") as file:
        head, *rows = list(csv.reader(file))
    assert head == ["time_s", "accel_x_g", "gyro_z_deg_s", "lost", "marker"]
    assert float(rows[0][0]) == pytest.approx(0.02)
    assert len(rows) == 75


@pytest.mark.parametrize("example", [name for name in PEERS if name != "xdf"])
def test_what_a_peer_recorded_becomes_a_recording_of_ours(example: str, tmp_path: Path) -> None:
    _, name, write = PEERS[example]
    peer = write(tmp_path / name)
    rate_hz = None if peer.says_rate else peer.rate_hz
    theirs = load_session(tmp_path / name, rate_hz)
    report = convert(tmp_path / name, tmp_path / "out.xdf", rate_hz=rate_hz)
    ours = load_session(tmp_path / "out.xdf")
    assert_same(ours, theirs)
    assert ours.wall_s == theirs.wall_s
    assert (ours.motion is None) == (theirs.motion is None)
    if ours.motion is not None and theirs.motion is not None:
        assert_same(ours.motion, theirs.motion)
    assert report["samples"] == len(peer.samples)
    assert report["lost_samples"] == sum(n for _, n in peer.gaps)


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_edf_and_bdf_are_read_back_by_mne(recording: Path, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("edfio", reason="EDF needs edfio of flexor[files]")
    mne = pytest.importorskip("mne", reason="MNE, which reads back what we write, is not here")
    report = convert(recording, tmp_path / f"a{suffix}")
    assert report["motion_samples"] == 75
    reader = mne.io.read_raw_edf if suffix == ".edf" else mne.io.read_raw_bdf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = reader(tmp_path / f"a{suffix}", preload=True, verbose="error")
    x = raw.get_data(picks=[0, 1]).T * 1e6 / 0.195
    np.testing.assert_allclose(x[:100], COUNTS[:100], atol=0.01)
    np.testing.assert_allclose(x[120:320], COUNTS[100:], atol=0.01)
    assert {"rest", "BAD_lost", 'say "close", now'} <= set(raw.annotations.description)
    notes = " ".join(report["notes"])
    assert "20 lost samples in 1 gaps" in notes
    assert "2 lost samples of motion" in notes


def test_a_bids_data_set_is_begun_and_added_to(recording: Path, tmp_path: Path) -> None:
    pytest.importorskip("edfio", reason="EDF needs edfio of flexor[files]")
    root = tmp_path / "set"
    report = convert(recording, None, bids=root, entities=("01", "a", "grips"), line_hz=50.0)
    folder = root / "sub-01" / "ses-a" / "emg"
    stem = "sub-01_ses-a_task-grips"
    assert {path.name for path in folder.iterdir()} == {
        f"{stem}_{end}"
        for end in ("emg.bdf", "emg.json", "channels.tsv", "events.tsv", "events.json")
    }
    assert all(Path(path).exists() for path in report["written"])
    about = json.loads((folder / f"{stem}_emg.json").read_text())
    required = {"EMGPlacementScheme", "EMGReference", "PowerLineFrequency", "SoftwareFilters"}
    assert required | {"SamplingFrequency", "TaskName"} <= set(about)
    assert (about["SamplingFrequency"], about["PowerLineFrequency"]) == (200.0, 50.0)
    assert (about["RecordingType"], about["RecordingDuration"]) == ("continuous", 1.6)
    assert rows_of(folder / f"{stem}_channels.tsv") == [
        ["name", "type", "units", "description", "sampling_frequency"],
        ["emg1", "EMG", "uV", "n/a", "200"],
        ["emg, 2", "EMG", "uV", "n/a", "200"],
        ["accel_x_g", "ACCEL", "g", "n/a", "50"],
        ["gyro_z_deg_s", "GYRO", "deg/s", "n/a", "50"],
    ]
    assert rows_of(folder / f"{stem}_events.tsv")[1:] == [
        ["0.000000", "n/a", "rest", "0"],
        ["0.500000", "0.100000", "BAD_lost", "100"],
        ["0.750000", "n/a", 'say "close", now', "150"],
    ]
    description = json.loads((root / "dataset_description.json").read_text())
    assert (description["Name"], description["BIDSVersion"]) == ("set", "1.11.0")
    convert(recording, None, bids=root, entities=("01", "b", "grips"))
    convert(recording, None, bids=root, entities=("02", "a", "grips"))
    assert rows_of(root / "participants.tsv") == [["participant_id"], ["sub-01"], ["sub-02"]]


def test_the_schema_of_bids_knows_every_file_and_field(recording: Path, tmp_path: Path) -> None:
    pytest.importorskip("edfio", reason="EDF needs edfio of flexor[files]")
    reason = "bidsschematools, which knows the rules of BIDS, is not here"
    validator = pytest.importorskip("bidsschematools.validator", reason=reason)
    schema = pytest.importorskip("bidsschematools.schema", reason=reason).load_schema()
    convert(recording, None, bids=tmp_path / "set", entities=("01", "a", "grips"))
    checked = validator.validate_bids(str(tmp_path / "set"))
    assert len(checked["path_listing"]) == 8
    assert checked["path_tracking"] == []  # paths that no rule knows
    folder = tmp_path / "set" / "sub-01" / "ses-a" / "emg"
    about = json.loads((folder / "sub-01_ses-a_task-grips_emg.json").read_text())
    rules = schema.rules.sidecars.emg
    assert set(rules.EMGRequired.fields) | {"TaskName"} <= set(about)
    assert set(about) <= set(schema.objects.metadata)
    kinds = schema.objects.columns.type__channels.enum
    rows = rows_of(folder / "sub-01_ses-a_task-grips_channels.tsv")
    assert {row[1] for row in rows[1:]} <= set(kinds)
    known = schema.rules.tabular_data.emg.EMGChannels.columns
    assert {"name__channels", "type__channels"} | set(rows[0][2:]) <= set(known)


def test_names_in_a_bids_file_are_those_of_its_channels(tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio", reason="EDF needs edfio of flexor[files]")
    _, name, write = PEERS["emgworks"]
    write(tmp_path / name)
    convert(tmp_path / name, None, bids=tmp_path / "set", entities=("1", "1", "t"))
    folder = tmp_path / "set" / "sub-1" / "ses-1" / "emg"
    names = [row[0] for row in rows_of(folder / "sub-1_ses-1_task-t_channels.tsv")[1:]]
    assert names == list(edfio.read_bdf(folder / "sub-1_ses-1_task-t_emg.bdf").labels)


def test_columns_that_somebody_added_to_the_participants_stay(
    recording: Path, tmp_path: Path
) -> None:
    pytest.importorskip("edfio", reason="EDF needs edfio of flexor[files]")
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-9\t41\n")
    convert(recording, None, bids=tmp_path, entities=("1", "1", "t"))
    assert rows_of(tmp_path / "participants.tsv")[1:] == [["sub-9", "41"], ["sub-1", "n/a"]]


def test_a_bids_recording_is_never_overwritten(recording: Path, tmp_path: Path) -> None:
    pytest.importorskip("edfio", reason="EDF needs edfio of flexor[files]")
    words: Any = {"bids": tmp_path / "set", "entities": ("01", "01", "grips")}
    convert(recording, None, **words)
    before = {path: path.read_bytes() for path in (tmp_path / "set").rglob("*") if path.is_file()}
    with pytest.raises(Refused, match="nothing is overwritten; name another session or task"):
        convert(recording, None, **words)
    assert all(path.read_bytes() == data for path, data in before.items())


@pytest.mark.parametrize("label", ["0_1", "", "a b", "ä"])
def test_labels_that_bids_does_not_know_are_refused(label: str) -> None:
    with pytest.raises(Refused, match="letters and digits"):
        Entities(label, "01", "grips")


@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".csv", ".xdf"])
def test_no_file_is_overwritten(recording: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"there{suffix}"
    out.write_text("precious")
    with pytest.raises(Refused, match="nothing is overwritten"):
        convert(recording, out)
    assert out.read_text() == "precious"


def test_motion_that_would_overwrite_is_refused_before_anything_is_written(
    recording: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.motion.csv").write_text("precious")
    with pytest.raises(Refused, match=r"a\.motion\.csv exists"):
        convert(recording, tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("out", "words", "sentence"),
    [
        ("a.mat", {}, r"must end in \.edf, \.bdf, \.csv, \.xdf"),
        ("a.xdf", {}, "is an .xdf already"),
        (None, {}, "Name one new file"),
        ("a.edf", {"bids": Path("set")}, "Name one new file"),
        ("a.edf", {"rate_hz": 100.0}, "leave --rate out"),
        ("a.edf", {"rate_hz": -1.0}, "not -1"),
        ("a.edf", {"rate_hz": float("nan")}, "not nan"),
        ("not/there/a.csv", {}, "cannot be created"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    recording: Path, tmp_path: Path, out: str | None, words: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        convert(recording, None if out is None else tmp_path / out, **words)


def test_converting_changes_nothing_of_what_it_read(recording: Path, tmp_path: Path) -> None:
    before = recording.read_bytes()
    convert(recording, tmp_path / "a.csv")
    assert recording.read_bytes() == before
    assert read_recording(recording).unread_bytes == 0

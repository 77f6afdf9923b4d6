"""A session of the MyoArmbandDataset is one stream, as a live armband would send it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acquisition.imports import load_session
from acquisition.myo_files import MYO_GESTURES, MYO_SPEC
from acquisition.replay import open_replay
from acquisition.sources import open_source
from acquisition.stream import Refused
from tests.test_replay import read_all

pytestmark = pytest.mark.edge


def write_myo_file(path: Path, counts: np.ndarray) -> None:
    path.write_bytes(counts.astype("<i2").tobytes())


def test_a_session_folder_is_one_stream_in_numeric_order(tmp_path: Path) -> None:
    for number in (0, 1, 2, 10):
        write_myo_file(tmp_path / f"classe_{number}.dat", np.full((3, 8), number))
    (tmp_path / "experiment.csv").write_text("Sex,M,,")
    whole = load_session(tmp_path)
    spec, samples, markers = whole.spec, whole.samples, list(whole.markers)
    assert spec == MYO_SPEC
    assert samples[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 10, 10, 10]
    assert samples.dtype == np.float32
    assert markers == [
        (0, "rest"),
        (3, "radial_deviation"),
        (6, "wrist_flexion"),
        (9, "ulnar_deviation"),
    ]
    assert load_session(tmp_path).gaps == ()


def test_an_armband_session_comes_in_the_packets_of_an_armband(tmp_path: Path) -> None:
    write_myo_file(tmp_path / "classe_0.dat", np.zeros((6, 8)))
    source = open_source(f"replay:{tmp_path}", fast=True)
    source.start()
    chunk = source.read(0.0)
    assert chunk is not None
    assert chunk.samples.shape == (2, 8)


def test_a_real_session_replays_as_it_is_read(shared_data: Path) -> None:
    folder = shared_data / "myo_armband" / "EvaluationDataset" / "Male0" / "Test0"
    whole = load_session(folder)
    spec, samples, markers = whole.spec, whole.samples, list(whole.markers)
    assert spec == MYO_SPEC
    assert [text for _, text in markers] == list(MYO_GESTURES) * 4
    assert len(samples) == sum(path.stat().st_size for path in folder.glob("*.dat")) // 16
    source = open_replay(str(folder), fast=True, chunk_samples=333)
    source.start()
    chunks = read_all(source)
    np.testing.assert_array_equal(np.concatenate([c.samples for c in chunks]), samples)
    assert sum(len(c.markers) for c in chunks) == 28


def test_a_damaged_armband_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "classe_0.dat"
    for content, sentence in (
        (b"", "has 0 bytes"),
        (b"\0" * 15, "has 15 bytes"),
        (b"\0\x40" * 8, "from 16384 to 16384"),
    ):
        path.write_bytes(content)
        with pytest.raises(Refused, match=f"classe_0.dat.*{sentence}"):
            load_session(tmp_path)

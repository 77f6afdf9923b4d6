"""Real recordings that other people published are read as their descriptions say."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from acquisition.imports import load_session
from acquisition.stream import Refused

pytestmark = pytest.mark.edge


def unpacked(tmp_path: Path, path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not among the recordings here")
    out = tmp_path / path.stem
    out.write_bytes(gzip.decompress(path.read_bytes()))
    return out


def test_a_real_gestures_file_is_read(tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "uci_myo_gestures" / "original_format"
    session = load_session(unpacked(tmp_path, folder / "1_raw_data_11-08_21.03.16.txt.gz"))
    assert session.spec.rate_hz == 1000.0
    assert session.samples.shape == (61641, 8)
    assert np.abs(session.samples).max() <= 128
    assert (session.samples == np.rint(session.samples)).all()
    assert len(session.samples) + session.lost == 64557  # ms from its first row to its last
    gestures = [text for _, text in session.markers if text != "unmarked"]
    assert gestures[:3] == ["rest", "hand_close", "wrist_flexion"]


def test_real_lower_limb_files_are_read(tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "uci_lower_limb" / "original_format"
    session = load_session(unpacked(tmp_path, folder / "5Nmar.txt.gz"))
    assert (session.spec.rate_hz, session.spec.unit) == (1000.0, "uV")
    assert session.samples.shape == (6563, 4)
    assert session.samples[0].tolist() == pytest.approx([3.7, -1.5, -0.8, -17.3])
    assert session.motion is not None
    assert session.motion.spec.channels == ("FX_deg",)
    silent = unpacked(tmp_path, folder / "3Amar.txt.gz")
    with pytest.raises(Refused, match="does not say at what rate"):
        load_session(silent)
    assert load_session(silent, 1000.0).samples.shape == (43665, 4)


def test_a_real_trigno_export_is_read(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "small_samples" / "emgio_truncated_trigno_sample.csv.gz"
    session = load_session(unpacked(tmp_path, path))
    assert session.spec.rate_hz == pytest.approx(1259.259)
    assert session.samples.shape == (2519, 2)
    assert session.samples[-1, 0] == pytest.approx(295.5825)
    assert session.motion is not None
    assert session.motion.samples.shape == (297, 12)
    assert session.motion.spec.rate_hz == pytest.approx(148.1481)

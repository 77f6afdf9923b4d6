"""Others read our recordings too: pyxdf finds in them what we find."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest

from acquisition.recording import read_recording
from tests.test_recording import SPEC, write

pyxdf = pytest.importorskip("pyxdf")

pytestmark = pytest.mark.edge


@pytest.mark.parametrize("tidy", [False, True])
def test_pyxdf_reads_the_same(tmp_path: Path, tidy: bool) -> None:
    ours = read_recording(write(tmp_path / "a.xdf").path)
    found, header = pyxdf.load_xdf(
        str(tmp_path / "a.xdf"), synchronize_clocks=tidy, dejitter_timestamps=tidy
    )
    streams = {stream["info"]["name"][0]: stream for stream in found}
    emg = streams["flexor.emg"]
    samples = np.concatenate([chunk.samples for chunk in ours.chunks])
    np.testing.assert_array_equal(emg["time_series"], samples)
    labels = [row["label"][0] for row in emg["info"]["desc"][0]["channels"][0]["channel"]]
    assert labels == list(SPEC.channels)
    assert float(emg["info"]["nominal_srate"][0]) == SPEC.rate_hz
    assert int(emg["footer"]["info"]["sample_count"][0]) == len(samples)
    assert [row[0] for row in streams["flexor.markers"]["time_series"]] == [
        marker.text for marker in ours.markers
    ]
    assert streams["flexor.lost"]["time_series"].ravel().tolist() == [
        chunk.lost for chunk in ours.chunks if chunk.lost
    ]
    assert float(header["info"]["wall_minus_monotonic_s"][0]) == ours.wall_offset_s
    if not tidy:
        stamps = [c.clock_s + i / 200.0 for c in ours.chunks for i in range(len(c.samples))]
        np.testing.assert_allclose(emg["time_stamps"], stamps, rtol=0, atol=1e-9)


def test_pyxdf_reads_what_we_call_whole_of_a_cut_file(tmp_path: Path) -> None:
    written = write(tmp_path / "a.xdf", chunks_n=4)
    data = written.path.read_bytes()
    for end in range(len(data), written.chunks[0][0], -7):
        os.truncate(written.path, end)
        ours = read_recording(written.path)
        intact = io.BytesIO(data[: end - ours.unread_bytes])
        found, _ = pyxdf.load_xdf(intact, synchronize_clocks=False, dejitter_timestamps=False)
        emg = next(s for s in found if s["info"]["name"] == ["flexor.emg"])
        whole = np.concatenate([chunk.samples for chunk in ours.chunks])
        np.testing.assert_array_equal(emg["time_series"], whole)


@pytest.mark.parametrize("tidy", [False, True])
def test_pyxdf_reads_a_file_that_was_cut_within_a_chunk(tmp_path: Path, tidy: bool) -> None:
    written = write(tmp_path / "a.xdf")
    end, _, _, x = max(written.chunks[6:], key=lambda row: len(row[3]))
    assert len(x) > 2
    # Within the values of the last row but one: within those of the last, pyxdf invents the rest.
    os.truncate(written.path, end - 20)
    ours = np.concatenate([chunk.samples for chunk in read_recording(written.path).chunks])
    found, _ = pyxdf.load_xdf(str(written.path), synchronize_clocks=tidy, dejitter_timestamps=tidy)
    emg = next(s for s in found if s["info"]["name"] == ["flexor.emg"])
    np.testing.assert_array_equal(emg["time_series"], ours)

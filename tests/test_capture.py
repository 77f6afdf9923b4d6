"""A recording that cannot begin leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from acquisition.stream import DeviceError
from flexor.capture import record_source
from flexor.run import run_live


def test_a_recording_whose_device_is_not_there_leaves_its_name_free(tmp_path: Path) -> None:
    out = tmp_path / "new.xdf"
    with pytest.raises(DeviceError, match="no port"):
        record_source(out, "cyton:/dev/nowhere", 1.0, "")
    assert not out.exists()


def test_a_run_whose_device_is_not_there_leaves_its_name_free(tmp_path: Path) -> None:
    out = tmp_path / "new.xdf"
    with pytest.raises(DeviceError, match="No device is emulated"):
        run_live(
            profile_path=None,
            source_word=f"myo:unix:{tmp_path}/nobody.sock",
            artifact_path=None,
            hand_word="simulated",
            arm=False,
            record=out,
            seconds=1.0,
            view=False,
        )
    assert not out.exists()


def test_a_recording_of_somebody_else_is_never_removed(tmp_path: Path) -> None:
    out = tmp_path / "old.xdf"
    out.write_text("precious")
    with pytest.raises(Exception, match="exists"):
        record_source(out, "cyton:/dev/nowhere", 1.0, "")
    assert out.read_text() == "precious"

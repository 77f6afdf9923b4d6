"""One control loop per hand, whatever its port is called."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from acquisition.stream import DeviceRefused, Refused
from firmware_bridge.sole_control import lock_folder, sole_control

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
HOLDER = """
import sys
from pathlib import Path
from firmware_bridge.sole_control import sole_control
with sole_control(sys.argv[1], Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_loop_is_refused_and_told_which_process_drives(tmp_path: Path) -> None:
    with (
        sole_control("serial:/dev/ttyACM0", tmp_path),
        pytest.raises(DeviceRefused, match=rf"driven by .*process {os.getpid()}\) already"),
        sole_control("serial:/dev/ttyACM0", tmp_path),
    ):
        pass


def test_the_hand_is_free_again_when_its_loop_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        with sole_control("covvi:10.0.0.7", tmp_path):
            pass


def test_a_port_is_the_same_under_another_name_and_another_protocol(tmp_path: Path) -> None:
    port = tmp_path / "ttyACM0"
    port.touch()
    other = tmp_path / "by-id"
    other.symlink_to(port)
    with (
        sole_control(f"serial:{port}", tmp_path),
        pytest.raises(DeviceRefused, match="end that first"),
        sole_control(f"ability:{other},baud=9600", tmp_path),
    ):
        pass


def test_other_hands_are_no_hindrance_and_those_of_ones_own_are_not_locked(tmp_path: Path) -> None:
    with (
        sole_control("covvi:10.0.0.7", tmp_path),
        sole_control("covvi:10.0.0.8", tmp_path),
        sole_control("ability", tmp_path),
        sole_control("rohand:id=2", tmp_path),
        sole_control("simulated", tmp_path),
        sole_control("simulated", tmp_path),
        sole_control("firmware:host", tmp_path),
        sole_control("firmware:host", tmp_path),
    ):
        assert len(list(tmp_path.glob("*.lock"))) == 4


def test_a_killed_holder_frees_the_hand_and_a_living_one_is_named(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDER, "serial:/dev/ttyACM0", str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(DeviceRefused, match=rf"\(process {holder.pid}\)"),
            sole_control("serial:/dev/ttyACM0", tmp_path),
        ):
            pass
        holder.kill()
        holder.wait()
        with sole_control("serial:/dev/ttyACM0", tmp_path):
            pass


def test_a_holder_that_tells_nothing_of_itself_is_refused_all_the_same(tmp_path: Path) -> None:
    with sole_control("covvi:a", tmp_path):
        (lock,) = tmp_path.glob("*.lock")
        lock.write_text("?")
        with (
            pytest.raises(DeviceRefused, match="another process"),
            sole_control("covvi:a", tmp_path),
        ):
            pass


def test_the_folder_of_the_locks_is_this_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert lock_folder() == tmp_path / "flexor"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert lock_folder() == tmp_path / f"flexor-{os.getuid()}"
    lock_folder().rmdir()
    (tmp_path / "trap").mkdir()
    (tmp_path / f"flexor-{os.getuid()}").symlink_to(tmp_path / "trap")
    with pytest.raises(Refused, match="belongs to another user"):
        lock_folder()

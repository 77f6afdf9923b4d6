"""A power cut leaves the old file or the new one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.whole_file import replace_file

pytestmark = pytest.mark.edge


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "wearer.toml"
    for data in (b"old", b"newer"):
        replace_file(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_safe_before_the_name_and_the_name_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "wearer.toml", []
    path.write_bytes(b"old")
    real = os.fsync

    def fsync(number: int) -> None:
        seen.append(path.read_bytes())
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    replace_file(path, b"new")
    assert seen == [b"old", b"new"]


def test_a_disk_that_is_full_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wearer.toml"
    replace_file(path, b"old")

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]

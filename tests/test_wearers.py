"""Profiles per wearer: versions, roll-back, export and import; signed artifacts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from acquisition.stream import Refused
from flexor import signing
from flexor.profile import DEMO_ARTIFACT, read_profile
from flexor.run import run_live
from flexor.wearers import KEPT_N, Wearers, check

PROFILE = b'source = "synthetic:armband"\nartifact = "artifact.onnx"\n'
FILES = {"profile.toml": PROFILE, "artifact.onnx": DEMO_ARTIFACT.read_bytes()}


@pytest.fixture
def wearers(tmp_path: Path) -> Wearers:
    return Wearers(tmp_path / "wearers")


def archive(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in files.items():
            written.writestr(name, data)
    return made.getvalue()


def test_a_version_is_in_use_at_once_and_earlier_ones_can_be_used_again(wearers: Wearers) -> None:
    wearers.save("Ada left", FILES, "first fitting")
    louder = {**FILES, "profile.toml": PROFILE + b"line_hz = 60.0\n"}
    wearers.save("Ada left", louder, "mains of 60 Hz")
    assert wearers.names() == ["Ada left"]
    assert read_profile(wearers.profile_path("Ada left")).line_hz == 60.0
    assert [v.why for v in wearers.versions("Ada left")] == ["mains of 60 Hz", "first fitting"]
    wearers.roll_back("Ada left", 1)
    assert read_profile(wearers.profile_path("Ada left")).line_hz == 50.0
    assert [v.current for v in wearers.versions("Ada left")] == [False, True]
    with pytest.raises(Refused, match="no version 7"):
        wearers.roll_back("Ada left", 7)


def test_the_artifact_beside_a_profile_is_found_wherever_one_stands(
    wearers: Wearers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wearers.save("Ada", FILES, "")
    monkeypatch.chdir(tmp_path)
    profile = check(wearers.profile_path("Ada").parent)
    assert Path(profile.artifact).parent == wearers.profile_path("Ada").parent


def test_what_could_not_drive_is_refused_and_nothing_changes(wearers: Wearers) -> None:
    wearers.save("Ada", FILES, "good")
    cut = {**FILES, "artifact.onnx": FILES["artifact.onnx"][:-100]}
    wrong = {**FILES, "profile.toml": b'sauce = "myo"\n'}
    for files in (cut, wrong, {**FILES, "../evil": b""}, {"profile.toml": b"\xff"}):
        with pytest.raises(Refused):
            wearers.save("Ada", files, "bad")
    assert [v.why for v in wearers.versions("Ada")] == ["good"]
    assert list((wearers.profile_path("Ada").parents[1]).glob(".part*")) == []


def test_an_exported_profile_goes_to_another_device_as_it_was(wearers: Wearers) -> None:
    wearers.save("Ada", FILES, "first fitting")
    wearers.take_in("Ada too", wearers.export("Ada"))
    one, two = (wearers.profile_path(name).parent for name in ("Ada", "Ada too"))
    for name in FILES:
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert "first fitting" in wearers.versions("Ada too")[0].why


BAD = {
    "no archive": b"PK nonsense",
    "nothing": b"",
    "a way up the folders": archive({**FILES, "../../evil": b"x"}),
    "a file too many": archive({**FILES, "run.py": b"x"}),
    "a bomb": archive({**FILES, "artifact.onnx": b"\0" * 20_000_000}),
    "no profile": archive({"artifact.onnx": FILES["artifact.onnx"]}),
    "a pickle": archive({**FILES, "artifact.onnx": b"\x80\x04K\x01."}),
    "cut short": archive(FILES)[:-40],
}


@pytest.mark.parametrize("name", BAD)
def test_an_import_that_is_none_is_refused_and_leaves_nothing(name: str, wearers: Wearers) -> None:
    with pytest.raises(Refused):
        wearers.take_in("Ada", BAD[name])
    assert wearers.names() == []


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "x" * 41, "a\nb", " a", "ü"])
def test_a_name_that_is_no_folder_is_refused(name: str, wearers: Wearers) -> None:
    with pytest.raises(Refused, match="cannot be a wearer's name"):
        wearers.save(name, FILES, "")


def test_a_wearer_whom_nobody_knows_is_refused(wearers: Wearers) -> None:
    with pytest.raises(Refused, match="no wearer"):
        wearers.profile_path("Bob")


def test_the_oldest_versions_go_and_the_one_in_use_stays(
    wearers: Wearers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flexor.wearers.KEPT_N", 3)
    for k in range(5):
        wearers.save("Ada", FILES, str(k))
    assert [v.number for v in wearers.versions("Ada")] == [5, 4, 3]
    assert KEPT_N >= 10


def test_a_profile_may_demand_a_signature(tmp_path: Path) -> None:
    artifact = tmp_path / "artifact.onnx"
    artifact.write_bytes(DEMO_ARTIFACT.read_bytes())
    told = signing.sign_file(artifact, tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    signing.require_signature(artifact, told["signed_by"])
    other = signing.make_key(tmp_path / "other")
    with pytest.raises(Refused, match="was not signed by"):
        signing.require_signature(artifact, other)
    with pytest.raises(Refused, match="hexadecimal"):
        signing.require_signature(artifact, "none")
    with pytest.raises(Refused, match="cannot be read"):
        signing.sign_file(tmp_path / "none.onnx", tmp_path / "unused")
    assert not (tmp_path / "unused").exists()
    with pytest.raises(Refused, match="there already"):
        signing.make_key(tmp_path / "key")
    artifact.write_bytes(artifact.read_bytes() + b"\0")
    with pytest.raises(Refused, match="changed since"):
        signing.require_signature(artifact, told["signed_by"])


def test_a_run_refuses_an_artifact_that_nobody_signed(tmp_path: Path) -> None:
    (tmp_path / "artifact.onnx").write_bytes(DEMO_ARTIFACT.read_bytes())
    key = signing.make_key(tmp_path / "key")
    (tmp_path / "profile.toml").write_bytes(PROFILE + f'signed_by = "{key}"\n'.encode())
    with pytest.raises(Refused, match="flexor sign"):
        run_live(
            profile_path=tmp_path / "profile.toml",
            source_word=None,
            artifact_path=None,
            hand_word=None,
            arm=False,
            record=None,
            seconds=0.1,
            view=False,
        )

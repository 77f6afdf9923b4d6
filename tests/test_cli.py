"""Every command answers wrong input with one clear line and exit code 2, never a traceback."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from flexor import cli
from flexor.profile import Profile, read_profile
from flexor.protocol import parse_prompts

pytestmark = pytest.mark.edge


def call(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["flexor", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cut.onnx").write_bytes(cli.__file__.encode())
    (tmp_path / "wrong.toml").write_text('sauce = "synthetic"\n')
    (tmp_path / "broken.toml").write_text("a = = b")
    (tmp_path / "there.xdf").write_bytes(b"XDF:")
    (tmp_path / "text.xdf").write_text("no recording")
    return tmp_path


WRONG = [
    ("", "--nope", "No such option"),
    ("", "dance", "No such command"),
    ("demo", "--seconds x", "valid number"),
    ("demo", "--seconds -1", "runs for some seconds"),
    ("demo", "--record {there.xdf} --seconds 1", "there.xdf"),
    ("run", "--source nope", 'no source "nope"'),
    ("run", "--source synthetik", 'Did you mean "synthetic"'),
    ("run", "--source synthetic:armbend", 'Did you mean "armband"'),
    ("run", "--source synthetic:sleeve16", "2000 Hz and the artifact was trained for 200 Hz"),
    ("run", "--source replay:", "a replay needs a recording"),
    ("run", "--source replay:{none.xdf}", "no recording"),
    ("run", "--source replay:{text.xdf}", "text.xdf"),
    ("run", "--artifact {none.onnx}", "There is no artifact"),
    ("run", "--artifact {cut.onnx}", "artifact"),
    ("run", "--artifact {wrong.toml}", "ends in .onnx or .tflite"),
    ("run", "--hand nope", 'no hand "nope"'),
    ("run", "--hand serial:", "Name the port"),
    ("run", "--hand serial:/dev/not-there", "There is no port"),
    ("run", "--profile {none.toml}", "There is no file"),
    ("run", "--profile {wrong.toml}", 'the key "sauce", which is not known. Did you mean "source"'),
    ("run", "--profile {broken.toml}", "is not TOML"),
    ("record", "--out {there.xdf}", "there.xdf"),
    ("record", "--out /not/there.xdf", "cannot be created"),
    ("record", "--out {new.xdf} --prompts rest", "NAME:SECONDS"),
    ("record", "--out {new.xdf} --prompts dance:3", 'cannot make "dance"'),
    ("record", "--out {new.xdf} --source replay:a --prompts rest:3", "brings its own markers"),
    ("record", "--out {new.xdf} --source replay:a --seed 3", "A seed is for simulated"),
    ("record", "", "Missing option"),
    ("record", "--out {new.xdf} --protocol {none.toml}", "There is no file"),
    ("record", "--out {new.xdf} --protocol {wrong.toml}", 'the key "sauce"'),
    ("convert", "", "Missing argument"),
    ("convert", "{none.xdf} {new.edf}", "There is no recording"),
    ("convert", "{text.xdf} {new.edf}", "text.xdf is not an XDF file"),
    ("convert", "{wrong.toml} {new.edf}", "no recording of a known kind"),
    ("convert", "/ {new.edf}", "folder without"),
    ("convert", "{text.xdf} {new.doc}", "must end in .edf"),
    ("convert", "{text.xdf} {there.xdf}", "nothing is overwritten"),
    ("convert", "{text.xdf} --bids {set} --subject 0_1", "letters and digits"),
    ("evaluate", "{none.onnx} --session {none.xdf}", "There is no artifact"),
    ("export", "{empty} --out a.onnx", "has no artifact.onnx"),
    ("export", "{empty} --out a.txt", "must end in"),
    ("bench", "nope", 'no bench "nope"'),
    ("bench", "latency --repeats 3", "repeats"),
    ("benchmark", "--data {empty} --protocol other", 'no protocol "other"'),
    ("benchmark", "--data {empty} --recipe {none.toml}", "There is no file"),
    ("benchmark", "--data {empty} --recipe {wrong.toml}", '"sauce"'),
    ("train", "{none.toml} --data a:b --wearer w --out o", "There is no file"),
    ("devices", "--json /not/there.json", "cannot be written"),
]

COMMANDS = ["demo", "run", "record", "convert", "train", "evaluate", "export", "bench", "devices"]


@pytest.mark.parametrize(("command", "words", "sentence"), WRONG)
def test_wrong_input_gives_one_line_and_exit_code_2(
    command: str,
    words: str,
    sentence: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if command == "export":
        pytest.importorskip("torch", reason="exports need the workstation's packages")
    filled = words.replace("{", f"{folder}/").replace("}", "")
    code, _, err = call([*command.split(), *filled.split()], monkeypatch, capsys)
    assert code == 2, err
    assert sentence.lower() in err.lower()
    assert err.startswith("flexor: ")
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_help_names_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call(["--help"], monkeypatch, capsys)
    assert code == 0
    assert set(COMMANDS) <= set(out.split())


def test_a_mistake_of_ours_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*, scan: bool) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("flexor.devices.list_devices", broken)
    code, _, err = call(["devices"], monkeypatch, capsys)
    assert code == cli.BROKEN
    assert "ZeroDivisionError: oops" in err
    assert "please report" in err


def test_devices_and_doctor_answer_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call(["devices", "--no-scan", "--json", "-"], monkeypatch, capsys)
    assert code == 0
    assert "synthetic" in [row["source"] for row in json.loads(out)["sources"]]
    _, out, _ = call(["doctor", "--json", "-"], monkeypatch, capsys)
    checks = {row["check"]: row["state"] for row in json.loads(out)["checks"]}
    assert checks["onnxruntime"] == "good"


def test_a_profile_is_read_and_the_usual_one_needs_no_file(tmp_path: Path) -> None:
    assert read_profile(None) == Profile()
    path = tmp_path / "wearer.toml"
    path.write_text(
        'source = "replay:a.xdf"\n[[grips]]\ngesture = "hand_close"\n'
        "joints = {thumb = 1.0, index = 0.5}\nmaximum = 0.6\n"
    )
    profile = read_profile(path)
    assert profile.source == "replay:a.xdf"
    grip = profile.control_grips(("rest", "hand_close"), "rest").grips[0]
    assert dict(grip.joints) == {"thumb": 1.0, "index": 0.5}
    assert grip.maximum == 0.6


def test_an_artifact_with_fewer_gestures_has_the_usual_grips_for_them() -> None:
    grips = Profile().control_grips(("rest", "hand_close", "hand_open"), "rest").grips
    assert {grip.gesture for grip in grips} == {"hand_close", "hand_open"}


def test_prompts_are_read_in_order() -> None:
    steps = parse_prompts("rest:3, hand_close:2.5").steps
    assert [(step.label, step.seconds) for step in steps] == [("rest", 3.0), ("hand_close", 2.5)]
    assert parse_prompts("").steps == ()


def test_a_prompted_recording_of_the_virtual_wearer_holds_what_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from acquisition.imports import load_session

    out = tmp_path / "me.xdf"
    words = ["record", "--out", str(out), "--prompts", "rest:0.4,hand_close:0.4", "--json", "-"]
    code, _, err = call(words, monkeypatch, capsys)
    assert code == 0, err
    session = load_session(out)
    assert [text for _, text in session.markers] == ["rest", "hand_close"]
    assert len(session.samples) == 160

"""`flexor firmware`: what it builds, lets run and writes, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_bridge.c_header import c_header
from firmware_bridge.hands import EXO, HAND6, HandSpec
from firmware_bridge.interface import INTERFACE_HASH
from firmware_bridge.serial_link import open_serial
from flexor import cli

pytestmark = pytest.mark.edge


def call(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["flexor", "firmware", *words.split()])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


@pytest.fixture
def _gcc() -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here: apt-get install gcc")


@pytest.mark.usefixtures("_gcc")
def test_build_tells_where_the_image_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call(f"build --out {tmp_path} --json -", monkeypatch, capsys)
    told = json.loads(out)
    assert code == 0
    assert told["file"] == str(tmp_path / "flexor-host")
    assert told["bytes"] == (tmp_path / "flexor-host").stat().st_size
    assert told["interface"] == f"{INTERFACE_HASH:08x}"


def test_header_writes_the_interface_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, _ = call(f"header --out {tmp_path}", monkeypatch, capsys)
    assert code == 0
    assert (tmp_path / "flexor_interface.h").read_text() == c_header()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("buidl", 'Did you mean "build"'),
        ("build --target uno", 'There is no target "uno"; there are host, lm3s6965evb'),
        ("emulate --target uno", 'There is no target "uno"'),
        ("emulate --exo --target mps2-an385", "emulated on this machine, not on mps2-an385"),
        ("header --out /not/there", "cannot be written"),
    ],
)
def test_wrong_words_are_refused_in_one_line(
    words: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = call(words, monkeypatch, capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert sentence in err


@pytest.mark.parametrize("target", ["host", "lm3s6965evb", "mps2-an385"])
def test_a_missing_tool_is_named_with_its_package(
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = call(f"build --target {target} --out {tmp_path}", monkeypatch, capsys)
    assert code == 2
    assert "apt-get install gcc" in err


@pytest.mark.slow
@pytest.mark.usefixtures("_gcc")
@pytest.mark.parametrize(
    ("end", "joints", "spec"), [(signal.SIGINT, [], HAND6), (signal.SIGTERM, ["--exo"], EXO)]
)
def test_emulate_runs_until_it_is_told_to_end(
    tmp_path: Path, end: signal.Signals, joints: list[str], spec: HandSpec
) -> None:
    words = [sys.executable, "-c", "from flexor.cli import main; main()", "firmware", "emulate"]
    with subprocess.Popen(
        [*words, *joints, "--out", str(tmp_path), "--json", "-"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name, url = process.stdout.readline().strip().rsplit(" ", 1)[1].split(":")
        assert name == ("serial_exo" if spec is EXO else "serial")
        with open_serial(url, spec) as opened:
            opened.wait_connected()
        os.kill(process.pid, end)
        told = json.loads(process.stdout.read().partition("\n")[2])
    assert process.returncode == 0
    assert (told["firmware"], told["target"]) == ("emulate", "host")
    assert not Path(url).exists()

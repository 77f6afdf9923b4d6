"""Flexor at boot, and its figures for those who watch over many machines."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acquisition.stream import Refused
from flexor import service as made
from flexor.metrics import TYPES, metrics_text
from flexor.service import SYSTEM, UNIT, Notifier, install, remove, service, unit

pytestmark = pytest.mark.edge


def parsed(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_the_unit_runs_flexor_and_begins_again() -> None:
    found = parsed(unit(["--profile", "/etc/flexor/my wearer.toml"], "pi"))
    words = shlex.split(found["Service"]["ExecStart"])
    assert words[-3:] == ["--no-view", "--profile", "/etc/flexor/my wearer.toml"]
    assert "run" in words
    assert found["Service"]["User"] == "pi"
    assert found["Service"]["Restart"] == "always"
    assert float(found["Service"]["RestartSec"]) < 2


def test_a_dollar_in_a_word_reaches_the_run_as_it_is() -> None:
    assert "'/tmp/$$x y'" in unit(["--profile", "/tmp/$x y"], "pi")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    path = tmp_path / UNIT
    path.write_text(unit([], "root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert UNIT not in done.stderr


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--arm"], "never armed at boot"),
        (["--profile", "a\nExecStart=/bin/sh"], "line breaks"),
        (["%h"], "no %"),
    ],
)
def test_words_that_would_harm_are_refused(words: list[str], match: str) -> None:
    with pytest.raises(Refused, match=match):
        unit(words, "pi")


def test_installing_and_removing_asks_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def ask(*words: str) -> str:
        asked.append(words)
        return "ActiveState=active\nNRestarts=0\n"

    monkeypatch.setattr(made, "_ask", ask)
    report = install("[Unit]\n", tmp_path)
    assert (tmp_path / UNIT).read_text() == "[Unit]\n"
    assert report["state"] == "active"
    assert ("systemctl", "enable", "--now", UNIT) in asked
    remove(tmp_path)
    assert not (tmp_path / UNIT).exists()
    with pytest.raises(Refused, match="nothing is installed"):
        remove(tmp_path)


def flexor(*words: str, path: str) -> tuple[int, Any]:
    """(exit code, report) of the command itself, in a process of its own."""
    main = "from flexor.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, "service", *words, "--json", "-"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_the_service_is_walked_dry_and_says_what_it_would_do(tmp_path: Path) -> None:
    nothing = str(tmp_path)  # neither systemctl nor journalctl is there to be asked
    before = (SYSTEM / UNIT).exists()
    (tmp_path / "me.toml").write_text("")
    profile = str(tmp_path / "me.toml")
    code, report = flexor("install", "--dry-run", "--profile", profile, path=nothing)
    assert code == 0
    assert report["would_write"] == str(SYSTEM / UNIT)
    assert report["would_ask"][1] == f"systemctl enable --now {UNIT}"
    assert f"--profile {profile}" in report["text"]
    assert "--arm" not in report["text"]
    for what in ("status", "logs", "remove"):
        code, report = flexor(what, "--dry-run", path=nothing)
        assert code == 0
        assert all(UNIT in asked or "daemon-reload" in asked for asked in report["would_ask"])
    assert (SYSTEM / UNIT).exists() == before
    code, said = flexor("status", path=nothing)
    assert code == 2
    assert "needs systemd" in said


def test_status_and_logs_tell_what_systemd_says(tmp_path: Path) -> None:
    for name, says in (
        ("systemctl", r"ActiveState=active\nSubState=running\nNRestarts=2\n"),
        ("journalctl", r"2026-01-01 armed\n2026-01-02 disarmed\n"),
    ):
        stand_in = tmp_path / name
        stand_in.write_text(f"#!/bin/sh\nprintf '{says}'\n")
        stand_in.chmod(0o755)
    code, report = flexor("status", path=str(tmp_path))
    assert (code, report["state"], report["restarts"]) == (0, "active", "2")
    code, report = flexor("logs", path=str(tmp_path))
    assert (code, report["lines"]) == (0, ["2026-01-01 armed", "2026-01-02 disarmed"])


def test_a_folder_that_cannot_be_written_names_the_mend(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="sudo flexor service install"):
        install("x", tmp_path / "none")


def test_a_machine_without_systemd_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(Refused, match="needs systemd"):
        service("status", [], None)
    with pytest.raises(Refused, match="instal"):
        service("instal", [], None)


def test_systemd_hears_that_the_loop_is_ready_and_lives(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(path))
        ear.settimeout(2.0)
        notifier = Notifier(str(path))
        for k in range(30):
            notifier.alive(0.1 * k, "disarmed")
        heard = [ear.recv(100) for _ in range(3)]
        alive = b"WATCHDOG=1\nSTATUS=disarmed"
        assert heard == [b"READY=1\n" + alive, alive, alive]
        notifier.close()
        notifier.close()
        assert ear.recv(100) == b"STOPPING=1"


def test_nobody_listens_and_nothing_happens(tmp_path: Path) -> None:
    for address in ("", str(tmp_path / "gone")):
        notifier = Notifier(address)
        notifier.alive(0.0, "armed")
        notifier.close()


def test_the_figures_are_in_the_form_that_prometheus_reads() -> None:
    status = {
        "state": "armed",
        "counts": {"decisions": 40, "lost samples": 3, "restarts": 1, "missed deadlines": 2},
        "latency_ms": {"p50": 1.5, "p99": 4.0, "max": 9.25},
        "findings": [{"kind": "flat"}, {"kind": "flat"}],
    }
    text = metrics_text(True, 1000, status)
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert values['flexor_latency_ms{quantile="0.99"}'] == "4"
    assert values["flexor_lost_samples_total"] == "3"
    assert values['flexor_findings{kind="flat"}'] == "2"
    assert {name.partition("{")[0] for name in values} == set(TYPES)
    assert metrics_text(False, 0, {}).splitlines()[-1] == "flexor_up 0"


@pytest.mark.parametrize("words", [["--profile", "nobody.toml"], ["--profile=nobody.toml"]])
def test_a_profile_that_is_not_there_is_refused_before_anything_is_installed(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for dry in (True, False):
        with pytest.raises(Refused, match="There is no file"):
            service("install", words, "pi", tmp_path, dry=dry)
    assert list(tmp_path.iterdir()) == []


def test_words_that_a_run_does_not_know_are_refused_as_a_run_would(tmp_path: Path) -> None:
    code, said = flexor("install", "--dry-run", "--seconds", "long", path=str(tmp_path))
    assert code == 2
    assert "--seconds" in said


def test_a_relative_profile_is_found_at_boot_where_it_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "me.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    text = service("show", ["--profile", "me.toml"], "pi")["text"]
    assert parsed(text)["Service"]["WorkingDirectory"] == str(tmp_path)

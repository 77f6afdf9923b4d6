"""The README's ten minutes, walked as they are written: its commands by a shell, its table in a
real browser, by the simulated wearer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from flexor.dashboard.audit import Audit
from flexor.wearers import Wearers
from tests.page_rig import browser, end_runs, port_is_free, wait_for
from tests.page_tour import README, WIDE, commands, steps, tour

pytestmark = pytest.mark.slow
URL = "http://127.0.0.1:8420"
MINUTES = 10
BUSY_S = 60.0


def test_the_table_says_every_station_of_the_way() -> None:
    assert [step.page for step in steps() if step.page] == [
        "Electrodes",
        "Calibrate",
        "Drive",
        "Test",
    ]
    assert {step.do.partition(" ")[0] for step in steps()} == {
        "press",
        "tick",
        "choose",
        "hold",
        "wait",
    }
    assert [len(block) for block in commands()] == [4, 3]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git knows, as a newcomer has it, with nothing installed."""
    folder = tmp_path_factory.mktemp("newcomer") / "flexor"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    known = subprocess.run(listed, cwd=README.parent, capture_output=True, check=True).stdout
    for name in filter(None, known.decode().split("\0")):
        source = README.parent / name
        if source.is_file() and not name.startswith(("docs/", "tests/", "recordings/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    shutil.copytree(README.parent / "docs" / "devices", folder / "docs" / "devices")
    return folder


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    """Of the newcomer's shell: what pip would fetch is taken from where these tests run."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    return kept | {
        "HOME": str(home.parent),
        "XDG_RUNTIME_DIR": str(home.parent),
        "STATE_DIRECTORY": str(home.parent / "state"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this as: none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.fixture(scope="module")
def begun_s() -> float:
    return time.monotonic()


@pytest.fixture(scope="module")
def installed(home: Path, environment: dict[str, str], begun_s: float) -> Path:
    """After the first commands, up to the one that serves."""
    for command in commands()[0][:-1]:
        said = shell(command, home, environment)
    assert "missing" not in said
    return home


def shell(command: str, folder: Path, environment: dict[str, str]) -> str:
    """What a command of the README says; it must not fail."""
    words = ["sh", "-c", command]
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture
def page_is_served(installed: Path, environment: dict[str, str]) -> Iterator[None]:
    """The last command of the first block, for as long as the test lasts."""
    until_s = time.monotonic() + BUSY_S
    while not port_is_free(8420):
        if time.monotonic() > until_s:
            pytest.skip(f"something else was served at 127.0.0.1:8420 for {BUSY_S:g} s")
        time.sleep(0.5)
    command = f"exec {commands()[0][-1]}"
    with (installed.parent / "page.log").open("wb") as log:
        served = subprocess.Popen(
            ["sh", "-c", command], cwd=installed, env=environment, stdout=log, stderr=log
        )
    try:
        said = installed.parent / "page.log"
        wait_for(lambda: URL in said.read_text() or served.poll() is not None, "the page", 60.0)
        yield
    finally:
        served.terminate()
        served.wait(10.0)
        end_runs(installed.parent)


def test_a_newcomer_comes_from_armband_to_report(
    page_is_served: None, installed: Path, begun_s: float
) -> None:
    wrong: list[str] = []
    with browser() as chromium:
        page = chromium.new_context(viewport=WIDE).new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        figures = tour(page, URL, lambda _page, _name: None)
    assert figures["completion"] == 100
    assert figures["throughput_bit_s"] > 0.5
    state = installed.parent / "state"
    assert Wearers(state / "wearers").names() == ["me"]
    done = [row["what"] for row in Audit(state / "audit.jsonl").rows()]
    for what in ("pair", "begin watch", "wearer", "begin run", "arm", "estop", "clear"):
        assert what in done
    assert done.count("arm") >= 2
    assert wrong == []
    assert time.monotonic() - begun_s < 60 * MINUTES


def test_the_same_is_walked_over_ssh(installed: Path, environment: dict[str, str]) -> None:
    calibrate, run, assess = commands()[1]
    said = shell(calibrate, installed, environment)
    share = said.partition("right on the last repetition: ")[2].partition(" %")[0]
    assert float(share) >= 95.0
    assert (installed / "me.toml").exists()
    said = shell(run, installed, environment)
    assert "armed" in said
    assert int(said.partition("commands ")[2].split("│")[1].split()[0]) > 0
    assert "lost 0" in said
    said = shell(assess, installed, environment)
    row = next(line for line in said.splitlines() if "all stages" in line)
    assert row.split("│")[3].strip() == "1"

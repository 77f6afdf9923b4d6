"""The page's view of a run, and how the page begins and ends one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from acquisition.stream import Refused
from flexor.dashboard.hub import SCOPE_S, Hub
from flexor.dashboard.supervisor import Supervisor
from flexor.door import Door, runs
from flexor.messages import Kind, SamplesMessage
from tests.virtual import MOVING_S, VirtualRun

WATCH = ("watch", "--source", "synthetic:armband", "--json", "-")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def run() -> Iterator[VirtualRun]:
    run = VirtualRun()
    run.loop.door = Door(run.source.spec, "virtual")
    yield run
    run.loop.door.close()
    for feed in run.loop.feeds:
        feed.close()


def test_the_hub_knows_what_the_run_does(run: VirtualRun) -> None:
    hub = Hub()
    assert hub.attach()
    run.until(MOVING_S)
    while hub.poll():
        pass
    assert hub.alive
    assert hub.status["state"] == "armed"
    assert hub.about["rest"] == "rest"
    assert hub.intent is not None
    assert hub.command is not None
    assert len(hub.latencies_ms) > 0
    newest = hub.newest(100)
    assert newest.shape == (100, len(run.source.spec.channels))
    assert newest.std() > 0
    hub.leave()


def test_the_ring_holds_the_newest_samples_and_shows_what_was_lost(run: VirtualRun) -> None:
    hub = Hub()
    hub.note(Kind.SPEC, {"spec": run.source.spec.to_json(), "source": "x"})
    channels_n = len(run.source.spec.channels)
    held_n = round(SCOPE_S * run.source.spec.rate_hz)
    at = 0
    for lost, n in [(0, 50), (3, 7), (0, held_n + 13), (5, 20)]:
        at += lost
        block = np.arange(at, at + n, dtype="<f4")[:, None] * np.ones(channels_n, "<f4")
        at += n
        hub.note(Kind.SAMPLES, SamplesMessage(0.0, lost, n, channels_n, block.tobytes()))
    newest = hub.newest(30)[:, 0]
    assert hub.lost_n == 8
    assert list(newest[-20:]) == list(range(at - 20, at))
    assert np.isnan(newest[-25:-20]).all()
    assert list(newest[:5]) == list(range(at - 30, at - 25))


def test_a_run_that_ends_leaves_the_hub_without_one_and_another_can_be_joined(
    run: VirtualRun,
) -> None:
    hub = Hub()
    hub.attach()
    run.until(0.5)
    hub.poll()
    assert run.loop.door is not None
    for feed in run.loop.feeds:
        feed.close()
    hub.poll()
    assert not hub.alive
    assert not hub.say("estop")


def test_a_page_begins_a_run_and_ends_it(folder: Path) -> None:
    supervisor, hub = Supervisor(folder / "run.log"), Hub()
    supervisor.start(WATCH)
    assert hub.attach()
    with pytest.raises(Refused, match="already"):
        supervisor.start(WATCH)
    supervisor.end(hub.say)
    hub.leave()
    assert not supervisor.running()
    assert '"samples"' in (folder / "run.log").read_text()


def test_a_run_outlives_its_page_and_the_next_page_finds_it(folder: Path) -> None:
    first = Supervisor(folder / "run.log")
    first.start(WATCH)
    later, hub = Supervisor(folder / "other.log"), Hub()
    assert later.running()
    assert hub.attach()
    later.end(hub.say)
    hub.leave()
    assert runs() == []
    first.end(hub.say)


def test_a_run_that_refuses_says_why(folder: Path) -> None:
    with pytest.raises(Refused, match="There is no source"):
        Supervisor(folder / "run.log").start(("watch", "--source", "synthetik"))


def test_a_run_that_does_not_listen_is_ended_harder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flexor.dashboard.supervisor.QUIT_S", 0.1)
    supervisor = Supervisor(folder / "run.log")
    supervisor.start(WATCH)
    supervisor.end(lambda key: False)
    assert not supervisor.running()


def test_what_a_killed_run_left_does_not_pass_for_one(folder: Path) -> None:
    supervisor = Supervisor(folder / "run.log")
    supervisor.start(WATCH)
    (path,) = runs()
    os.kill(int(path.stem.removeprefix("run-")), signal.SIGKILL)
    until_s = time.monotonic() + 10
    while supervisor.running() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert not supervisor.running()

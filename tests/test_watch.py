"""Streaming without a hand: for looking at electrodes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.simulator.script import demo_script
from acquisition.simulator.will import Will
from acquisition.stream import Refused
from acquisition.synthetic import Synthetic, open_synthetic
from flexor.door import Door, runs, visit
from flexor.feed import say
from flexor.listen import heed
from flexor.messages import Kind
from flexor.perform import performed, told_source
from flexor.watch import Watch, run_watch, turn, watch
from preprocessing.quality import Quality
from tests.door_rig import heard
from tests.virtual import VirtualRun

pytestmark = pytest.mark.edge


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_a_guest_sees_every_sample_and_what_is_wrong_with_a_channel() -> None:
    source = open_synthetic("armband", fast=True)
    now_s = [0.0]
    watching = Watch(Quality(), source, Door(source.spec, "synthetic"), clock=lambda: now_s[0])
    watching.state = watching.quality.start(source.spec)
    source.start()
    with visit(runs()[0]) as guest:
        watching.status_s = -1.0
        turn(watching, [])
        sent = 0
        for k in range(100):
            chunk = source.read(0.0)
            assert chunk is not None
            chunk.samples[:, 2] = 5.0  # a lead that fell off
            sent += len(chunk.samples)
            now_s[0] = 0.01 * (k + 1)
            turn(watching, [chunk])
        told = heard(guest)
    assert sum(value.samples_n for kind, value in told if kind is Kind.SAMPLES) == sent
    status = [value for kind, value in told if kind is Kind.STATUS][-1]
    assert status["state"] == "watching"
    assert [(f["kind"], f["channel"]) for f in status["findings"]] == [
        ("flat", source.spec.channels[2])
    ]
    now_s[0] += 1.0
    turn(watching, [])
    assert watching.feeds == []
    assert watching.door is not None
    watching.door.close()


def test_a_guest_may_end_it() -> None:
    source = open_synthetic("armband")
    watching = Watch(Quality(), source, Door(source.spec, "synthetic"))
    worker = threading.Thread(target=watch, args=(watching, 30.0))
    worker.start()
    with visit(runs()[0]) as guest:
        say(guest, {"key": "quit"})
        worker.join(5.0)
    assert not worker.is_alive()
    assert watching.door is not None
    watching.door.close()


def test_the_command_tells_what_it_streamed() -> None:
    report = run_watch("synthetic:armband", 50.0, 0.3)
    assert report["samples"] > 0
    assert report["error"] is None
    assert runs() == []


def shut(watching: Watch) -> None:
    """Nobody is fed any more."""
    for feed in watching.feeds:
        feed.close(0.0)
    assert watching.door is not None
    watching.door.close()


def loudness(source: Synthetic, chunks_n: int) -> float:
    """Mean square of what comes next."""
    parts = [chunk.samples for _ in range(chunks_n) if (chunk := source.read(0.0)) is not None]
    return float(np.mean(np.square(np.concatenate(parts))))


def test_a_guest_may_tell_the_simulated_wearer_what_to_do() -> None:
    source = open_synthetic("armband", fast=True, script=Will())
    watching = Watch(Quality(), source, Door(source.spec, "synthetic"))
    watching.state = watching.quality.start(source.spec)
    source.start()
    quiet = loudness(source, 100)
    with visit(runs()[0]) as guest:
        turn(watching, [])
        say(guest, {"perform": {"gesture": "hand_close", "effort": 0.6}})
        turn(watching, [])
    assert loudness(source, 100) > 10 * quiet
    assert watching.ignored_n == 0
    shut(watching)


def test_without_a_word_the_simulated_wearer_goes_through_its_gestures() -> None:
    source = open_synthetic("armband", fast=True, script=Will(demo_script()))
    source.start()
    assert loudness(source, 190) < 20.0  # two seconds of rest
    loudness(source, 60)
    assert loudness(source, 100) > 40.0
    source.perform("rest", 0.0)
    loudness(source, 60)
    assert loudness(source, 400) < 20.0
    watched = told_source("synthetic:armband")
    assert isinstance(watched, Synthetic)
    watched.perform("hand_open", 0.5)


@pytest.mark.parametrize(
    "word",
    [
        None,
        [],
        {},
        {"gesture": 3},
        {"gesture": "hand_close", "effort": "much"},
        {"gesture": "fly", "effort": 0.5},
        {"gesture": "hand_close", "effort": 7.0},
    ],
)
def test_a_word_that_no_wearer_can_follow_is_ignored_and_counted(word: Any) -> None:
    source = open_synthetic("armband", fast=True, script=Will())
    assert not performed(source, word)
    watching = Watch(Quality(), source, Door(source.spec, "synthetic"))
    watching.state = watching.quality.start(source.spec)
    with visit(runs()[0]) as guest:
        turn(watching, [])
        say(guest, {"perform": word})
        turn(watching, [])
    assert watching.ignored_n == 1
    shut(watching)


def test_a_person_and_a_script_take_no_orders() -> None:
    class Device:
        pass

    asked = {"gesture": "hand_close", "effort": 0.5}
    assert not performed(Device(), asked)  # type: ignore[arg-type]
    scripted = open_synthetic("armband", fast=True)
    assert not performed(scripted, asked)
    with pytest.raises(Refused, match="follows a script"):
        scripted.perform("rest", 0.0)


def test_a_virtual_wearer_in_a_live_run_does_what_a_guest_asks() -> None:
    run = VirtualRun()
    source = told_source("synthetic:armband")
    run.loop.source = source
    asked = {"perform": {"gesture": "hand_close", "effort": 0.5}}
    assert heed(run.loop, asked, 0.0)
    run.loop.source = None
    assert not heed(run.loop, asked, 0.0)

"""Streaming without a hand: for looking at electrodes."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from acquisition.synthetic import open_synthetic
from flexor.door import Door, runs, visit
from flexor.feed import say
from flexor.messages import MESSAGE_MAX, Kind, unpack
from flexor.watch import Watch, run_watch, turn, watch
from preprocessing.quality import Quality

pytestmark = pytest.mark.edge


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def heard(sock: socket.socket) -> list[tuple[Kind, Any]]:
    found: list[tuple[Kind, Any]] = []
    while True:
        try:
            message = sock.recv(MESSAGE_MAX)
        except BlockingIOError:
            return found
        if not message:
            return found
        found.append(unpack(message))


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

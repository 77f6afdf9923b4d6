"""A session is recorded on a guest's wish: the run grants it, refuses it and ends it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from acquisition.recording import read_recording
from acquisition.stream import Refused
from flexor.door import Door, runs, visit
from flexor.feed import say
from flexor.guest_recorder import attend
from flexor.messages import Kind
from flexor.session_recording import WISH, end_all, recording
from tests.door_rig import heard
from tests.virtual import MOVING_S, VirtualRun

pytestmark = pytest.mark.edge


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualRun]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    run = VirtualRun()
    run.loop.door = Door(run.source.spec, "virtual")
    run.until(0.2)
    yield run
    run.loop.door.close()
    for feed in run.loop.feeds:
        feed.close()


def answers(sock: socket.socket) -> list[dict[str, Any]]:
    told = [value for kind, value in heard(sock) if kind is Kind.STATUS]
    return [value[WISH] for value in told if WISH in value]


def forward(run: VirtualRun, seconds: float) -> None:
    run.until(run.now_s - run.start_s + seconds)


def test_one_guest_at_a_time_is_granted_its_wish_until_any_of_them_ends_it(
    run: VirtualRun,
) -> None:
    with visit(runs()[0]) as first, visit(runs()[0]) as second, visit(runs()[0]) as page:
        forward(run, 0.4)
        say(first, {WISH: "one.xdf"})
        forward(run, 0.05)
        assert answers(first) == [{"granted": "one.xdf"}]
        say(first, {"event": "recording", "bytes_n": 1234, "samples_n": 56, "lost": 2})
        say(second, {WISH: "two.xdf"})
        forward(run, 0.05)
        told = answers(second)
        assert ["refused" in answer and "one.xdf" in answer["refused"] for answer in told] == [True]
        forward(run, 0.2)
        shown = [v["recording"] for k, v in heard(page) if k is Kind.STATUS and "state" in v][-1]
        told_n = {"bytes_n": 1234, "samples_n": 56, "lost": 2}
        assert shown == {"name": "one.xdf", **told_n, "of_run": False}
        say(page, {WISH: None})
        forward(run, 0.2)
        assert heard(first)[-1][0] is Kind.END
        assert recording(run.loop.feeds) is None
        assert run.loop.tally.counts["recording ended"] == 1
        assert run.loop.tally.counts["recorder lost"] == 0
        say(page, {WISH: None})
        forward(run, 0.05)
        assert run.loop.tally.counts["recording refused"] == 2


def test_a_run_that_ends_tells_its_recorder(run: VirtualRun) -> None:
    with visit(runs()[0]) as guest, visit(runs()[0]) as page:
        forward(run, 0.4)
        say(guest, {WISH: "one.xdf"})
        forward(run, 0.05)
        end_all(run.loop.feeds)
        assert heard(guest)[-1][0] is Kind.END
        assert Kind.END not in [kind for kind, _ in heard(page)]


def test_a_run_that_ends_grants_nothing_and_a_wish_in_other_words_is_none(run: VirtualRun) -> None:
    with visit(runs()[0]) as guest:
        forward(run, 0.2)
        say(guest, {WISH: 5})
        forward(run, 0.05)
        assert run.loop.feeds[0].refused_n == 1
        run.loop.stopping = True
        say(guest, {WISH: "late.xdf"})
        forward(run, 0.05)
        assert "ends just now" in answers(guest)[0]["refused"]


def test_a_recorder_that_stops_by_itself_is_told_and_makes_room_for_the_next(
    run: VirtualRun,
) -> None:
    with visit(runs()[0]) as guest:
        forward(run, 0.2)
        say(guest, {WISH: "one.xdf"})
        say(guest, {"event": "stopped", "text": "The disk is full."})
        forward(run, 0.2)
        assert recording(run.loop.feeds) is None
        assert run.loop.tally.counts["recording stopped"] == 1
        assert run.loop.feeds == []


def test_what_is_recorded_holds_signal_decisions_and_what_the_gate_did(
    run: VirtualRun, tmp_path: Path
) -> None:
    path = tmp_path / "session.xdf"
    recorder = Thread(target=attend, args=(runs()[0], path, 0, 10**9))
    recorder.start()
    until_s = time.monotonic() + 10
    while recording(run.loop.feeds) is None and time.monotonic() < until_s:
        forward(run, 0.01)
        time.sleep(0.005)
    run.until(MOVING_S)
    with visit(runs()[0]) as page:
        forward(run, 0.2)
        say(page, {WISH: None})
        forward(run, 0.2)
    recorder.join(10.0)
    made = read_recording(path)
    assert (made.spec, made.source) == (run.source.spec, "virtual")
    assert np.concatenate([chunk.samples for chunk in made.chunks]).std() > 0
    assert made.intents
    assert made.commands
    about = next(s.fields["about"] for s in made.states if "about" in s.fields)
    assert about["rest"] == "rest"
    gates = [state.fields["state"] for state in made.states if "state" in state.fields]
    assert gates[-1] == "armed"
    assert made.unread_bytes == 0


def test_a_refused_recorder_leaves_no_file(run: VirtualRun, tmp_path: Path) -> None:
    path = tmp_path / "none.xdf"
    with pytest.raises(Refused, match="start it again"):
        attend(tmp_path / "nobody.sock", path, 0, 10**9)
    assert not path.exists()
    run.loop.stopping = True
    wrong: list[Refused] = []

    def attending() -> None:
        try:
            attend(runs()[0], path, 0, 10**9)
        except Refused as error:
            wrong.append(error)

    asking = Thread(target=attending)
    asking.start()
    until_s = time.monotonic() + 10
    while asking.is_alive() and time.monotonic() < until_s:
        forward(run, 0.01)
        time.sleep(0.005)
    assert "ends just now" in str(wrong[0])
    assert not path.exists()

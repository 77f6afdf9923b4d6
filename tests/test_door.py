"""The door of a running loop: guests come, look, ask, are slow, and die; the loop goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Chunk
from firmware_bridge.link import HandFlag
from firmware_bridge.link_words import TROUBLES
from firmware_bridge.safety_state import Phase
from flexor.door import GUESTS_N, Door, runs, visit
from flexor.feed import say
from flexor.messages import Kind
from flexor.sense import understand
from flexor.tell import tell
from tests.door_rig import heard
from tests.virtual import MOVING_S, VirtualRun

pytestmark = pytest.mark.edge


def states(sock: socket.socket) -> list[dict[str, Any]]:
    told = [value for kind, value in heard(sock) if kind is Kind.STATUS]
    return [value for value in told if "state" in value]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualRun]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    run = VirtualRun()
    run.loop.door = Door(run.source.spec, "virtual")
    yield run
    run.loop.door.close()
    for feed in run.loop.feeds:
        feed.close()


def test_a_guest_is_told_the_spec_what_the_run_is_and_what_happens(run: VirtualRun) -> None:
    run.until(0.5)
    (path,) = runs()
    with visit(path) as guest:
        run.until(1.0)
        told = heard(guest)
    assert told[0][0] is Kind.SPEC
    assert told[0][1]["source"] == "virtual"
    about = next(value["about"] for kind, value in told if kind is Kind.STATUS)
    assert about["labels"] == list(run.loop.decoder.contract.labels)
    assert [joint["name"] for joint in about["joints"]] == list(run.loop.joint_names)
    assert {kind for kind, _ in told} >= {Kind.SAMPLES, Kind.INTENT, Kind.STATUS}
    assert about["hand"] == "hand6"
    assert about["line_hz"] == run.loop.quality.line_hz
    assert [own["max_deg_s"] for own in about["hand_limits"]] == [150.0] * 6


def test_a_guest_is_told_of_the_batteries_as_far_as_they_are_reported(run: VirtualRun) -> None:
    run.until(0.5)
    with visit(runs()[0]) as guest:
        run.until(1.0)
        assert states(guest)[-1]["battery"] == {"sensor": None, "hand": "well"}
        run.mcu.low_battery = True
        run.source.battery_share = 0.125  # type: ignore[attr-defined]
        run.loop.source = run.source
        run.until(1.5)
        told = states(guest)[-1]
    assert told["battery"] == {"sensor": 0.125, "hand": "low"}
    assert told["hand_says"] == [TROUBLES[HandFlag.LOW_BATTERY]]


def test_a_guest_is_told_how_evenly_the_loop_works(run: VirtualRun) -> None:
    run.until(MOVING_S)
    with visit(runs()[0]) as guest:
        run.until(MOVING_S + 0.5)
        told = states(guest)[-1]
    assert set(told["jitter_ms"]) == {"p50", "p99", "max"}


def test_a_guest_can_stop_the_hand(run: VirtualRun) -> None:
    run.until(MOVING_S - 0.5)
    with visit(runs()[0]) as guest:
        run.until(MOVING_S)
        assert run.moving
        say(guest, {"key": "estop"})
        run.until(MOVING_S + 0.02)
        assert run.loop.gate_state.phase is Phase.ESTOP


def test_a_guest_that_never_reads_costs_messages_and_nothing_else(run: VirtualRun) -> None:
    with visit(runs()[0]):
        run.until(MOVING_S)
        other = VirtualRun().until(MOVING_S)
        assert run.loop.tally.decided == other.loop.tally.decided
        (feed,) = run.loop.feeds
        assert feed.alive


def test_a_guest_that_goes_is_told_and_forgotten_and_the_next_may_come(run: VirtualRun) -> None:
    visit(runs()[0]).close()
    run.until(0.5)
    assert run.loop.feeds == []
    assert run.loop.tally.counts["page lost"] == 1
    with visit(runs()[0]) as guest:
        run.until(1.0)
        assert heard(guest)


def test_only_so_many_come_in(run: VirtualRun) -> None:
    path = runs()[0]
    guests = []
    for k in range(GUESTS_N + 2):
        guests.append(visit(path))
        run.until(0.5 + 0.3 * k)
    assert len(run.loop.feeds) == GUESTS_N
    assert run.loop.door is not None
    assert run.loop.door.refused_n == 2
    for guest in guests:
        guest.close()


def test_what_a_dead_run_left_behind_is_removed(run: VirtualRun, tmp_path: Path) -> None:
    left = tmp_path / "flexor" / "run-999999999.sock"
    left.touch()
    assert run.loop.door is not None
    assert runs() == [run.loop.door.path]
    assert not left.exists()
    run.loop.door.close()
    assert runs() == []


def test_every_decision_of_a_burst_is_told(run: VirtualRun) -> None:
    run.until(0.5)
    with visit(runs()[0]) as guest:
        run.until(1.0)
        heard(guest)
        samples = np.tile(np.arange(8, dtype=np.float32), (20, 1))
        many = Chunk(samples, run.now_s - 0.1)
        before = run.loop.state.counters.decisions
        intent = understand(run.loop, [many], run.now_s)
        tell(run.loop, [], None, run.now_s)
        decided = run.loop.state.counters.decisions - before
        told = [value.intent for kind, value in heard(guest) if kind is Kind.INTENT]
    assert decided > 1
    assert len(told) == decided
    assert told[-1] == intent

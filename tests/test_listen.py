"""What the control loop hears and survives: keys, signals, nonsense, a consumer's end, a sleep."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Phase, Request
from flexor.feed import HEARD_N, Feed, say
from flexor.listen import want
from flexor.live import stoppable
from flexor.loop import asleep
from flexor.messages import SAID_MAX, Kind, pack, said
from flexor.tally import HOUR_N, QUARTER_N
from tests.virtual import MOVING_S, VirtualRun

pytestmark = pytest.mark.edge


@contextmanager
def fed(run: VirtualRun) -> Iterator[socket.socket]:
    """The consumer's end of a feed of the loop."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    feed = Feed(ours, run.source.spec)
    run.loop.feeds = [feed]
    try:
        yield theirs
    finally:
        theirs.close()
        feed.close()


@pytest.fixture
def moving() -> VirtualRun:
    run = VirtualRun().until(MOVING_S)
    assert run.moving
    return run


def test_an_emergency_stop_by_key_is_at_the_hand_within_20_ms(moving: VirtualRun) -> None:
    with fed(moving) as theirs:
        moving.until(MOVING_S + 0.013)  # between two turns
        say(theirs, {"key": "estop"})
        moving.until(MOVING_S + 0.033)
        assert moving.mcu.state is HandState.ESTOP


def test_nothing_takes_an_emergency_stops_place(moving: VirtualRun) -> None:
    with fed(moving) as theirs:
        for key in ("disarm", "estop", "arm", "clear"):
            say(theirs, {"key": key})
        moving.until(MOVING_S + 0.02)
        assert moving.loop.gate_state.phase is Phase.ESTOP
    want(moving.loop, Request.CLEAR)
    assert moving.loop.request is Request.CLEAR


def test_a_signal_is_an_emergency_stop(moving: VirtualRun) -> None:
    with stoppable(moving.loop):
        os.kill(os.getpid(), signal.SIGUSR1)
        assert moving.loop.estop.waits
        assert not moving.loop.stopping


NONSENSE = [
    b"",
    b"\x00",
    b"\xff" * 100,
    bytes([Kind.STATUS]),
    bytes([Kind.STATUS]) + b"[" * (SAID_MAX - 1),
    bytes([Kind.STATUS]) + b'{"key": "arm"}' + b" " * SAID_MAX,
    bytes([Kind.STATUS]) + b'"arm"',
    bytes([Kind.STATUS]) + b"\xff\xfe",
    bytes([Kind.SAMPLES]) + b"short",
    bytes([99]) + b"{}",
    pack(Kind.STATUS, {"key": "../../etc/passwd"}),
    pack(Kind.STATUS, {"key": ["arm"]}),
    pack(Kind.STATUS, {"key": {"arm": 1}}),
    pack(Kind.STATUS, {"event": 7}),
    pack(Kind.STATUS, {}),
]


@pytest.mark.parametrize("nonsense", NONSENSE[1:])
def test_nonsense_of_a_consumer_changes_nothing_and_is_told_once(
    moving: VirtualRun, nonsense: bytes
) -> None:
    with fed(moving) as theirs:
        for _ in range(3):
            theirs.send(nonsense)
        moving.until(MOVING_S + 0.1)
        assert moving.moving
        assert moving.loop.gate_state.phase is Phase.ARMED
        assert moving.loop.feeds[0].refused_n == 3
        assert moving.events["message refused"] == 1


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_whatever_a_consumer_says_is_an_object_or_nothing(message: bytes) -> None:
    for data in (message, bytes([Kind.STATUS]) + message):
        assert said(data) is None or isinstance(said(data), dict)


def test_a_consumer_that_floods_is_heard_a_little_at_a_time(moving: VirtualRun) -> None:
    with fed(moving) as theirs:
        theirs.setblocking(False)
        for _ in range(5 * HEARD_N):
            say(theirs, {"event": "recording"})
        assert len(moving.loop.feeds[0].poll()) == HEARD_N


def test_a_sentence_of_a_consumer_is_kept_short(moving: VirtualRun) -> None:
    with fed(moving) as theirs:
        say(theirs, {"event": "stopped", "text": "full " * 200})
        say(theirs, {"event": "silent"})
        moving.until(MOVING_S + 0.02)
        assert [len(e.text) for e in moving.loop.tally.events if "full" in e.text] == [300]
        assert moving.events["outlet silent"] == 1


def test_a_consumer_that_dies_is_told_once_and_the_hand_goes_on(moving: VirtualRun) -> None:
    with fed(moving) as theirs:
        moving.until(MOVING_S + 0.05)
        theirs.close()
        moving.until(MOVING_S + 0.2)
        assert moving.moving
        assert moving.events["consumer lost"] == 1
        assert moving.said("The consumer is gone; the hand goes on")


def test_a_sleep_is_a_gap_after_which_nothing_moves_until_somebody_arms(
    moving: VirtualRun,
) -> None:
    slept = [0.0]
    moving.loop.asleep = lambda: (slept[0], slept[0])
    moving.loop.slept_s = 0.0
    moving.until(MOVING_S + 0.05)
    slept[0] = 30.0
    moving.until(MOVING_S + 0.07)
    assert moving.loop.gate_state.phase is Phase.DISARMED
    moving.until(MOVING_S + 1.0)
    assert not moving.moving
    assert moving.loop.state.counters.restarts == 1
    assert moving.loop.state.counters.lost_samples >= 30 * 200
    assert moving.said("The computer slept for 30.0 s: the hand is let go; arm it again.")
    assert moving.events["gap in time"] == 1


def test_a_turn_that_is_held_up_between_two_readings_is_no_sleep(moving: VirtualRun) -> None:
    bounds = iter([(0.0, 5.0), (0.0, 0.0), (-5.0, 0.0), *[(0.0, 0.0)] * 99])
    moving.loop.asleep = lambda: next(bounds)
    moving.loop.slept_s = 0.0
    moving.until(MOVING_S + 0.1)
    assert moving.moving
    assert "gap in time" not in moving.events


def test_a_clock_that_runs_back_lets_the_hand_go(moving: VirtualRun) -> None:
    moving.loop.turn_s += 2.0
    moving.until(MOVING_S + 0.02)
    assert moving.loop.gate_state.phase is Phase.DISARMED
    assert moving.said("The clock ran back by ")


def test_this_machine_tells_how_long_it_slept() -> None:
    least_s, most_s = asleep()
    assert -1e-3 <= least_s <= most_s < least_s + 1.0


def test_each_window_that_came_too_late_is_a_missed_deadline(moving: VirtualRun) -> None:
    assert moving.loop.tally.missed_deadlines == 0
    moving.frozen = True
    moving.until(MOVING_S + 0.3)
    moving.frozen = False
    moving.until(MOVING_S + 0.311)
    assert 9 <= moving.loop.tally.missed_deadlines <= 12
    assert moving.loop.tally.skipped_windows >= 9


def test_a_day_of_wear_keeps_the_figures_of_its_last_hour(moving: VirtualRun) -> None:
    tally = moving.loop.tally
    kept = list(range(HOUR_N + QUARTER_N))
    tally.compute_s[:], tally.latency_s[:] = map(float, kept), map(float, kept)
    moving.until(MOVING_S + 0.2)
    assert HOUR_N <= len(tally.compute_s) <= HOUR_N + 8
    assert tally.latency_s[0] > QUARTER_N - 8

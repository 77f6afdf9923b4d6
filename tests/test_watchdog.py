"""The process that stops a hand when the one that drives it stands still, or is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import pytest

from firmware_bridge.emulators import ability_hand
from firmware_bridge.emulators.ability_hand import AbilityHandTwin
from firmware_bridge.emulators.serve import serve_hand, serve_hand_at
from firmware_bridge.emulators.twin import open_hand_twin
from firmware_bridge.hands import open_hand
from firmware_bridge.watchdog import ARM, DISARM, FEED, HEAD, WatchdogProcess
from firmware_bridge.watchdog_process import obey

pytestmark = pytest.mark.edge

DRIVER = """
import sys, time
from firmware_bridge.command import Mode
from firmware_bridge.hands import open_hand
from firmware_bridge.safety_state import Do, Output

with open_hand("ability:" + sys.argv[1]) as hand:
    hand.wait_connected()
    hand.send(Output(Do.ARM), time.monotonic())
    n = 0
    while True:
        n += 1
        hand.poll(time.monotonic())
        if n % 5 == 0:
            hand.send(Output(Do.SETPOINT, Mode.VELOCITY, (20.0,) * 6, 0.15, n), time.monotonic())
        time.sleep(0.005)
"""


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hand that holds its last setpoint for ever, as most do."""
    monkeypatch.setattr(ability_hand, "TIMEOUT_S", float("inf"))


@contextmanager
def served(twin: AbilityHandTwin) -> Iterator[str]:
    stop, where = threading.Event(), Queue[str]()
    thread = threading.Thread(target=serve_hand, args=(twin, "", stop, where.put))
    thread.start()
    try:
        yield where.get(timeout=5.0)
    finally:
        stop.set()
        thread.join(5.0)


def within(seconds: float, holds: object) -> float | None:
    """After how many seconds `holds()` came true; None if it did not."""
    assert callable(holds)
    begin_s = time.monotonic()
    tick = threading.Event()
    while (spent_s := time.monotonic() - begin_s) < seconds:
        if holds():
            return spent_s
        tick.wait(0.002)
    return None


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_bridge_that_stands_still_or_dies_leaves_the_hand_at_rest(
    endless: None, how: signal.Signals
) -> None:
    twin = AbilityHandTwin()
    with served(twin) as port:
        bridge = subprocess.Popen([sys.executable, "-c", DRIVER, port])
        try:
            assert within(10.0, lambda: twin.body.moving) is not None
            os.kill(bridge.pid, how)
            assert within(2.0, lambda: not twin.body.moving) is not None
        finally:
            bridge.kill()
            bridge.wait()


def test_a_fed_watchdog_keeps_silent_and_a_hungry_one_sends_the_stop_once() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    dog = WatchdogProcess(writing, stall_s=0.1)
    dog.arm(b"stop!")
    for _ in range(20):
        time.sleep(0.01)
        dog.feed()
    with pytest.raises(BlockingIOError):
        os.read(reading, 100)
    tick = threading.Event()
    tick.wait(0.3)
    assert os.read(reading, 100) == b"stop!" * 3
    tick.wait(0.2)
    with pytest.raises(BlockingIOError):
        os.read(reading, 100)
    dog.close()
    os.close(reading)
    os.close(writing)


def test_a_disarmed_watchdog_sends_nothing_at_its_end() -> None:
    reading, writing = os.pipe()
    dog = WatchdogProcess(writing)
    dog.arm(b"stop!")
    dog.disarm()
    dog.close()
    os.close(writing)
    assert os.read(reading, 100) == b""
    os.close(reading)


def test_an_armed_watchdog_stops_the_hand_when_its_feeder_ends() -> None:
    reading, writing = os.pipe()
    dog = WatchdogProcess(writing)
    dog.arm(b"stop!")
    dog.close()
    assert os.read(reading, 5) == b"stop!"
    os.close(reading)
    os.close(writing)


def test_messages_that_come_in_pieces_are_put_together() -> None:
    said = HEAD.pack(ARM, 3) + b"abc" + HEAD.pack(FEED, 0) + HEAD.pack(ARM, 2) + b"de"
    for cut in range(len(said)):
        stop, rest = obey(b"", said[:cut])
        assert obey(stop, rest + said[cut:]) == (b"de", b"")
    assert obey(b"de", HEAD.pack(DISARM, 0)) == (b"", b"")


def test_a_hand_behind_tcp_is_there_for_one_caller_after_the_other() -> None:
    stop, where = threading.Event(), Queue[str]()
    twin = open_hand_twin("covvi")
    thread = threading.Thread(target=serve_hand_at, args=(twin, "127.0.0.1", 0, stop, where.put))
    thread.start()
    try:
        address = where.get(timeout=5.0)
        for _ in range(2):
            with open_hand(f"covvi:{address}") as hand:
                hand.wait_connected()
                assert hand.up
    finally:
        stop.set()
        thread.join(5.0)
    assert not thread.is_alive()

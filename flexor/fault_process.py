"""Faults 20, 21, 30, 35, 38 and 40: what befalls the loop, and the programs beside it."""

from __future__ import annotations

import os
import pty
import signal
import tempfile
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from socket import AF_UNIX, SOCK_SEQPACKET, socket, socketpair
from typing import Any

from acquisition.recording import read_recording
from acquisition.stream import Refused
from firmware_bridge import link
from firmware_bridge.hands import HAND6
from firmware_bridge.link import FrameType, HandState
from firmware_bridge.safety_state import Phase
from firmware_bridge.serial_link import SerialLink
from firmware_bridge.session import Session
from firmware_bridge.sole_control import sole_control
from flexor.fault_bench import MOVING_S, VirtualRun
from flexor.fault_stream import moving
from flexor.fault_table import Outcome
from flexor.feed import Feed
from flexor.messages import MESSAGE_MAX
from flexor.recorder import start_recorder
from flexor.run import run_live
from flexor.tally import HOUR_N, QUARTER_N

STALLS_S = (0.050, 0.500, 5.000)
LATE_N = 3
"""Windows that are still young enough to be decided after a stall: 50 ms of them."""
AGES_S = 0.150
WATCHED_S = 1.0
PHASES_S = (0.0, 0.008, 0.016)
"""When in the 25 ms between two commands a fault strikes."""
SLEPT_S, BACK_S = 3.0, 1.0
START_S = 30.0
"""A process of its own is given so long to begin, on a busy machine."""

Motion = list[tuple[int, ...]]


def motion(run: VirtualRun, each: Callable[[], object] = bool) -> Motion:
    """Where the firmware's joints are in every millisecond of WATCHED_S; `each` is called in it."""
    rows = []
    while run.second < MOVING_S + WATCHED_S - 1e-6:
        each()
        run.until(run.second + 0.001)
        rows.append(tuple(run.mcu.position_udeg))
    return rows


@cache
def undisturbed() -> Motion:
    """The same without any fault."""
    return motion(moving())


@contextmanager
def feeding(run: VirtualRun) -> Iterator[tuple[Feed, socket]]:
    """A feed of the loop, and the consumer's end of it."""
    ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
    feed = Feed(ours, run.source.spec)
    run.loop.feeds = [*run.loop.feeds, feed]
    try:
        yield feed, theirs
    finally:
        theirs.close()
        feed.close(0.0)


def stalled() -> Outcome:
    """20: the control loop gets no turn for 50 ms, 0.5 s and 5 s."""
    ok, safe_s, said = True, 0.0, ""
    for stall_s in STALLS_S:
        run = moving()
        ok &= run.moving
        tally = run.loop.tally
        decided_n, missed_n = len(tally.decided), tally.missed_deadlines
        run.frozen = True
        if stall_s > AGES_S:
            safe_s = max(safe_s, run.rest_s())
        run.until(MOVING_S + stall_s)
        stood = run.mcu.position_udeg
        run.frozen = False
        run.until(run.second + 0.011)
        ok &= tally.missed_deadlines > missed_n and len(tally.decided) - decided_n <= LATE_N
        run.until(run.second + 0.5)
        goes_on = run.loop.gate_state.phase is Phase.ARMED
        still = run.mcu.position_udeg == stood
        ok &= still and not goes_on if stall_s > AGES_S else goes_on
        said = run.told(MOVING_S)
    return Outcome(ok, 1e3 * safe_s, said)


def starved() -> Outcome:
    """21: what waits is bounded while the loop stands; killed for memory, the hand rests by itself,
    and a new loop finds it at rest."""
    run = moving()
    ok = run.moving
    with feeding(run) as (feed, _):
        while not feed.dropped_n:  # a consumer that stands still is owed no more than this
            feed.send_marker(0.0, "x" * (MESSAGE_MAX // 2))
        run.frozen = True
        safe_s = run.rest_s()
        run.until(MOVING_S + 4.0)
        waiting_n = sum(len(chunk.samples) for chunk in run.inbox.take(0.0))
        ok &= waiting_n <= run.source.spec.rate_hz and run.inbox.dropped_samples > 0
    tally = run.loop.tally
    tally.compute_s += [0.0] * (2 * HOUR_N)
    run.frozen = False
    run.until(run.second + 0.1)
    ok &= len(tally.compute_s) <= HOUR_N + QUARTER_N
    stood = run.mcu.position_udeg
    again = SerialLink("virtual", HAND6, run.port, None, Session(9, 6, 150))
    again.hello(run.now_s)
    events = again.poll(run.now_s)[1]
    ok &= again.up and run.mcu.state is HandState.IDLE and run.mcu.position_udeg == stood
    return Outcome(ok, 1e3 * safe_s, " ".join(event.text for event in events))


def deaf() -> Outcome:
    """30: nothing that is sent reaches the hand any more."""
    ok, safe_s = True, 0.0
    for after_s in PHASES_S:
        run = moving()
        run.until(MOVING_S + after_s)
        ok &= run.moving
        vars(run.port)["write"] = len
        safe_s = max(safe_s, run.rest_s())
        ok &= run.mcu.state is HandState.FAILSAFE
        ok &= run.loop.gate_state.phase in (Phase.FAULT, Phase.DISARMED)
    return Outcome(ok, 1e3 * safe_s, run.told(MOVING_S))


def two_controllers() -> Outcome:
    """35: a second loop is refused by its lock; one from elsewhere stops the hand."""
    run = moving()
    ok = run.moving
    hello = link.INTERFACE_HASH.to_bytes(4, "little")
    run.port.write(b"\0" + link.pack(FrameType.HELLO, 99, 1, 0, hello))
    safe_s = run.rest_s()
    ok &= run.mcu.state is HandState.IDLE
    said = run.told(MOVING_S)
    ends = pty.openpty()
    tty.setraw(ends[1])
    word = f"serial:{os.ttyname(ends[1])}"
    try:
        with sole_control(word):
            run_live(
                profile_path=None, source_word=None, artifact_path=None, hand_word=word, arm=True,
                record=None, seconds=0.1, view=False,
            )  # fmt: skip
        ok = False
    except Refused as refusal:
        ok &= f"process {os.getpid()}" in str(refusal)
        said = f"{refusal} {said}"
    for end in ends:
        os.close(end)
    return Outcome(ok, 1e3 * safe_s, said)


def jumped() -> Outcome:
    """38: the machine sleeps for a while, and the clock runs back, in the middle of a motion."""
    ok, safe_s, said = True, 0.0, []
    for slept_s, back_s in ((SLEPT_S, 0.0), (0.0, BACK_S)):
        run = moving()
        ok &= run.moving
        restarts_n = run.loop.state.counters.restarts
        if slept_s:
            run.frozen, run.change = True, lambda chunk: None
            safe_s = max(safe_s, run.rest_s())
            run.until(MOVING_S + slept_s)
            run.frozen = False
        _step_back(run, slept_s + back_s, slept_s)
        if back_s:
            safe_s = max(safe_s, run.rest_s())
        stood = run.mcu.position_udeg
        run.until(run.second + 1.0)
        ok &= run.mcu.position_udeg == stood and run.loop.gate_state.phase is Phase.DISARMED
        ok &= run.loop.state.counters.restarts > restarts_n
        said.append(run.told(MOVING_S - slept_s - back_s))
    return Outcome(ok, 1e3 * safe_s, " ".join(said))


def _step_back(run: VirtualRun, behind_s: float, slept_s: float) -> None:
    """The loop's clock and that of the samples are so far behind from now on: monotonic time
    stands still in a sleep, and boot time goes on."""
    run.loop.slept_s = 0.0
    run.loop.asleep = lambda: (slept_s, slept_s)
    run.loop.clock = lambda: run.now_s - behind_s
    run.change = lambda chunk: replace(chunk, clock_s=chunk.clock_s - behind_s)


def killed_consumer() -> Outcome:
    """40: the recorder's process is killed while the hand closes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "killed.xdf"
        run = moving()
        feed = start_recorder(path, run.source.spec)
        run.loop.feeds = [feed]

        def strike() -> None:
            if abs(run.second - MOVING_S - 0.5) > 1e-4 or feed.process is None:
                return
            await_process(lambda: _kept_n(path))
            os.kill(feed.process.pid, signal.SIGKILL)
            feed.process.wait()

        ok = motion(run, strike) == undisturbed()
        feed.close(0.0)
        ok &= _kept_n(path) > 0
        ok &= not feed.alive and run.said("The recorder is gone")
    return Outcome(ok, None, run.told(MOVING_S))


def _kept_n(path: Path) -> int:
    """Samples that can be read from a recording by now."""
    try:
        return sum(len(chunk.samples) for chunk in read_recording(path).chunks)
    except Refused:
        return 0


def await_process(holds: Callable[[], Any]) -> None:
    """Waits for another process, START_S at most."""
    end_s = time.monotonic() + START_S
    while not holds() and time.monotonic() < end_s:
        time.sleep(0.01)

"""The live loop: one thread owns signal, model and link, and shares nothing that can block it."""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from acquisition.stream import DeviceError, Source
from firmware_bridge.command import Command
from firmware_bridge.safety import gate
from firmware_bridge.safety_state import Do, Health, Output, Phase, Request
from firmware_bridge.serial_link import Sent
from flexor.awake import woke
from flexor.estop import STILL_OPEN, due
from flexor.listen import listen, want
from flexor.loop import Loop, note
from flexor.masking import stands_for
from flexor.reader import Inbox, Reader, room_for
from flexor.realtime import realtime
from flexor.sense import understand
from flexor.session_recording import end_all
from flexor.steering import commanded
from flexor.tally import process_age_s
from flexor.tell import tell, tell_motion
from models.intent import Intent

TICK_S = 0.010
"""Longest wait for samples before the gate is asked again."""
LET_GO_N = 60
"""Ticks that the end of a run may take: torque goes within half a second."""
GREET_S = 0.5
"""Between two tries to take a lost link up again; a handshake is given up after 150 ms."""
INBOX_S = 1.0
"""Signal that may wait for the control loop; older is dropped and counted as lost."""


def run(loop: Loop, source: Source, seconds: float | None = None) -> Inbox:
    """Drives the hand until the source ends, `seconds` of signal have passed, or it is stopped.

    The hand is disarmed at the end whatever happens. Gives the inbox with its counters.
    """
    inbox = room_for(source, INBOX_S, motion=loop.motion)
    deadline_s = loop.decoder.contract.hop_s
    with steady(), hurried(loop), Reader(source, inbox):
        until_s = None if seconds is None else loop.clock() + seconds
        try:
            while not loop.stopping and not inbox.ended:
                if until_s is not None and loop.clock() >= until_s:
                    break
                tick(loop, inbox, deadline_s)
                loop.notifier.alive(loop.clock(), loop.gate_state.phase.value)
            finish(loop, inbox)
        finally:
            let_go(loop)
            end_all(loop.feeds)
    return inbox


def tick(loop: Loop, inbox: Inbox, deadline_s: float) -> None:
    """One turn: what came in goes through, and the gate says what goes out."""
    chunks = inbox.take(TICK_S)
    begin_s = loop.clock()
    chunks = woke(loop, chunks, begin_s)
    listen(loop, begin_s)
    if loop.estop.waits or loop.request is Request.ESTOP:  # before samples are thought about
        act(loop, None, inbox.error is None, begin_s)
    intent = understand(loop, chunks, begin_s)
    output, sent = act(loop, intent, inbox.error is None, loop.clock())
    done_s = loop.clock()
    count(loop, intent, output, begin_s, done_s, deadline_s)
    if intent is not None and output.do is Do.SETPOINT:
        newest, rate_hz = chunks[-1], loop.decoder.contract.spec.rate_hz
        came_s = newest.clock_s + (len(newest.samples) - 1) / rate_hz
        loop.tally.turn_s.append(done_s - came_s)
    tell(loop, chunks, sent, done_s)
    if loop.motion:
        tell_motion(loop, inbox.take_motion())


def act(
    loop: Loop, intent: Intent | None, source_alive: bool, now_s: float
) -> tuple[Output, Sent | None]:
    """Asks the gate, and sends what it lets through: (what that is, what really went out).

    A lost hand ends the run.
    """
    telemetry = None
    try:
        telemetry, events = loop.hand.poll(now_s)
    except DeviceError as error:
        lost(loop, error, now_s)
        events = []
    for event in events:
        note(loop, event.clock_s, f"link {event.kind.value}", event.text)
    if telemetry is not None:
        loop.telemetry = telemetry
    command = None if intent is None else commanded(loop, intent, telemetry, now_s)
    health = loop_health(loop, source_alive)
    ask(loop, command)
    take_up(loop, now_s)
    if loop.request is Request.ARM and loop.rate.right is None:
        note(loop, now_s, "too early", "Not armed: the rate of the samples is not known yet.")
        loop.request = None
    before = loop.gate_state
    asked, loop.request = loop.request, None
    request = due(loop.estop, asked, before.phase, now_s)
    if asked is not None and request is None:
        note(loop, now_s, "still stopped", STILL_OPEN)
    loop.gate_state, output = gate(before, command, telemetry, health, request, now_s, loop.limits)
    if loop.gate_state.cause is not before.cause or loop.gate_state.phase is not before.phase:
        note(loop, now_s, f"gate {loop.gate_state.phase.value}", loop.gate_state.cause.value)
    sent = None
    if output.do is not Do.NOTHING:
        try:
            sent = loop.hand.send(output, now_s)
        except DeviceError as error:
            lost(loop, error, now_s)
    return output, sent


def take_up(loop: Loop, now_s: float) -> None:
    """Takes a lost link up again when a person asks to go on: nothing else does, for a hand that
    comes back by itself would surprise its wearer. It is armed by nobody, and has to be."""
    asked = loop.request in (Request.CLEAR, Request.ARM)
    stands = loop.gate_state.phase in (Phase.FAULT, Phase.DISARMED)
    cleared = loop.gate_state.phase is Phase.ESTOP and loop.request is Request.CLEAR
    if not ((asked and stands) or cleared) or loop.hand.up or now_s - loop.greeted_s < GREET_S:
        return
    loop.greeted_s = now_s
    note(loop, now_s, "link asked", "The hand is asked whether it is there again.")
    try:
        loop.hand.hello(now_s)
    except DeviceError as error:
        lost(loop, error, now_s)


def loop_health(loop: Loop, source_alive: bool) -> Health:
    """What the gate is told of the signal."""
    faults = (f for f in loop.findings if f.fault and not stands_for(loop.masking, f))
    fault = next(faults, None)
    reason = str(fault) if fault else "too many samples lost" if loop.lossy else ""
    reason = reason or loop.rate.told
    return Health(not reason, source_alive and loop.error is None, loop.hand.up, reason)


def ask(loop: Loop, command: Command | None) -> None:
    """Arms once by itself where that was asked for, as soon as there was rest for long enough."""
    if not loop.arm_when_rested or loop.armed_once or command is None or loop.request:
        return
    if not loop.rate.right:
        return
    seen = loop.gate_state.seen
    if loop.gate_state.phase is Phase.ARMED:
        loop.armed_once = True
        return
    rested = seen.basis_s - seen.rest_since_s >= loop.limits.rest_s
    if rested and seen.hand is not None and loop.gate_state.phase is Phase.DISARMED:
        loop.request = Request.ARM


def lost(loop: Loop, error: DeviceError, now_s: float) -> None:
    """The hand is gone: told once, and the run ends; the hand's own watchdog stops it."""
    if loop.error is None:
        loop.error = error
        loop.stopping = True
        note(loop, now_s, "hand lost", str(error))


def count(
    loop: Loop,
    intent: Intent | None,
    output: Output,
    begin_s: float,
    done_s: float,
    deadline_s: float,
) -> None:
    """Counts what a tick decided and sent."""
    tally = loop.tally
    if output.do is Do.SETPOINT:
        tally.commands_n += 1
        if intent is None:
            tally.stops_n += 1
            # Torque that goes and a hand that opens rest on no decision, and follow none.
            follows = loop.gate_state.phase is Phase.ARMED
            tally.stale_commands_n += follows and any(output.joints)
        elif output.decision_n != intent.decision_n:
            tally.stale_commands_n += 1
        else:
            tally.latency_s.append(done_s - intent.clock_s)
    if intent is None:
        return
    if tally.first_clock_s is None:
        tally.first_clock_s = intent.clock_s
        tally.first_decision_s = process_age_s()
    tally.last_clock_s = intent.clock_s
    tally.compute_s.append(done_s - begin_s)
    tally.forget()
    if done_s - intent.clock_s > deadline_s:
        tally.missed_deadlines += 1


def finish(loop: Loop, inbox: Inbox) -> None:
    """The source's end: a lost one is told, and the gate disarms."""
    if loop.motion:
        tell_motion(loop, inbox.take_motion())
    if inbox.error is not None:
        loop.error = loop.error or inbox.error
        note(loop, loop.clock(), "source lost", str(inbox.error))


def let_go(loop: Loop) -> None:
    """Disarms, and waits a moment for the hand to hear it."""
    loop.final_state = loop.gate_state.phase.value
    want(loop, Request.DISARM)
    for n in range(LET_GO_N):
        act(loop, None, False, loop.clock())
        if n >= 4 and loop.gate_state.phase is not Phase.LETTING_GO:
            break
        time.sleep(TICK_S)


@contextmanager
def stoppable(loop: Loop) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run in order while it lasts; a second one breaks it off.

    SIGUSR1 is the emergency stop.
    """

    def press(_number: int, _frame: object) -> None:
        loop.estop.press()

    def stop(number: int, _: object) -> None:
        if loop.stopping:
            raise KeyboardInterrupt
        loop.stopping = True
        note(loop, loop.clock(), "stopped", f"{signal.Signals(number).name}: the hand is let go.")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, press)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def hurried(loop: Loop) -> Iterator[None]:
    """The real-time set-up where it was asked for; what the machine refuses of it is told."""
    with realtime() if loop.realtime else nullcontext(()) as loop.setup:
        for step in loop.setup:
            if not step.done:
                note(loop, loop.clock(), f"real-time {step.name}", step.text)
        yield


@contextmanager
def steady() -> Iterator[None]:
    """No collection of garbage (32 ms at a time with the runtime loaded) and quick hand-over
    between the two threads, while it lasts."""
    before = sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.enable()
        gc.unfreeze()

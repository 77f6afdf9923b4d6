"""Faults 28, 29, 34 and 36: what befalls the hand, and what the wearer asks of it."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from acquisition.simulator.script import Prompt, Script
from firmware_bridge.codec import cobs_decode
from firmware_bridge.hands import HAND6
from firmware_bridge.link import FrameType, HandState
from firmware_bridge.safety_state import Cause, Phase, Request
from flexor.fault_bench import MOVING_S, VirtualRun
from flexor.fault_stream import DEVICE, moving
from flexor.fault_table import Outcome
from flexor.feed import Feed, say
from flexor.listen import want
from flexor.live import stoppable

GARBLE = 0x5A
TRIES_N = 3
"""Science 5.3, fault 28: a request is sent so often, and then the hand is let go."""
STRONG = Script((Prompt("rest", 0.0, 2.5), Prompt("hand_close", 0.9, 6.0)), loop=False)
FULL_S, INDEX = 3.2, 2
"""When a strong hand_close drives the fingers at full speed: from it, braking takes longest."""
BLOCKED_S = 0.150
AT_ONCE_S = 0.001
LOST_N = 10
"""Samples that are lost with every chunk: too many to go on."""


def garble(run: VirtualRun) -> None:
    """From now on the hand's replies are nonsense."""
    read = run.port.read
    vars(run.port)["read"] = lambda n: bytes(byte ^ GARBLE for byte in read(n))


def overhear(run: VirtualRun, then: Callable[[int], object] = bool) -> Counter[int]:
    """Counts the frames that the loop sends, by type; `then` hears each type."""
    heard: Counter[int] = Counter()
    write = run.port.write

    def count(data: bytes) -> int:
        for coded in filter(None, data.split(b"\0")):
            kind = (cobs_decode(coded) or b"\0\0")[1]
            heard[kind] += 1
            then(kind)
        return write(data)

    vars(run.port)["write"] = count
    return heard


def garbled() -> Outcome:
    """28: the hand's replies are nonsense mid-motion, or behind ARM; or it refuses to arm."""
    ok, safe_s = True, 0.0
    for after_s in (0.0, 0.006, 0.012, 0.018):  # telemetry comes every 20 ms
        run = VirtualRun(word=DEVICE, c=True, script=STRONG).until(FULL_S + after_s)
        ok &= max(run.mcu.velocity_deg_s) >= HAND6.joints[INDEX].max_velocity_deg_s
        garble(run)
        safe_s = max(safe_s, run.rest_s())
        ok &= run.loop.gate_state.phase is Phase.FAULT
    said = run.told(FULL_S)

    run = VirtualRun(word=DEVICE, c=True)
    struck: list[int] = []

    def strike(kind: int) -> None:
        if kind == FrameType.ARM and not struck:
            struck.append(kind)
            garble(run)

    heard = overhear(run, strike)
    run.until(MOVING_S)
    ok &= 1 < heard[FrameType.ARM] <= TRIES_N and not any(run.mcu.position_deg)
    ok &= run.mcu.state is HandState.IDLE
    said += " " + run.told()

    run = VirtualRun(word=DEVICE, c=True)
    run.mcu.refuses = True
    run.until(MOVING_S)
    ok &= run.mcu.state is HandState.IDLE and not any(run.mcu.position_deg)
    ok &= run.said("refused ARM")
    return Outcome(ok, 1e3 * safe_s, f"{said} {run.told()}")


def _stuck(mcu: Any, sick: bool) -> None:
    """The joints do not move, and their motors draw what a motor draws that stands still."""
    mcu.stalled = set(range(6)) if sick else set()
    _drawing(mcu, sick)


def _drawing(mcu: Any, sick: bool) -> None:
    mcu.current_ma = [0, 0, 1500 * sick, 0, 0, 0]


def _cut_off(mcu: Any, sick: bool) -> None:
    mcu.over_current = sick


def _hot(mcu: Any, sick: bool) -> None:
    mcu.temperature_c = [0, 90 * sick, 0, 0, 0, 0]


SICKNESSES = (_stuck, _drawing, _cut_off, _hot)


def sick() -> Outcome:
    """29: a joint is stuck, a motor draws too much, its driver cuts it off, it is too hot.

    Safe is when the motors have no torque. The fault stays after the cause has gone, until a
    person clears.
    """
    ok, safe_s, said = True, 0.0, []
    for strike in SICKNESSES:
        run = moving()
        ok &= run.moving
        strike(run.mcu, True)
        cut_s = seconds_until(run, powerless)
        safe_s = max(safe_s, cut_s)
        strike(run.mcu, False)
        stood = run.mcu.position_deg
        run.until(run.second + 1.0)
        ok &= run.loop.gate_state.phase is Phase.FAULT and run.mcu.position_deg == stood
        want(run.loop, Request.CLEAR)
        run.until(run.second + 0.1)
        ok &= run.mcu.state is HandState.IDLE and run.loop.gate_state.phase is Phase.DISARMED
        said.append(run.told(MOVING_S))
    run = moving()
    run.mcu.stalled = set(range(6))  # a hand that measures no currents
    run.until(MOVING_S + BLOCKED_S)
    ok &= run.mcu.counts == (0,) * 6 and run.said("meets resistance")
    said.append(run.told(MOVING_S))
    return Outcome(ok, 1e3 * safe_s, " ".join(dict.fromkeys(said)))


def powerless(run: VirtualRun) -> bool:
    return run.model.torque_limit(run.mcu) == 0 and not run.moving


def seconds_until(
    run: VirtualRun, safe: Callable[[VirtualRun], bool], limit_s: float = 1.0
) -> float:
    """Seconds until it is so."""
    begin_s = run.second
    while not safe(run) and run.second < begin_s + limit_s:
        run.until(run.second + AT_ONCE_S)
    return round(run.second - begin_s, 6)


def active_at_start() -> Outcome:
    """34: somebody asks to arm while the muscles work: not before a second of rest."""
    script = Script((Prompt("hand_close", 0.5, 2.5), Prompt("rest", 0.0, 4.0)), loop=False)
    run = VirtualRun(word=DEVICE, c=True, script=script, arm=False)
    while run.loop.gate_state.phase is not Phase.ARMED and run.second < 6.0:
        want(run.loop, Request.ARM)
        run.until(run.second + 0.1)
        if run.second < 2.5:
            refused = run.loop.gate_state.cause is Cause.ARM_NOT_AT_REST
    armed_s = run.second
    ok = refused and 3.5 <= armed_s <= 5.0 and not any(run.mcu.position_deg)
    return Outcome(ok, None, run.told())


def _request(run: VirtualRun) -> None:
    want(run.loop, Request.ESTOP)


def _signal(run: VirtualRun) -> None:
    with stoppable(run.loop):
        os.kill(os.getpid(), signal.SIGUSR1)


def _key(run: VirtualRun) -> None:
    """As the view says it, through a socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    run.loop.feeds = [*run.loop.feeds, Feed(ours, run.source.spec)]
    say(theirs, {"key": "estop"})
    theirs.close()  # what was said is still heard


def _resting(run: VirtualRun) -> None:
    run.until(0.5)


def _arming(run: VirtualRun) -> None:
    seconds_until(run, lambda run: run.loop.gate_state.phase is Phase.ARMING, 3.0)


def _holding(run: VirtualRun) -> None:
    run.until(MOVING_S)
    run.change = lambda chunk: replace(chunk, lost=chunk.lost + LOST_N)
    seconds_until(run, lambda run: run.loop.gate_state.phase is Phase.HOLD)


def _faulty(run: VirtualRun) -> None:
    run.until(MOVING_S)
    run.mcu.over_current = True
    seconds_until(run, lambda run: run.loop.gate_state.phase is Phase.FAULT)


def _stopped(run: VirtualRun) -> None:
    run.until(MOVING_S)
    run.model.press_emergency_stop(run.mcu)
    seconds_until(run, lambda run: run.loop.gate_state.phase is Phase.ESTOP)


def _following(ms: int) -> Callable[[VirtualRun], object]:
    """Mid-motion, so long after a turn of the loop."""
    return lambda run: run.until(MOVING_S + ms / 1e3)


PRESSES = (
    (_following(1), _request, Phase.ARMED),
    (_following(4), _signal, Phase.ARMED),
    (_following(9), _key, Phase.ARMED),
    (_resting, _key, Phase.DISARMED),
    (_arming, _key, Phase.ARMING),
    (_holding, _key, Phase.HOLD),
    (_faulty, _key, Phase.FAULT),
    (_stopped, _key, Phase.ESTOP),
)


def emergency() -> Outcome:
    """36: the emergency stop by request, signal and key, in every state of the gate.

    Safe is when the firmware is in ESTOP and no joint moves. It stays so whatever is asked but
    CLEAR.
    """
    ok, safe_s, said = True, 0.0, []
    for come, press, phase in PRESSES:
        run = VirtualRun(word=DEVICE, c=True)
        come(run)
        ok &= run.loop.gate_state.phase is phase and (phase is not Phase.ARMED or run.moving)
        press(run)
        stopped_s = seconds_until(
            run, lambda run: run.mcu.state is HandState.ESTOP and not run.moving
        )
        safe_s = max(safe_s, stopped_s)
        stood = run.mcu.position_deg
        for _ in range(10):
            want(run.loop, Request.ARM)
            run.until(run.second + 0.05)
        ok &= run.loop.gate_state.phase is Phase.ESTOP and run.mcu.state is HandState.ESTOP
        ok &= run.mcu.position_deg == stood
        said.append(run.told(run.second - 0.6))
        for feed in run.loop.feeds:
            feed.close(0.0)
    return Outcome(ok, 1e3 * safe_s, " ".join(dict.fromkeys(said)))

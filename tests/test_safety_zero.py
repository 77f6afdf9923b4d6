"""The safety gate does the same whenever its clock began: its zero is nowhere special."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.link import HandFlag, HandState
from firmware_bridge.safety_state import Health, Limits, Output, Request
from tests.gate_rig import BAD_SIGNAL, CLOSE, EXO_LIMITS, LIMITS, WELL, Loop

pytestmark = pytest.mark.edge

NO_SOURCE = replace(WELL, source_alive=False)
RESTED_S = 1.2
HOP_S, TICK_S = 1 / 32, 1 / 64
"""held by binary numbers exactly, so that no rounding decides"""
Said = list[tuple[object, ...]]


def play(limits: Limits, start_s: float, script: Callable[[Loop, Said], None]) -> Said:
    """What the gate says to the script when it is armed at `start_s`."""
    loop = Loop(limits, now_s=start_s - RESTED_S - HOP_S)
    loop.relax(RESTED_S)
    loop.tell(request=Request.ARM)
    loop.hand = HandState.ARMED
    loop.tell()
    loop.now_s = start_s
    loop.tell(loop.command())
    said: Said = []
    script(loop, said)
    return said


def note(loop: Loop, said: Said, output: Output) -> None:
    do, mode, joints, ttl_s, _, eased = output
    since_s = min(loop.now_s - loop.state.since_s, 1.0)
    told = tuple(round(value, 6) + 0.0 for value in (*joints, ttl_s, since_s))
    said.append((do, mode, told, eased, loop.phase, loop.cause))


def decide(
    loop: Loop, joints: tuple[float, ...], mode: Mode = Mode.VELOCITY, health: Health = WELL
) -> Output:
    loop.now_s += HOP_S
    return loop.tell(loop.command(joints, mode=mode), health=health)


def torque(loop: Loop, said: Said) -> None:
    """Pushes, misses some decisions, pushes again, and ends."""
    for n in range(20):
        loop.at_deg = (50.0 + n, 50.0)
        note(loop, said, decide(loop, (10.0, 5.0), mode=Mode.TORQUE))
        if n == 10:
            for _ in range(6):
                loop.now_s += TICK_S
                note(loop, said, loop.tell())
        if n == 15:
            loop.now_s += 3 * TICK_S
            note(loop, said, loop.tell())
    for _ in range(20):
        loop.now_s += TICK_S
        note(loop, said, loop.tell(health=NO_SOURCE))


def velocity(loop: Loop, said: Said) -> None:
    """Closes, opens, holds, and opens slowly when its source is gone."""
    for n in range(24):
        loop.at_deg = (50.0 + n,) * 6
        sign = 1.0 if n % 8 < 5 else -1.0
        note(loop, said, decide(loop, tuple(sign * v for v in CLOSE)))
        if n == 12:
            loop.now_s += 4 * TICK_S
    for n in range(60):
        loop.now_s += TICK_S
        loop.at_deg = (70.0 - n,) * 6
        note(loop, said, loop.tell(health=NO_SOURCE))


def position(loop: Loop, said: Said) -> None:
    """Goes to a place under a battery that becomes low, and holds under a poor signal."""
    for n in range(24):
        if n == 8:
            loop.flags = HandFlag.LOW_BATTERY
        output = decide(loop, (100.0,) * 6, mode=Mode.POSITION)
        loop.at_deg = output.joints or loop.at_deg
        note(loop, said, output)
        if n == 14:
            loop.now_s += 4 * TICK_S
    for _ in range(6):
        note(loop, said, decide(loop, CLOSE, health=BAD_SIGNAL))


def stuck(loop: Loop, said: Said) -> None:
    """Meets resistance, lets go, and draws too much current."""
    for n in range(16):
        sign = 1.0 if n < 8 else -1.0
        loop.at_deg = (50.0 if n < 8 else 50.0 - n,) * 6
        note(loop, said, decide(loop, tuple(sign * v for v in CLOSE)))
    loop.current_a = (9.0,)
    for _ in range(4):
        loop.now_s += TICK_S
        note(loop, said, loop.tell())


def frozen(loop: Loop, said: Said) -> None:
    """Holds under a poor signal until it opens."""
    note(loop, said, decide(loop, CLOSE))
    for n in range(40):
        loop.at_deg = (60.0 - n,) * 6
        note(loop, said, decide(loop, CLOSE, health=BAD_SIGNAL))


def doubting(loop: Loop, said: Said) -> None:
    """Doubts once and is sure again; the remark lasts for a second."""
    for n in range(60):
        loop.now_s += HOP_S
        command = loop.command(confidence=0.1 if n == 2 else 1.0)
        note(loop, said, loop.tell(command))


SCRIPTS = {
    "doubting": (doubting, replace(LIMITS, confidence=0.5)),
    "frozen": (frozen, replace(LIMITS, slow_open_after_s=0.5)),
    "torque": (torque, EXO_LIMITS),
    "velocity": (velocity, replace(LIMITS, slow_open_after_s=0.2)),
    "position": (position, LIMITS),
    "stuck": (stuck, replace(LIMITS, current_a=2.0)),
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize(
    "start_s", [-1.5, -1.25, -0.625, -0.3125, -0.125, -TICK_S, 0.0, TICK_S, HOP_S, 0.5, 1048576.0]
)
def test_the_clocks_zero_is_nowhere_special(name: str, start_s: float) -> None:
    script, limits = SCRIPTS[name]
    usual = play(limits, 128.0, script)
    assert len({row[4:] for row in usual}) > 1, "the script goes through more than one state"
    assert not any(math.isnan(x) for row in usual for x in row[2])  # type: ignore[attr-defined]
    assert play(limits, start_s, script) == usual

"""Faults 31 and 39: a supply that fades, and muscles, or a model, that ask for too much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from unittest.mock import patch

from acquisition.simulator.script import Prompt, Script
from firmware_bridge.assist_laws import Torque
from firmware_bridge.command import Command, Mode
from firmware_bridge.hands import EXO, HAND6
from firmware_bridge.safety_state import Cause, Phase
from flexor.efforts import Site
from flexor.fault_bench import MOVING_S, VirtualRun
from flexor.fault_hand import powerless, seconds_until
from flexor.fault_stream import DEVICE, moving
from flexor.fault_table import Outcome
from flexor.profile import AssistSettings, ControlSettings, Profile

LOW_S = 1.0
"""Of low battery, after which the hand opens; a wearer's has a minute, and the script ends."""
OPEN_DEG = 2.0
SPASM = Script(
    (
        Prompt("rest", 0.0, 3.5),
        Prompt("hand_close", 1.0, 0.4),
        Prompt("rest", 0.0, 0.8),
        Prompt("hand_close", 1.0, 2.5),
    ),
    loop=False,
)
"""A burst of all that a muscle has, and one that lasts."""
LEG = Profile(
    control=ControlSettings("assist"),
    sites=(Site("flexor", ("emg1", "emg2", "emg3"), 3.0, 20.0),),
    assist=AssistSettings(torque=(Torque("knee", "flexor", 12.0),)),
)
BEGUN_S, SPASM_S, WILD_S = 3.4, 7.0, 1.5
KNEE = 1
WILD_NM = (1e6, -1e6)
COUNTS = 1000
SMALL_NM = 1e-6


def low_supply() -> Outcome:
    """31: the battery is low while the hand closes, and later the supply breaks down.

    Safe is when the hand is no faster than a low battery lets it, and when a supply that breaks
    down finds no motor on it.
    """
    run = moving()
    ok = run.moving
    limits = replace(run.loop.limits, low_battery_s=LOW_S)
    run.loop.limits = limits
    slow_deg_s = limits.low_battery_share * HAND6.joints[0].max_velocity_deg_s
    ok &= max(run.mcu.velocity_deg_s) > slow_deg_s
    run.mcu.low_battery = True
    slow_s = seconds_until(run, lambda run: max(run.mcu.velocity_deg_s) <= slow_deg_s)
    run.until(run.second + LOW_S)
    closed = max(run.mcu.position_deg)
    run.until(run.second + 4.5)
    ok &= closed > 50.0 and max(run.mcu.position_deg) < OPEN_DEG
    ok &= run.loop.gate_state.phase is Phase.DISARMED
    ok &= run.loop.gate_state.cause is Cause.BATTERY_EMPTY
    said = run.told(MOVING_S)

    run = moving()
    ok &= run.moving
    run.mcu.brown_out = True
    safe_s = max(slow_s, seconds_until(run, powerless))
    run.mcu.brown_out = False
    stood = run.mcu.position_udeg
    run.until(run.second + 0.5)
    ok &= run.loop.gate_state.phase is Phase.FAULT and run.mcu.position_udeg == stood
    return Outcome(ok, 1e3 * safe_s, f"{said} {run.told(MOVING_S)}")


def too_much() -> Outcome:
    """39: on a leg with torque, a spasm bursts, and a model asks for any torque and for none that
    is a number. Beyond the model's reach the gate clamps torque and its rate, the firmware these
    and the range, each by itself.
    """
    run = VirtualRun(word=DEVICE, c=True, script=SPASM, profile=LEG, spec=EXO).until(BEGUN_S)
    ok = within(run, SPASM_S)
    ok &= run.mcu.position_deg[KNEE] > 50.0 and run.loop.efforts == (1.0,)
    said = run.told(BEGUN_S)

    run = VirtualRun(word=DEVICE, c=True, profile=LEG, spec=EXO).until(BEGUN_S)
    ok &= run.loop.gate_state.phase is Phase.ARMED
    wild = asking(WILD_NM * 20)
    with patch("flexor.live.commanded", wild):
        ok &= within(run, BEGUN_S + WILD_S)
    stayed = run.loop.gate_state.phase is Phase.ARMED
    with patch("flexor.live.commanded", asking((math.nan,))):
        run.until(run.second + 0.5)
    ok &= stayed and run.loop.gate_state.cause is Cause.BAD_COMMAND
    ok &= run.mcu.torque[KNEE] == 0
    return Outcome(ok, None, f"{said} {run.told(BEGUN_S)}")


def asking(torques_nm: tuple[float, ...]) -> Callable[..., Command]:
    """What asks the knee for these torques in turn, ten decisions each, whatever was decided."""

    def each() -> Iterator[float]:
        while True:
            for nm in torques_nm:
                yield from [nm] * 10

    wanted = each()

    def command(_loop: object, intent: object, *_: object) -> Command:
        joints = (0.0, next(wanted))
        clock_s, number = intent.clock_s, intent.decision_n  # type: ignore[attr-defined]
        return Command(Mode.TORQUE, joints, clock_s, number, 0.075)

    return command


def within(run: VirtualRun, second: float) -> bool:
    """Whether until then, in every millisecond, no torque grew faster or beyond what is allowed,
    at the gate and at the firmware, no joint left its range, and none was too fast."""
    ok, axes = True, run.mcu.joints.axes()
    before = list(run.mcu.torque)
    gave = run.loop.gate_state.motion
    while run.second < second - 1e-6:
        run.until(run.second + 0.001)
        for joint, (axis, limit) in enumerate(zip(axes, EXO.joints, strict=False)):
            now = run.mcu.torque[joint]
            grew = abs(now) - (abs(before[joint]) if now * before[joint] >= 0 else 0)
            ok &= grew <= axis.torque_ramp and abs(now) <= COUNTS
            at_deg, speed = run.mcu.position_deg[joint], run.mcu.velocity_deg_s[joint]
            ok &= limit.range_deg[0] <= at_deg <= limit.range_deg[1]
            ok &= abs(speed) <= limit.max_velocity_deg_s
        before = list(run.mcu.torque)
        gives = run.loop.gate_state.motion
        if gives.sent_s > gave.sent_s and gives.torque_nm and gave.torque_nm:
            ok &= _eased(gave.torque_nm, gives.torque_nm, gives.sent_s - gave.sent_s)
        gave = gives
    return ok


def _eased(before_nm: tuple[float, ...], now_nm: tuple[float, ...], passed_s: float) -> bool:
    """Whether the gate's torques are within the joints' and grew no faster than they may."""
    for joint, before, now in zip(EXO.joints, before_nm, now_nm, strict=True):
        grew = abs(now) - (abs(before) if now * before >= 0.0 else 0.0)
        if abs(now) > joint.max_torque_nm + SMALL_NM:
            return False
        if grew > joint.max_torque_rate_nm_s * passed_s + SMALL_NM:
            return False
    return True

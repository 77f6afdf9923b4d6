"""What the safety gate concludes from what it is told: freshness, rest, stuck joints. Pure."""

from __future__ import annotations

import math

from firmware_bridge.command import Command, Mode
from firmware_bridge.hands import Telemetry
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import GateState, Health, Limits, Seen

GAP_S = 0.050
"""Longest time between two telemetries that counts as driven without movement."""


def fits(command: Command, limits: Limits) -> bool:
    """A mode that the hand takes, one finite number for each joint, and finite times; a sum shows
    what is not finite."""
    return (
        command.mode in limits.modes
        and len(command.joints) == len(limits.joints)
        and math.isfinite(sum(command.joints, command.clock_s + command.ttl_s))
    )


def see(
    state: GateState,
    command: Command | None,
    telemetry: Telemetry | None,
    health: Health,
    now_s: float,
    limits: Limits,
) -> tuple[Seen, bool]:
    """What is known now, and whether the command rests on a decision not seen before."""
    before_s, decision_n, basis_s, rest_since_s, hand, heard_s, watched, stalled, blocked = (
        state.seen
    )
    now_s = max(before_s, now_s)  # time never runs back; a NaN changes nothing
    fresh = (
        command is not None
        and command.decision_n > decision_n
        and basis_s < command.clock_s <= now_s + limits.ahead_s
    )
    if command is not None and fresh:
        gap = command.clock_s - basis_s > limits.stale_s
        decision_n, basis_s = command.decision_n, command.clock_s
        if not command.rest or any(command.joints):
            rest_since_s = math.inf
        elif gap or rest_since_s == math.inf:
            rest_since_s = basis_s
        if blocked:
            blocked = _let_go(blocked, command)
    if not health.signal_ok:
        rest_since_s = math.inf
    if telemetry is not None:
        watched, stuck = _watch(state, telemetry, min(now_s - heard_s, GAP_S), limits)
        stalled = any(state.motion.velocity_deg_s[i] < 0.0 for i in stuck)
        if stuck or blocked:
            blocked = _blocked(blocked, stuck, telemetry.position_deg, limits)
        hand, heard_s = telemetry, now_s
    seen = Seen(now_s, decision_n, basis_s, rest_since_s, hand, heard_s, watched, stalled, blocked)
    return seen, fresh


Blocked = tuple[tuple[int, float], ...]


def _let_go(blocked: Blocked, command: Command) -> Blocked:
    """Without the joints that are asked to open, or to rest."""
    moving = command.mode is Mode.VELOCITY
    return tuple([(i, deg) for i, deg in blocked if command.joints[i] > (0.0 if moving else deg)])


def _blocked(
    blocked: Blocked, stuck: tuple[int, ...], at_deg: tuple[float, ...], limits: Limits
) -> Blocked:
    """Those that still stand where they met resistance, and those that newly do."""
    still = {i: deg for i, deg in blocked if abs(at_deg[i] - deg) < limits.moved_deg}
    return tuple(({i: at_deg[i] for i in stuck} | still).items())


def _watch(
    state: GateState, telemetry: Telemetry, gap_s: float, limits: Limits
) -> tuple[tuple[tuple[float, float, float], ...], tuple[int, ...]]:
    """For how long each joint was driven without movement, and the numbers of those that should
    have moved by now."""
    if telemetry.state is not HandState.ARMED or not any(state.motion.velocity_deg_s):
        return (), ()
    at_deg = telemetry.position_deg
    before = state.seen.watched or tuple([(0.0, 0.0, deg) for deg in at_deg])
    watched: list[tuple[float, float, float]] = []
    stuck = []
    for (so_far_s, so_far_deg, from_deg), deg, speed in zip(
        before, at_deg, state.motion.velocity_deg_s, strict=True
    ):
        if speed == 0.0 or abs(deg - from_deg) >= limits.moved_deg:
            watched.append((0.0, 0.0, deg))
            continue
        held_s, due_deg = so_far_s + gap_s, so_far_deg + gap_s * abs(speed)
        watched.append((held_s, due_deg, from_deg))
        # A slow or slowly starting joint needs longer to show that it moves: twice moved_deg
        # must have been due since it was last seen to move.
        if held_s > limits.stall_s and due_deg >= 2.0 * limits.moved_deg:
            stuck.append(len(watched) - 1)
    return tuple(watched), tuple(stuck)

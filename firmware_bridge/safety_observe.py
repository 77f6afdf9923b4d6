"""What the safety gate concludes from what it is told: freshness, rest, stuck joints. Pure."""

from __future__ import annotations

import math

from firmware_bridge.command import Command, Mode
from firmware_bridge.hands import Telemetry
from firmware_bridge.link import HandFlag, HandState
from firmware_bridge.safety_state import GateState, Health, Limits, Seen

GAP_S = 0.050
"""Longest time between two telemetries that counts as driven without movement."""
SPEED_S = 0.015
"""Shortest time over which speed is measured: a count of the link in it is 7 deg/s."""


def fits(command: Command, limits: Limits) -> bool:
    """A mode that the hand takes, one finite number for each joint, and finite times; a sum shows
    what is not finite."""
    return (
        command.mode in limits.modes
        and len(command.joints) == len(limits.joints)
        and math.isfinite(sum(command.joints, command.clock_s + command.ttl_s))
    )


def sure(command: Command, limits: Limits) -> bool:
    """Whether the decoder is sure enough for anything new to move; a NaN never is."""
    return command.confidence >= limits.confidence


def see(
    state: GateState,
    command: Command | None,
    telemetry: Telemetry | None,
    health: Health,
    now_s: float,
    limits: Limits,
) -> tuple[Seen, bool]:
    """What is known now, and whether the command rests on a decision not seen before."""
    seen = state.seen
    now_s = max(seen.now_s, now_s)  # time never runs back; a NaN changes nothing
    if telemetry is not None:
        seen = _hear(state, telemetry, now_s, limits)
    decision_n, basis_s, rest_since_s = seen.decision_n, seen.basis_s, seen.rest_since_s
    blocked = seen.blocked
    fresh = (
        command is not None
        and command.decision_n > decision_n
        and basis_s < command.clock_s <= now_s + limits.ahead_s
    )
    if command is not None and fresh:
        gap = command.clock_s - basis_s > limits.stale_s
        decision_n, basis_s = command.decision_n, command.clock_s
        if not command.rest or any(command.joints) or not sure(command, limits):
            rest_since_s = math.inf
        elif gap or rest_since_s == math.inf:
            rest_since_s = basis_s
        if blocked:
            blocked = _let_go(blocked, command)
    if not health.signal_ok:
        rest_since_s = math.inf
    return Seen(now_s, decision_n, basis_s, rest_since_s, seen.hand, seen.heard_s, seen.watched,
                seen.stalled, blocked, *seen[9:]), fresh  # fmt: skip


def _hear(state: GateState, telemetry: Telemetry, now_s: float, limits: Limits) -> Seen:
    """What the hand told, and what that means."""
    seen = state.seen
    watched, stuck = _watch(state, telemetry, min(now_s - seen.heard_s, GAP_S), limits)
    stalled = any(state.motion.velocity_deg_s[i] < 0.0 for i in stuck)
    stuck += _pressing(state, telemetry, limits)
    blocked = seen.blocked
    if stuck or blocked:
        blocked = _blocked(blocked, stuck, telemetry.position_deg, limits)
    current_s, heat_s = seen.over_s
    over_s = (
        min(current_s, now_s) if _over(telemetry.current_a, limits.current_a) else math.inf,
        min(heat_s, now_s) if _over(telemetry.temperature_c, limits.temperature_c) else math.inf,
    )
    low_s = min(seen.low_s, now_s) if telemetry.flags & HandFlag.LOW_BATTERY else math.inf
    place, speed = seen.place, seen.speed_deg_s
    if limits.torque and now_s - place[0] >= SPEED_S:
        since_s = now_s - place[0]
        speed = tuple(
            [
                (at - was) / since_s
                for at, was in zip(telemetry.position_deg, place[1], strict=False)
            ]
        )
        place = (now_s, telemetry.position_deg)
    return Seen(now_s, seen.decision_n, seen.basis_s, seen.rest_since_s, telemetry, now_s, watched,
                stalled, blocked, over_s, low_s, place, speed)  # fmt: skip


def _over(values: tuple[float | None, ...], limit: float) -> bool:
    """Whether one of them is beyond the limit, either way, or no number."""
    return any(value is not None and not abs(value) <= limit for value in values)


Blocked = tuple[tuple[int, float], ...]


def _let_go(blocked: Blocked, command: Command) -> Blocked:
    """Without the joints that are asked to open, or to rest."""
    to_place = command.mode is Mode.POSITION
    return tuple([(i, deg) for i, deg in blocked if command.joints[i] > (deg if to_place else 0.0)])


def _blocked(
    blocked: Blocked, stuck: tuple[int, ...], at_deg: tuple[float, ...], limits: Limits
) -> Blocked:
    """Those that still stand where they met resistance, and those that newly do."""
    still = {i: deg for i, deg in blocked if abs(at_deg[i] - deg) < limits.moved_deg}
    return tuple(({i: at_deg[i] for i in stuck} | still).items())


def _pressing(state: GateState, telemetry: Telemetry, limits: Limits) -> tuple[int, ...]:
    """The joints that close with as much current as a grip may take."""
    return tuple(
        i
        for i, (current, speed) in enumerate(
            zip(telemetry.current_a, state.motion.velocity_deg_s, strict=False)
        )
        if current is not None and abs(current) > limits.grip_a and speed > 0.0
    )


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
        held_s, due_deg = so_far_s + gap_s, so_far_deg + gap_s * speed
        watched.append((held_s, due_deg, from_deg))
        # A slow or slowly starting joint needs longer to show that it moves: twice moved_deg
        # must have been due since it was last seen to move. A way there and back is no way: a
        # target that sways by less than that asks for no movement.
        if held_s > limits.stall_s and abs(due_deg) >= 2.0 * limits.moved_deg:
            stuck.append(len(watched) - 1)
    return tuple(watched), tuple(stuck)

"""The safety gate: the one way to the motors.

Pure: what is known goes in, what is really sent comes out, and nothing else decides. Rules:
joints move in ARMED only; every moving setpoint rests on a decision that is fresh and was not
used before; stopping is always allowed at once; whatever stops the hand is left by a person's
request, or, from HOLD, by a trusted rest decision. Values: safety_state.
"""

from __future__ import annotations

from firmware_bridge.command import TTL_S, Command, Mode
from firmware_bridge.hands import Telemetry
from firmware_bridge.limiter import limited
from firmware_bridge.link import ARM_TTL_MS, HOLD_MS, HandState
from firmware_bridge.safety_observe import fits, see
from firmware_bridge.safety_state import (
    Cause,
    Do,
    GateState,
    Health,
    Limits,
    Motion,
    Output,
    Phase,
    Request,
    Seen,
)

_NOTHING = Output(Do.NOTHING)
_MOVABLE = (HandState.ARMED, HandState.HOLD)


def gate(
    state: GateState,
    command: Command | None,
    telemetry: Telemetry | None,
    health: Health,
    request: Request | None,
    now_s: float,
    limits: Limits,
) -> tuple[GateState, Output]:
    """(state after, what is really sent). Call it every tick, with what is new since the last.

    `command`, `telemetry` and `request` are None when nothing new came; `now_s` is monotonic.
    """
    misfit = command is not None and not fits(command, limits)
    seen, fresh = see(state, None if misfit else command, telemetry, health, now_s, limits)
    if request is Request.ESTOP:
        return _enter(state, seen, Phase.ESTOP, Cause.ESTOP_ASKED, Do.ESTOP)
    if state.phase is Phase.ESTOP:
        return _stopped(state, seen, telemetry, request, limits)
    if telemetry is not None and telemetry.state is HandState.ESTOP:
        return _enter(state, seen, Phase.ESTOP, Cause.HAND_ESTOP, Do.ESTOP)
    if state.phase is Phase.ARMED or state.phase is Phase.HOLD:
        if request is Request.DISARM:
            return _enter(state, seen, Phase.DISARMED, Cause.DISARM_ASKED, Do.DISARM)
        end = _reason_to_end(state, seen, misfit, health, limits)
        if end is not None:
            return _enter(state, seen, *end, Do.DISARM)
        return _follow(state, seen, command if fresh else None, health, limits)
    if state.phase is Phase.ARMING and request is not Request.DISARM:
        return _await_hand(state, seen, telemetry, health, limits)
    return _at_ease(state, seen, telemetry, health, request, limits)


def _enter(
    state: GateState, seen: Seen, phase: Phase, cause: Cause, do: Do
) -> tuple[GateState, Output]:
    """Another phase or cause, motion forgotten."""
    still = Motion(seen.now_s, (0.0,) * len(state.motion.velocity_deg_s), (), ARM_TTL_MS / 1e3)
    return GateState(phase, cause, seen.now_s, seen, still), Output(do)


def _stopped(
    state: GateState,
    seen: Seen,
    telemetry: Telemetry | None,
    request: Request | None,
    limits: Limits,
) -> tuple[GateState, Output]:
    """ESTOP: left only when a person clears and the hand then confirms."""
    if request is Request.CLEAR:
        return _enter(state, seen, Phase.ESTOP, Cause.CLEARING, Do.CLEAR)
    clearing = state.cause is Cause.CLEARING
    if clearing and seen.now_s - state.since_s > limits.confirm_s:
        return _enter(state, seen, Phase.ESTOP, Cause.CLEAR_UNANSWERED, Do.NOTHING)
    if telemetry is not None and telemetry.state is not HandState.ESTOP:
        if clearing:
            return _enter(state, seen, Phase.DISARMED, Cause.CLEARED, Do.NOTHING)
        return state._replace(seen=seen), Output(Do.ESTOP)  # the hand has to agree
    return state._replace(seen=seen), _NOTHING


def _at_ease(
    state: GateState,
    seen: Seen,
    telemetry: Telemetry | None,
    health: Health,
    request: Request | None,
    limits: Limits,
) -> tuple[GateState, Output]:
    """DISARMED and FAULT, and ARMING when it is called off: nothing moves."""
    if request is Request.DISARM:
        if state.phase is Phase.FAULT:
            return state._replace(seen=seen), Output(Do.DISARM)
        return _enter(state, seen, Phase.DISARMED, Cause.DISARM_ASKED, Do.DISARM)
    if request is Request.CLEAR:
        return _enter(state, seen, Phase.DISARMED, Cause.CLEARED, Do.CLEAR)
    if request is Request.ARM and state.phase is Phase.DISARMED:
        refusal = _reason_not_to_arm(seen, health, limits)
        if refusal is not None:
            return _enter(state, seen, Phase.DISARMED, refusal, Do.NOTHING)
        return _enter(state, seen, Phase.ARMING, Cause.ARM_ASKED, Do.ARM)
    disagrees = telemetry is not None and telemetry.state in _MOVABLE
    return state._replace(seen=seen), Output(Do.DISARM) if disagrees else _NOTHING


def _reason_not_to_arm(seen: Seen, health: Health, limits: Limits) -> Cause | None:
    silent = seen.now_s - seen.heard_s > limits.telemetry_s
    if seen.hand is None or silent:
        return Cause.ARM_NO_HAND
    if seen.hand.state is not HandState.IDLE and seen.hand.state is not HandState.FAILSAFE:
        return Cause.ARM_HAND_BUSY
    illness = _illness(health)
    if illness is not None:
        return illness
    stale = seen.now_s - seen.basis_s > limits.stale_s
    rested = seen.basis_s - seen.rest_since_s >= limits.rest_s
    return None if rested and not stale else Cause.ARM_NOT_AT_REST


def _illness(health: Health) -> Cause | None:
    if not health.link_up:
        return Cause.ARM_NO_HAND
    if not health.source_alive:
        return Cause.ARM_NO_SOURCE
    return None if health.signal_ok else Cause.ARM_BAD_SIGNAL


def _await_hand(
    state: GateState, seen: Seen, telemetry: Telemetry | None, health: Health, limits: Limits
) -> tuple[GateState, Output]:
    """ARMING: the hand has to say that it is armed before anything may move."""
    illness = _illness(health)
    if illness is not None:
        return _enter(state, seen, Phase.DISARMED, illness, Do.DISARM)
    if telemetry is not None and telemetry.state in _MOVABLE:
        return _enter(state, seen, Phase.ARMED, Cause.ARMED, Do.NOTHING)
    if seen.now_s - state.since_s > limits.confirm_s:
        return _enter(state, seen, Phase.DISARMED, Cause.ARM_UNANSWERED, Do.DISARM)
    return state._replace(seen=seen), _NOTHING


def _reason_to_end(
    state: GateState, seen: Seen, misfit: bool, health: Health, limits: Limits
) -> tuple[Phase, Cause] | None:
    """Why an armed hand has to be disarmed now."""
    hand = seen.hand
    if not health.source_alive:
        return Phase.DISARMED, Cause.SOURCE_LOST
    if hand is None or not health.link_up or seen.now_s - seen.heard_s > limits.telemetry_s:
        return Phase.FAULT, Cause.LINK_LOST
    if hand.state is HandState.FAILSAFE:
        if hand.age_s <= state.motion.ttl_s:
            return Phase.FAULT, Cause.HAND_FAULT
        return Phase.DISARMED, Cause.HAND_TIMED_OUT
    if hand.state not in _MOVABLE:
        return Phase.DISARMED, Cause.HAND_LEFT
    if misfit:
        return Phase.FAULT, Cause.BAD_COMMAND
    if seen.stalled:
        return Phase.FAULT, Cause.STALLED
    if seen.now_s - seen.basis_s > limits.disarm_s:
        return Phase.DISARMED, Cause.DECISIONS_STOPPED
    return None


def _follow(
    state: GateState, seen: Seen, command: Command | None, health: Health, limits: Limits
) -> tuple[GateState, Output]:
    """ARMED and HOLD: a limited setpoint for each fresh decision, or a stop."""
    trouble = None
    if not health.signal_ok:
        trouble = Cause.BAD_SIGNAL
    elif seen.now_s - seen.basis_s > limits.stale_s:
        trouble = Cause.STALE
    if trouble is not None and state.cause is not trouble:
        return _stop(GateState(Phase.HOLD, trouble, seen.now_s, seen, state.motion))
    if command is None:
        return state._replace(seen=seen), _NOTHING
    if trouble is None and state.phase is Phase.HOLD and command.rest:
        state, _ = _enter(state, seen, Phase.ARMED, Cause.RESUMED, Do.NOTHING)
    if state.phase is Phase.HOLD:
        return _stop(state._replace(seen=seen))
    return _move(state, seen, command, limits)


def _stop(state: GateState) -> tuple[GateState, Output]:
    """Velocity 0: what may always be sent."""
    seen, motion = state.seen, state.motion
    zeros = (0.0,) * len(motion.velocity_deg_s)
    still = Motion(seen.now_s, zeros, (), motion.ttl_s)
    output = Output(Do.SETPOINT, Mode.VELOCITY, zeros, motion.ttl_s, seen.decision_n)
    return state._replace(motion=still), output


def _move(
    state: GateState, seen: Seen, command: Command, limits: Limits
) -> tuple[GateState, Output]:
    """The command within the limits. Positions are limited by the velocity that they imply."""
    before = state.motion
    ttl_s = min(max(command.ttl_s, TTL_S[0]), TTL_S[1])
    since_s = seen.now_s - before.sent_s
    step_s = min(since_s, limits.step_s)
    at_deg = seen.hand.position_deg if seen.hand is not None else ()
    wanted, speeds, joints = command.joints, before.velocity_deg_s, limits.joints
    if since_s > HOLD_MS / 1e3:  # the hand has stopped meanwhile
        speeds = (0.0,) * len(joints)
    target: tuple[float, ...] = ()
    if seen.blocked and command.mode is Mode.VELOCITY:
        wanted = _spared(wanted, seen)
    if command.mode is Mode.VELOCITY:
        sent = speeds = limited(wanted, at_deg, speeds, joints, step_s, ttl_s, limits.end_deg)
    else:
        step_s = max(step_s, 1e-6)  # two calls at one moment: all but nothing may change
        from_deg = before.target_deg or at_deg
        wanted = tuple([(to - at) / step_s for to, at in zip(wanted, from_deg, strict=True)])
        if seen.blocked:
            wanted = _spared(wanted, seen)
        speeds = limited(wanted, from_deg, speeds, joints, step_s, step_s, 0.0)
        sent = target = tuple(
            [
                min(max(at + speed * step_s, low), high)
                for at, speed, (low, high, _, _) in zip(from_deg, speeds, joints, strict=True)
            ]
        )
    motion = Motion(seen.now_s, speeds, target, ttl_s)
    output = Output(Do.SETPOINT, command.mode, sent, ttl_s, seen.decision_n)
    cause, since_s = state.cause, state.since_s
    if bool(seen.blocked) != (cause is Cause.BLOCKED):
        cause, since_s = (Cause.BLOCKED if seen.blocked else Cause.FREED), seen.now_s
    return GateState(state.phase, cause, since_s, seen, motion), output


def _spared(wanted_deg_s: tuple[float, ...], seen: Seen) -> tuple[float, ...]:
    """The velocities without those that would press on against resistance."""
    pressing = {joint for joint, _ in seen.blocked}
    return tuple([0.0 if v > 0.0 and i in pressing else v for i, v in enumerate(wanted_deg_s)])

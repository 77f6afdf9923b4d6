"""The safety gate: the one way to the motors.

Pure: what is known goes in, what is really sent comes out, and nothing else decides. Rules:
joints follow in ARMED only; every setpoint that moves them rests on a decision that is fresh and
was not used before; stopping is always allowed at once, and torque that ends goes to zero by a
ramp; what lets go moves towards open, or gives less than before; whatever stops the hand is left
by a person's request, or, from HOLD, by a trusted rest decision. Values: safety_state.
"""

from __future__ import annotations

from firmware_bridge.command import Command
from firmware_bridge.hands import Telemetry
from firmware_bridge.link import ARM_TTL_MS, HandFlag, HandState
from firmware_bridge.safety_move import PERIOD_S, move, open_slowly, stop
from firmware_bridge.safety_observe import fits, see, sure
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
_LIVE = (Phase.ARMED, Phase.HOLD, Phase.LETTING_GO)
_SPARED = HandFlag.OVER_CURRENT | HandFlag.OVER_TEMPERATURE | HandFlag.BROWN_OUT
_FROZEN = (Cause.SOURCE_LOST, Cause.DECISIONS_STOPPED)
"""After these a hand may open slowly, where its wearer wants that."""
FADE_S = 0.050
"""Age of the newest sample behind a torque at which it begins to go: two hops of 25 ms."""
OPEN_S = 20.0
"""Longest time that a slow opening may take."""


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
    if state.phase in _LIVE:
        cut = _reason_to_cut(state, seen, health, limits)
        if cut is not None:
            return _enter(state, seen, *cut, Do.DISARM)
        if state.phase is Phase.LETTING_GO:
            return _let_go(state, seen, request, limits)
        end = _reason_to_end(seen, misfit, health, request, limits)
        if end is not None:
            return _end(state, seen, *end, limits)
        return _follow(state, seen, command if fresh else None, health, limits)
    if state.phase is Phase.ARMING and request is not Request.DISARM:
        return _await_hand(state, seen, telemetry, health, limits)
    return _at_ease(state, seen, telemetry, health, request, limits)


def _enter(
    state: GateState, seen: Seen, phase: Phase, cause: Cause, do: Do
) -> tuple[GateState, Output]:
    """Another phase or cause, motion forgotten."""
    zeros = (0.0,) * len(state.motion.velocity_deg_s)
    limp = zeros if state.motion.torque_nm else ()
    still = Motion(seen.now_s, zeros, (), ARM_TTL_MS / 1e3, limp)
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
    if seen.hand.flags & _SPARED:
        return Cause.ARM_SPARED
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


def _reason_to_cut(
    state: GateState, seen: Seen, health: Health, limits: Limits
) -> tuple[Phase, Cause] | None:
    """Why nothing more may be sent to the motors, not even on the way to rest."""
    hand = seen.hand
    if hand is None or not health.link_up or seen.now_s - seen.heard_s > limits.telemetry_s:
        return Phase.FAULT, Cause.LINK_LOST
    current_s, heat_s = seen.over_s
    if hand.flags & HandFlag.OVER_CURRENT or seen.now_s - current_s >= limits.over_s:
        return Phase.FAULT, Cause.OVER_CURRENT
    if hand.flags & HandFlag.OVER_TEMPERATURE or seen.now_s - heat_s >= limits.over_s:
        return Phase.FAULT, Cause.OVER_TEMPERATURE
    if hand.flags & HandFlag.BROWN_OUT:
        return Phase.FAULT, Cause.BROWN_OUT
    if hand.state is HandState.FAILSAFE:
        if hand.age_s <= state.motion.ttl_s:
            return Phase.FAULT, Cause.HAND_FAULT
        return Phase.DISARMED, Cause.HAND_TIMED_OUT
    if hand.state not in _MOVABLE:
        released = hand.flags & HandFlag.RELEASE
        return Phase.DISARMED, Cause.HAND_RELEASED if released else Cause.HAND_LEFT
    return (Phase.FAULT, Cause.STALLED) if seen.stalled else None


def _reason_to_end(
    seen: Seen, misfit: bool, health: Health, request: Request | None, limits: Limits
) -> tuple[Phase, Cause] | None:
    """Why an armed hand has to let go now."""
    if request is Request.DISARM:
        return Phase.DISARMED, Cause.DISARM_ASKED
    if not health.source_alive:
        return Phase.DISARMED, Cause.SOURCE_LOST
    if misfit:
        return Phase.FAULT, Cause.BAD_COMMAND
    if seen.now_s - seen.basis_s > limits.disarm_s:
        return Phase.DISARMED, Cause.DECISIONS_STOPPED
    if seen.now_s - seen.low_s > limits.low_battery_s:
        return Phase.DISARMED, Cause.BATTERY_EMPTY
    return None


def _end(
    state: GateState, seen: Seen, phase: Phase, cause: Cause, limits: Limits
) -> tuple[GateState, Output]:
    """Disarms: at once, or when torque has gone or the hand is open."""
    ramps = any(state.motion.torque_nm)
    freezes = cause in _FROZEN and limits.slow_open_after_s > 0.0
    opens = cause is Cause.BATTERY_EMPTY and limits.low_battery_opens
    if not ramps and (state.motion.torque_nm or not (freezes or opens)):
        return _enter(state, seen, phase, cause, Do.DISARM)
    return _let_go(
        GateState(Phase.LETTING_GO, cause, seen.now_s, seen, state.motion, phase),
        seen,
        None,
        limits,
    )


def _let_go(
    state: GateState, seen: Seen, request: Request | None, limits: Limits
) -> tuple[GateState, Output]:
    """LETTING_GO: less torque with every call, or frozen and then slowly open; then disarmed."""
    state = state._replace(seen=seen)
    torque_nm = state.motion.torque_nm
    if torque_nm and not any(torque_nm):
        return _enter(state, seen, state.then, state.cause, Do.DISARM)
    if request is Request.DISARM and not torque_nm:
        return _enter(state, seen, Phase.DISARMED, Cause.DISARM_ASKED, Do.DISARM)
    if seen.now_s - state.motion.sent_s < PERIOD_S:
        return state, _NOTHING
    if torque_nm:
        return stop(state, limits)
    if state.cause in _FROZEN and seen.now_s - state.since_s > limits.slow_open_after_s:
        state = state._replace(cause=Cause.OPENS, since_s=seen.now_s)
    opening = state.cause not in _FROZEN
    state, output = open_slowly(state, opening, limits)
    if output.do is Do.DISARM or (opening and seen.now_s - state.since_s > OPEN_S):
        cause = Cause.OPENED if state.cause is Cause.OPENS else state.cause
        return _enter(state, seen, state.then, cause, Do.DISARM)
    return state, output


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
        return stop(GateState(Phase.HOLD, trouble, seen.now_s, seen, state.motion), limits)
    if state.phase is Phase.HOLD and trouble is None and _at_rest(command, limits):
        state = GateState(Phase.ARMED, Cause.RESUMED, seen.now_s, seen, state.motion)
    if state.phase is Phase.HOLD:
        return _hold(state._replace(seen=seen), command is not None, limits)
    if command is not None:
        return move(state, seen, command, limits)
    # Torque begins to go before the hand would take it away for want of setpoints.
    fades = any(state.motion.torque_nm) and seen.now_s - seen.basis_s > FADE_S
    state = state._replace(seen=seen)
    if fades and seen.now_s - state.motion.sent_s >= PERIOD_S:
        return stop(state, limits)
    return state, _NOTHING


def _at_rest(command: Command | None, limits: Limits) -> bool:
    return command is not None and command.rest and sure(command, limits)


def _hold(state: GateState, decided: bool, limits: Limits) -> tuple[GateState, Output]:
    """HOLD: a stop for each decision, torque on its way to zero, and open after too long."""
    seen, motion = state.seen, state.motion
    opens = limits.slow_open_after_s > 0.0 and not motion.torque_nm
    if opens and seen.now_s - state.since_s > limits.slow_open_after_s:
        letting = GateState(Phase.LETTING_GO, Cause.OPENS, seen.now_s, seen, motion)
        return _let_go(letting, seen, None, limits)
    ramps = any(motion.torque_nm) and seen.now_s - motion.sent_s >= PERIOD_S
    return stop(state, limits) if decided or ramps else (state, _NOTHING)

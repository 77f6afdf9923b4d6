"""What the safety gate lets through while the hand is armed: a limited setpoint, or less. Pure."""

from __future__ import annotations

from firmware_bridge.command import TTL_S, Command, Mode
from firmware_bridge.limiter import limited, ramped, spared, torques
from firmware_bridge.link import HOLD_MS
from firmware_bridge.safety_observe import sure
from firmware_bridge.safety_state import Cause, Do, GateState, Limits, Motion, Output, Seen

PERIOD_S = 0.010
"""Shortest time between two setpoints that no decision brought."""
LET_GO_TTL_S = 0.075
"""Of the setpoints that let go: three periods of 25 ms."""
_AFTER = {
    Cause.BLOCKED: Cause.FREED,
    Cause.UNSURE: Cause.SURE,
    Cause.LOW_BATTERY: Cause.BATTERY_WELL,
}
"""What is told when there is nothing to remark any more."""
UNSURE_S = 1.0
"""The remark stays for so long: a decoder in doubt changes its mind with every decision."""


def stop(state: GateState, limits: Limits) -> tuple[GateState, Output]:
    """Velocity 0, or less torque than before, as the hand moves: what may always be sent."""
    seen, motion = state.seen, state.motion
    zeros = (0.0,) * len(motion.velocity_deg_s)
    less = _less(motion, seen, limits)
    mode = Mode.TORQUE if less else Mode.VELOCITY
    still = Motion(seen.now_s, zeros, (), motion.ttl_s, less, goes=True)
    output = Output(Do.SETPOINT, mode, less or zeros, motion.ttl_s, seen.decision_n)
    return state._replace(motion=still), output


def _less(motion: Motion, seen: Seen, limits: Limits) -> tuple[float, ...]:
    """Torques on their way to zero; () where none were sent. After HOLD_MS the hand has begun to
    let go by itself, and whatever is more than it gives would be a rise."""
    if not motion.torque_nm:
        return ()
    since_s = seen.now_s - motion.sent_s
    if since_s > HOLD_MS / 1e3:
        return (0.0,) * len(motion.torque_nm)
    if not motion.goes:  # the ramp begins now, and not when torque was sent last
        since_s = min(since_s, PERIOD_S)
    left = ramped(motion.torque_nm, limits.torque, since_s, limits.torque_ramp_s)
    return _spared_torque(left, seen, limits)


def _spared_torque(torque_nm: tuple[float, ...], seen: Seen, limits: Limits) -> tuple[float, ...]:
    at_deg = seen.hand.position_deg if seen.hand is not None else ()
    speed = seen.speed_deg_s or (0.0,) * len(torque_nm)
    return spared(torque_nm, at_deg, speed, limits.joints, limits.torque, limits.torque_end_deg)


def open_slowly(state: GateState, opening: bool, limits: Limits) -> tuple[GateState, Output]:
    """Frozen, or on the way to open: never towards closing. DISARM when it is open."""
    seen, motion = state.seen, state.motion
    at_deg = seen.hand.position_deg if seen.hand is not None else ()
    wanted = [0.0] * len(at_deg)
    if opening:
        for i, (at, (low, high, velocity, _)) in enumerate(zip(at_deg, limits.joints, strict=True)):
            if at - min(max(low, 0.0), high) > limits.end_deg:
                wanted[i] = -velocity * limits.slow_open_share
    step_s = min(seen.now_s - motion.sent_s, limits.step_s)
    speeds = limited(
        wanted, at_deg, motion.velocity_deg_s, limits.joints, step_s, LET_GO_TTL_S, limits.end_deg
    )
    after = Motion(seen.now_s, speeds, (), LET_GO_TTL_S)
    output = Output(Do.SETPOINT, Mode.VELOCITY, speeds, LET_GO_TTL_S, seen.decision_n, True)
    if opening and not any(wanted):
        output = Output(Do.DISARM)
    return state._replace(motion=after), output


def move(
    state: GateState, seen: Seen, command: Command, limits: Limits
) -> tuple[GateState, Output]:
    """The command within the limits; a stop for one that nothing may move on."""
    unsure = not sure(command, limits)
    state = _remarked(state._replace(seen=seen), unsure)
    torque = command.mode is Mode.TORQUE
    if any(state.motion.torque_nm) and not torque:
        return stop(state, limits)  # torque goes before anything else comes
    if unsure and not torque:
        return stop(_unless_torque(state), limits)
    motion = state.motion._replace(ttl_s=min(max(command.ttl_s, TTL_S[0]), TTL_S[1]))
    share = limits.low_battery_share if seen.low_s <= seen.now_s else 1.0
    if torque:
        wanted = (0.0,) * len(command.joints) if unsure else command.joints
        motion, sent = _push(motion, seen, wanted, share, limits)
    elif command.mode is Mode.VELOCITY:
        motion, sent = _drive(motion, seen, command.joints, share, limits)
    else:
        motion, sent = _place(motion, seen, command.joints, share, limits)
    output = Output(Do.SETPOINT, command.mode, sent, motion.ttl_s, seen.decision_n)
    return state._replace(motion=motion), output


def _unless_torque(state: GateState) -> GateState:
    """A torque run that has come to zero, as it is left for another mode."""
    return state._replace(motion=state.motion._replace(torque_nm=()))


def _remarked(state: GateState, unsure: bool) -> GateState:
    """With the cause that tells a person what is not as usual."""
    seen, cause = state.seen, state.cause
    remark = None
    if seen.blocked:
        remark = Cause.BLOCKED
    elif unsure:
        remark = Cause.UNSURE
    elif seen.low_s <= seen.now_s:
        remark = Cause.LOW_BATTERY
    elif cause is Cause.UNSURE and seen.now_s - state.since_s < UNSURE_S:
        return state
    after = remark or _AFTER.get(cause, cause)
    return state if after is cause else state._replace(cause=after, since_s=seen.now_s)


Given = tuple[Motion, tuple[float, ...]]


def _push(
    motion: Motion, seen: Seen, wanted_nm: tuple[float, ...], share: float, limits: Limits
) -> Given:
    """Torques: no jump, no more than the joint's, none past its range or its velocity."""
    since_s = seen.now_s - motion.sent_s
    before = motion.torque_nm
    if not before or since_s > HOLD_MS / 1e3:  # the hand has let go meanwhile
        before = (0.0,) * len(limits.torque)
    if seen.blocked:
        wanted_nm = _unpressed(wanted_nm, seen)
    sent = torques(wanted_nm, before, limits.torque, share, min(since_s, limits.step_s))
    sent = _spared_torque(sent, seen, limits)
    zeros = (0.0,) * len(sent)
    return Motion(seen.now_s, zeros, (), motion.ttl_s, sent), sent


def _drive(
    motion: Motion, seen: Seen, wanted_deg_s: tuple[float, ...], share: float, limits: Limits
) -> Given:
    """Velocities."""
    since_s = seen.now_s - motion.sent_s
    step_s = min(since_s, limits.step_s)
    at_deg = seen.hand.position_deg if seen.hand is not None else ()
    before = motion.velocity_deg_s
    if since_s > HOLD_MS / 1e3:  # the hand has stopped meanwhile
        before = (0.0,) * len(limits.joints)
    if seen.blocked:
        wanted_deg_s = _unpressed(wanted_deg_s, seen)
    joints = _slower(limits, share)
    speeds = limited(wanted_deg_s, at_deg, before, joints, step_s, motion.ttl_s, limits.end_deg)
    return Motion(seen.now_s, speeds, (), motion.ttl_s), speeds


def _place(
    motion: Motion, seen: Seen, wanted_deg: tuple[float, ...], share: float, limits: Limits
) -> Given:
    """Positions, limited by the velocity that they imply."""
    since_s = seen.now_s - motion.sent_s
    # Two calls at one moment: all but nothing may change.
    step_s = max(min(since_s, limits.step_s), 1e-6)
    at_deg = seen.hand.position_deg if seen.hand is not None else ()
    before = motion.velocity_deg_s
    if since_s > HOLD_MS / 1e3:
        before = (0.0,) * len(limits.joints)
    from_deg = motion.target_deg or at_deg
    wanted = tuple([(to - at) / step_s for to, at in zip(wanted_deg, from_deg, strict=True)])
    if seen.blocked:
        wanted = _unpressed(wanted, seen)
    joints = _slower(limits, share)
    speeds = limited(wanted, from_deg, before, joints, step_s, step_s, 0.0)
    target = tuple(
        [
            min(max(at + speed * step_s, low), high)
            for at, speed, (low, high, _, _) in zip(from_deg, speeds, joints, strict=True)
        ]
    )
    return Motion(seen.now_s, speeds, target, motion.ttl_s), target


def _slower(limits: Limits, share: float) -> tuple[tuple[float, float, float, float], ...]:
    if share == 1.0:
        return limits.joints
    return tuple([(low, high, top * share, rate) for low, high, top, rate in limits.joints])


def _unpressed(wanted: tuple[float, ...], seen: Seen) -> tuple[float, ...]:
    """Without what would press on against resistance."""
    pressing = {joint for joint, _ in seen.blocked}
    return tuple([0.0 if v > 0.0 and i in pressing else v for i, v in enumerate(wanted)])

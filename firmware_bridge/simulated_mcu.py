"""The simulated hand's microcontroller: state machine and joints, with time as an argument.

Pure: bytes and milliseconds in, bytes out. The states and their times are those of protocols
C3 and C4, and the firmware in C has to do the same. Joints move in steps of 1 ms, so the same
inputs at the same milliseconds give the same movement however often it is asked to advance.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_bridge import link
from firmware_bridge.link import (
    ARM_TTL_MS,
    HOLD_MS,
    Ack,
    AckCode,
    Deframer,
    Frame,
    FrameType,
    HandState,
    Telem,
)

TELEM_MS = 20
POSITION_GAIN_HZ = 20.0
"""Of the position loop; full speed is reached 1/20 of it away from the goal."""
STEP_S = 0.001


@dataclass(frozen=True, slots=True)
class Joints:
    """What the joints can do; each (DOF_N,)."""

    low_deg: tuple[float, ...] = (0.0,) * link.DOF_N
    high_deg: tuple[float, ...] = (100.0,) * link.DOF_N
    velocity_deg_s: tuple[float, ...] = (150.0,) * link.DOF_N
    acceleration_deg_s2: float = 3000.0
    """Of the motors: from full speed to rest in 50 ms."""

    def full_scale_deg(self, joint: int) -> float:
        return max(abs(self.low_deg[joint]), abs(self.high_deg[joint]))


@dataclass(slots=True)
class Mcu:
    """Everything that the microcontroller remembers, and what is wrong with it."""

    joints: Joints
    now_ms: int = 0
    state: HandState = HandState.BOOT
    rx: Deframer = field(default_factory=Deframer)
    seq: int = 0
    setpoint_ms: int = 0
    """When motion was last allowed: at a setpoint, or at ARM."""
    age_ms: int = 0
    """Age of the setpoint while the hand acted on it; stays when it stops. So FAILSAFE with an
    age within the ttl tells the host that the hand itself had a reason."""
    ttl_ms: int = ARM_TTL_MS
    mode: int = 2
    counts: tuple[int, ...] = (0,) * link.DOF_N
    position_deg: list[float] = field(default_factory=lambda: [0.0] * link.DOF_N)
    velocity_deg_s: list[float] = field(default_factory=lambda: [0.0] * link.DOF_N)
    telem_ms: int = 0
    range_err: int = 0
    stalled: set[int] = field(default_factory=set)
    refuses: bool = False
    """Answers every request with "wrong state"."""
    over_current: bool = False
    """The driver has cut a motor off: no motion, no ARM."""


def advance(mcu: Mcu, now_ms: int) -> bytes:
    """Lets time pass; gives the telemetry that fell due."""
    sent = b""
    while mcu.now_ms < now_ms:
        mcu.now_ms += 1
        _watch(mcu)
        _move(mcu)
        if mcu.state != HandState.BOOT and mcu.now_ms - mcu.telem_ms >= TELEM_MS:
            sent += _telem(mcu)
    return sent


def receive(mcu: Mcu, data: bytes, now_ms: int) -> bytes:
    """Hears bytes at `now_ms`; gives telemetry that fell due before, and the answers."""
    sent = advance(mcu, now_ms)
    for frame in link.receive(mcu.rx, data):
        sent += _answer(mcu, frame)
    return sent


def press_emergency_stop(mcu: Mcu) -> None:
    """The button on the hand itself."""
    mcu.state = HandState.ESTOP


def moving_allowed(mcu: Mcu) -> bool:
    return mcu.state == HandState.ARMED


def _watch(mcu: Mcu) -> None:
    """Age of the setpoint: HOLD, then FAILSAFE. Nothing but a setpoint turns it back."""
    if mcu.state not in (HandState.ARMED, HandState.HOLD):
        return
    mcu.age_ms = mcu.now_ms - mcu.setpoint_ms
    if mcu.over_current or mcu.age_ms > mcu.ttl_ms:
        mcu.state = HandState.FAILSAFE
    elif mcu.age_ms > HOLD_MS:
        mcu.state = HandState.HOLD


def _answer(mcu: Mcu, frame: Frame) -> bytes:
    if frame.type == FrameType.HELLO:
        if mcu.state != HandState.ESTOP:
            mcu.state = HandState.IDLE  # a new host never inherits motion
        hello = link.HelloAck(link.VERSION, link.DOF_N, link.TTL_MS[1], frame.seq)
        return _packed(mcu, FrameType.HELLO_ACK, link.hello_ack_payload(hello))
    if frame.type == FrameType.SETPOINT:
        _accept_setpoint(mcu, link.unpack_setpoint(frame.payload))
        return _telem(mcu)
    if frame.type == FrameType.HEARTBEAT:
        return _telem(mcu)
    code = AckCode.WRONG_STATE if mcu.refuses else _request(mcu, frame.type)
    return _packed(
        mcu, FrameType.ACK, link.ack_payload(Ack(frame.type, frame.seq, code, mcu.state))
    )


def _accept_setpoint(mcu: Mcu, setpoint: link.Setpoint) -> None:
    if not link.setpoint_in_range(setpoint):
        mcu.range_err += 1
    elif mcu.state in (HandState.ARMED, HandState.HOLD) and not mcu.over_current:
        mcu.state = HandState.ARMED
        mcu.setpoint_ms, mcu.age_ms = mcu.now_ms, 0
        mcu.mode, mcu.ttl_ms, mcu.counts = setpoint.mode, setpoint.ttl_ms, setpoint.counts


def _request(mcu: Mcu, kind: int) -> AckCode:
    """ARM, DISARM, ESTOP and CLEAR. Each sets, none toggles: a repeated one changes nothing."""
    moving = mcu.state in (HandState.ARMED, HandState.HOLD)
    if kind == FrameType.ESTOP:
        press_emergency_stop(mcu)
    elif kind == FrameType.DISARM:
        if mcu.state == HandState.ESTOP:
            return AckCode.WRONG_STATE
        mcu.state = HandState.IDLE
    elif kind == FrameType.CLEAR:
        if moving or mcu.over_current:
            return AckCode.BUSY
        mcu.state = HandState.IDLE
    elif kind == FrameType.ARM:
        if mcu.over_current:
            return AckCode.BUSY
        if mcu.state == HandState.ESTOP:
            return AckCode.WRONG_STATE
        if not moving:
            _arm(mcu)
    else:
        return AckCode.UNKNOWN
    return AckCode.OK


def _arm(mcu: Mcu) -> None:
    mcu.state = HandState.ARMED
    mcu.setpoint_ms, mcu.ttl_ms = mcu.now_ms, ARM_TTL_MS
    mcu.mode, mcu.counts = 2, (0,) * link.DOF_N  # what was asked for earlier is forgotten


def _goal_deg_s(mcu: Mcu, joint: int) -> float:
    if not moving_allowed(mcu):
        return 0.0
    share = mcu.counts[joint] / link.FULL_SCALE
    limit = mcu.joints.velocity_deg_s[joint]
    if mcu.mode == 2:
        return share * limit
    goal_deg = share * mcu.joints.full_scale_deg(joint)
    return max(-limit, min(limit, (goal_deg - mcu.position_deg[joint]) * POSITION_GAIN_HZ))


def _move(mcu: Mcu) -> None:
    if not moving_allowed(mcu) and not any(mcu.velocity_deg_s):
        return
    change = mcu.joints.acceleration_deg_s2 * STEP_S
    for joint in range(link.DOF_N):
        speed = mcu.velocity_deg_s[joint]
        speed += max(-change, min(change, _goal_deg_s(mcu, joint) - speed))
        before = mcu.position_deg[joint]
        low, high = mcu.joints.low_deg[joint], mcu.joints.high_deg[joint]
        after = max(low, min(high, before + speed * STEP_S))
        blocked = joint in mcu.stalled or after in (low, high)
        mcu.velocity_deg_s[joint] = 0.0 if blocked else speed
        mcu.position_deg[joint] = before if joint in mcu.stalled else after


def _telem(mcu: Mcu) -> bytes:
    mcu.telem_ms = mcu.now_ms
    rx = mcu.rx
    counts = tuple(
        round(deg / mcu.joints.full_scale_deg(joint) * link.FULL_SCALE)
        for joint, deg in enumerate(mcu.position_deg)
    )
    telem = Telem(
        mcu.state,
        min(rx.damaged, 0xFF),
        rx.last_seq or 0,
        min(mcu.age_ms, 0xFFFF),
        counts,
        rx.ok & 0xFFFF,
        rx.stale & 0xFFFF,
        mcu.range_err & 0xFFFF,
    )
    return _packed(mcu, FrameType.TELEM, link.telem_payload(telem))


def _packed(mcu: Mcu, kind: FrameType, payload: bytes) -> bytes:
    mcu.seq = (mcu.seq + 1) & 0xFFFF
    return link.pack(kind, mcu.rx.session or 0, mcu.seq, mcu.now_ms & 0xFFFFFFFF, payload)

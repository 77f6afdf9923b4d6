"""The simulated hand's microcontroller: state machine and joints, with time as an argument.

Pure: bytes and milliseconds in, bytes out. The states and their times are those of protocols
C3 and C4. This is what the firmware in C has to do, byte for byte: its tests compare the two.
Joints move in steps of 1 ms, so the same inputs at the same milliseconds give the same movement
however often it is asked to advance.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_bridge import interface, link
from firmware_bridge.interface import HandFlag, SetpointFlag, WireMode
from firmware_bridge.link import DOF_N, AckCode, Deframer, Frame, FrameType, HandState, Telem
from firmware_bridge.simulated_joints import Axis, Joints, to_counts
from firmware_bridge.simulated_motion import move, sense

__all__ = ["TELEM_MS", "Joints", "Mcu", "advance", "moving_allowed", "receive"]
TELEM_MS = interface.TELEM_MS


def _zeros() -> list[int]:
    return [0] * DOF_N


@dataclass(slots=True)
class Mcu:
    """Everything that the microcontroller remembers, and what is wrong with it."""

    joints: Joints
    now_ms: int = 0
    state: HandState = HandState.BOOT
    agreed: bool = False
    """The host has told the same interface in its HELLO; without, nothing is armed."""
    rx: Deframer = field(default_factory=Deframer)
    seq: int = 0
    setpoint_ms: int = 0
    """When motion was last allowed: at a setpoint, or at ARM."""
    age_ms: int = 0
    """Age of the setpoint while the hand acted on it; stays when it stops. So FAILSAFE with an
    age within the ttl tells the host that the hand itself had a reason."""
    ttl_ms: int = link.ARM_TTL_MS
    mode: int = WireMode.VELOCITY
    counts: tuple[int, ...] = (0,) * DOF_N
    position_udeg: list[int] = field(default_factory=_zeros)
    velocity_mdeg_s: list[int] = field(default_factory=_zeros)
    torque: list[int] = field(default_factory=_zeros)
    """In thousandths, as it is really given; follows the counts of TORQUE by its ramp."""
    eased: bool = False
    """The host asked for the torque of a hand that only keeps its grip."""
    seen_udeg: list[int] = field(default_factory=_zeros)
    """Where the joints stood when their speeds were measured last."""
    fast: list[int] = field(default_factory=_zeros)
    """1 or -1 for joints that move faster than they may, closing or opening."""
    still_ms: int = 0
    """Since the hand last followed; counts no further than needed."""
    telem_ms: int = 0
    range_err: int = 0
    measured_udeg: dict[int, int] = field(default_factory=dict)
    """Positions of the joints that have a sensor; the others stand where they were driven."""
    stalled: set[int] = field(default_factory=set)
    refuses: bool = False
    """Answers every request with "wrong state"."""
    over_current: bool = False
    """The driver has cut a motor off: no motion, no ARM."""
    low_battery: bool = False
    brown_out: bool = False
    """The supply breaks down: no motion, no ARM."""
    current_ma: list[int] = field(default_factory=_zeros)
    over_ms: list[int] = field(default_factory=_zeros)
    """For how long each motor's current has been over its limit."""
    tripped: bool = False
    """A current was over its limit for too long; until CLEAR, or a new press of the button."""
    temperature_c: list[int] = field(default_factory=_zeros)
    hot: bool = False
    pressed: bool = False
    """The local release button."""
    pressed_ms: int = 0
    axes: tuple[Axis, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.axes = self.joints.axes()
        at = zip(self.position_udeg, self.axes, strict=True)
        self.position_udeg = [max(axis.low_udeg, min(axis.high_udeg, udeg)) for udeg, axis in at]
        self.seen_udeg = list(self.position_udeg)

    @property
    def position_deg(self) -> list[float]:
        return [udeg / 1e6 for udeg in self.position_udeg]

    @property
    def velocity_deg_s(self) -> list[float]:
        return [mdeg_s / 1e3 for mdeg_s in self.velocity_mdeg_s]

    @property
    def protects(self) -> bool:
        """Its motors have to be left alone."""
        return self.over_current or self.tripped or self.hot or self.brown_out

    @property
    def releasing(self) -> bool:
        """The button opens the hand: in every state, because a wearer must get free of it."""
        return self.pressed_ms >= interface.PRESS_MS and not self.protects

    @property
    def severed(self) -> bool:
        """Its motors lose their drive at once, torque too: everything else lets it go slowly."""
        return self.protects or (self.state is HandState.ESTOP and not self.releasing)

    @property
    def takes_torque(self) -> bool:
        return all(axis.torque_ramp for axis in self.axes)

    @property
    def flags(self) -> int:
        return (
            HandFlag.OVER_CURRENT * (self.over_current or self.tripped)
            | HandFlag.OVER_TEMPERATURE * self.hot
            | HandFlag.RELEASE * self.releasing
            | HandFlag.LOW_BATTERY * self.low_battery
            | HandFlag.BROWN_OUT * self.brown_out
        )


def advance(mcu: Mcu, now_ms: int) -> bytes:
    """Lets time pass; gives the telemetry that fell due."""
    sent = b""
    while mcu.now_ms < now_ms:
        mcu.now_ms += 1
        sense(mcu)
        _watch(mcu)
        move(mcu)
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


def torque_limit(mcu: Mcu) -> int:
    """Thousandths of its torque that a motor may use: less when it only has to keep a grip."""
    following, stopped, weak = interface.TORQUE
    keeping = stopped if mcu.still_ms <= interface.WEAK_MS else weak
    return 0 if mcu.protects else keeping if mcu.still_ms or mcu.eased else following


def _watch(mcu: Mcu) -> None:
    """Age of the setpoint: HOLD, then FAILSAFE. Nothing but a setpoint turns it back."""
    if mcu.state in (HandState.ARMED, HandState.HOLD):
        mcu.age_ms = mcu.now_ms - mcu.setpoint_ms
        if mcu.protects or mcu.age_ms > mcu.ttl_ms:
            mcu.state = HandState.FAILSAFE
        elif mcu.releasing:
            mcu.state = HandState.IDLE
        elif mcu.age_ms > link.HOLD_MS:
            mcu.state = HandState.HOLD
    follows = mcu.state in (HandState.ARMED, HandState.HOLD) or mcu.releasing
    mcu.still_ms = 0 if follows else min(mcu.still_ms + 1, interface.WEAK_MS + 1)


def _answer(mcu: Mcu, frame: Frame) -> bytes:
    if frame.type == FrameType.HELLO:
        told = link.unpack_hello(frame.payload)
        mcu.agreed = (frame.version, told) == (link.VERSION, link.INTERFACE_HASH)
        if mcu.state != HandState.ESTOP:  # a new host never inherits motion
            mcu.state = HandState.IDLE if mcu.agreed else HandState.BOOT
        hello = link.HelloAck(link.VERSION, len(mcu.joints.low_deg), link.TTL_MS[1], frame.seq)
        return _packed(mcu, FrameType.HELLO_ACK, link.hello_ack_payload(hello))
    if frame.type == FrameType.SETPOINT:
        _accept_setpoint(mcu, link.unpack_setpoint(frame.payload))
        return _telem(mcu)
    if frame.type == FrameType.HEARTBEAT:
        return _telem(mcu)
    code = AckCode.WRONG_STATE if mcu.refuses else _request(mcu, frame.type)
    return _packed(
        mcu, FrameType.ACK, link.ack_payload(link.Ack(frame.type, frame.seq, code, mcu.state))
    )


def _accept_setpoint(mcu: Mcu, setpoint: link.Setpoint) -> None:
    modes = tuple(WireMode) if mcu.takes_torque else (WireMode.POSITION, WireMode.VELOCITY)
    if not link.setpoint_in_range(setpoint, modes):
        mcu.range_err += 1
    elif mcu.state in (HandState.ARMED, HandState.HOLD) and not mcu.protects:
        mcu.state = HandState.ARMED
        mcu.setpoint_ms, mcu.age_ms = mcu.now_ms, 0
        mcu.mode, mcu.ttl_ms, mcu.counts = setpoint.mode, setpoint.ttl_ms, setpoint.counts
        mcu.eased = bool(setpoint.flags & SetpointFlag.EASE)


def _request(mcu: Mcu, kind: int) -> AckCode:
    """ARM, DISARM, ESTOP and CLEAR. Each sets, none toggles: a repeated one changes nothing."""
    moving = mcu.state in (HandState.ARMED, HandState.HOLD)
    if kind == FrameType.ESTOP:
        press_emergency_stop(mcu)
    elif kind not in (FrameType.ARM, FrameType.DISARM, FrameType.CLEAR):
        return AckCode.UNKNOWN
    elif not mcu.agreed:
        return AckCode.WRONG_STATE
    elif kind == FrameType.CLEAR:
        lasts = mcu.over_current or mcu.hot or mcu.brown_out or any(mcu.over_ms)
        if moving or lasts:
            return AckCode.BUSY
        mcu.tripped = False
        mcu.state = HandState.IDLE
    elif kind == FrameType.ARM and (mcu.protects or mcu.pressed):
        return AckCode.BUSY
    elif mcu.state == HandState.ESTOP:
        return AckCode.WRONG_STATE
    elif kind == FrameType.DISARM:
        mcu.state = HandState.IDLE
    elif not moving:
        _arm(mcu)
    return AckCode.OK


def _arm(mcu: Mcu) -> None:
    mcu.state = HandState.ARMED
    mcu.setpoint_ms, mcu.ttl_ms = mcu.now_ms, link.ARM_TTL_MS
    # What was asked for earlier is forgotten.
    mcu.mode, mcu.counts, mcu.eased = WireMode.VELOCITY, (0,) * DOF_N, False


def _telem(mcu: Mcu) -> bytes:
    mcu.telem_ms, torque = mcu.now_ms, b""
    if mcu.takes_torque:
        torque = _packed(mcu, FrameType.TORQUE, link.torque_payload(mcu.torque))
    rx, places = mcu.rx, enumerate(mcu.position_udeg)
    told_udeg = [mcu.measured_udeg.get(joint, udeg) for joint, udeg in places]
    telem = Telem(
        mcu.state,
        min(rx.damaged, 0xFF),
        rx.last_seq or 0,
        min(mcu.age_ms, 0xFFFF),
        tuple(map(to_counts, mcu.axes, told_udeg)),
        rx.ok & 0xFFFF,
        rx.stale & 0xFFFF,
        mcu.range_err & 0xFFFF,
        mcu.flags,
    )
    return torque + _packed(mcu, FrameType.TELEM, link.telem_payload(telem))


def _packed(mcu: Mcu, kind: FrameType, payload: bytes) -> bytes:
    mcu.seq = (mcu.seq + 1) & 0xFFFF
    t_ms, session = mcu.now_ms & 0xFFFFFFFF, mcu.rx.session or 0
    return link.pack(kind, session, mcu.seq, t_ms, payload, mcu.rx.crc_n)

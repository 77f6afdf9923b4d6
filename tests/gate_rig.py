"""A control loop with a fake clock around the safety gate, in every state that it knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from firmware_bridge.command import Command, Mode
from firmware_bridge.hands import HAND6, HandSpec, Joint, Telemetry
from firmware_bridge.link import HandFlag, HandState
from firmware_bridge.safety import gate
from firmware_bridge.safety_state import (
    Cause,
    Do,
    GateState,
    Health,
    Limits,
    Output,
    Phase,
    Request,
    gate_start,
    limits_for,
)

LIMITS = limits_for(HAND6)
N = len(HAND6.joints)
HOP_S = 0.025
TTL_S = 0.075
WELL = Health(signal_ok=True, source_alive=True, link_up=True)
BAD_SIGNAL = replace(WELL, signal_ok=False)
EXO = HandSpec(
    "exo",
    (
        Joint("hip", (-20.0, 100.0), 100.0, 1000.0, 20.0, 80.0),
        Joint("knee", (0.0, 100.0), 100.0, 1000.0, 10.0, 40.0),
    ),
    tuple(Mode),
)
EXO_LIMITS = limits_for(EXO)
WELL_FLAGS = HandFlag(0)
CLOSE = (100.0,) * N
STILL = (0.0,) * N


@dataclass
class Loop:
    """A control loop with a fake clock and a hand whose telemetry the test chooses."""

    limits: Limits = LIMITS
    state: GateState = field(init=False)
    now_s: float = 100.0
    decision_n: int = 0
    hand: HandState = HandState.IDLE
    at_deg: tuple[float, ...] = ()
    age_s: float = 0.0
    flags: HandFlag = WELL_FLAGS
    current_a: tuple[float | None, ...] = ()
    temperature_c: tuple[float | None, ...] = ()
    told_n: int = 0

    def __post_init__(self) -> None:
        self.state = gate_start(self.limits)
        self.at_deg = self.at_deg or (50.0,) * len(self.limits.joints)

    def tell(
        self,
        command: Command | None = None,
        *,
        telemetry: bool = True,
        health: Health = WELL,
        request: Request | None = None,
    ) -> Output:
        telem = Telemetry(
            self.hand, self.at_deg, self.age_s, self.flags, (), self.current_a, self.temperature_c
        )
        told = telem if telemetry else None
        self.told_n += 1
        assert self.told_n < 5000, "what the test waits for does not come"
        self.state, output = gate(
            self.state, command, told, health, request, self.now_s, self.limits
        )
        return output

    def command(
        self,
        joints: tuple[float, ...] = (),
        *,
        late_s: float = 0.0,
        rest: bool = False,
        mode: Mode = Mode.VELOCITY,
        confidence: float = 1.0,
    ) -> Command:
        self.decision_n += 1
        joints = joints or (0.0,) * len(self.limits.joints)
        clock_s = self.now_s - late_s
        return Command(mode, joints, clock_s, self.decision_n, TTL_S, rest, confidence)

    def decide(
        self,
        joints: tuple[float, ...] = (),
        *,
        rest: bool = False,
        health: Health = WELL,
        mode: Mode = Mode.VELOCITY,
        confidence: float = 1.0,
    ) -> Output:
        """One hop later, a fresh decision and fresh telemetry."""
        self.now_s += HOP_S
        command = self.command(joints, rest=rest, mode=mode, confidence=confidence)
        return self.tell(command, health=health)

    def relax(self, seconds: float = 1.1) -> None:
        for _ in range(round(seconds / HOP_S)):
            self.decide(rest=True)

    @property
    def phase(self) -> Phase:
        return self.state.phase

    @property
    def cause(self) -> Cause:
        return self.state.cause


def resting(limits: Limits = LIMITS) -> Loop:
    loop = Loop(limits)
    loop.relax()
    return loop


def armed(limits: Limits = LIMITS) -> Loop:
    loop = resting(limits)
    assert loop.tell(request=Request.ARM).do is Do.ARM
    loop.hand = HandState.ARMED
    loop.tell()
    assert loop.phase is Phase.ARMED
    return loop


def moving(limits: Limits = LIMITS) -> Loop:
    loop = armed(limits)
    for i in range(4):
        loop.at_deg = (50.0 + i,) * N
        assert any(loop.decide(CLOSE).joints)
    return loop


def push(loop: Loop, torque_nm: tuple[float, ...] = (), rest: bool = False) -> Output:
    return loop.decide(torque_nm, mode=Mode.TORQUE, rest=rest)


def pushing(limits: Limits = EXO_LIMITS) -> Loop:
    """An exoskeleton that gives half of its torque."""
    loop = armed(limits)
    for _ in range(8):
        output = loop.decide((10.0, 5.0), mode=Mode.TORQUE)
    assert output == Output(Do.SETPOINT, Mode.TORQUE, (10.0, 5.0), TTL_S, loop.decision_n)
    return loop


def faulty() -> Loop:
    loop = moving()
    loop.decide(CLOSE, health=replace(WELL, link_up=False))
    loop.hand = HandState.IDLE
    assert loop.phase is Phase.FAULT
    return loop


def stopped() -> Loop:
    loop = moving()
    loop.tell(request=Request.ESTOP)
    loop.hand = HandState.ESTOP
    loop.tell()
    return loop

"""A control loop with a fake clock around the safety gate, in every state that it knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from firmware_bridge.command import Command, Mode
from firmware_bridge.hands import HAND6, Telemetry
from firmware_bridge.link import HandState
from firmware_bridge.safety import gate
from firmware_bridge.safety_state import (
    Cause,
    Do,
    GateState,
    Health,
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
CLOSE = (100.0,) * N
STILL = (0.0,) * N


@dataclass
class Loop:
    """A control loop with a fake clock and a hand whose telemetry the test chooses."""

    state: GateState = field(default_factory=lambda: gate_start(LIMITS))
    now_s: float = 100.0
    decision_n: int = 0
    hand: HandState = HandState.IDLE
    at_deg: tuple[float, ...] = (50.0,) * N
    age_s: float = 0.0

    def tell(
        self,
        command: Command | None = None,
        *,
        telemetry: bool = True,
        health: Health = WELL,
        request: Request | None = None,
    ) -> Output:
        telem = Telemetry(self.hand, self.at_deg, self.age_s) if telemetry else None
        self.state, output = gate(self.state, command, telem, health, request, self.now_s, LIMITS)
        return output

    def command(
        self,
        joints: tuple[float, ...] = STILL,
        *,
        late_s: float = 0.0,
        rest: bool = False,
        mode: Mode = Mode.VELOCITY,
    ) -> Command:
        self.decision_n += 1
        return Command(mode, joints, self.now_s - late_s, self.decision_n, TTL_S, rest)

    def decide(
        self, joints: tuple[float, ...] = STILL, *, rest: bool = False, health: Health = WELL
    ) -> Output:
        """One hop later, a fresh decision and fresh telemetry."""
        self.now_s += HOP_S
        return self.tell(self.command(joints, rest=rest), health=health)

    def relax(self, seconds: float = 1.1) -> None:
        for _ in range(round(seconds / HOP_S)):
            self.decide(rest=True)

    @property
    def phase(self) -> Phase:
        return self.state.phase

    @property
    def cause(self) -> Cause:
        return self.state.cause


def resting() -> Loop:
    loop = Loop()
    loop.relax()
    return loop


def armed() -> Loop:
    loop = resting()
    assert loop.tell(request=Request.ARM).do is Do.ARM
    loop.hand = HandState.ARMED
    loop.tell()
    assert loop.phase is Phase.ARMED
    return loop


def moving() -> Loop:
    loop = armed()
    for i in range(4):
        loop.at_deg = (50.0 + i,) * N
        assert any(loop.decide(CLOSE).joints)
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

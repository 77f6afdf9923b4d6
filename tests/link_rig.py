"""Two ends of the link: in memory under a fake clock, and as the control loop has them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from firmware_bridge import session as sessions
from firmware_bridge import simulated_mcu as model
from firmware_bridge.command import Command, Mode
from firmware_bridge.hands import HAND6
from firmware_bridge.link import FrameType, Telem
from firmware_bridge.safety import gate
from firmware_bridge.safety_state import (
    Do,
    Health,
    Output,
    Phase,
    Request,
    gate_start,
    limits_for,
)
from firmware_bridge.serial_link import SerialLink
from firmware_bridge.session import LinkEvent, LinkEventKind, LinkPhase, Session
from firmware_bridge.simulated_hand import TraceRow
from firmware_bridge.simulated_mcu import Joints, Mcu

LIMITS = limits_for(HAND6)
STOP = Output(Do.SETPOINT, Mode.VELOCITY, (0.0,) * 6, 0.075, 1)


@dataclass
class Wire:
    """A session and a microcontroller with a line between them that can fail."""

    session: Session = field(default_factory=lambda: Session(1, 6, 150))
    mcu: Mcu = field(default_factory=lambda: Mcu(Joints()))
    now_ms: int = 0
    to_hand: Callable[[bytes], bytes] = bytes
    to_host: Callable[[bytes], bytes] = bytes
    answers: bytes = b""
    events: list[LinkEvent] = field(default_factory=list)
    telem: Telem | None = None

    @property
    def now_s(self) -> float:
        return self.now_ms / 1000.0

    def carry(self, data: bytes) -> None:
        self.answers += self.to_host(model.receive(self.mcu, self.to_hand(data), self.now_ms))

    def run(self, ms: int, setpoint_ms: int = 0) -> None:
        """Polls every millisecond; sends a setpoint every `setpoint_ms`."""
        for i in range(ms):
            self.now_ms += 1
            if setpoint_ms and i % setpoint_ms == 0:
                self.carry(sessions.setpoint(self.session, 2, 75, (0,) * 6, self.now_s))
            self.carry(b"")
            data, self.answers = self.answers, b""
            telem, events = sessions.hear(self.session, data, self.now_s)
            out, more = sessions.tick(self.session, self.now_s)
            self.carry(out)
            self.telem = telem or self.telem
            self.events += events + more

    def ask(self, kind: FrameType) -> None:
        self.carry(sessions.request(self.session, kind, self.now_s))

    @property
    def phase(self) -> LinkPhase:
        return self.session.phase

    @property
    def kinds(self) -> list[LinkEventKind]:
        return [event.kind for event in self.events]


def hello(**settings: Any) -> Wire:
    wire = Wire(**settings)
    wire.carry(sessions.hello(wire.session, 0xBEEF, wire.now_s))
    return wire


def connected() -> Wire:
    wire = hello()
    wire.run(5)
    assert wire.phase is LinkPhase.UP
    wire.events.clear()
    return wire


def nothing(_data: bytes) -> bytes:
    return b""


@dataclass
class Live:
    """The control loop as the program has it, at 40 decisions per second of real time."""

    port: SerialLink
    joints: tuple[float, ...] = (0.0,) * 6
    decides: bool = True
    health: Health = field(default_factory=lambda: Health(True, True, True))
    decision_n: int = 0
    events: list[LinkEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = gate_start(LIMITS)

    def turn(self, request: Request | None = None) -> None:
        now_s = time.monotonic()
        telem, events = self.port.poll(now_s)
        self.events += events
        command = None
        if self.decides:
            self.decision_n += 1
            rest = not any(self.joints)
            command = Command(Mode.VELOCITY, self.joints, now_s, self.decision_n, 0.2, rest)
        health = Health(self.health.signal_ok, self.health.source_alive, self.port.up)
        self.state, output = gate(self.state, command, telem, health, request, now_s, LIMITS)
        self.port.send(output, now_s)

    def run(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.turn()
            time.sleep(0.025)

    def until(self, phase: Phase, seconds: float = 3.0) -> None:
        end_s = time.monotonic() + seconds
        while self.state.phase is not phase:
            assert time.monotonic() < end_s, self.state
            self.turn()
            time.sleep(0.01)


def moving(port: SerialLink) -> Live:
    """Armed without waiting for a second of rest, and closing.

    Tried again when the machine is so busy with other tests that the safety times run out.
    """
    live = Live(port)
    for _ in range(5):
        live.joints = (0.0,) * 6
        live.run(0.1)
        live.state = live.state._replace(seen=live.state.seen._replace(rest_since_s=0.0))
        live.turn(Request.ARM)
        live.until(Phase.ARMED)
        live.joints = (100.0,) * 6
        live.run(0.2)
        if live.state.phase is Phase.ARMED:
            return live
        live.turn(Request.CLEAR)
        if not port.up:
            port.wait_connected()
    raise AssertionError(live.state.cause)


def rest_after_s(rows: list[TraceRow], moment_s: float) -> float:
    """Time from the moment to the last movement in the trace."""
    moving_s = [row.clock_s for row in rows if any(row.velocity_deg_s)]
    return max(moving_s) - moment_s


def push(port: SerialLink, torque_nm: tuple[float, float], seconds: float = 0.4) -> float:
    """Torques every 20 ms, after arming; gives when the last one went."""
    end_s = time.monotonic() + seconds
    port.send(Output(Do.ARM), time.monotonic())
    sent_s = 0.0
    while time.monotonic() < end_s:
        now_s = time.monotonic()
        port.poll(now_s)
        output = Output(Do.SETPOINT, Mode.TORQUE, torque_nm, 0.15, 1)
        if port.send(output, now_s) is not None:
            sent_s = now_s
        time.sleep(0.02)
    return sent_s

"""A hand of another maker on its twin, in virtual time, as its tests want it."""

from __future__ import annotations

from typing import Any

from firmware_bridge.command import Mode
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.emulators.twin import TwinPort, open_hand_twin
from firmware_bridge.hands import Telemetry, open_hand
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Do, Output
from firmware_bridge.session import LinkEventKind

OWN = {"simulated", "serial", "firmware", "simulated_exo", "serial_exo", "firmware_exo"}
"""Hands that speak our own link."""
TICK_S = 0.005
TORQUES = ("tmotor", "odrive", "odrive_can")
"""Motors that take velocities, and torques where they are told so"""
TORQUE = ":,mode=torque,max_nm=2"


class Rig:
    """A hand's link on its twin, in virtual time."""

    def __init__(self, word: str) -> None:
        self.name, self.now_s = word.partition(":")[0], 100.0
        self.twin: Any = open_hand_twin(self.name)
        if word.endswith(TORQUE):
            self.twin = type(self.twin)(mode=Mode.TORQUE)
        self.port = TwinPort(self.twin, lambda: self.now_s)
        self.link: DialectLink = open_hand(word, port=self.port, clock=lambda: self.now_s)  # type: ignore[assignment]
        torque = self.link.dialect.facts.mode is Mode.TORQUE
        self.mode = Mode.TORQUE if torque else Mode.VELOCITY
        self.events: list[LinkEventKind] = []
        self.texts: list[str] = []
        self.telemetry: Telemetry | None = None
        self.n = 0
        self.link.hello(self.now_s)

    def run(self, seconds: float, joints: tuple[float, ...] | None = None) -> Rig:
        """Polls as the loop does, and sends a fresh setpoint every 25 ms where there is one."""
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            self.now_s += TICK_S
            self.n += 1
            telemetry, events = self.link.poll(self.now_s)
            self.telemetry = telemetry or self.telemetry
            self.events += [event.kind for event in events]
            self.texts += [event.text for event in events]
            if joints is not None and self.n % 5 == 0:
                self.send(joints)
        return self

    def send(self, joints: tuple[float, ...]) -> Any:
        output = Output(Do.SETPOINT, self.mode, joints, 0.150, self.n)
        return self.link.send(output, self.now_s)

    def do(self, what: Do) -> Rig:
        self.link.send(Output(what), self.now_s)
        return self

    def armed(self) -> Rig:
        self.run(0.3)
        assert self.link.up
        self.do(Do.ARM).run(0.1, self.zeros)
        assert self.link.state is HandState.ARMED
        return self

    def moves(self, joints: tuple[float, ...]) -> bool:
        """Whether every joint moves when it is told to: a hand of positions does so in steps."""
        before = tuple(self.twin.body.position_deg)
        self.run(0.2, joints)
        after = self.twin.body.position_deg
        return all(abs(to - at) > 0.5 for to, at in zip(after, before, strict=True))

    @property
    def zeros(self) -> tuple[float, ...]:
        return (0.0,) * len(self.link.hand.joints)

    def closing(self, share: float = 0.3) -> tuple[float, ...]:
        """Velocities, or torques that bring the twin to the same."""
        torque = self.mode is Mode.TORQUE
        return tuple(
            share * (joint.max_torque_nm if torque else joint.max_velocity_deg_s)
            for joint in self.link.hand.joints
        )

    def rest_s(self, limit_s: float = 1.0) -> float:
        """Seconds from now until every joint stands still, while only the loop polls."""
        begin_s = self.now_s
        self.run(TICK_S)
        while self.twin.body.moving and self.now_s - begin_s < limit_s:
            self.run(TICK_S)
        return self.now_s - begin_s

"""A host that talks to the simulated microcontroller in memory, under a fake clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_bridge import link
from firmware_bridge import simulated_mcu as model
from firmware_bridge.link import Ack, AckCode, Deframer, FrameType, HandState, Telem
from firmware_bridge.simulated_mcu import Joints, Mcu

SESSION = 0xBEEF
FULL = (1000,) * 6
STILL = (0,) * 6


def make(joints: Joints) -> Mcu:
    """A microcontroller of the kind that is tested: test_firmware_same puts the one in C here."""
    return Mcu(joints)


@dataclass
class Host:
    """Talks to a microcontroller in memory, one millisecond at a time."""

    mcu: Mcu = field(default_factory=lambda: make(Joints()))
    rx: Deframer = field(default_factory=lambda: Deframer(SESSION))
    seq: int = 0
    now_ms: int = 0

    def say(self, kind: int, payload: bytes = b"", session: int = SESSION) -> list[link.Frame]:
        self.seq += 1
        wire = link.pack(kind, session, self.seq, self.now_ms, payload)
        return link.receive(self.rx, model.receive(self.mcu, wire, self.now_ms))

    def wait(self, ms: int) -> list[link.Frame]:
        self.now_ms += ms
        return link.receive(self.rx, model.advance(self.mcu, self.now_ms))

    def ask(self, kind: int) -> Ack:
        (frame,) = [f for f in self.say(kind) if f.type == FrameType.ACK]
        return link.unpack_ack(frame.payload)

    def setpoint(self, counts: tuple[int, ...] = FULL, ttl_ms: int = 150, mode: int = 2) -> Telem:
        self.seq += 1
        wire = link.pack_setpoint(SESSION, self.seq, self.now_ms, mode, ttl_ms, counts)
        (*_, frame) = link.receive(self.rx, model.receive(self.mcu, wire, self.now_ms))
        return link.unpack_telem(frame.payload)

    def drive(self, counts: tuple[int, ...] = FULL, ms: int = 200, mode: int = 2) -> None:
        """Setpoints every 20 ms."""
        for _ in range(ms // 20):
            self.setpoint(counts, mode=mode)
            self.wait(20)

    @property
    def state(self) -> HandState:
        return self.mcu.state

    @property
    def torque_limit(self) -> int:
        return model.torque_limit(self.mcu)

    @property
    def at_deg(self) -> float:
        return self.mcu.position_deg[0]

    @property
    def speed(self) -> float:
        return self.mcu.velocity_deg_s[0]


def idle() -> Host:
    host = Host()
    host.say(FrameType.HELLO)
    assert host.state is HandState.IDLE
    return host


def armed() -> Host:
    host = idle()
    assert host.ask(FrameType.ARM).code == AckCode.OK
    assert host.state is HandState.ARMED
    return host

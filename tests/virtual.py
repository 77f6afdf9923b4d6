"""The whole live loop in virtual time: source, decoder, gate, link bytes, hand; no thread, no wait.

Time moves in steps of a millisecond. Chunks come when their last sample is due; the hand's
microcontroller hears the link's own bytes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from acquisition.simulator.faults import Fault
from acquisition.simulator.script import Prompt, Script
from acquisition.stream import Chunk, DeviceError
from acquisition.synthetic import open_synthetic
from firmware_bridge import simulated_mcu
from firmware_bridge.control import HAND6_GRIPS, Grips, control, grips_for
from firmware_bridge.emulators.twin import HandTwin, TwinPort, open_hand_twin
from firmware_bridge.hands import HAND6, HandLink, open_hand
from firmware_bridge.safety_state import limits_for
from firmware_bridge.serial_link import SerialLink
from firmware_bridge.session import Session
from firmware_bridge.simulated_mcu import Joints, Mcu
from flexor.live import act, finish, tick
from flexor.loop import Loop
from flexor.profile import DEMO_ARTIFACT
from models.artifact import open_artifact
from models.decoder import open_decoder
from preprocessing.quality import Quality

START_S = 50.0
SCRIPT = Script((Prompt("rest", 0.0, 2.5), Prompt("hand_close", 0.5, 6.0)), loop=False)


@dataclass
class VirtualPort:
    """A serial port whose other end is the simulated microcontroller."""

    mcu: Mcu
    now_ms: Callable[[], int]
    inside: bytes = b""
    is_open: bool = True
    cut: bool = False
    """the cable is out"""

    @property
    def in_waiting(self) -> int:
        self.inside += simulated_mcu.advance(self.mcu, self.now_ms())
        return len(self.inside)

    def read(self, n: int) -> bytes:
        if self.cut:
            raise OSError("gone")
        data, self.inside = self.inside[:n], self.inside[n:]
        return data

    def write(self, data: bytes) -> int:
        if self.cut:
            raise OSError("gone")
        self.inside += simulated_mcu.receive(self.mcu, data, self.now_ms())
        return len(data)

    def reset_output_buffer(self) -> None:
        """Nothing waits: what is written is there at once."""

    def close(self) -> None:
        self.is_open = False


@dataclass
class VirtualInbox:
    """What the reader thread would have put there by now."""

    waiting: list[Chunk] = field(default_factory=list)
    ended: bool = False
    error: DeviceError | None = None
    dropped_samples: int = 0

    def take(self, timeout_s: float) -> list[Chunk]:
        taken, self.waiting = self.waiting, []
        return taken


class VirtualRun:
    """One run of the loop that a test moves on and meddles with."""

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        script: Script = SCRIPT,
        arm: bool = True,
        change: Callable[[Chunk], Chunk | None] | None = None,
        seed: int = 3,
        hand: str = "",
    ) -> None:
        self.now_s = START_S
        artifact = open_artifact(DEMO_ARTIFACT)
        contract = artifact.contract
        self.source = open_synthetic(
            fast=True, seed=seed, script=script, faults=tuple(faults), clock=lambda: START_S
        )
        self.source.start()
        self.change = change or (lambda chunk: chunk)
        self.mcu = Mcu(Joints())
        self.port = VirtualPort(self.mcu, lambda: round(1000 * (self.now_s - START_S)))
        link: HandLink = SerialLink("virtual", HAND6, self.port, None, Session(7, 6, 150))
        self.twin: HandTwin | None = None
        """the hand of another maker, where one was named"""
        if hand:
            self.twin = open_hand_twin(hand)
            self.twin_port = TwinPort(self.twin, lambda: self.now_s)
            link = open_hand(hand, port=self.twin_port, clock=lambda: self.now_s)
        grips = grips_for(contract.labels, Grips(HAND6_GRIPS.grips, contract.rest))
        self.loop = Loop(
            open_decoder(artifact, self.source.spec),
            control(grips, link.hand, contract.labels, 1 / contract.hop_s),
            limits_for(link.hand),
            link,
            Quality(),
            arm_when_rested=arm,
            clock=lambda: self.now_s,
        )
        self.hop_s = contract.hop_s
        self.inbox = VirtualInbox()
        self.next: Chunk | None = None
        self.frozen = False
        """the control loop does not run (a stalled process)"""
        link.hello(self.now_s)
        for _ in range(5):
            act(self.loop, None, True, self.now_s)

    def until(self, second: float) -> VirtualRun:
        """Runs to that second after the start."""
        while self.now_s < START_S + second - 1e-9 and not self.inbox.ended:
            self.now_s = round(self.now_s + 0.001, 6)
            self._deliver()
            simulated_mcu.advance(self.mcu, self.port.now_ms())
            if self.twin is not None:
                self.twin_port.tick()
            tick_due = self.inbox.waiting or round(1000 * self.now_s) % 10 == 0
            if tick_due and not self.frozen:
                tick(self.loop, self.inbox, self.hop_s)  # type: ignore[arg-type]
        return self

    def rest_s(self, limit_s: float = 2.0) -> float:
        """Seconds from now until every joint stands still, and stays so for 0.3 s."""
        begin_s, still_s = self.now_s, None
        while self.now_s < begin_s + limit_s:
            self.until(self.now_s - START_S + 0.001)
            if self.inbox.ended:
                self.now_s = round(self.now_s + 0.001, 6)
                act(self.loop, None, False, self.now_s)
            still_s = None if self._moves(1e-6) else still_s or self.now_s
            if still_s is not None and self.now_s - still_s > 0.3:
                return still_s - begin_s
        return limit_s

    @property
    def moving(self) -> bool:
        return self._moves(1.0)

    def _moves(self, more_than_deg_s: float) -> bool:
        body = self.mcu if self.twin is None else self.twin.body
        return any(abs(v) > more_than_deg_s for v in body.velocity_deg_s)

    @property
    def events(self) -> dict[str, int]:
        return dict(self.loop.tally.counts)

    def said(self, words: str) -> bool:
        """Whether an event's sentence has these words."""
        return any(words in event.text for event in self.loop.tally.events)

    def _deliver(self) -> None:
        while not self.inbox.ended:
            if self.next is None:
                self.next = self._read()
                if self.next is None:
                    return
            rate_hz = self.source.spec.rate_hz
            due_s = self.next.clock_s + (len(self.next.samples) - 1) / rate_hz
            if due_s > self.now_s + 1e-9:
                return
            changed = self.change(self.next)
            self.next = None
            if changed is not None:
                self.inbox.waiting.append(changed)

    def _read(self) -> Chunk | None:
        try:
            chunk = self.source.read(1.0)
        except DeviceError as error:
            self.inbox.ended, self.inbox.error = True, error
            finish(self.loop, self.inbox)  # type: ignore[arg-type]
            return None
        if chunk is None:
            self.inbox.ended = True
        return chunk


def at(second: float, kind: str, **settings: Any) -> Fault:
    """A fault of the source, from that second on."""
    return Fault(kind, second, **settings)

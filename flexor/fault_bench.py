"""The whole live loop in virtual time: device bytes, decoder, gate, link bytes, firmware.

No thread and no wait, so that a figure is the same in each run. Time moves in steps of a
millisecond; computing and wires take none of it (`flexor bench latency` measures those). The
reader has a clock of its own, a little ahead, as a thread that waits for bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from acquisition.emulators.trouble import Trouble
from acquisition.emulators.twin import Counts, Signal, Twin, open_twin
from acquisition.emulators.virtual import VirtualClock
from acquisition.emulators.virtual import VirtualPort as DevicePort
from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.faults import Fault
from acquisition.simulator.script import Prompt, Script
from acquisition.simulator.simulation import Simulation
from acquisition.sources import open_source
from acquisition.stream import Chunk, DeviceError, Source
from acquisition.synthetic import open_synthetic
from firmware_bridge import simulated_mcu
from firmware_bridge.control import HAND6_GRIPS, Grips, control, grips_for
from firmware_bridge.emulators.twin import HandTwin, TwinPort, open_hand_twin
from firmware_bridge.firmware_hand import joints_of
from firmware_bridge.firmware_library import CMcu, c_model
from firmware_bridge.hands import HAND6, open_hand
from firmware_bridge.safety_state import limits_for
from firmware_bridge.serial_link import SerialLink
from firmware_bridge.session import Session
from firmware_bridge.simulated_mcu import Joints, Mcu
from flexor.live import act, finish, tick
from flexor.loop import Loop
from flexor.profile import DEMO_ARTIFACT
from flexor.reader import Inbox
from models.artifact import Artifact, open_artifact
from models.decoder import open_decoder
from preprocessing.quality import Quality

START_S = 50.0
SCRIPT = Script((Prompt("rest", 0.0, 2.5), Prompt("hand_close", 0.5, 6.0)), loop=False)
MOVING_S = 3.6
"""When the hand has been closing for half a second in the usual script."""
POLL_S = 0.001
"""Longest wait of the reader for bytes: it is never further ahead than this."""
_TAKEN_N = 10
"""Samples that are made at a time: a block of the simulation."""


@dataclass
class VirtualPort:
    """A serial port whose other end is the hand's microcontroller."""

    mcu: Any
    """an Mcu, or a CMcu"""
    model: Any
    """the functions that move it: simulated_mcu, or c_model"""
    now_ms: Callable[[], int]
    inside: bytes = b""
    is_open: bool = True
    cut: bool = False
    """the cable is out"""

    @property
    def in_waiting(self) -> int:
        self.inside += self.model.advance(self.mcu, self.now_ms())
        return len(self.inside)

    def read(self, n: int) -> bytes:
        if self.cut:
            raise OSError("gone")
        data, self.inside = self.inside[:n], self.inside[n:]
        return data

    def write(self, data: bytes) -> int:
        if self.cut:
            raise OSError("gone")
        self.inside += self.model.receive(self.mcu, data, self.now_ms())
        return len(data)

    def reset_output_buffer(self) -> None:
        """Nothing waits: what is written is there at once."""

    def close(self) -> None:
        self.is_open = False


class VirtualInbox(Inbox):
    """The inbox of the live loop, in which nobody waits."""

    def take(self, timeout_s: float) -> list[Chunk]:
        return super().take(0.0)


class VirtualRun:
    """One run of the loop that somebody moves on and meddles with.

    `word` opens a device of SOURCES on its twin, which sends the simulated arm's counts in the
    device's own bytes; without one the simulated arm is the source itself. `c` drives the
    firmware in C, else the same in Python; `hand` one of another maker.
    """

    def __init__(
        self,
        *,
        word: str = "",
        twin: dict[str, Any] | None = None,
        trouble: Trouble | None = None,
        faults: Sequence[Fault] = (),
        script: Script = SCRIPT,
        arm: bool = True,
        change: Callable[[Chunk], Chunk | None] | None = None,
        seed: int = 3,
        hand: str = "",
        c: bool = False,
        artifact: Artifact | None = None,
    ) -> None:
        artifact = artifact or open_artifact(DEMO_ARTIFACT)
        contract = artifact.contract
        self.hop_s = contract.hop_s
        self.reader_clock = VirtualClock(START_S)
        self.device_ports: list[DevicePort] = []
        """as often as the device was opened"""
        if word:
            arm_now = replace(ARMBAND, seed=seed)
            signal = arm_signal(Simulation(arm_now, script, faults))
            self.source: Source = self._wired(word, twin or {}, trouble or Trouble(), signal)
        else:
            self.source = open_synthetic(
                fast=True, seed=seed, script=script, faults=tuple(faults), clock=lambda: START_S
            )
        self.source.start()
        self.start_s = self.now_s = self.reader_clock.now_s
        self.change = change or (lambda chunk: chunk)
        self.mcu: Any = CMcu(joints_of(HAND6)) if c else Mcu(Joints())
        self.model: Any = c_model if c else simulated_mcu
        self.port = VirtualPort(self.mcu, self.model, self._now_ms)
        link: Any = SerialLink("virtual", HAND6, self.port, None, Session(7, 6, 150))
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
        self.inbox = VirtualInbox(round(self.source.spec.rate_hz))
        self.next: Chunk | None = None
        self.finished = False
        self.frozen = False
        """the control loop does not run (a stalled process)"""
        link.hello(self.now_s)
        for _ in range(5):
            act(self.loop, None, True, self.now_s)

    def _wired(
        self, word: str, settings: dict[str, Any], trouble: Trouble, signal: Signal
    ) -> Source:
        self.sensor: Twin = open_twin(word.partition(":")[0], signal, **settings)
        clock = self.reader_clock

        def opened() -> DevicePort:
            self.device_ports.append(DevicePort(self.sensor, clock, trouble))
            return self.device_ports[-1]

        return open_source(word, port=opened, clock=clock, sleep=clock.sleep)

    def _now_ms(self) -> int:
        return round(1000 * (self.now_s - self.start_s))

    def until(self, second: float) -> VirtualRun:
        """Runs to that second after the start."""
        while self.now_s < self.start_s + second - 1e-9 and not self.inbox.ended:
            self.now_s = round(self.now_s + 0.001, 6)
            came = self._read_device() if self.device_ports else self._deliver()
            self.model.advance(self.mcu, self._now_ms())
            if self.twin is not None:
                self.twin_port.tick()
            if (came or self._now_ms() % 10 == 0) and not self.frozen:
                tick(self.loop, self.inbox, self.hop_s)
        if self.inbox.ended and not self.finished:
            self.finished = True
            finish(self.loop, self.inbox)
        return self

    def rest_s(self, limit_s: float = 2.0) -> float:
        """Seconds from now until every joint stands still, and stays so for 0.3 s."""
        begin_s, still_s = self.now_s, None
        while self.now_s < begin_s + limit_s:
            self.until(self.second + 0.001)
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
    def second(self) -> float:
        """Seconds since the start."""
        return self.now_s - self.start_s

    @property
    def events(self) -> dict[str, int]:
        return dict(self.loop.tally.counts)

    def said(self, words: str) -> bool:
        """Whether an event's sentence has these words."""
        return any(words in event.text for event in self.loop.tally.events)

    def told(self, since: float) -> list[str]:
        """The sentences that a person was told from that second on."""
        return [e.text for e in self.loop.tally.events if e.clock_s >= self.start_s + since - 0.05]

    def _deliver(self) -> bool:
        """What the simulated arm has made by now; whether it was anything."""
        came = False
        while not self.inbox.ended:
            if self.next is None:
                self.next = self._read()
                if self.next is None:
                    return came
            rate_hz = self.source.spec.rate_hz
            due_s = self.next.clock_s + (len(self.next.samples) - 1) / rate_hz
            if due_s > self.now_s + 1e-9:
                return came
            changed = self.change(self.next)
            self.next = None
            if changed is not None:
                came = True
                self.inbox.put(changed)
        return came

    def _read(self) -> Chunk | None:
        try:
            chunk = self.source.read(1.0)
        except DeviceError as error:
            self.inbox.end(error)
            return None
        if chunk is None:
            self.inbox.end()
        return chunk

    def _read_device(self) -> bool:
        """What the reader thread would have put into the inbox by now."""
        came, clock = False, self.reader_clock
        while clock.now_s < self.now_s and not self.inbox.ended:
            before_s = clock.now_s
            try:
                chunk = self.source.read(POLL_S)
            except DeviceError as error:
                self.inbox.end(error)
                return True
            if chunk is not None and (len(chunk.samples) or chunk.lost or chunk.markers):
                changed = self.change(chunk)
                if changed is not None:
                    came = True
                    self.inbox.put(changed)
            elif clock.now_s == before_s:  # it waits for nothing: the millisecond passes
                clock.now_s = min(self.now_s, before_s + POLL_S)
        return came


def arm_signal(simulation: Simulation) -> Signal:
    """The simulated arm's own counts, in order, for a twin that sends them."""
    held: list[Counts] = [np.empty((0, len(simulation.arm.channels)), np.int64)]
    first = [0]

    def take(first_n: int, n: int) -> Counts:
        # A stream that began anew counts from 0; the wearer has gone on meanwhile.
        skip_n = max(0, first_n - first[0])
        while len(held[0]) < skip_n + n:
            made = simulation.take(_TAKEN_N).samples.astype(np.int64)
            held[0] = np.concatenate([held[0], made])
        held[0], first[0] = held[0][skip_n:], first_n
        return held[0][:n]

    return take


def at(second: float, kind: str, **settings: Any) -> Fault:
    """A fault of the source, from that second on."""
    return Fault(kind, second, **settings)

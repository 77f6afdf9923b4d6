"""The whole live loop in virtual time: device bytes, decoder, gate, link bytes, firmware.

No thread and no wait, so that a figure is the same in each run. Time moves in steps of a
millisecond; computing and wires take none of it (`flexor bench latency` measures those). The
reader has a clock of its own, a little ahead, as a thread that waits for bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from acquisition.emulators.lsl import twin_stream
from acquisition.emulators.trouble import Trouble
from acquisition.emulators.twin import Twin, open_twin
from acquisition.emulators.virtual import VirtualClock
from acquisition.simulator.arms import ARMBAND, Arm
from acquisition.simulator.faults import Fault
from acquisition.simulator.script import Prompt, Script
from acquisition.simulator.simulation import Simulation
from acquisition.sources import open_source
from acquisition.stream import Chunk, Counts, Device, DeviceError, Source, Spec
from acquisition.synthetic import open_synthetic
from firmware_bridge import simulated_mcu
from firmware_bridge.emulators.twin import HandTwin, TwinPort, open_hand_twin
from firmware_bridge.firmware_hand import joints_of
from firmware_bridge.firmware_library import CMcu, c_model
from firmware_bridge.hands import HAND6, HandSpec, open_hand
from firmware_bridge.link import HandState
from firmware_bridge.serial_link import SerialLink, crc_n_of
from firmware_bridge.session import Session
from firmware_bridge.simulated_mcu import Joints, Mcu
from firmware_bridge.wearer_limits import limits_within, narrowed
from flexor.fault_wires import BenchPort, Drifting, Line, VirtualInbox, VirtualPort, arm_signal
from flexor.live import act, finish, tick
from flexor.loop import Loop
from flexor.mapping import efforts_for, steering_for
from flexor.profile import DEMO_ARTIFACT, Profile
from flexor.report import device_text
from flexor.tally import device_report
from models.artifact import Artifact, open_artifact
from models.decoder import open_decoder
from preprocessing.quality import Quality

START_S = 50.0
SCRIPT = Script((Prompt("rest", 0.0, 2.5), Prompt("hand_close", 0.5, 6.0)), loop=False)
MOVING_S = 3.6
"""When the hand has been closing for half a second in the usual script."""
POLL_S = 0.001
"""Longest wait of the reader for bytes: it is never further ahead than this."""


class VirtualRun:
    """One run of the loop that somebody moves on and meddles with.

    `word` opens a device of SOURCES on its twin, which sends the simulated arm's counts in the
    device's own bytes; `drift` is the share by which its clock is fast. Without one the simulated
    arm is the source itself. A device with another spec than the demo's artifact gets the same
    network behind a contract that names that spec. A `bare` run is the source alone, read every
    `quantum_s`. `c` drives the firmware in C, with the joints of `spec`, else the same in Python;
    `hand` one of another maker.
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
        worn: Arm = ARMBAND,
        drift: float = 0.0,
        bare: bool = False,
        quantum_s: float = 0.0,
        profile: Profile | None = None,
        spec: HandSpec = HAND6,
    ) -> None:
        self.reader_clock = VirtualClock(START_S)
        self.device_ports: list[BenchPort] = []
        """as often as the device was opened"""
        self.line = Line()
        self.source: Source
        if word:
            self.sensor: Twin = open_twin(word.partition(":")[0], **(twin or {}))
            self.source = self._wired(word, twin or {}, trouble or Trouble(), quantum_s)
            if not bare:
                arm_now = replace(worn, rate_hz=self.sensor.spec.rate_hz, seed=seed)
                simulation = Simulation(arm_now, script, faults)
                self.sensor.signal = arm_signal(simulation, self.sensor.spec)
            self.undrifted = self.sensor
            self.sensor = cast("Twin", Drifting(self.sensor, 1 + drift))
        else:
            self.source = open_synthetic(
                fast=True, seed=seed, script=script, faults=tuple(faults), clock=lambda: START_S
            )
        if bare:
            self.source.start()
            return
        artifact = made_for(artifact or open_artifact(DEMO_ARTIFACT), self.source.spec)
        contract = artifact.contract
        self.hop_s = contract.hop_s
        self.source.start()
        self.start_s = self.now_s = self.reader_clock.now_s
        self.change = change or (lambda chunk: chunk)
        self.mcu: Any = CMcu(joints_of(spec), crc_n_of(spec)) if c else Mcu(Joints())
        self.model: Any = c_model if c else simulated_mcu
        self.port = VirtualPort(self.mcu, self.model, self._now_ms)
        session = Session(7, len(spec.joints), 150)
        session.rx.crc_n = crc_n_of(spec)
        link: Any = SerialLink("virtual", spec, self.port, None, session)
        self.twin: HandTwin | None = None
        """the hand of another maker, where one was named"""
        if hand:
            self.twin = open_hand_twin(hand.partition(":")[0])
            self.twin_port = TwinPort(self.twin, lambda: self.now_s)
            link = open_hand(hand, port=self.twin_port, clock=lambda: self.now_s)
        wearer = profile or Profile()
        self.loop = Loop(
            open_decoder(artifact, self.source.spec),
            steering_for(wearer, contract, narrowed(link.hand, wearer.limits)),
            limits_within(link.hand, wearer.limits),
            link,
            Quality(),
            arm_when_rested=arm,
            sites=efforts_for(wearer, contract),
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
        self, word: str, settings: dict[str, Any], trouble: Trouble, quantum_s: float
    ) -> Source:
        clock = self.reader_clock

        def opened() -> BenchPort:
            port = BenchPort(self.sensor, clock, trouble, quantum_s)
            port.line, port.unplugged = self.line, self.line.gone
            self.device_ports.append(port)
            return port

        stream = {"stream": twin_stream(**settings)} if word.startswith("lsl") else {}
        return open_source(word, port=opened, clock=clock, sleep=clock.sleep, **stream)

    def _now_ms(self) -> int:
        return round(1000 * (self.now_s - self.start_s))

    def until(self, second: float) -> VirtualRun:
        """Runs to that second after the start."""
        while self.now_s < self.start_s + second - 1e-9 and not self.inbox.ended:
            self.now_s = round(self.now_s + 0.001, 6)
            came = self._read_device() if self.device_ports else self._deliver()
            self.port.inside += self.model.advance(self.mcu, self._now_ms())
            if self.twin is not None:
                self.twin_port.tick()
            if (came or self._now_ms() % 10 == 0) and not self.frozen:
                tick(self.loop, self.inbox, self.hop_s)
        if self.inbox.ended and not self.finished:
            self.finished = True
            finish(self.loop, self.inbox)
        return self

    def rest_s(self, limit_s: float = 2.0, each: Callable[[], object] = bool) -> float:
        """Seconds from now until every joint stands still, and stays so for 0.3 s; `each` is
        called every millisecond."""
        begin_s, still_s = self.now_s, None
        while self.now_s < begin_s + limit_s:
            each()
            self.until(self.second + 0.001)
            if self.inbox.ended:
                self.now_s = round(self.now_s + 0.001, 6)
                act(self.loop, None, False, self.now_s)
            still_s = None if self._moves(1e-6) else still_s or self.now_s
            if still_s is not None and self.now_s - still_s > 0.3:
                return still_s - begin_s
        return limit_s

    @property
    def armed(self) -> bool:
        """Whether the firmware follows the host."""
        return bool(self.mcu.state is HandState.ARMED)

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

    def told(self, since: float = 0.0) -> str:
        """What a person was told from that second on, each sentence once."""
        began_s = self.start_s + since - 0.05  # an event bears the clock of its samples
        said = [e.text for e in self.loop.tally.events if e.clock_s >= began_s]
        return " ".join(dict.fromkeys(said))

    @property
    def device_told(self) -> str:
        """The report's line about the device."""
        return device_text(device_report(self.source)["device"])

    @property
    def decided(self) -> list[tuple[int, str]]:
        """(number of the newest sample, gesture) of every decision."""
        return [(d.sample_n, d.gesture) for d in self.loop.tally.decided]

    @property
    def counts(self) -> Counts:
        """What happened between the device and us."""
        return cast("Device", self.source).counts

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


def made_for(artifact: Artifact, spec: Spec) -> Artifact:
    """The artifact, as if its wearer had been calibrated with a device of that spec."""
    if artifact.contract.spec == spec:
        return artifact
    return replace(artifact, contract=replace(artifact.contract, spec=spec))


def at(second: float, kind: str, **settings: Any) -> Fault:
    """A fault of the source, from that second on."""
    return Fault(kind, second, **settings)

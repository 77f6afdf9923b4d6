"""What one live run holds, and how it notes what happens."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from acquisition.stream import DeviceError, Source
from firmware_bridge.hands import Telemetry
from firmware_bridge.safety_state import GateState, Limits, Output, Request, gate_start
from firmware_bridge.serial_link import Sent
from firmware_bridge.steer import Steering, begin
from flexor.door import Door
from flexor.efforts import Efforts
from flexor.estop import EStop
from flexor.feed import Feed
from flexor.masking import Masking, masking, usual_of
from flexor.rate import Rate
from flexor.realtime import Step
from flexor.rotation import Rotation, rotation
from flexor.service import Notifier
from flexor.tally import Tally
from models.decoder import Decoder, State
from models.intent import Intent
from preprocessing.quality import Finding, Quality
from preprocessing.quality import State as QualityState


class Hand(Protocol):
    """What the loop needs of a link; see firmware_bridge.serial_link."""

    @property
    def up(self) -> bool: ...

    def poll(self, now_s: float) -> tuple[Telemetry | None, list[Any]]: ...

    def send(self, output: Output, now_s: float) -> Sent | None: ...

    def hello(self, now_s: float) -> None: ...


def asleep() -> tuple[float, float]:
    """Seconds that this machine was suspended since its start, as (at least, at most).

    Monotonic time leaves them out, and boot time does not (clock_gettime(2)). A turn that is held
    up between the two readings must not look like a sleep, hence two bounds.
    """
    before_s = time.clock_gettime(time.CLOCK_MONOTONIC)
    boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    return boot_s - time.clock_gettime(time.CLOCK_MONOTONIC), boot_s - before_s


@dataclass
class Loop:
    """Everything that one run holds."""

    decoder: Decoder
    control: Steering
    limits: Limits
    hand: Hand
    quality: Quality
    feeds: Sequence[Feed] = ()
    notifier: Notifier = field(default_factory=lambda: Notifier(""))
    """tells systemd that the loop lives, where it runs as a service"""
    source: Source | None = None
    """told what to do, where it is a virtual wearer"""
    door: Door | None = None
    """where other processes may come in and look"""
    arm_when_rested: bool = False
    """arm once, as soon as the gate would allow it"""
    joint_names: tuple[str, ...] = ()
    motion: bool = False
    """the source's second stream is recorded too"""
    clock: Callable[[], float] = time.monotonic
    asleep: Callable[[], tuple[float, float]] = asleep
    tally: Tally = field(default_factory=Tally)
    error: DeviceError | None = None
    """why the run ended before its time"""
    sites: Efforts | None = None
    """follows single muscles, where the control needs them"""
    efforts: tuple[float, ...] = ()
    """(site,) at the newest decision"""
    control_state: Any = field(init=False)
    """what the way to control remembers"""
    state: State = field(init=False)
    gate_state: GateState = field(init=False)
    quality_state: QualityState = field(init=False)
    findings: tuple[Finding, ...] = ()
    intents: list[Intent] = field(default_factory=list)
    """of this turn, from old to new: a burst brings several, and the hand follows the newest"""
    recent: deque[tuple[int, int]] = field(default_factory=deque)
    """(samples, lost) of the chunks of the last LOSS_SPAN_S"""
    lossy: bool = False
    losses: deque[tuple[int, int]] = field(default_factory=deque)
    """the same of the last THIN_SPAN_S"""
    thin: bool = False
    """so much of that was lost that the hand moves slowly"""
    rate: Rate = field(init=False)
    masking: Masking = field(init=False)
    rotation: Rotation = field(init=False)
    gaps: deque[int] = field(default_factory=deque)
    """stream samples before the ends of the gaps that a window may still hold"""
    realtime: bool = False
    """ask the machine to let this loop run first (flexor.realtime)"""
    setup: tuple[Step, ...] = ()
    """what came of that"""
    doubtful: bool = False
    """the newest window holds more than one gap: nothing moves on it"""
    telemetry: Telemetry | None = None
    request: Request | None = None
    estop: EStop = field(default_factory=EStop)
    """what asks for the emergency stop from outside this thread"""
    greeted_s: float = float("-inf")
    """when a lost link was last asked to be taken up again"""
    armed_once: bool = False
    turn_s: float = float("-inf")
    """when the last turn began"""
    slept_s: float = field(init=False)
    """how long the machine has slept by then, at most"""
    rollbacks_n: int = 0
    """of the adaptation, that were told"""
    turns_n: int = 0
    """of a ring of electrodes, likewise"""
    unheard_n: int = 0
    """samples of a sleep, lost before the next that come"""
    stopping: bool = False
    final_state: str = ""
    """the gate's phase when the run ended, before the hand was let go"""
    status_s: float = 0.0
    last_event: str = ""

    def __post_init__(self) -> None:
        self.state = self.decoder.start()
        self.control_state = begin(self.control)
        self.gate_state = gate_start(self.limits)
        contract = self.decoder.contract
        self.quality_state = self.quality.start(contract.spec, usual_of(contract))
        self.rotation = rotation(self.decoder.contract)
        self.masking = masking(self.decoder.contract)
        self.rate = Rate(self.decoder.contract.spec.rate_hz)
        self.slept_s = self.asleep()[1]


def note(loop: Loop, clock_s: float, kind: str, text: str) -> None:
    """Counts an event, and tells it to whoever records."""
    loop.last_event = text
    loop.tally.event(clock_s, kind, text)
    for feed in loop.feeds:
        feed.send_marker(clock_s, f"{kind}: {text}")

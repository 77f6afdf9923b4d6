"""A link to a hand with a protocol of its own: what our firmware does for ours is done here.

The hand's state machine (protocols C3) is kept on this side: armed by request and confirmed by an
answer, held when setpoints stop, stopped when they are older than their time to live, tripped when
the hand says so. A process of its own (watchdog) sends the same stop when this one stands still.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from acquisition.stream import DeviceLost, DeviceTimeout, Refused
from firmware_bridge.command import Mode
from firmware_bridge.dialect import UNTOLD, Dialect, Ear, Reading, merged, placed
from firmware_bridge.hand_port import HandPort, open_serial_port
from firmware_bridge.hands import HandSpec, Telemetry
from firmware_bridge.link import ARM_TTL_MS, HOLD_MS, HandState
from firmware_bridge.safety_state import Do, Output
from firmware_bridge.serial_link import Sent
from firmware_bridge.session import LinkEvent, LinkEventKind
from firmware_bridge.targets import in_mode
from firmware_bridge.watchdog import NoWatchdog, Watchdog, WatchdogProcess

CONNECT_S = 3.0
SILENT_S = 0.100
"""Without an answer for so long while it moves, the hand is lost (protocols C4)."""
IDLE_SILENT_S = 0.500
STOPS_N = 3
"""A stop is sent so often, in case the line damages one or takes none at once."""
STEP_S = 0.050
"""Longest time between two setpoints that is summed up."""


@dataclass
class DialectLink:
    """An open link to one hand. Used by one thread: the control loop's."""

    what: str
    """for sentences: "Ability Hand at /dev/ttyUSB0" """
    dialect: Dialect
    port: HandPort
    clock: Callable[[], float] = time.monotonic
    watchdog: Watchdog | NoWatchdog = field(default_factory=NoWatchdog)
    state: HandState = HandState.BOOT
    ear: Ear = field(init=False)
    at_deg: tuple[float, ...] = ()
    """where the joints stand, as far as the hand told"""
    trip: str = ""
    told: Reading = UNTOLD
    setpoints_n: int = 0
    readings_n: int = 0
    unsent_n: int = 0
    """setpoints that came faster than the hand takes them"""
    _target_deg: tuple[float, ...] = ()
    _arming: bool = False
    _stops_owed: int = 0
    _stop: bytes = b""
    _setpoint_s: float = 0.0
    _ttl_s: float = ARM_TTL_MS / 1e3
    _age_s: float = 0.0
    """age of the setpoint when it stopped"""
    _asked_s: float = float("-inf")
    _heard_s: float = float("-inf")
    _up: bool = False

    def __post_init__(self) -> None:
        self.ear = self.dialect.ear()

    @property
    def hand(self) -> HandSpec:
        return self.dialect.facts.spec

    @property
    def up(self) -> bool:
        """Whether the hand answers: for Health.link_up."""
        return self._up

    def hello(self, now_s: float) -> None:
        """Asks who is there; `poll` carries it on. Also how a lost link is taken up again."""
        self.state, self.at_deg, self.ear = HandState.BOOT, (), self.dialect.ear()
        self._up = self._arming = False
        self._heard_s = self._asked_s = now_s
        self.port.write(self.dialect.greet())

    def poll(self, now_s: float) -> tuple[Telemetry | None, list[LinkEvent]]:
        """(newest telemetry since the last poll, what happened). Never waits.

        Stops the hand when its newest setpoint is too old. Raises DeviceLost.
        """
        if self._stops_owed:
            self._send_stop()
        if self._stops_owed < STOPS_N:
            self.watchdog.feed()
        events: list[LinkEvent] = []
        readings = self.ear.hear(self.port.read())
        if readings:
            self._learn(readings)
            self._heard_s = now_s
            self._answered(now_s, events)
        self._watch_age(now_s, events)
        self._watch_silence(now_s, events)
        facts, told = self.dialect.facts, self.told
        answers = facts.setpoints_answer and self.state is HandState.ARMED
        if not answers and now_s - self._asked_s >= 1 / facts.asks_hz:
            self._asked_s = now_s
            self.port.write(self.dialect.ask() if self.at_deg else self.dialect.greet())
        if not readings or not self._up:
            return None, events
        beside = (told.flags, (), told.current_a, told.temperature_c)
        return Telemetry(self.state, self.at_deg, self._age(now_s), *beside), events

    def send(self, output: Output, now_s: float) -> Sent | None:
        """Sends what the gate lets through; gives what really went out, None for nothing."""
        if output.do is Do.SETPOINT:
            return self._setpoint(output, now_s)
        act = {Do.ARM: self._arm, Do.DISARM: self._disarm, Do.ESTOP: self._estop}.get(output.do)
        if act is not None:
            act(now_s)
        elif output.do is Do.CLEAR and self.state is not HandState.BOOT:
            self.state, self.trip, self.told = HandState.IDLE, "", UNTOLD
        elif output.do is Do.NOTHING:
            return None
        return Sent(output.do, output.mode, (), 0.0, output.decision_n)

    def wait_connected(self, timeout_s: float = CONNECT_S) -> None:
        """Waits for the first answer; for the start, not for the loop. Raises DeviceTimeout."""
        end_s = self.clock() + timeout_s
        self.hello(self.clock())
        while not self._up:
            if self.clock() > end_s:
                raise DeviceTimeout(
                    f"Nothing answered as {self.what} within {timeout_s:g} s: check its power, its "
                    f"cable, and that this is its port."
                )
            self.poll(self.clock())
            time.sleep(0.002)

    def close(self) -> None:
        """Stops and disarms the hand, and frees the port. Harmless when repeated."""
        with suppress(DeviceLost, OSError):
            if self.state is not HandState.BOOT:
                self._halt()
        self.watchdog.close()
        self.port.close()
        self.state = HandState.BOOT

    def __enter__(self) -> DialectLink:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def report(self) -> dict[str, int]:
        """What went over the link, and what of it was dropped."""
        return {
            "setpoints": self.setpoints_n,
            "telemetries": self.readings_n,
            "damaged_frames": self.ear.damaged_n,
            "unsent_setpoints": self.unsent_n,
        }

    def _learn(self, readings: list[Reading]) -> None:
        self.readings_n += len(readings)
        for reading in readings:
            self.told = merged(self.told, reading)
            self.trip = reading.trip or self.trip
            if reading.position_deg:
                self.at_deg = placed(self.at_deg, reading.position_deg)

    def _answered(self, now_s: float, events: list[LinkEvent]) -> None:
        """Connects on the first positions, confirms arming, trips."""
        if not self._up and self.at_deg:
            self._up, self.state = True, HandState.IDLE
            text = f"{self.what} answers."
            events.append(LinkEvent(LinkEventKind.CONNECTED, now_s, text))
        if self._arming:
            self._arming = False
            self.state, self._target_deg = HandState.ARMED, self.at_deg
            self._setpoint_s, self._ttl_s = now_s, ARM_TTL_MS / 1e3
            events.append(LinkEvent(LinkEventKind.ANSWERED, now_s, "The hand answered to ARM."))
        if self.trip and self.state in (HandState.ARMED, HandState.HOLD):
            self._freeze_age(now_s)
            self._halt()
            self.state = HandState.FAILSAFE
            text = f"The hand protects itself: {self.trip}."
            events.append(LinkEvent(LinkEventKind.REFUSED, now_s, text))

    def _watch_age(self, now_s: float, events: list[LinkEvent]) -> None:
        """What our firmware's watchdog does: hold, then stop for good (protocols C4)."""
        if self.state not in (HandState.ARMED, HandState.HOLD):
            return
        age_s = now_s - self._setpoint_s
        if age_s > self._ttl_s:
            self._freeze_age(now_s)
            self._halt()
            self.state = HandState.FAILSAFE
            text = "No setpoint came in time: the hand was stopped."
            events.append(LinkEvent(LinkEventKind.REFUSED, now_s, text))
        elif age_s > HOLD_MS / 1e3 and self.state is HandState.ARMED:
            self.port.write(self.dialect.stop(self.at_deg), True)
            self._target_deg = self.at_deg
            self.state = HandState.HOLD

    def _watch_silence(self, now_s: float, events: list[LinkEvent]) -> None:
        moving = self.state in (HandState.ARMED, HandState.HOLD)
        if not self._up or now_s - self._heard_s <= (SILENT_S if moving else IDLE_SILENT_S):
            return
        self._halt()  # it may hear us when we do not hear it
        self._up, self.state = False, HandState.BOOT
        text = f"{self.what} has not answered for {1e3 * (now_s - self._heard_s):.0f} ms."
        events.append(LinkEvent(LinkEventKind.LOST, now_s, text))

    def _arm(self, now_s: float) -> None:
        if self.state not in (HandState.IDLE, HandState.FAILSAFE) or not self._up:
            return
        self.trip, self.told, self._stops_owed = "", UNTOLD, 0
        self._arming = self.port.write(self.dialect.arm(self.at_deg) + self.dialect.ask())
        if self._arming:
            self.watchdog.arm(self.dialect.stop(self.at_deg) + self.dialect.disarm(self.at_deg))

    def _disarm(self, now_s: float) -> None:
        self._halt()
        if self.state not in (HandState.ESTOP, HandState.BOOT):
            self.state = HandState.IDLE

    def _estop(self, now_s: float) -> None:
        self._freeze_age(now_s)
        self._halt()
        self.state = HandState.ESTOP

    def _halt(self) -> None:
        self._arming, self._stops_owed = False, STOPS_N
        self._stop = self.dialect.stop(self.at_deg) + self.dialect.disarm(self.at_deg)
        self._send_stop()

    def _send_stop(self) -> None:
        """One of the stops that are owed, all alike: a stop elsewhere would be a movement. Until
        the first is out the watchdog stays armed."""
        if self.port.write(self._stop, True):
            self._stops_owed -= 1
            self.watchdog.disarm()

    def _setpoint(self, output: Output, now_s: float) -> Sent | None:
        """Nothing moves but an armed hand."""
        if self.state not in (HandState.ARMED, HandState.HOLD) or not self.at_deg:
            return None
        since_s = now_s - self._setpoint_s
        facts = self.dialect.facts
        stopping = output.mode is not Mode.POSITION and not any(output.joints)
        if since_s < 0.9 / facts.max_rate_hz and self.setpoints_n and not stopping:
            self.unsent_n += 1
            return None
        now = (self._target_deg, self.at_deg, self.hand, min(since_s, STEP_S))
        joints = in_mode(facts.mode, output.mode, output.joints, *now)
        if joints is None:
            return None
        wanted = self.dialect.setpoint(joints)
        if not self.port.write(wanted.data):
            return None
        self._target_deg = joints if facts.mode is Mode.POSITION else self.at_deg
        self._setpoint_s, self._ttl_s = now_s, output.ttl_s
        self.setpoints_n += 1
        self.state = HandState.ARMED
        stop = self.dialect.stop(self.at_deg) + self.dialect.disarm(self.at_deg)
        self.watchdog.arm(stop)
        return Sent(output.do, facts.mode, wanted.joints, output.ttl_s, output.decision_n)

    def _age(self, now_s: float) -> float:
        moving = self.state in (HandState.ARMED, HandState.HOLD)
        return now_s - self._setpoint_s if moving else self._age_s

    def _freeze_age(self, now_s: float) -> None:
        if self.state in (HandState.ARMED, HandState.HOLD):
            self._age_s = now_s - self._setpoint_s


def open_serial_dialect(
    dialect: Dialect,
    url: str,
    baud_hz: int,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
    line: Callable[[HandPort], HandPort] = lambda port: port,
) -> DialectLink:
    """A link over a serial port, with a watchdog beside it. `port` stands for it, as in tests.
    `line` wraps it where both sides may not speak at once (turn_port).

    Refuses a port that is not named, missing, busy or not permitted.
    """
    name = dialect.facts.spec.name
    if port is not None:
        return DialectLink(f"the {name}", dialect, line(port), clock)
    if not url:
        raise Refused(f"Name the port of the {name}: the hand's name, a colon, /dev/ttyUSB0.")
    opened = open_serial_port(url, baud_hz)
    watchdog = WatchdogProcess(opened.fileno())
    return DialectLink(f"the {name} at {url}", dialect, line(opened), clock, watchdog)

"""The values of the safety gate: its states and causes, what it is told, what it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.hands import HandSpec, Telemetry


class Phase(Enum):
    """State of the gate. Joints move in ARMED only."""

    DISARMED = "disarmed"
    ARMING = "arming"
    ARMED = "armed"
    HOLD = "hold"
    FAULT = "fault"
    ESTOP = "emergency stop"


class Cause(Enum):
    """Why the gate is in its state, or why it did not arm; the value is for a person."""

    STARTED = "Nothing has been armed yet."
    ARM_NO_HAND = "Not armed: the hand does not answer; connect it."
    ARM_HAND_BUSY = "Not armed: the hand is not idle; wait for it or connect again."
    ARM_NO_SOURCE = "Not armed: no samples come; connect the electrodes."
    ARM_BAD_SIGNAL = "Not armed: the signal is poor; check the electrodes."
    ARM_NOT_AT_REST = "Not armed: relax the muscles for one second first."
    ARM_ASKED = "At rest and healthy: the hand was asked to arm."
    ARM_UNANSWERED = "Not armed: the hand did not confirm; try again."
    ARMED = "The hand confirmed: it follows the wearer."
    RESUMED = "The wearer is at rest and all is well again: the hand follows."
    BLOCKED = "A joint meets resistance: it is not driven further that way."
    FREED = "The joints that met resistance are free again."
    BAD_SIGNAL = "The hand holds: the signal is poor; relax to go on."
    STALE = "The hand holds: the newest decision is too old; relax to go on."
    DECISIONS_STOPPED = "Disarmed: no fresh decision came."
    SOURCE_LOST = "Disarmed: the source of samples is gone."
    DISARM_ASKED = "Disarmed on request."
    HAND_TIMED_OUT = "Disarmed: the hand heard no setpoint in time and stopped itself."
    HAND_LEFT = "Disarmed: the hand is no longer armed; it started again or was disarmed."
    LINK_LOST = "Fault: the hand does not answer; check its cable and power, then clear."
    HAND_FAULT = "Fault: the hand stopped itself, as after too much current; clear to go on."
    STALLED = "Fault: a joint is driven open and does not move; free it, then clear."
    BAD_COMMAND = "Fault: a command was not a number or did not fit the hand; clear to go on."
    ESTOP_ASKED = "Emergency stop on request; clear, then arm again."
    HAND_ESTOP = "Emergency stop at the hand; clear, then arm again."
    CLEARING = "The hand was asked to leave the emergency stop."
    CLEAR_UNANSWERED = "Still in emergency stop: the hand did not confirm; clear again."
    CLEARED = "Cleared: arm again to go on."


class Request(Enum):
    """What a person asks for, once."""

    ARM = "arm"
    DISARM = "disarm"
    ESTOP = "estop"
    CLEAR = "clear"


class Do(Enum):
    """What is sent to the hand."""

    NOTHING = "nothing"
    SETPOINT = "setpoint"
    ARM = "arm"
    DISARM = "disarm"
    CLEAR = "clear"
    ESTOP = "estop"


class Output(NamedTuple):
    """What the gate lets through."""

    do: Do
    mode: Mode = Mode.VELOCITY
    joints: tuple[float, ...] = ()
    """(joint,) deg or deg/s as `mode` says; for SETPOINT only."""
    ttl_s: float = 0.0
    decision_n: int = -1
    """The decision that a SETPOINT rests on; a stop rests on none and tells the newest seen."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the loop knows about everything but the hand's own telemetry."""

    signal_ok: bool
    source_alive: bool
    link_up: bool
    reason: str = ""
    """Which channel, and what about it; for a person."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the gate enforces. Times: protocols C4; science 5.3."""

    joints: tuple[tuple[float, float, float, float], ...]
    """Per joint: lowest deg, highest deg, largest deg/s, largest deg/s2."""
    modes: tuple[Mode, ...] = (Mode.POSITION, Mode.VELOCITY)
    """What commands may ask for; another mode is a fault."""
    stale_s: float = 0.100
    """Age of the newest sample behind a decision at which the hand holds."""
    disarm_s: float = 0.150
    """The same age at which the hand is disarmed."""
    rest_s: float = 1.0
    """Trusted rest before arming (science 5.3, fault 34)."""
    telemetry_s: float = 0.100
    """Silence of the hand that counts as a lost link."""
    confirm_s: float = 0.250
    """For the hand to confirm ARM or CLEAR: 3 tries of 50 ms, and some."""
    stall_s: float = 0.080
    """A driven joint that has not moved for so long is stuck. Hands that start slowly need more."""
    moved_deg: float = 0.5
    """Less is not movement: five counts of the link at 100 deg full scale."""
    end_deg: float = 1.0
    """Nothing is driven towards a range's end from this near it."""
    step_s: float = 0.050
    """Longest time since the last setpoint that acceleration may use."""
    ahead_s: float = 0.020
    """How far ahead of now a source's clock estimate may be; beyond it nothing is fresh."""

    def __post_init__(self) -> None:
        if not self.joints:
            raise Refused("The safety gate needs the limits of at least one joint, not of none.")
        for low, high, velocity, acceleration in self.joints:
            finite = all(map(math.isfinite, (low, high, velocity, acceleration)))
            if not (finite and low < high and velocity > 0.0 and acceleration > 0.0):
                raise Refused(
                    f"A joint's limits are low < high, velocity and acceleration above 0, "
                    f"not {(low, high, velocity, acceleration)}."
                )
        if not 0.0 < self.stale_s <= self.disarm_s <= 0.2:
            raise Refused(
                f"Decisions are stale before they disarm, within 200 ms; not stale at "
                f"{self.stale_s} s and disarming at {self.disarm_s} s."
            )


def limits_for(hand: HandSpec) -> Limits:
    """The limits that the hand's own figures imply."""
    return Limits(
        tuple(
            (*joint.range_deg, joint.max_velocity_deg_s, joint.max_acceleration_deg_s2)
            for joint in hand.joints
        ),
        hand.modes,
    )


class Seen(NamedTuple):
    """What the gate has observed so far."""

    now_s: float
    decision_n: int
    """Newest decision."""
    basis_s: float
    """Clock of the newest sample behind it."""
    rest_since_s: float
    """Clock of the first of the trusted rest decisions in a row; inf when there is none."""
    hand: Telemetry | None
    heard_s: float
    """When `hand` came."""
    watched: tuple[tuple[float, float, float], ...]
    """Per joint: for how long it was driven without movement, s, how far it should have gone
    meanwhile, deg, and where it stood, deg."""
    stalled: bool
    """A joint that is driven open does not move: nothing that a grip can explain."""
    blocked: tuple[tuple[int, float], ...] = ()
    """(joint, where it stands in deg) of those that close and do not move, as around an object:
    not driven further until they move, or until the wearer lets go"""


class Motion(NamedTuple):
    """What was sent last, as far as the next setpoint depends on it."""

    sent_s: float
    velocity_deg_s: tuple[float, ...]
    target_deg: tuple[float, ...]
    """Positions that were sent; empty after velocities."""
    ttl_s: float


class GateState(NamedTuple):
    """State of the gate: hold the one that comes back."""

    phase: Phase
    cause: Cause
    since_s: float
    """When phase or cause last changed."""
    seen: Seen
    motion: Motion


def gate_start(limits: Limits) -> GateState:
    """Disarmed, nothing seen."""
    never = -math.inf
    seen = Seen(never, -1, never, math.inf, None, never, (), False)
    motion = Motion(never, (0.0,) * len(limits.joints), (), 0.0)
    return GateState(Phase.DISARMED, Cause.STARTED, never, seen, motion)

"""The values of the safety gate: its states and causes, what it is told, what it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from firmware_bridge.command import Mode
from firmware_bridge.hands import Telemetry
from firmware_bridge.safety_limits import Limits, limits_for

__all__ = [
    "Cause",
    "Do",
    "GateState",
    "Health",
    "Limits",
    "Motion",
    "Output",
    "Phase",
    "Request",
    "Seen",
    "gate_start",
    "limits_for",
]


class Phase(Enum):
    """State of the gate. Joints follow the wearer in ARMED only."""

    DISARMED = "disarmed"
    ARMING = "arming"
    ARMED = "armed"
    HOLD = "hold"
    LETTING_GO = "letting go"
    """Armed for a moment longer: torque goes to zero, or the hand opens slowly. Never more."""
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
    ARM_SPARED = "Not armed: the hand spares a motor or its battery; let it recover, then clear."
    ARM_ASKED = "At rest and healthy: the hand was asked to arm."
    ARM_UNANSWERED = "Not armed: the hand did not confirm; try again."
    ARMED = "The hand confirmed: it follows the wearer."
    RESUMED = "The wearer is at rest and all is well again: the hand follows."
    BLOCKED = "A joint meets resistance: it is not driven further that way."
    FREED = "The joints that met resistance are free again."
    UNSURE = "The decision is not sure enough: nothing new moves."
    SURE = "The decisions are sure again: the hand follows."
    LOW_BATTERY = "The battery is low: the hand moves slower; charge it soon."
    BATTERY_WELL = "The battery is well again: the hand moves at full speed."
    BAD_SIGNAL = "The hand holds: the signal is poor; relax to go on."
    STALE = "The hand holds: the newest decision is too old; relax to go on."
    DECISIONS_STOPPED = "Disarmed: no fresh decision came."
    SOURCE_LOST = "Disarmed: the source of samples is gone."
    BATTERY_EMPTY = "Disarmed: the battery was low for too long; charge it, then arm again."
    OPENS = "The hand was frozen for so long that it opens slowly, as the wearer chose."
    OPENED = "Disarmed: the hand opened slowly after it had been frozen; arm again to go on."
    DISARM_ASKED = "Disarmed on request."
    HAND_TIMED_OUT = "Disarmed: the hand heard no setpoint in time and stopped itself."
    HAND_LEFT = "Disarmed: the hand is no longer armed; it started again or was disarmed."
    HAND_RELEASED = "Disarmed: the button on the hand opens it; arm again to go on."
    LINK_LOST = "Fault: the hand does not answer; check its cable and power, then clear."
    HAND_FAULT = "Fault: the hand stopped itself to protect itself; clear to go on."
    OVER_CURRENT = "Fault: a motor drew too much current and was cut off; free it, then clear."
    OVER_TEMPERATURE = "Fault: a motor is too hot and was cut off; let it cool, then clear."
    BROWN_OUT = "Fault: the supply broke down and the motors were cut off; charge it, then clear."
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
    """(joint,) deg, deg/s or Nm as `mode` says; for SETPOINT only."""
    ttl_s: float = 0.0
    decision_n: int = -1
    """The decision that a SETPOINT rests on; a stop rests on none and tells the newest seen."""
    eased: bool = False
    """With limited torque, where the hand can: what was frozen keeps its grip and no more."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the loop knows about everything but the hand's own telemetry."""

    signal_ok: bool
    source_alive: bool
    link_up: bool
    reason: str = ""
    """Which channel, and what about it; for a person."""


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
    over_s: tuple[float, float] = (math.inf, math.inf)
    """Since when a motor's current and temperature have been over their limits."""
    low_s: float = math.inf
    """Since when the battery has been low."""
    place: tuple[float, tuple[float, ...]] = (-math.inf, ())
    """When the joints stood where: what speed is measured from."""
    speed_deg_s: tuple[float, ...] = ()
    """(joint,) measured; () until it is."""


class Motion(NamedTuple):
    """What was sent last, as far as the next setpoint depends on it."""

    sent_s: float
    velocity_deg_s: tuple[float, ...]
    target_deg: tuple[float, ...]
    """Positions that were sent; empty after anything else."""
    ttl_s: float
    torque_nm: tuple[float, ...] = ()
    """Torques that were sent, zeros before the first; empty after anything else."""
    goes: bool = False
    """They are on their way to zero."""


class GateState(NamedTuple):
    """State of the gate: hold the one that comes back."""

    phase: Phase
    cause: Cause
    since_s: float
    """When phase or cause last changed."""
    seen: Seen
    motion: Motion
    then: Phase = Phase.DISARMED
    """What LETTING_GO ends in."""


def gate_start(limits: Limits) -> GateState:
    """Disarmed, nothing seen."""
    never = -math.inf
    seen = Seen(never, -1, never, math.inf, None, never, (), False)
    still = (0.0,) * len(limits.joints)
    motion = Motion(never, still, (), 0.0, still if limits.torque else ())
    return GateState(Phase.DISARMED, Cause.STARTED, never, seen, motion)

"""What is asked of a hand: joint targets in physical units, with a time to live."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

TTL_S = (0.060, 0.200)
"""Shortest and longest time that a hand may act on one setpoint (protocols C4)."""


class Mode(IntEnum):
    """What the joint targets of a command mean."""

    POSITION = 1
    """degrees"""
    VELOCITY = 2
    """degrees per second, positive closes"""
    TORQUE = 3
    """newton metres that the joint gives, positive closes; for exoskeletons"""


@dataclass(frozen=True, slots=True)
class Command:
    """One setpoint. It rests on one fresh decision and dies after `ttl_s`."""

    mode: Mode
    joints: tuple[float, ...]
    """One target per joint: deg, deg/s or Nm, as `mode` says."""
    clock_s: float
    """Monotonic seconds of the newest sample that the decision rests on."""
    decision_n: int
    """Number of the decision; a command never repeats one."""
    ttl_s: float = 0.150
    """How long the hand may act on it (protocols C4: 3 periods, 60 to 200 ms)."""
    rest: bool = False
    """The decision was a trusted rest: what arming and resuming wait for. A decision that was
    rejected, or too weak to move anything, is not."""
    confidence: float = 1.0
    """How sure the decoder is, 0..1; below the gate's bound nothing new moves."""

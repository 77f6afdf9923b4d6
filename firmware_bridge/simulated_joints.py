"""What the joints of a hand with our link can do, and the whole numbers that firmware reckons in.

Positions are microdegrees, velocities millidegrees per second: a step of 1 ms then adds the one
to the other, exactly, and C and Python agree to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from firmware_bridge.interface import DOF_N, FULL_SCALE, SOFT_UDEG

GAIN_UDEG = 50
"""Microdegrees from the goal per mdeg/s towards it: a position loop of 20 Hz."""


class Axis(NamedTuple):
    """One joint as the firmware knows it; the same fields in the same order as flx_joint."""

    low_udeg: int
    high_udeg: int
    udeg_per_count: int
    velocity_mdeg_s: int
    change_mdeg_s: int
    """Largest change of velocity per ms: the acceleration in deg/s2."""
    release_mdeg_s: int
    """Speed at which the local button opens the joint; 0 where it must not."""
    current_limit_ma: int
    temperature_limit_c: int
    torque_ramp: int
    """Largest change of torque per ms, in thousandths; 0 where the joint takes no torque."""


@dataclass(frozen=True, slots=True)
class Joints:
    """What the joints can do; each (joint,), at most DOF_N. The link carries DOF_N: a hand with
    fewer answers for the others as for its last one, and nobody asks."""

    low_deg: tuple[float, ...] = (0.0,) * DOF_N
    high_deg: tuple[float, ...] = (100.0,) * DOF_N
    velocity_deg_s: tuple[float, ...] = (150.0,) * DOF_N
    acceleration_deg_s2: float = 3000.0
    """Of the motors: from full speed to rest in 50 ms."""
    release_deg_s: float = 30.0
    """A fifth of full speed: open in 3 s, and slow enough to let go of a button."""
    current_limit_ma: int = 1000
    temperature_limit_c: int = 70
    torque_ramp: int | tuple[int, ...] = 0
    """4 for joints that take torque: all of it comes and goes in 250 ms (protocols C6)."""

    def axes(self) -> tuple[Axis, ...]:
        """(DOF_N,) in the firmware's numbers."""
        ramp = self.torque_ramp
        ramps = (ramp,) * len(self.low_deg) if isinstance(ramp, int) else ramp
        told = [
            Axis(
                round(low * 1e6),
                round(high * 1e6),
                round(max(abs(low), abs(high)) * 1e6 / FULL_SCALE),
                round(velocity * 1e3),
                round(self.acceleration_deg_s2),
                round(min(self.release_deg_s, velocity) * 1e3),
                self.current_limit_ma,
                self.temperature_limit_c,
                ramp,
            )
            for low, high, velocity, ramp in zip(
                self.low_deg, self.high_deg, self.velocity_deg_s, ramps, strict=True
            )
        ]
        return (*told, *[told[-1]] * (DOF_N - len(told)))


def bounded(value: int, limit: int) -> int:
    """The value within +-limit."""
    return max(-limit, min(limit, value))


def cut(value: int, divisor: int) -> int:
    """The quotient without its fraction, as C divides."""
    return -(-value // divisor) if value < 0 else value // divisor


def seen(axis: Axis, position_udeg: int) -> int:
    """Where the joint stands, no further outside its range than matters: no sum leaves 32 bits."""
    return max(axis.low_udeg - SOFT_UDEG, min(axis.high_udeg + SOFT_UDEG, position_udeg))


def spared(axis: Axis, torque: int, at_udeg: int, fast: int) -> int:
    """The torque without what pushes past an end of the range or makes the joint too fast.
    `fast` is 1 or -1 for a joint that is too fast that way."""
    room = axis.high_udeg - at_udeg if torque > 0 else at_udeg - axis.low_udeg
    most = (
        0 if room <= 0 or fast * torque > 0 else min(room // (SOFT_UDEG // FULL_SCALE), FULL_SCALE)
    )
    return bounded(torque, most)


def to_counts(axis: Axis, position_udeg: int) -> int:
    """The position as telemetry tells it: whole counts, halves away from zero, in 16 bits."""
    half = axis.udeg_per_count // 2
    position_udeg = bounded(position_udeg, 2_000_000_000)  # no further in 32 bits
    rounded = position_udeg + (half if position_udeg >= 0 else -half)
    return bounded(cut(rounded, axis.udeg_per_count), 0x7FFF)


def step(
    axis: Axis, position_udeg: int, velocity_mdeg_s: int, goal_mdeg_s: int, stalled: bool
) -> tuple[int, int]:
    """(position, velocity) one ms later: acceleration and range are limited whatever is asked."""
    change = bounded(goal_mdeg_s - velocity_mdeg_s, axis.change_mdeg_s)
    velocity_mdeg_s += change
    if stalled:
        return position_udeg, 0
    after = max(axis.low_udeg, min(axis.high_udeg, position_udeg + velocity_mdeg_s))
    return after, 0 if after in (axis.low_udeg, axis.high_udeg) else velocity_mdeg_s

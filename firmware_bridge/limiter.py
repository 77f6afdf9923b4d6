"""Bounds on one setpoint: range, velocity and acceleration of every joint, and torque. Pure."""

from __future__ import annotations

from collections.abc import Sequence

FAST = 0.1
"""Torque that speeds a joint up fades to none over this share beyond its largest velocity."""


def limited(
    wanted_deg_s: Sequence[float],
    at_deg: Sequence[float],
    before_deg_s: Sequence[float],
    joints: tuple[tuple[float, float, float, float], ...],
    step_s: float,
    reach_s: float,
    end_deg: float,
) -> tuple[float, ...]:
    """Velocities (joint,) that may be sent in place of the wanted ones.

    Never beyond the joint's velocity; never growing faster than its acceleration since the
    setpoint `step_s` ago; never so fast that `reach_s` of it would leave the range; none
    towards an end that is within `end_deg`. Slower and still are always allowed at once, and
    a reversal passes through 0. `joints`: low deg, high deg, deg/s, deg/s2.
    """
    speeds = []
    for wanted, at, before, (low, high, velocity, acceleration) in zip(
        wanted_deg_s, at_deg, before_deg_s, joints, strict=True
    ):
        forward = wanted >= 0.0
        speed, already, room = (
            (wanted, before, high - at) if forward else (-wanted, -before, at - low)
        )
        grown = acceleration * step_s + (already if already > 0.0 else 0.0)
        reached = room / reach_s if room > end_deg else 0.0
        # Comparisons, for min() of four would double the cost of the gate's busiest loop.
        if speed > velocity:  # noqa: PLR1730
            speed = velocity
        if speed > grown:  # noqa: PLR1730
            speed = grown
        if speed > reached:  # noqa: PLR1730
            speed = reached
        speeds.append(speed if forward else -speed)
    return tuple(speeds)


def torques(
    wanted_nm: Sequence[float],
    before_nm: Sequence[float],
    limits: Sequence[tuple[float, float]],
    share: float,
    step_s: float,
) -> tuple[float, ...]:
    """Torques (joint,) that may follow `before_nm` after `step_s`: within that share of the
    joint's largest, and no further away than its rate allows, up or down. `limits`: Nm, Nm/s."""
    allowed = []
    for wanted, before, (top, rate) in zip(wanted_nm, before_nm, limits, strict=True):
        change, most = rate * step_s, top * share
        within = min(max(wanted, -most), most)
        allowed.append(min(max(within, before - change), before + change))
    return tuple(allowed)


def ramped(
    before_nm: Sequence[float],
    limits: Sequence[tuple[float, float]],
    step_s: float,
    ramp_s: float,
) -> tuple[float, ...]:
    """Torques (joint,) on their way to zero: full torque would be gone after `ramp_s`."""
    left = []
    for before, (top, _) in zip(before_nm, limits, strict=True):
        size = max(0.0, abs(before) - top * step_s / ramp_s)
        left.append(size if before > 0.0 else -size)
    return tuple(left)


def spared(
    torque_nm: Sequence[float],
    at_deg: Sequence[float],
    speed_deg_s: Sequence[float],
    joints: tuple[tuple[float, float, float, float], ...],
    limits: Sequence[tuple[float, float]],
    end_deg: float,
) -> tuple[float, ...]:
    """The torques (joint,) without what would push a joint past its range or its velocity.

    Fades to none over the last `end_deg` before an end, and over FAST beyond the velocity;
    torque away from the end, or against the movement, stays. Never larger than it was.
    """
    left = []
    for torque, at, speed, (low, high, velocity, _), (top, _) in zip(
        torque_nm, at_deg, speed_deg_s, joints, limits, strict=True
    ):
        forward = torque > 0.0
        room = high - at if forward else at - low
        towards = speed if forward else -speed
        near = room / end_deg if room < end_deg else 1.0
        fast = (velocity * (1.0 + FAST) - towards) / (velocity * FAST)
        most = top * max(0.0, min(near, fast, 1.0))
        left.append(min(max(torque, -most), most))
    return tuple(left)

"""Bounds on one setpoint: range, velocity and acceleration of every joint. Pure."""

from __future__ import annotations

from collections.abc import Sequence


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

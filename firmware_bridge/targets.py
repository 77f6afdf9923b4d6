"""How velocities become targets for hands of positions, and the other way round. Pure."""

from __future__ import annotations

from firmware_bridge.command import Mode
from firmware_bridge.hands import HandSpec

LEAD_S, LEAD_DEG = 0.150, 3.0
"""A summed-up target runs ahead of the joint by no more than it moves in this time, and some."""
GRIP_LEAD_DEG = 2.0
"""What stays between target and joint when it stops: a grip keeps its force, and no more."""


def in_mode(
    mode: Mode,
    given: Mode,
    joints: tuple[float, ...],
    target_deg: tuple[float, ...],
    at_deg: tuple[float, ...],
    hand: HandSpec,
    step_s: float,
) -> tuple[float, ...] | None:
    """(joint,) what is `given`, in the mode that a hand takes; `step_s` since the last of it. None
    for what cannot be said in it: a movement to a joint of torques, a torque to one of movements.
    """
    if mode is given:
        return joints
    if mode is Mode.TORQUE:
        return joints if given is Mode.VELOCITY and not any(joints) else None
    if given is Mode.TORQUE:
        return None
    if mode is Mode.VELOCITY:
        return towards(joints, at_deg, hand)
    return ahead(joints, target_deg, at_deg, hand, step_s)


def ahead(
    velocity_deg_s: tuple[float, ...],
    target_deg: tuple[float, ...],
    at_deg: tuple[float, ...],
    hand: HandSpec,
    step_s: float,
) -> tuple[float, ...]:
    """(joint,) targets: the last ones moved on for `step_s`, near where the joints stand, and in
    their range."""
    targets = []
    for speed, target, at, joint in zip(
        velocity_deg_s, target_deg, at_deg, hand.joints, strict=True
    ):
        room = GRIP_LEAD_DEG if speed == 0.0 else abs(speed) * LEAD_S + LEAD_DEG
        near = min(max(target + speed * step_s, at - room), at + room)
        targets.append(min(max(near, joint.range_deg[0]), joint.range_deg[1]))
    return tuple(targets)


def towards(
    position_deg: tuple[float, ...], at_deg: tuple[float, ...], hand: HandSpec
) -> tuple[float, ...]:
    """(joint,) velocities that bring the joints there, no faster than they may."""
    speeds = []
    for to, at, joint in zip(position_deg, at_deg, hand.joints, strict=True):
        top = joint.max_velocity_deg_s
        speeds.append(min(max((to - at) / LEAD_S, -top), top))
    return tuple(speeds)

"""What one wearer allows of a hand: narrower than the hand's own limits, never wider. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from acquisition.stream import Refused
from firmware_bridge.hands import HandSpec, Joint
from firmware_bridge.safety_limits import Limits, limits_for


@dataclass(frozen=True)
class JointLimits:
    """One [limits.joints.JOINT] table; what it leaves out is as the hand has it."""

    range_deg: tuple[float, ...] | None = None
    """lowest and highest; 0 is open"""
    max_velocity_deg_s: float | None = None
    max_acceleration_deg_s2: float | None = None
    max_torque_nm: float | None = None
    max_torque_rate_nm_s: float | None = None


@dataclass(frozen=True)
class WearerLimits:
    """The [limits] table: see firmware_bridge.safety_limits.Limits for what each does."""

    joints: Mapping[str, JointLimits] = field(default_factory=dict)
    confidence: float | None = None
    current_a: float | None = None
    grip_a: float | None = None
    temperature_c: float | None = None
    low_battery_share: float | None = None
    low_battery_s: float | None = None
    low_battery_opens: bool | None = None
    slow_open_after_s: float | None = None
    slow_open_share: float | None = None


NARROWER = ("current_a", "grip_a", "temperature_c", "low_battery_share", "low_battery_s")
"""Of these the smaller is the safer; a wearer may not ask for more than the hand's."""


def narrowed(hand: HandSpec, wearer: WearerLimits) -> HandSpec:
    """The hand as this wearer may drive it. Its control takes its shares of these speeds, so a
    slower hand is still fully proportional.

    Refuses joints that it lacks, and whatever is wider than the hand itself.
    """
    for name in wearer.joints:
        if name not in hand.joint_names:
            raise Refused(
                f"[limits] names the joint {name}, and the hand {hand.name} has "
                f"{', '.join(hand.joint_names)}: name one of these."
            )
    joints = tuple(
        _narrowed(joint, wearer.joints.get(joint.name, JointLimits())) for joint in hand.joints
    )
    return replace(hand, joints=joints)


def limits_within(hand: HandSpec, wearer: WearerLimits) -> Limits:
    """The safety gate's limits for this wearer of this hand. Refuses as `narrowed` does."""
    limits = limits_for(narrowed(hand, wearer))
    asked = {
        f.name: value
        for f in fields(wearer)
        if f.name != "joints" and (value := getattr(wearer, f.name)) is not None
    }
    for name in NARROWER:
        most = getattr(limits, name)
        if name in asked and not 0.0 < asked[name] <= most:
            raise Refused(_wider(name, asked[name], "above 0", most))
    return replace(limits, **asked)


def _narrowed(joint: Joint, wearer: JointLimits) -> Joint:
    changed: dict[str, Any] = {}
    for name in ("max_velocity_deg_s", "max_acceleration_deg_s2", "max_torque_nm",
                 "max_torque_rate_nm_s"):  # fmt: skip
        value, most = getattr(wearer, name), getattr(joint, name)
        if value is None:
            continue
        if most == 0.0:
            raise Refused(
                f"[limits] bounds {name} of the joint {joint.name}, which takes no torque: leave "
                "it out."
            )
        if not 0.0 < value <= most:
            raise Refused(_wider(f"{name} of the joint {joint.name}", value, "above 0", most))
        changed[name] = value
    if wearer.range_deg is not None:
        low, high = joint.range_deg
        if (
            len(wearer.range_deg) != 2
            or not low <= wearer.range_deg[0] < wearer.range_deg[1] <= high
        ):
            raise Refused(
                f"[limits] gives range_deg {list(wearer.range_deg)} to the joint {joint.name}, "
                f"which goes from {low:g} to {high:g} deg: give a lowest and a highest within that."
            )
        changed["range_deg"] = (wearer.range_deg[0], wearer.range_deg[1])
    return replace(joint, **changed)


def _wider(what: str, value: float, least: str, most: float) -> str:
    return (
        f"[limits] gives {what} as {value:g}, and the hand's own is {most:g}: stay {least} and at "
        "most there."
    )

"""Grips made for a six-joint hand, put on a hand with more joints, or with fewer."""

from __future__ import annotations

from dataclasses import replace

from acquisition.stream import Refused
from firmware_bridge.control import HAND6_GRIPS, Grip, Grips
from firmware_bridge.hands import HandSpec

PARTS = ("", "_pip", "_dip")
"""Joints of one finger, from the palm on; all of them bend it."""
GRIPPER, LEADER = "fingers", "index"
"""A gripper's only joint does what the index would."""


def fitted(hand: HandSpec, grips: Grips = HAND6_GRIPS) -> Grips:
    """The grips with the joints that this hand has: a finger's joints bend together, a finger that
    is not there is left out. A gesture that is left without joints moves nothing.

    Refuses a hand that has none of the joints.
    """
    there = set(hand.joint_names)
    made = tuple(replace(grip, joints=_joints(grip, there)) for grip in grips.grips)
    if grips.grips and not any(grip.joints for grip in made):
        raise Refused(
            f"The usual grips move the joints of a hand (thumb, index, ...), and the {hand.name} "
            f"has {list(hand.joint_names)}: write its [[grips]] into the profile."
        )
    return Grips(made, grips.rest)


def _joints(grip: Grip, there: set[str]) -> tuple[tuple[str, float], ...]:
    if GRIPPER in there:
        return tuple((GRIPPER, share) for name, share in grip.joints if name == LEADER)
    return tuple(
        (name + part, share)
        for name, share in grip.joints
        for part in PARTS
        if name + part in there
    )

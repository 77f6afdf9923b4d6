"""Joints of an exoskeleton: nobody but their builder knows how far and how fast they may go."""

from __future__ import annotations

from collections.abc import Mapping

from acquisition.stream import Refused
from acquisition.words import Setting
from firmware_bridge.hands import HandSpec, Joint

JOINT_SETTINGS: dict[str, Setting] = {
    "names": "",
    "low_deg": 0.0,
    "high_deg": 90.0,
    "max_deg_s": 60.0,
}
"""A small range and a slow speed, until somebody says more."""
ACCELERATION_S = 0.1
"""Full speed after so long."""


def joints_of(name: str, settings: Mapping[str, Setting], numbers: tuple[int, ...]) -> HandSpec:
    """One joint for each motor number, named joint1, joint2, ... or as `names=knee+ankle` says.

    Refuses names that are not as many as the motors, and ranges and speeds that are none.
    """
    text = str(settings["names"])
    names = text.split("+") if text else [f"joint{number}" for number in numbers]
    if len(names) != len(numbers) or not all(names):
        raise Refused(
            f"names are one for each of the {len(numbers)} motors, e.g. names=knee+ankle, "
            f'not "{text}".'
        )
    low, high, top = (float(settings[key]) for key in ("low_deg", "high_deg", "max_deg_s"))
    return HandSpec(
        name,
        tuple(Joint(joint, (low, high), top, top / ACCELERATION_S) for joint in names),
    )

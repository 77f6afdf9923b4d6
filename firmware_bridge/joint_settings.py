"""Joints of an exoskeleton: nobody but their builder knows how far and how fast they may go."""

from __future__ import annotations

import math
from collections.abc import Mapping

from acquisition.stream import Refused
from acquisition.words import Setting, refuse_choice
from firmware_bridge.command import Mode
from firmware_bridge.hands import HandSpec, Joint

JOINT_SETTINGS: dict[str, Setting] = {
    "names": "",
    "low_deg": 0.0,
    "high_deg": 90.0,
    "max_deg_s": 60.0,
}
"""A small range and a slow speed, until somebody says more."""
TORQUE_SETTINGS: dict[str, Setting] = {"mode": "velocity", "max_nm": 2.0}
"""For motors that give torques too; what a finger pushes back, until somebody says more."""
MODES = {"velocity": Mode.VELOCITY, "torque": Mode.TORQUE}
ACCELERATION_S = 0.1
"""Full speed after so long."""
RISE_S = 0.3
"""Full torque after so long: the ramp of protocols C6, 0.2 to 0.5 s."""


def mode_of(settings: Mapping[str, Setting]) -> Mode:
    """What joints are driven by. Refuses what is no mode."""
    refuse_choice("mode", str(settings["mode"]), tuple(MODES))
    return MODES[str(settings["mode"])]


def joints_of(
    name: str,
    settings: Mapping[str, Setting],
    numbers: tuple[int, ...],
    mode: Mode = Mode.VELOCITY,
    most_nm: float = math.inf,
) -> HandSpec:
    """One joint for each motor number, named joint1, joint2, ... or as `names=knee+ankle` says.
    Those driven by torque take nothing else, and no more than `max_nm`.

    Refuses names that are not as many as the motors, ranges and speeds that are none, and torques
    of none or of more than `most_nm`, which is all that the motor can say.
    """
    text = str(settings["names"])
    names = text.split("+") if text else [f"joint{number}" for number in numbers]
    if len(names) != len(numbers) or not all(names):
        raise Refused(
            f"names are one for each of the {len(numbers)} motors, e.g. names=knee+ankle, "
            f'not "{text}".'
        )
    low, high, top = (float(settings[key]) for key in ("low_deg", "high_deg", "max_deg_s"))
    motion = ((low, high), top, top / ACCELERATION_S)
    if mode is not Mode.TORQUE:
        return HandSpec(name, tuple(Joint(joint, *motion) for joint in names))
    torque = float(settings["max_nm"])
    if not 0.0 < torque <= most_nm:
        most = "" if math.isinf(most_nm) else f" and at most {most_nm:g} Nm, as the motor has them"
        raise Refused(f"max_nm is more than 0{most}, not {torque:g}.")
    joints = tuple(Joint(joint, *motion, torque, torque / RISE_S) for joint in names)
    return HandSpec(name, joints, (Mode.TORQUE,))


def bounded_nm(torques_nm: tuple[float, ...], spec: HandSpec) -> tuple[float, ...]:
    """(joint,) torques within the largest of each joint."""
    pairs = zip(torques_nm, spec.joints, strict=True)
    return tuple(min(max(nm, -joint.max_torque_nm), joint.max_torque_nm) for nm, joint in pairs)

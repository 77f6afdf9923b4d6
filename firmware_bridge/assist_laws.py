"""Settings of the assist laws, and how they are fitted to an exoskeleton."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.control import ttl_s
from firmware_bridge.hands import HandSpec, Joint

OUTPUTS = ("torque", "position")
LATE_S = 0.060
"""What a torque rests on is so old when the next one comes: a hop of 25 ms for the telemetry, one
for the torque's own stay, and some. A spring that late swings up unless damping outweighs it."""


@dataclass(frozen=True, slots=True)
class Torque:
    """Proportional EMG torque: the difference of two muscles pushes the joint."""

    joint: str
    flexor: str
    """site that flexes"""
    gain_nm: float
    """torque at full effort"""
    extensor: str = ""
    """site that extends; "" where only one muscle is followed"""
    dead_band: float = 0.1
    """Effort, or difference of efforts, that gives no torque."""
    maximum_nm: float = math.inf
    """The joint's own largest torque bounds it as well."""

    def __post_init__(self) -> None:
        _check(self, gain_nm=(0.0, 1e3), dead_band=(0.0, 0.9))


@dataclass(frozen=True, slots=True)
class Follow:
    """EMG to angle: the joint goes where a target of the network, or an effort, says."""

    joint: str
    target: str = ""
    """target of the artifact's contract, times `gain`; or"""
    flexor: str = ""
    """a site, whose effort 0 .. 1 goes from `from_deg` to `to_deg`"""
    extensor: str = ""
    """site whose effort is taken off"""
    gain: float = 1.0
    """degrees for each unit of the target"""
    from_deg: float = 0.0
    to_deg: float = 90.0
    cutoff_hz: float = 2.0
    """Of the low-pass of the angle: voluntary movement lies below 2 Hz, tremor above 4."""
    output: str = "torque"
    """"torque": spring and damper; "position": the joint's own control goes there"""
    stiffness_nm_deg: float = 0.2
    damping_nm_s_deg: float = 0.02
    maximum_nm: float = math.inf

    def __post_init__(self) -> None:
        where = f"The assist of {self.joint}"
        if bool(self.target) is bool(self.flexor):
            raise Refused(
                f'{where} follows a target or a flexor, one of the two, not "{self.target}" and '
                f'"{self.flexor}".'
            )
        if self.output not in OUTPUTS:
            raise Refused(f'{where} has an output of {OUTPUTS}, not "{self.output}".')
        if self.extensor and not self.flexor:
            raise Refused(f"{where} takes an extensor off a flexor, and none is named.")
        angles = (self.from_deg, self.to_deg, self.gain)
        if not all(-360.0 <= deg <= 360.0 for deg in angles) or self.gain == 0.0:
            raise Refused(
                f"{where} needs angles and a gain within 360, not {self.from_deg}, {self.to_deg} "
                f"and {self.gain}."
            )
        _check(
            self, cutoff_hz=(0.1, 10.0), stiffness_nm_deg=(0.0, 50.0), damping_nm_s_deg=(0.0, 5.0)
        )
        _damped(where, self.stiffness_nm_deg, self.damping_nm_s_deg)


@dataclass(frozen=True, slots=True)
class Gravity:
    """A share of the limb's own weight is carried, and EMG torque comes on top."""

    joint: str
    mass_kg: float
    """of the limb and what it wears, beyond the joint"""
    length_m: float
    """from the joint to the middle of that mass"""
    angle_offset_deg: float = 0.0
    """angle from hanging down where the joint says 0"""
    share: float = 0.5
    """of the weight that is carried; all of it lets the limb float"""
    flexor: str = ""
    extensor: str = ""
    gain_nm: float = 0.0
    dead_band: float = 0.1
    maximum_nm: float = math.inf

    def __post_init__(self) -> None:
        _check(
            self,
            mass_kg=(0.05, 40.0),
            length_m=(0.01, 1.0),
            angle_offset_deg=(-180.0, 180.0),
            share=(0.0, 1.0),
            gain_nm=(0.0, 1e3),
            dead_band=(0.0, 0.9),
        )
        if (self.gain_nm > 0.0) is not bool(self.flexor) or (self.extensor and not self.flexor):
            raise Refused(
                f"The assist of {self.joint} adds torque by a flexor and a gain_nm above 0, or by "
                f'neither, not by "{self.flexor}" and {self.gain_nm} Nm.'
            )


@dataclass(frozen=True, slots=True)
class Stops:
    """Virtual stops before the ends of every joint's range."""

    zone_deg: float = 15.0
    """They begin so long before the end. A leg that 9 Nm throw at 5 deg of them overshoots its
    range by 6 deg, at 15 deg it stays within (simulated, torque rate 60 Nm/s)."""
    stiffness_nm_deg: float = 0.2
    damping_nm_s_deg: float = 0.02

    def __post_init__(self) -> None:
        for name, low, high in (
            ("zone_deg", 0.5, 30.0),
            ("stiffness_nm_deg", 0.0, 50.0),
            ("damping_nm_s_deg", 0.0, 5.0),
        ):
            _bounds("The virtual stops", name, getattr(self, name), low, high)
        _damped("The virtual stops", self.stiffness_nm_deg, self.damping_nm_s_deg)


Law = Torque | Follow | Gravity


class Row(NamedTuple):
    """One joint's law, ready to be used."""

    joint: int
    law: Law
    flexor: int
    """index of the site; -1 for none"""
    extensor: int
    target: int
    """index of the network's target; -1 for none"""
    top_nm: float
    rate_nm_s: float
    range_deg: tuple[float, float]
    full_deg_s: float


class Assist(NamedTuple):
    """Laws that fit an exoskeleton, its sites and an artifact, ready to be used."""

    rows: tuple[Row, ...]
    stops: Stops
    mode: Mode
    """TORQUE, or VELOCITY where the joints' own control follows the angles: a joint that is armed
    then never jumps, and rest is told by standing still"""
    sites_n: int
    targets_n: int
    still: tuple[float, ...]
    ttl_s: float


def assist(
    laws: Sequence[Law],
    stops: Stops,
    hand: HandSpec,
    sites: Sequence[str],
    targets: Sequence[str],
    decision_rate_hz: float,
) -> Assist:
    """Checks the laws against the joints, the sites of the profile and the artifact's targets.

    Refuses none, a joint with two laws, unknown names, torque and position at once, and an
    exoskeleton that cannot be asked for them, or that does not tell the angles they rest on.
    """
    joints = [law.joint for law in laws]
    if not laws or len(set(joints)) != len(joints):
        raise Refused(f"Assist needs one law for each joint it moves, not laws for {joints}.")
    places = [law.output == "position" if isinstance(law, Follow) else False for law in laws]
    if any(places) is not all(places):
        raise Refused("A command is of one kind: all laws give torque, or all give positions.")
    mode = Mode.VELOCITY if all(places) else Mode.TORQUE
    if mode not in hand.modes:
        known = [known.name.lower() for known in hand.modes]
        other = "position" if mode is Mode.TORQUE else "torque"
        raise Refused(
            f"The assist gives {mode.name.lower()}, and {hand.name} takes {known}: choose an "
            f'exoskeleton that takes it, or follow an angle with output = "{other}".'
        )
    blind = [law.joint for law in laws if not isinstance(law, Torque)]
    if blind and not hand.tells_angles:
        raise Refused(
            f"The {hand.name} tells no angles, and the laws for {blind} rest on them: use "
            f"[[assist.torque]] for these joints."
        )
    rows = tuple(_row(law, hand, sites, targets) for law in laws)
    still = (0.0,) * len(hand.joints)
    return Assist(rows, stops, mode, len(sites), len(targets), still, ttl_s(decision_rate_hz))


def _row(law: Law, hand: HandSpec, sites: Sequence[str], targets: Sequence[str]) -> Row:
    at = _index("joint", law.joint, hand.joint_names, law, f"the joints of {hand.name}")
    joint: Joint = hand.joints[at]
    target = law.target if isinstance(law, Follow) else ""
    return Row(
        at,
        law,
        _index("flexor", law.flexor, sites, law, "the sites of the profile"),
        _index("extensor", law.extensor, sites, law, "the sites of the profile"),
        _index("target", target, targets, law, "the targets of the artifact"),
        min(law.maximum_nm, joint.max_torque_nm),
        joint.max_torque_rate_nm_s,
        joint.range_deg,
        joint.max_velocity_deg_s,
    )


def _index(what: str, name: str, known: Sequence[str], law: Law, where: str) -> int:
    if name and name not in known:
        raise Refused(
            f'The assist of {law.joint} names the {what} "{name}", and {where} are {list(known)}.'
        )
    return list(known).index(name) if name else -1


def _check(law: Law, **bounds: tuple[float, float]) -> None:
    where = f"The assist of {law.joint}"
    for name, (low, high) in bounds.items():
        _bounds(where, name, getattr(law, name), low, high)
    if not law.maximum_nm > 0.0:
        raise Refused(f"{where} needs a maximum_nm above 0, not {law.maximum_nm}.")


def _bounds(where: str, name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise Refused(f"{where} needs a {name} from {low:g} to {high:g}, not {value}.")


def _damped(where: str, stiffness_nm_deg: float, damping_nm_s_deg: float) -> None:
    least = LATE_S * stiffness_nm_deg
    if damping_nm_s_deg < least:
        raise Refused(
            f"{where} would swing: {stiffness_nm_deg} Nm/deg, felt {LATE_S:g} s late, needs a "
            f"damping_nm_s_deg of {least:g} or more, not {damping_nm_s_deg}."
        )

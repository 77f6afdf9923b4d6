"""What a hand can do, the table of hands, and how degrees become counts on the link."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from acquisition.stream import Refused
from acquisition.tables import look_up
from firmware_bridge.command import Mode
from firmware_bridge.link import FULL_SCALE, HandFlag, HandState

if TYPE_CHECKING:
    from firmware_bridge.safety_state import Output
    from firmware_bridge.serial_link import Sent
    from firmware_bridge.session import LinkEvent


@dataclass(frozen=True, slots=True)
class Joint:
    """One driven joint. 0 deg is open, positive closes."""

    name: str
    range_deg: tuple[float, float]
    max_velocity_deg_s: float
    max_acceleration_deg_s2: float
    max_torque_nm: float = 0.0
    """largest torque that may be asked of it; 0 where it takes none"""
    max_torque_rate_nm_s: float = 0.0
    """fastest that its torque may grow; a jump is a hazard to the wearer"""

    def __post_init__(self) -> None:
        low, high = self.range_deg
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise Refused(
                f"The joint {self.name} needs a range from low to high, not {low}..{high} deg."
            )
        for what, value in (
            ("velocity", self.max_velocity_deg_s),
            ("acceleration", self.max_acceleration_deg_s2),
        ):
            if not (math.isfinite(value) and value > 0):
                raise Refused(
                    f"The joint {self.name} needs a positive largest {what}, not {value}."
                )
        torque, rate = self.max_torque_nm, self.max_torque_rate_nm_s
        if not (math.isfinite(torque + rate) and torque >= 0 and (rate > 0) is (torque > 0)):
            raise Refused(
                f"The joint {self.name} needs a largest torque and a largest change of it, or "
                f"neither, not {torque} Nm and {rate} Nm/s."
            )

    @property
    def full_scale_deg(self) -> float:
        """Position that 1000 counts on the link mean."""
        return max(abs(self.range_deg[0]), abs(self.range_deg[1]))


@dataclass(frozen=True, slots=True)
class HandSpec:
    """What a hand is able to do, known before it is connected."""

    name: str
    joints: tuple[Joint, ...]
    modes: tuple[Mode, ...] = (Mode.POSITION, Mode.VELOCITY)
    """what it may be asked for; its link turns the one of the first two into the other"""
    tells_angles: bool = True
    """False for what tells none: its joints are taken to stand at 0, and no law may rest on it"""
    tells_battery: bool = False
    """whether its telemetry has HandFlag.LOW_BATTERY when it is so"""

    def __post_init__(self) -> None:
        names = [joint.name for joint in self.joints]
        if not names or len(set(names)) != len(names):
            raise Refused(f"The hand {self.name} needs distinct joint names, not {names}.")
        weak = [joint.name for joint in self.joints if joint.max_torque_nm == 0.0]
        if Mode.TORQUE in self.modes and weak:
            raise Refused(
                f"The hand {self.name} takes torques, and {weak} have no largest torque: give "
                "every joint one, or leave TORQUE out."
            )

    @property
    def joint_names(self) -> tuple[str, ...]:
        return tuple(joint.name for joint in self.joints)


class Telemetry(NamedTuple):
    """What the hand says about itself, in physical units."""

    state: HandState
    position_deg: tuple[float, ...]
    """(joint,)"""
    age_s: float
    """Age of the setpoint that the hand acts on, or acted on last."""
    flags: HandFlag = HandFlag(0)
    """what it says of motors and battery beside its state"""
    torque_nm: tuple[float, ...] = ()
    """(joint,) that it really gives; () where it does not tell"""
    current_a: tuple[float | None, ...] = ()
    """(joint,), None for joints that it does not tell of; () where it tells of none"""
    temperature_c: tuple[float | None, ...] = ()
    """(joint,), likewise"""


def _finger(name: str) -> Joint:
    # Range of the Ability Hand's ICD (0..100 deg). Full closing in 0.7 s lies within the 0.5
    # to 1 s of commercial hands; full speed after 0.1 s.
    return Joint(name, (0.0, 100.0), 150.0, 1500.0)


HAND6 = HandSpec(
    "hand6",
    tuple(
        _finger(name) for name in ("thumb_rotation", "thumb", "index", "middle", "ring", "little")
    ),
    tells_battery=True,
)
"""Six joints, as the link carries them; thumb_rotation 0 is beside the palm, 100 opposed."""

EXO = HandSpec(
    "exo",
    (
        # Ranges of level walking with some room; torque well below the 18 Nm that an AK80-9
        # reaches, all of it after 0.25 s (protocols C6). 0 deg is straight, positive bends.
        Joint("hip", (-20.0, 90.0), 120.0, 1200.0, 12.0, 48.0),
        Joint("knee", (0.0, 100.0), 120.0, 1200.0, 12.0, 48.0),
    ),
    tuple(Mode),
    tells_battery=True,
)
"""One leg with our firmware. The firmware has to have the same figures."""

HANDS: dict[str, tuple[str, str]] = {
    "simulated": ("firmware_bridge.simulated_hand", "open_simulated"),
    "firmware": ("firmware_bridge.firmware_hand", "open_firmware"),
    "serial": ("firmware_bridge.serial_link", "open_serial"),
    "simulated_exo": ("firmware_bridge.simulated_hand", "open_simulated_exo"),
    "firmware_exo": ("firmware_bridge.firmware_hand", "open_firmware_exo"),
    "serial_exo": ("firmware_bridge.serial_link", "open_serial_exo"),
    "ability": ("firmware_bridge.ability_hand", "open_ability"),
    "dynamixel": ("firmware_bridge.dynamixel", "open_dynamixel"),
    "feetech": ("firmware_bridge.feetech", "open_feetech"),
    "rh56": ("firmware_bridge.rh56", "open_rh56"),
    "rh56_modbus": ("firmware_bridge.rh56_modbus", "open_rh56_modbus"),
    "robotiq": ("firmware_bridge.robotiq", "open_robotiq"),
    "rohand": ("firmware_bridge.rohand", "open_rohand"),
    "brunel": ("firmware_bridge.brunel", "open_brunel"),
    "mia": ("firmware_bridge.mia", "open_mia"),
    "covvi": ("firmware_bridge.covvi", "open_covvi"),
    "robolimb": ("firmware_bridge.robolimb", "open_robolimb"),
    "tmotor": ("firmware_bridge.tmotor", "open_tmotor"),
    "odrive_can": ("firmware_bridge.odrive_can", "open_odrive_can"),
    "odrive": ("firmware_bridge.odrive", "open_odrive"),
    "openexo": ("firmware_bridge.openexo", "open_openexo"),
    "openexo_ble": ("firmware_bridge.openexo_ble", "open_openexo_ble"),
}
"""name -> (module, function of (argument, **options) that gives an open link), lazily imported."""


class HandLink(Protocol):
    """An open link to a hand, whatever it speaks. Used by one thread: the control loop's."""

    @property
    def hand(self) -> HandSpec: ...

    @property
    def up(self) -> bool:
        """Whether the hand answers."""
        ...

    def wait_connected(self) -> None:
        """For the start, not for the loop. Raises DeviceTimeout, DeviceRefused."""
        ...

    def hello(self, now_s: float) -> None:
        """Begins the conversation anew, as after a loss."""
        ...

    def poll(self, now_s: float) -> tuple[Telemetry | None, list[LinkEvent]]:
        """(newest telemetry since the last poll, what happened). Never waits."""
        ...

    def send(self, output: Output, now_s: float) -> Sent | None:
        """Sends what the gate lets through; gives what really went out, None for nothing."""
        ...

    def report(self) -> dict[str, int]:
        """What went over the link, and what of it was dropped."""
        ...

    def close(self) -> None:
        """Leaves the hand at rest and frees its port. Harmless when repeated."""
        ...

    def __enter__(self) -> HandLink: ...

    def __exit__(self, *error: object) -> None: ...


def open_hand(word: str, **options: Any) -> HandLink:
    """The link that `NAME` or `NAME:ARGUMENT` names, e.g. "simulated", "serial:/dev/ttyACM0".

    Refuses an unknown name with the nearest known one.
    """
    name, _, argument = word.partition(":")
    opener = cast("Callable[..., HandLink]", look_up(HANDS, name, "hand"))
    return opener(argument, **options)


def velocity_counts(hand: HandSpec, velocity_deg_s: tuple[float, ...]) -> tuple[int, ...]:
    """Counts for the link, cut towards 0: never faster than asked."""
    counts = [
        int(v * FULL_SCALE / joint.max_velocity_deg_s)
        for v, joint in zip(velocity_deg_s, hand.joints, strict=True)
    ]
    if max(counts) > FULL_SCALE or min(counts) < -FULL_SCALE:
        counts = [max(-FULL_SCALE, min(FULL_SCALE, n)) for n in counts]
    return tuple(counts)


def torque_counts(hand: HandSpec, torque_nm: tuple[float, ...]) -> tuple[int, ...]:
    """Counts for the link, cut towards 0: never more than asked."""
    joints = zip(torque_nm, hand.joints, strict=True)
    return _bounded([int(nm * FULL_SCALE / joint.max_torque_nm) for nm, joint in joints])


def position_counts(hand: HandSpec, position_deg: tuple[float, ...]) -> tuple[int, ...]:
    """Counts for the link, rounded and bounded to full scale."""
    joints = zip(position_deg, hand.joints, strict=True)
    return _bounded([round(deg * FULL_SCALE / joint.full_scale_deg) for deg, joint in joints])


def _bounded(counts: list[int]) -> tuple[int, ...]:
    if max(counts) > FULL_SCALE or min(counts) < -FULL_SCALE:
        counts = [max(-FULL_SCALE, min(FULL_SCALE, n)) for n in counts]
    return tuple(counts)


def positions_deg(hand: HandSpec, counts: tuple[int, ...]) -> tuple[float, ...]:
    """Positions that counts from the link mean."""
    return tuple(
        [
            n * joint.full_scale_deg / FULL_SCALE
            for n, joint in zip(counts, hand.joints, strict=True)
        ]
    )


def torques_nm(hand: HandSpec, counts: tuple[int, ...]) -> tuple[float, ...]:
    """Torques that counts on the link mean."""
    joints = zip(counts, hand.joints, strict=True)
    return tuple([n * joint.max_torque_nm / FULL_SCALE for n, joint in joints])


def velocities_deg_s(hand: HandSpec, counts: tuple[int, ...]) -> tuple[float, ...]:
    """Velocities that counts on the link mean."""
    return tuple(
        [
            n * joint.max_velocity_deg_s / FULL_SCALE
            for n, joint in zip(counts, hand.joints, strict=True)
        ]
    )

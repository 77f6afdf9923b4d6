"""What the safety gate enforces: the limits of the joints and of everything that may go wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.hands import HandSpec


@dataclass(frozen=True, slots=True)
class Limits:
    """What the gate enforces. Times: protocols C4; science 5.3."""

    joints: tuple[tuple[float, float, float, float], ...]
    """Per joint: lowest deg, highest deg, largest deg/s, largest deg/s2."""
    modes: tuple[Mode, ...] = (Mode.POSITION, Mode.VELOCITY)
    """What commands may ask for; another mode is a fault."""
    torque: tuple[tuple[float, float], ...] = ()
    """Per joint: largest Nm, largest Nm/s; () where the hand takes no torque."""
    stale_s: float = 0.100
    """Age of the newest sample behind a decision at which the hand holds."""
    disarm_s: float = 0.150
    """The same age at which the hand is disarmed."""
    rest_s: float = 1.0
    """Trusted rest before arming (science 5.3, fault 34)."""
    telemetry_s: float = 0.085
    """Silence of the hand that counts as a lost link: four telemetries, so that with a turn of the
    loop and the braking from full speed it stands within 150 ms."""
    confirm_s: float = 0.250
    """For the hand to confirm ARM or CLEAR: 3 tries of 50 ms, and some."""
    stall_s: float = 0.080
    """A driven joint that has not moved for so long is stuck. Hands that start slowly need more."""
    moved_deg: float = 0.5
    """Less is not movement: five counts of the link at 100 deg full scale."""
    end_deg: float = 1.0
    """Nothing is driven towards a range's end from this near it."""
    step_s: float = 0.050
    """Longest time since the last setpoint that acceleration may use."""
    ahead_s: float = 0.020
    """How far ahead of now a source's clock estimate may be; beyond it nothing is fresh."""
    torque_ramp_s: float = 0.300
    """From full torque to none when anything ends: 0.2 to 0.5 s (protocols C6)."""
    torque_end_deg: float = 5.0
    """Torque towards a range's end fades to none over so much before it."""
    confidence: float = 0.0
    """Confidence below which nothing new moves, 0..1; 0 lets every decision pass that the
    decoder trusts."""
    current_a: float = math.inf
    """Motor current that cuts the torque; inf for hands that watch it themselves."""
    grip_a: float = math.inf
    """Motor current at which a joint that closes is driven no further: the force limit."""
    temperature_c: float = 80.0
    """Of a motor, at which its torque is cut; 80 is what open leg prostheses use (science 5.1)."""
    over_s: float = 0.020
    """For how long a current or temperature is over its limit before it counts: two readings."""
    low_battery_share: float = 0.5
    """Share of speed and torque that a low battery leaves."""
    low_battery_s: float = 60.0
    """Of low battery, after which the hand lets go while it still can."""
    low_battery_opens: bool = True
    """Lets go by opening slowly (protocols C6); else it holds where it is."""
    slow_open_after_s: float = 0.0
    """A hand that was frozen for so long opens slowly; 0: it holds."""
    slow_open_share: float = 0.2
    """Share of its speed with which it does: half a second becomes three."""

    def __post_init__(self) -> None:
        if not self.joints:
            raise Refused("The safety gate needs the limits of at least one joint, not of none.")
        for low, high, velocity, acceleration in self.joints:
            finite = all(map(math.isfinite, (low, high, velocity, acceleration)))
            if not (finite and low < high and velocity > 0.0 and acceleration > 0.0):
                raise Refused(
                    f"A joint's limits are low < high, velocity and acceleration above 0, "
                    f"not {(low, high, velocity, acceleration)}."
                )
        if (Mode.TORQUE in self.modes) is not (len(self.torque) == len(self.joints)):
            raise Refused(
                f"Torque needs a largest one for each of {len(self.joints)} joints, and there are "
                f"{len(self.torque)}."
            )
        for top, rate in self.torque:
            if not (math.isfinite(top + rate) and top > 0.0 and rate > 0.0):
                raise Refused(f"Torque and its rate are above 0, not {top} Nm and {rate} Nm/s.")
        if not 0.2 <= self.torque_ramp_s <= 0.5:
            raise Refused(f"Torque ramps to zero in 0.2 to 0.5 s, not in {self.torque_ramp_s} s.")
        _refuse_shares(self)
        if not 0.0 < self.stale_s <= self.disarm_s <= 0.2:
            raise Refused(
                f"Decisions are stale before they disarm, within 200 ms; not stale at "
                f"{self.stale_s} s and disarming at {self.disarm_s} s."
            )


def _refuse_shares(limits: Limits) -> None:
    for what, share in (
        ("low_battery_share", limits.low_battery_share),
        ("slow_open_share", limits.slow_open_share),
    ):
        if not 0.0 < share <= 1.0:
            raise Refused(f"{what} is more than 0 and at most 1, not {share}.")
    for what, least in (
        ("confidence", limits.confidence),
        ("slow_open_after_s", limits.slow_open_after_s),
        ("low_battery_s", limits.low_battery_s),
        ("over_s", limits.over_s),
    ):
        if not (0.0 <= least < math.inf):
            raise Refused(f"{what} is a number of at least 0, not {least}.")
    if limits.confidence > 1.0:
        raise Refused(f"confidence is at most 1, not {limits.confidence}: nothing would ever move.")
    if not 0.0 < limits.torque_end_deg < math.inf:
        raise Refused(f"torque_end_deg is more than 0, not {limits.torque_end_deg}.")
    if limits.over_s > 0.050:
        raise Refused(f"Over-current is cut off within 50 ms, not after {limits.over_s} s.")


def limits_for(hand: HandSpec) -> Limits:
    """The limits that the hand's own figures imply."""
    torques = tuple((joint.max_torque_nm, joint.max_torque_rate_nm_s) for joint in hand.joints)
    return Limits(
        tuple(
            (*joint.range_deg, joint.max_velocity_deg_s, joint.max_acceleration_deg_s2)
            for joint in hand.joints
        ),
        hand.modes,
        torques if Mode.TORQUE in hand.modes else (),
    )

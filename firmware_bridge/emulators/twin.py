"""What the twin of a hand is, how its joints move, and the port to it in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

from acquisition.stream import DeviceLost
from acquisition.tables import look_up
from firmware_bridge.hands import HandSpec

HAND_TWINS: dict[str, tuple[str, str]] = {
    "ability": ("firmware_bridge.emulators.ability_hand", "AbilityHandTwin"),
    "dynamixel": ("firmware_bridge.emulators.dynamixel", "DynamixelTwin"),
    "feetech": ("firmware_bridge.emulators.feetech", "FeetechTwin"),
    "rh56": ("firmware_bridge.emulators.rh56", "Rh56Twin"),
    "rh56_modbus": ("firmware_bridge.emulators.rh56", "Rh56ModbusTwin"),
    "robotiq": ("firmware_bridge.emulators.robotiq", "RobotiqTwin"),
    "rohand": ("firmware_bridge.emulators.rohand", "RoHandTwin"),
    "brunel": ("firmware_bridge.emulators.brunel", "BrunelTwin"),
    "mia": ("firmware_bridge.emulators.mia", "MiaTwin"),
    "covvi": ("firmware_bridge.emulators.covvi", "CovviTwin"),
    "robolimb": ("firmware_bridge.emulators.robolimb", "RoboLimbTwin"),
    "tmotor": ("firmware_bridge.emulators.tmotor", "TMotorTwin"),
    "odrive_can": ("firmware_bridge.emulators.odrive_can", "OdriveCanTwin"),
    "odrive": ("firmware_bridge.emulators.odrive", "OdriveTwin"),
    "openexo": ("firmware_bridge.emulators.openexo", "OpenExoTwin"),
    "openexo_ble": ("firmware_bridge.emulators.openexo", "OpenExoBleTwin"),
}
"""name of the hand -> (module, class without arguments), imported when asked for"""

TCP_PORTS = {"covvi": 4267, "rh56_modbus": 6000}
"""Hands that wait for TCP calls, and where"""
ON_CAN = ("robolimb", "tmotor", "odrive_can")
"""Hands on a CAN bus"""
ON_AIR = ("openexo_ble",)
"""Hands behind Bluetooth; all others have a serial port."""


@dataclass
class Body:
    """Joints that go where they are driven, no faster than they can, until they are let go."""

    spec: HandSpec
    position_deg: list[float] = field(init=False)
    velocity_deg_s: list[float] = field(init=False)
    """as they really move"""
    stuck: set[int] = field(default_factory=set)
    """numbers of joints that do not move, whatever drives them"""
    _goals: list[float | None] = field(init=False)
    """where each joint is driven to; None where it is driven at a speed, or not at all"""
    _speeds: list[float] = field(init=False)
    _now_s: float | None = None

    def __post_init__(self) -> None:
        n = len(self.spec.joints)
        self.position_deg = [max(0.0, joint.range_deg[0]) for joint in self.spec.joints]
        self.velocity_deg_s, self._speeds = [0.0] * n, [0.0] * n
        self._goals = [None] * n

    def drive_at(self, joint: int, velocity_deg_s: float) -> None:
        self._goals[joint] = None
        self._speeds[joint] = velocity_deg_s

    def drive_to(self, joint: int, position_deg: float, speed_deg_s: float | None = None) -> None:
        """At `speed_deg_s`, or as fast as the joint can."""
        self._goals[joint] = position_deg
        self._speeds[joint] = abs(speed_deg_s or self.spec.joints[joint].max_velocity_deg_s)

    def push(self, joint: int, torque_nm: float) -> None:
        """Turns it against a damper that lets its largest torque reach its largest speed."""
        most = self.spec.joints[joint]
        self.drive_at(joint, torque_nm / most.max_torque_nm * most.max_velocity_deg_s)

    def let_go(self) -> None:
        """No joint is driven: each stays where it is, for want of gravity."""
        n = len(self.spec.joints)
        self._goals, self._speeds = [None] * n, [0.0] * n

    def advance(self, now_s: float) -> None:
        """Moves everything to that moment."""
        if self._now_s is None:
            self._now_s = now_s
        step_s = max(0.0, now_s - self._now_s)
        self._now_s = now_s
        for i, joint in enumerate(self.spec.joints):
            low, high = joint.range_deg
            top = joint.max_velocity_deg_s
            speed = min(max(self._speeds[i], -top), top)
            at, goal = self.position_deg[i], self._goals[i]
            if goal is not None:
                reach = abs(speed) * step_s
                to = at + min(max(goal - at, -reach), reach)
            else:
                to = at + speed * step_s
            to = at if i in self.stuck else min(max(to, low), high)
            self.velocity_deg_s[i] = (to - at) / step_s if step_s > 0 else self.velocity_deg_s[i]
            self.position_deg[i] = to

    @property
    def moving(self) -> bool:
        return any(abs(speed) > 0.5 for speed in self.velocity_deg_s)


class HandTwin(Protocol):
    """A hand without its hardware: pure, in virtual time. Bytes in, bytes out."""

    body: Body
    trip: bool
    """whether it protects itself, as against too much current: set it to see what happens"""

    def hear(self, data: bytes, now_s: float) -> bytes:
        """What it answers at once."""
        ...

    def advance(self, now_s: float) -> bytes:
        """Moves to that moment, does what it does when nobody speaks; gives what it tells by
        itself."""
        ...


def open_hand_twin(name: str) -> HandTwin:
    """The twin of the hand `name`. Refuses an unknown name with the nearest one."""
    return cast("Callable[[], HandTwin]", look_up(HAND_TWINS, name, "hand emulator"))()


@dataclass
class TwinPort:
    """A `HandPort` whose other end is a twin. Time is whatever `clock` says."""

    twin: HandTwin
    clock: Callable[[], float]
    deaf: bool = False
    """nothing that is written arrives"""
    mute: bool = False
    """nothing that the twin says arrives"""
    full: bool = False
    """the line takes no more bytes"""
    gone: bool = False
    change: Callable[[bytes], bytes] = bytes
    """what happens to bytes on their way, both ways"""
    written: list[bytes] = field(default_factory=list)
    _inside: bytes = b""

    def tick(self) -> None:
        """The hand lives on while nobody reads or writes."""
        self._inside += self.twin.advance(self.clock())

    def read(self) -> bytes:
        self._check()
        self.tick()
        data, self._inside = self._inside, b""
        return b"" if self.mute else self.change(data)

    def write(self, data: bytes, first: bool = False) -> bool:
        self._check()
        if self.full:
            return False
        self.written.append(data)
        if data and not self.deaf:
            self.tick()
            self._inside += self.twin.hear(self.change(data), self.clock())
        return True

    def close(self) -> None:
        self.gone = True

    def _check(self) -> None:
        if self.gone:
            raise DeviceLost("The virtual hand is gone.")

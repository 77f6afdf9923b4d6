"""ODrive axes over CAN (CANSimple), driven by velocity or by torque.

Facts: odriverobotics/ODrive@f9b5419c (docs/can-protocol, can_simple.cpp). Every message to an axis
feeds its watchdog, reading its encoder too: so it is read only by the loop that decides.
"""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable

from acquisition.stream import Refused
from acquisition.words import Setting, refuse_choice, split_argument
from firmware_bridge.can_frames import CanFrame, CanFrames, pack
from firmware_bridge.can_port import open_can_dialect
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Damaged, Ear, Facts, PieceEar, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec
from firmware_bridge.joint_settings import (
    JOINT_SETTINGS,
    TORQUE_SETTINGS,
    bounded_nm,
    joints_of,
    mode_of,
)
from firmware_bridge.words import read_ids

HEARTBEAT, SET_STATE, ENCODER, SET_MODES = 0x01, 0x07, 0x09, 0x0B
SET_POSITION, SET_VELOCITY, SET_TORQUE, CLEAR = 0x0C, 0x0D, 0x0E, 0x18
IDLE, CLOSED_LOOP = 1, 8
TORQUE_CONTROL, VELOCITY_CONTROL, PASSTHROUGH = 1, 2, 1
CONTROL = {Mode.TORQUE: TORQUE_CONTROL, Mode.VELOCITY: VELOCITY_CONTROL}
TURN_DEG = 360.0
TIMEOUT_HIGH_S = 2.0
"""A watchdog that is slower guards nobody."""
FORGIVEN_N = 3
STOPS = ("idle", "hold")
SETTINGS: dict[str, Setting] = {
    "nodes": "0",
    "gear": 1.0,
    "stop": "idle",
    "watchdog_s": 0.0,
    "bitrate_hz": 250_000,
    **JOINT_SETTINGS,
    **TORQUE_SETTINGS,
}


def frame(node: int, command: int, data: bytes = b"", remote: bool = False) -> CanFrame:
    return CanFrame(node << 5 | command, data, remote=remote)


def set_state(node: int, state: int) -> CanFrame:
    return frame(node, SET_STATE, struct.pack("<I", state))


def set_velocity(node: int, turns_s: float) -> CanFrame:
    """Turns of the motor per second; no torque ahead of it."""
    return frame(node, SET_VELOCITY, struct.pack("<ff", turns_s, 0.0))


def set_torque(node: int, torque_nm: float) -> CanFrame:
    """Newton metres of the motor, before its gear."""
    return frame(node, SET_TORQUE, struct.pack("<f", torque_nm))


class Errors:
    """What an axis tells of its errors since it was armed. Arming clears those of before, but a
    report of them may still be under way: the first few are forgiven, until one tells of none."""

    def __init__(self) -> None:
        self._forgiven_n = FORGIVEN_N

    def learn(self, error: int) -> int:
        """The error as far as it counts; 0 for none."""
        if error and self._forgiven_n:
            self._forgiven_n -= 1
            return 0
        self._forgiven_n = 0
        return error


class OdriveCan:
    """The dialect. `gear`: turns of the motor for one of the joint; below 0 if it is mirrored."""

    def __init__(
        self, spec: HandSpec, nodes: tuple[int, ...], gear: float, stop: str, watchdog_s: float
    ) -> None:
        silence = Silence.LETS_GO if watchdog_s else Silence.HOLDS
        mode = Mode.TORQUE if Mode.TORQUE in spec.modes else Mode.VELOCITY
        self.facts = Facts(spec, mode, silence, watchdog_s or None, max_rate_hz=200.0)
        self.nodes, self.gear = nodes, gear
        self._stop = stop
        self.running: set[int] = set()
        """nodes that have said since they were armed that they are in closed loop"""
        self.errors = {node: Errors() for node in nodes}

    def greet(self) -> bytes:
        return self.ask()

    def ask(self) -> bytes:
        return pack(*(frame(node, ENCODER, remote=True) for node in self.nodes))

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """Speed 0 and torque 0 before the loop is closed: what was wanted last is still there."""
        self.running.clear()
        self.errors = {node: Errors() for node in self.nodes}
        modes = struct.pack("<II", CONTROL[self.facts.mode], PASSTHROUGH)
        return b"".join(
            pack(
                frame(node, CLEAR),
                frame(node, SET_MODES, modes),
                *self._still(node),
                set_state(node, CLOSED_LOOP),
            )
            for node in self.nodes
        )

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        if self.facts.mode is Mode.TORQUE:
            torques = bounded_nm(joints, self.facts.spec)
            motors = [nm / self.gear for nm in torques]
            return Wanted(pack(*map(set_torque, self.nodes, motors)), torques)
        turns = [deg_s * self.gear / TURN_DEG for deg_s in joints]
        data = pack(*map(set_velocity, self.nodes, turns))
        return Wanted(data, tuple(speed * TURN_DEG / self.gear for speed in turns))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return pack(*(still for node in self.nodes for still in self._still(node)))

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        if self._stop == "hold":
            return b""
        return pack(*(set_state(node, IDLE) for node in self.nodes))

    def ear(self) -> Ear:
        return PieceEar(CanFrames(), self._read)

    def _still(self, node: int) -> tuple[CanFrame, ...]:
        """Speed 0, whose frame has torque 0 in it; for an axis of torques torque 0 before it."""
        speed = set_velocity(node, 0.0)
        return (set_torque(node, 0.0), speed) if self.facts.mode is Mode.TORQUE else (speed,)

    def _read(self, told: CanFrame) -> Reading | None:
        """Of encoder estimates and heartbeats of our nodes."""
        node, command = told.number >> 5, told.number & 0x1F
        if told.extended or told.remote or node not in self.nodes:
            return None
        if command == HEARTBEAT and len(told.data) >= 5:
            return self._alive(node, *struct.unpack_from("<IB", told.data))
        if command == ENCODER and len(told.data) == 8:
            turns = struct.unpack_from("<f", told.data)[0]
            if math.isfinite(turns):
                place = self.nodes.index(node)
                position: list[float | None] = [None] * len(self.nodes)
                position[place] = turns * TURN_DEG / self.gear
                return Reading(tuple(position))
        if command in (HEARTBEAT, ENCODER):
            raise Damaged
        return None

    def _alive(self, node: int, error: int, state: int) -> Reading:
        running = self.running
        if self.errors[node].learn(error):
            return Reading(trip=f"axis {node} has the error 0x{error:x}")
        if state == CLOSED_LOOP:
            running.add(node)
        elif node in running:
            return Reading(trip=f"axis {node} left its closed loop (state {state})")
        return Reading()


def open_odrive_can(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """Axes at a CAN interface: "can0,nodes=0+1,gear=8,names=knee+ankle"; with
    "mode=torque,max_nm=8" they give torques and take nothing else. `port` as in tests.

    Refuses an interface that is missing, down or not permitted, and settings that are none.
    """
    channel, settings = split_argument(argument, SETTINGS, "odrive_can")
    gear, watchdog_s = float(settings["gear"]), float(settings["watchdog_s"])
    refuse_choice("stop", str(settings["stop"]), STOPS)
    refuse_gear(gear)
    if not 0.0 <= watchdog_s <= TIMEOUT_HIGH_S:
        raise Refused(f"watchdog_s is from 0 to {TIMEOUT_HIGH_S:g} s, not {watchdog_s:g}.")
    nodes = read_ids(str(settings["nodes"]), 0, 63)
    spec = joints_of("ODrive joint", settings, nodes, mode_of(settings))
    axes = OdriveCan(spec, nodes, gear, str(settings["stop"]), watchdog_s)
    return open_can_dialect(axes, channel, int(settings["bitrate_hz"]), port, clock)


def refuse_gear(gear: float) -> None:
    """Refuses a gear that is none."""
    if not (math.isfinite(gear) and gear):
        raise Refused(f"gear is the motor's turns for one of the joint, and never {gear:g}.")

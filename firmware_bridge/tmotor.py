"""T-Motor/CubeMars AK motors in MIT mode over CAN at 1 Mbit/s, driven by velocity or by torque.

Facts: neurobionics/TMotorCANControl@bb8d0710 (mit_can.py), naubiomech/OpenExo@78718268 (Motor.cpp).
A motor keeps its last command for ever. Numbers are rounded to the nearest count and never cut:
cut, every number is a little too low, and zero torque is a torque.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

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
from firmware_bridge.link import HandFlag
from firmware_bridge.words import read_ids

BITRATE_HZ = 1_000_000
ENTER, LEAVE, ZERO = (bytes([0xFF] * 7 + [last]) for last in (0xFC, 0xFD, 0xFE))
FULL_RAD, FULL_KP, FULL_KD = 12.5, 500.0, 5.0
"""Positions are -12.5 to 12.5 rad; gains from 0, in Nm/rad and Nm s/rad."""
FAULTS = {
    1: "too hot",
    2: "too much current",
    3: "voltage too high",
    4: "voltage too low",
    5: "encoder",
    6: "unequal phase currents",
}


FLAGS = {1: HandFlag.OVER_TEMPERATURE, 2: HandFlag.OVER_CURRENT, 4: HandFlag.BROWN_OUT}


class Model(NamedTuple):
    """Full scales of one model."""

    rad_s: float
    nm: float


MODELS = {
    "AK80-9": Model(50.0, 18.0),
    "AK80-6": Model(76.0, 12.0),
    "AK10-9": Model(50.0, 65.0),
    "AK60-6": Model(50.0, 15.0),
    "AK70-10": Model(50.0, 25.0),
    "AK80-64": Model(8.0, 144.0),
}
"""As TMotorCANControl has them; the motor's own firmware decides."""
OTHER_FRAMES = "AK60V3"
"""Extended ids, the gains first, amperes for newton metres; and how it replies is in doubt."""
DAMP, FREE = "damp", "free"
SETTINGS: dict[str, Setting] = {
    "model": "AK80-9",
    "ids": "1",
    "kd": 1.0,
    "stop": DAMP,
    "torque_kd": 0.0,
    **JOINT_SETTINGS,
    **TORQUE_SETTINGS,
}


class Aim(NamedTuple):
    """What one frame asks for: torque = kp (p - p_is) + kd (v - v_is) + t."""

    p_rad: float = 0.0
    v_rad_s: float = 0.0
    kp: float = 0.0
    kd: float = 0.0
    t_nm: float = 0.0


def count_of(value: float, low: float, high: float, bits: int) -> int:
    """The nearest of 2^bits counts from low to high."""
    top = (1 << bits) - 1
    return min(max(round((value - low) * top / (high - low)), 0), top)


def value_of(count: int, low: float, high: float, bits: int) -> float:
    return low + count * (high - low) / ((1 << bits) - 1)


def encode(aim: Aim, model: Model) -> bytes:
    """p 16 bits, v 12, kp 12, kd 12, t 12; the highest first."""
    word = count_of(aim.p_rad, -FULL_RAD, FULL_RAD, 16)
    word = word << 12 | count_of(aim.v_rad_s, -model.rad_s, model.rad_s, 12)
    word = word << 12 | count_of(aim.kp, 0.0, FULL_KP, 12)
    word = word << 12 | count_of(aim.kd, 0.0, FULL_KD, 12)
    word = word << 12 | count_of(aim.t_nm, -model.nm, model.nm, 12)
    return word.to_bytes(8, "big")


def decode(data: bytes, model: Model) -> Aim:
    """What a frame of eight bytes asks for."""
    word = int.from_bytes(data, "big")
    return Aim(
        value_of(word >> 48, -FULL_RAD, FULL_RAD, 16),
        value_of(word >> 36 & 0xFFF, -model.rad_s, model.rad_s, 12),
        value_of(word >> 24 & 0xFFF, 0.0, FULL_KP, 12),
        value_of(word >> 12 & 0xFFF, 0.0, FULL_KD, 12),
        value_of(word & 0xFFF, -model.nm, model.nm, 12),
    )


class State(NamedTuple):
    """What a motor tells of itself."""

    number: int
    p_rad: float
    v_rad_s: float
    t_nm: float
    temperature_c: int | None
    fault: int


def read_state(data: bytes, model: Model) -> State | None:
    """A reply of 8 bytes, or of 6 from older firmware; None for what is none."""
    if len(data) not in (6, 8):
        return None
    word = int.from_bytes(data[1:6], "big")
    return State(
        data[0],
        value_of(word >> 24, -FULL_RAD, FULL_RAD, 16),
        value_of(word >> 12 & 0xFFF, -model.rad_s, model.rad_s, 12),
        value_of(word & 0xFFF, -model.nm, model.nm, 12),
        data[6] if len(data) == 8 else None,
        data[7] if len(data) == 8 else 0,
    )


class TMotor:
    """The dialect. A stop is damping at speed 0 (the limb sinks slowly), or lets the motor go."""

    def __init__(
        self,
        spec: HandSpec,
        ids: tuple[int, ...],
        model: Model,
        kd: float,
        stop: str,
        torque_kd: float = 0.0,
    ) -> None:
        """`torque_kd`: damping while a torque is given."""
        mode = Mode.TORQUE if Mode.TORQUE in spec.modes else Mode.VELOCITY
        self.facts = Facts(
            spec, mode, Silence.HOLDS, None, max_rate_hz=200.0, setpoints_answer=True
        )
        self.ids, self.model = ids, model
        self._kd, self._stop_kind, self._torque_kd = kd, stop, torque_kd
        rest = encode(Aim(kd=kd) if stop == DAMP else Aim(), model)
        self._rest = pack(*(CanFrame(number, rest) for number in ids))

    def greet(self) -> bytes:
        return self._rest

    def ask(self) -> bytes:
        """A stop: motors tell of themselves only as an answer, and it moves none in any state."""
        return self._rest

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        return pack(*(CanFrame(number, ENTER) for number in self.ids)) + self._rest

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        if self.facts.mode is Mode.TORQUE:
            torques = bounded_nm(joints, self.facts.spec)
            data = [encode(Aim(kd=self._torque_kd, t_nm=nm), self.model) for nm in torques]
            given = tuple(decode(row, self.model).t_nm for row in data)
            return Wanted(pack(*map(CanFrame, self.ids, data)), given)
        data = [encode(Aim(v_rad_s=math.radians(v), kd=self._kd), self.model) for v in joints]
        sent = tuple(math.degrees(decode(row, self.model).v_rad_s) for row in data)
        return Wanted(pack(*map(CanFrame, self.ids, data)), sent)

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return self._rest

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """Leaves the motor on where it damps: switched off, the limb would fall."""
        if self._stop_kind == DAMP:
            return b""
        return pack(*(CanFrame(number, LEAVE) for number in self.ids))

    def ear(self) -> Ear:
        return PieceEar(CanFrames(), self._read)

    def _read(self, frame: CanFrame) -> Reading | None:
        """Of the replies of our motors; others on the bus are passed over."""
        ids = self.ids
        if frame.extended or frame.remote or frame.data[:1] not in [bytes([n]) for n in ids]:
            return None
        state = read_state(frame.data, self.model)
        if state is None:
            raise Damaged
        place = ids.index(state.number)
        position: list[float | None] = [None] * len(ids)
        heat = position.copy()
        position[place], heat[place] = math.degrees(state.p_rad), state.temperature_c
        fault = FAULTS.get(state.fault, f"fault {state.fault}")
        trip = f"motor {state.number}: {fault}" if state.fault else ""
        flags = FLAGS.get(state.fault, HandFlag(0))
        return Reading(tuple(position), temperature_c=tuple(heat), trip=trip, flags=flags)


def open_tmotor(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """Motors at a CAN interface: "can0,model=AK80-9,ids=1+2,names=knee+ankle,high_deg=60"; with
    "mode=torque,max_nm=8" they give torques and take nothing else.

    Refuses an interface that is missing, down or not permitted, settings that are none, and motors
    that speak otherwise.
    """
    channel, settings = split_argument(argument, SETTINGS, "tmotor")
    model, kd, stop = str(settings["model"]), float(settings["kd"]), str(settings["stop"])
    _refuse_model(model)
    refuse_choice("stop", stop, (DAMP, FREE))
    if not 0.0 < kd <= FULL_KD:
        raise Refused(f"kd is more than 0 and at most {FULL_KD:g} Nm s/rad, not {kd:g}.")
    torque_kd = float(settings["torque_kd"])
    if not 0.0 <= torque_kd <= FULL_KD:
        raise Refused(f"torque_kd is from 0 to {FULL_KD:g} Nm s/rad, not {torque_kd:g}.")
    ids = read_ids(str(settings["ids"]), 1, 127)
    spec = joints_of("T-Motor joint", settings, ids, mode_of(settings), MODELS[model].nm)
    motors = TMotor(spec, ids, MODELS[model], kd, stop, torque_kd)
    return open_can_dialect(motors, channel, BITRATE_HZ, port, clock)


def _refuse_model(model: str) -> None:
    """Refuses a motor whose scales are not known, and one that takes other frames."""
    if model.upper().replace("-", "").replace(" ", "") == OTHER_FRAMES:
        raise Refused(
            f"The AK60 V3 takes other frames (amperes, and its gains first) than the motors that "
            f"Flexor drives ({', '.join(MODELS)}), and its replies are not verified: use one of "
            f"these, or let an OpenExo drive it."
        )
    refuse_choice("model", model, tuple(MODELS))

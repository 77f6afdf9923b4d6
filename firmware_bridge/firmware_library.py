"""The firmware in C as a library in this process, with the clock as an argument: exact and fast.

`CMcu` looks like the Mcu of the simulated hand, and `c_model` like its module, so that whatever
runs on the one runs on the other.
"""

from __future__ import annotations

import ctypes as ct
import os
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from acquisition.stream import Refused
from firmware_bridge.firmware_build import compile_c, need, sources
from firmware_bridge.interface import CODED_MAX_N, DOF_N
from firmware_bridge.link import HandState
from firmware_bridge.simulated_joints import Axis, Joints

COVERAGE = os.environ.get("FLEXOR_FIRMWARE_COVERAGE")
"""Folder in which the library is built so that it counts its branches (firmware_coverage)."""

U8, U16, U32, I32 = ct.c_uint8, ct.c_uint16, ct.c_uint32, ct.c_int32
WRITE = ct.CFUNCTYPE(None, ct.c_void_p, ct.POINTER(U8), ct.c_size_t)


def structure(name: str, **fields: Any) -> type[ct.Structure]:
    return type(name, (ct.Structure,), {"_fields_": list(fields.items())})


Joint = structure("Joint", **dict.fromkeys(Axis._fields, I32))
Frame = structure(
    "Frame", version=U8, type=U8, session=U16, seq=U16, payload=ct.POINTER(U8), payload_n=U8
)
COUNTERS = (
    "ok", "crc_errors", "oversize", "garbage", "wrong_version", "wrong_length", "wrong_session",
    "stale",
)  # fmt: skip
Rx = structure(
    "Rx", crc_n=U8, has_session=ct.c_bool, has_seq=ct.c_bool, dropping=ct.c_bool, session=U16,
    last_seq=U16, coded_n=U16, coded=U8 * CODED_MAX_N, **dict.fromkeys(COUNTERS, U32),
)  # fmt: skip
Inputs = structure(
    "Inputs", current_ma=I32 * DOF_N, temperature_c=I32 * DOF_N, measured_udeg=I32 * DOF_N,
    measures=U8, stalled=U8, over_current=ct.c_bool, low_battery=ct.c_bool,
    brown_out=ct.c_bool, pressed=ct.c_bool, refuses=ct.c_bool,
)  # fmt: skip
HandC = structure(
    "HandC", inputs=Inputs, joints=ct.c_void_p, write=WRITE, context=ct.c_void_p, rx=Rx,
    now_ms=U32, setpoint_ms=U32, telem_ms=U32, range_err=U32, seq=U16, age_ms=U16, ttl_ms=U16,
    still_ms=U16, pressed_ms=U16, state=U8, mode=U8, joints_n=U8, agreed=ct.c_bool,
    tripped=ct.c_bool, hot=ct.c_bool, eased=ct.c_bool, over_ms=U8 * DOF_N,
    counts=ct.c_int16 * DOF_N, position_udeg=I32 * DOF_N,
    velocity_mdeg_s=I32 * DOF_N, torque=I32 * DOF_N, seen_udeg=I32 * DOF_N, fast=ct.c_int8 * DOF_N,
)  # fmt: skip
Clock = structure("Clock", mask=U32, ticks_per_ms=U32, last=U32, rest=U32, ms=U32)

SIZES = """
#include "flexor_clock.h"
#include "flexor_hand.h"
size_t flx_sizes(int which);
size_t flx_sizes(int which) {
    const size_t sizes[] = {sizeof(flx_joint), sizeof(flx_frame), sizeof(flx_rx),
                            sizeof(flx_inputs), sizeof(flx_hand), sizeof(flx_clock)};
    return sizes[which];
}
"""


@cache
def library() -> ct.CDLL:
    """The portable core as a shared library, built once per process.

    Refuses a machine without a C compiler, and a core whose structures are not the ones here.
    """
    need("gcc", "gcc")
    with tempfile.TemporaryDirectory(prefix="flexor-firmware-") as made:
        folder = Path(COVERAGE or made)
        (folder / "sizes.c").write_text(SIZES)
        flags = ["--coverage", "-O0"] if COVERAGE else ["-O1"]
        out = folder / "libflexor.so"
        compile_c("gcc", ["-shared", "-fPIC", *flags], [*sources(), folder / "sizes.c"], out)
        loaded = ct.CDLL(str(out))
    loaded.flx_crc16.restype = loaded.flx_torque_limit.restype = U16
    loaded.flx_crc32.restype = loaded.flx_clock_ms.restype = U32
    loaded.flx_cobs_encode.restype = loaded.flx_pack.restype = ct.c_size_t
    loaded.flx_flags.restype = U8
    loaded.flx_sizes.restype = ct.c_size_t
    loaded.flx_rx_byte.restype = loaded.flx_hand_start.restype = ct.c_bool
    for which, kind in enumerate((Joint, Frame, Rx, Inputs, HandC, Clock)):
        if loaded.flx_sizes(which) != ct.sizeof(kind):
            raise Refused(f"The firmware's {kind.__name__} is not as firmware_library has it.")
    return loaded


INPUTS = {"over_current", "low_battery", "brown_out", "pressed", "refuses"}
SENSED = {"current_ma", "temperature_c"}
LISTS = {"position_udeg", "velocity_mdeg_s", "torque", "over_ms", "seen_udeg", "fast"}
OWN = {"c", "joints", "said", "kept"}


class CMcu:
    """A hand of the firmware in C, with the names of the Mcu in Python."""

    def __init__(self, joints: Joints, crc_n: int = 2) -> None:
        self.joints = joints
        self.said: list[bytes] = []
        self.c = HandC()
        array = (Joint * DOF_N)(*[Joint(*axis) for axis in joints.axes()])
        write = WRITE(lambda _context, data, n: self.said.append(ct.string_at(data, n)))
        self.kept = (array, write)  # C holds them; Python must too
        if not library().flx_hand_start(ct.byref(self.c), array, U8(crc_n), write, None):
            raise Refused("The firmware does not take these joints.")
        self.c.joints_n = len(joints.low_deg)

    def __getattr__(self, name: str) -> Any:
        c = self.c
        if name in INPUTS:
            return getattr(c.inputs, name)
        if name in SENSED:
            return list(getattr(c.inputs, name))
        if name in LISTS:
            return list(getattr(c, name))
        if name == "flags":
            return library().flx_flags(ct.byref(c))
        if name == "state":
            return HandState(c.state)
        if name == "counts":
            return tuple(c.counts)
        return getattr(c, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in OWN:
            object.__setattr__(self, name, value)
        elif name in INPUTS:
            setattr(self.c.inputs, name, value)
        elif name in SENSED:
            setattr(self.c.inputs, name, (I32 * DOF_N)(*value))
        elif name == "stalled":
            self.c.inputs.stalled = sum(1 << joint for joint in value)
        elif name == "measured_udeg":
            self.c.inputs.measures = sum(1 << joint for joint in value)
            for joint, udeg in value.items():
                self.c.inputs.measured_udeg[joint] = udeg
        else:
            setattr(self.c, name, value)

    @property
    def position_deg(self) -> list[float]:
        return [udeg / 1e6 for udeg in self.position_udeg]

    @property
    def velocity_deg_s(self) -> list[float]:
        return [mdeg_s / 1e3 for mdeg_s in self.velocity_mdeg_s]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CMcu) and self.remembered() == other.remembered()

    __hash__ = None  # type: ignore[assignment]

    def remembered(self) -> bytes:
        """All that it knows, without its addresses."""
        copy = HandC.from_buffer_copy(self.c)
        copy.joints = copy.context = None
        copy.write = WRITE()
        return bytes(copy)


def _taken(mcu: CMcu) -> bytes:
    said, mcu.said = b"".join(mcu.said), []
    return said


def _advance(mcu: CMcu, now_ms: int) -> bytes:
    library().flx_hand_advance(ct.byref(mcu.c), U32(now_ms & 0xFFFFFFFF))
    return _taken(mcu)


def _receive(mcu: CMcu, data: bytes, now_ms: int) -> bytes:
    now = U32(now_ms & 0xFFFFFFFF)
    library().flx_hand_receive(ct.byref(mcu.c), data, ct.c_size_t(len(data)), now)
    return _taken(mcu)


c_model = SimpleNamespace(
    advance=_advance,
    receive=_receive,
    press_emergency_stop=lambda mcu: library().flx_emergency_stop(ct.byref(mcu.c)),
    torque_limit=lambda mcu: library().flx_torque_limit(ct.byref(mcu.c)),
)
"""The functions of simulated_mcu, in C."""

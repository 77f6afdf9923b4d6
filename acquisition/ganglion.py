"""OpenBCI Ganglion (4 channels, 200 Hz) over Bluetooth, with firmware 3.

Facts: brainflow-dev/brainflow@9097190c, OpenBCI/OpenBCI_Ganglion_Library@b6058e62.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from acquisition.ble import Door, Kind
from acquisition.framed import Framed, Layout, MotionTrack
from acquisition.port import Arrival, Port, drain
from acquisition.sequence import Frames, Ints
from acquisition.stream import (
    Chunk,
    Counts,
    Device,
    DeviceRefused,
    DeviceTimeout,
    Samples,
    Spec,
)
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import split_argument

SERVICE = "0000fe84-0000-1000-8000-00805f9b34fb"
NOTIFIED = "2d30c082-f39f-4ce6-923f-3484ea480596"
COMMAND = "2d30c083-f39f-4ce6-923f-3484ea480596"
FRAME_N = 20
SAMPLES_PER_FRAME = 2
CYCLE = 100
"""Frames are numbered 0 to 99 with the accelerometer on, 100 to 199 with it off."""
COUNT_UV = 1.2e6 / (8_388_607 * 1.5 * 51)
"""MCP3912: 1.2 V reference, gain 1.5 in the chip and 51 before it, at 24 bit."""
BITS = {True: 18, False: 19}
"""whether the accelerometer is on -> leading bits of 24 that a sample is sent with"""
SPEC = Spec(200.0, ("emg1", "emg2", "emg3", "emg4"), "uV", COUNT_UV, 2**23 * COUNT_UV)
ACCEL_G = 0.016
MOTION = Spec(10.0, ("accel_x_g", "accel_y_g", "accel_z_g"), "named", ACCEL_G)
AXES = ((2, -1.0), (1, 1.0), (0, 1.0))
"""Of the frames with numbers that end with 0, 1, 2: place in (x, y, z), and sign (BrainFlow's)."""
OLD_TAIL = b"ABCDEFG"
"""What firmware 2 fills its uncompressed frame with, once a second and first of all."""
FIRST_S = 2.0
MEND = "check its battery and its blue light, and bring it nearer"

KIND = Kind(
    what="Ganglion",
    source="ganglion",
    services=(SERVICE,),
    names=("Ganglion", "Simblee"),
    notify=(NOTIFIED,),
    write=(COMMAND,),
    mend=f"{MEND}; end the program or phone that is connected to it",
)


def counters(frames: Frames) -> Ints:
    return frames[:, 0].astype(np.int64) % CYCLE


def counts_of(frames: Frames, bits: int) -> Ints:
    """(frame, byte) -> (time, channel) at 24 bit: two samples of four values of `bits` each.

    The last bit of a value is its sign and no part of its size.
    """
    values_n = SAMPLES_PER_FRAME * len(SPEC.channels)
    body = np.unpackbits(frames[:, 1:FRAME_N], axis=1)[:, : bits * values_n]
    weights = 1 << np.arange(bits - 1, -1, -1, dtype=np.int64)
    values = body.reshape(len(frames), values_n, bits) @ weights
    negative = values & 1
    signed: Ints = ((values & ~1) - (negative << bits)) << (24 - bits)
    return signed.reshape(-1, len(SPEC.channels))


def layout_of(bits: int) -> Layout:
    """The layout with 18 or 19 bits."""

    def samples(frames: Frames) -> Samples:
        return (counts_of(frames, bits) * COUNT_UV).astype(np.float32)

    return Layout(
        frame_n=FRAME_N,
        framer=lambda counts: GanglionFrames(bits, counts),
        samples=samples,
        samples_per_frame=SAMPLES_PER_FRAME,
        counters=counters,
        modulus=CYCLE,
    )


class GanglionFrames:
    """Notifications that are frames of the kind that was asked for.

    Answers in words (206 and above) and impedances (201 to 205) are none, and none are damaged.
    """

    def __init__(self, bits: int, counts: Counts) -> None:
        self._first = 0 if bits == BITS[True] else CYCLE
        self._counts = counts

    def feed(self, data: bytes) -> Frames:
        if len(data) == FRAME_N and self._first <= data[0] < self._first + CYCLE:
            return np.frombuffer(data, np.uint8).reshape(1, -1)
        told = bool(data) and data[0] > 2 * CYCLE
        self._counts.damaged_frames += not told
        return np.empty((0, FRAME_N), np.uint8)


class GanglionParser:
    """A parser that puts the accelerometer's axes together, which come one after another."""

    def __init__(self, counts: Counts, accel: bool) -> None:
        self._framed = Framed(layout_of(BITS[accel]), SPEC, counts)
        self._motion = MotionTrack(MOTION)
        self.take_motion = self._motion.take
        self._accel = accel
        self._axes: dict[int, float] = {}

    def feed(self, arrival: Arrival) -> list[Chunk]:
        chunks = self._framed.feed(arrival)
        data = arrival.data
        if chunks and self._accel and data[0] % 10 < len(AXES):
            place, sign = AXES[data[0] % 10]
            # One byte in two's complement.
            self._axes[place] = sign * ACCEL_G * ((data[19] ^ 0x80) - 0x80)
            if place == AXES[-1][0]:
                self._tell(arrival.at_s)
        return chunks

    def _tell(self, at_s: float) -> None:
        if len(self._axes) == len(AXES):
            row = [self._axes[place] for place in range(len(AXES))]
            self._motion.add(np.array([row], np.float32), at_s)
        self._axes.clear()


def open_ganglion(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The Ganglion at "ADDRESS,accel=no"; without an address (or name), the one that is near.

    Without the accelerometer a sample has a bit more. `port` opens something else than Bluetooth,
    as tests do. Refuses settings that it does not have; `start` refuses where Bluetooth is missing,
    where no Ganglion, or more than one, is near, and firmware 2.
    """
    address, settings = split_argument(argument, {"accel": True}, "ganglion")
    accel = bool(settings["accel"])
    where = f"the Ganglion at {address}" if address else "the Ganglion"
    wiring = Wiring(
        what=where,
        spec=SPEC,
        open=port or Door(KIND, address),
        begin=lambda opened: _begin(opened, where, accel=accel),
        end=_end,
        parser=lambda counts: GanglionParser(counts, accel),
        motion_spec=MOTION if accel else None,
        mend=MEND,
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(port: Port, where: str, *, accel: bool) -> None:
    """Starts the stream and looks at what comes first: firmware 2 begins with a frame of its own,
    and counts from 1 to 100 where firmware 3 counts from 0 to 99."""
    port.write(b"s", COMMAND)
    drain(port, 0.1)
    port.write(b"n" if accel else b"N", COMMAND)
    port.write(b"b", COMMAND)
    end_s = port.clock() + FIRST_S
    while (left_s := end_s - port.clock()) > 0:
        for arrival in port.read(left_s):
            data = arrival.data
            if len(data) == FRAME_N and data[0] <= 2 * CYCLE:
                if (data[0] == 0 and data.endswith(OLD_TAIL)) or data[0] == 2 * CYCLE:
                    port.write(b"s", COMMAND)
                    raise DeviceRefused(
                        f"{where[:1].upper()}{where[1:]} has firmware 2, whose differences a lost "
                        f"packet spoils: bring it to firmware 3 (docs.openbci.com)."
                    )
                return
    raise DeviceTimeout(f"{where[:1].upper()}{where[1:]} sends no samples: {MEND}.")


def _end(port: Port) -> None:
    port.write(b"s", COMMAND)

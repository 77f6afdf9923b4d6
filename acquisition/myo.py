"""Thalmic Myo armband over the computer's own Bluetooth: 8 channels of EMG at 200 Hz, and motion.

Facts: thalmiclabs/myo-bluetooth@c79c1a5d:myohw.h, PerlinWarp/pyomyo@6c1728eb.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from acquisition.ble import Door, Kind
from acquisition.framed import Framed, Layout, MotionTrack
from acquisition.framing import Messages
from acquisition.myo_files import MYO_SPEC
from acquisition.port import Arrival, Port
from acquisition.sequence import Frames, Ints
from acquisition.stream import Chunk, Counts, Device, Samples, Spec
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import refuse_choice, split_argument


def uuid_of(number: int) -> str:
    """One of the armband's own services and characteristics."""
    return f"d506{number:04x}-a904-deb9-4748-2c7f4a124842"


SERVICE, COMMAND, IMU = uuid_of(0x0001), uuid_of(0x0401), uuid_of(0x0402)
EMG = tuple(uuid_of(number) for number in (0x0105, 0x0205, 0x0305, 0x0405))
"""The armband notifies them in turn: their rotation is the only counter that it has."""
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"
"""Bluetooth's own: one byte, per cent."""
MODES = {"filtered": 2, "raw": 3}
"""`filtered` has the mains' hum taken out by the armband, and is what MyoArmbandDataset holds: the
spectrum of its files falls to a tenth at 50 Hz."""
SET_MODE, SLEEP_MODE, IMU_ON = 0x01, 0x09, 0x01
NEVER, NORMAL = 0x01, 0x00


def command(kind: int, *payload: int) -> bytes:
    """What the armband is told: a kind, the number of bytes that follow, and these."""
    return bytes([kind, len(payload), *payload])


STOP = command(SET_MODE, 0, 0, 0)
SLEEP_NEVER, SLEEP_NORMAL = command(SLEEP_MODE, NEVER), command(SLEEP_MODE, NORMAL)
EMG_N, IMU_N = 16, 20
"""bytes of a notification"""
SAMPLES_PER_FRAME = 2
MEND = "move the armband to wake it, charge it, and bring it nearer"

MOTION = Spec(
    50.0,
    (
        *(f"quaternion_{axis}" for axis in "wxyz"),
        *(f"accel_{axis}_g" for axis in "xyz"),
        *(f"gyro_{axis}_deg_s" for axis in "xyz"),
    ),
    "named",
)
MOTION_SCALE = np.array([1 / 16384] * 4 + [1 / 2048] * 3 + [1 / 16] * 3)
"""per count, in the units of the names; a quaternion has none"""

KIND = Kind(
    what="Myo armband",
    source="myo",
    services=(SERVICE,),
    names=(),
    notify=(*EMG, IMU),
    write=(COMMAND,),
    hear=(BATTERY,),
    mend=f"{MEND}; end Myo Connect and pull out its dongle, which would take it",
)


def set_mode(mode: str) -> bytes:
    """Begins the stream: EMG in that mode, motion data, no classifier."""
    return command(SET_MODE, MODES[mode], IMU_ON, 0)


def counters(frames: Frames) -> Ints:
    """Place in the rotation, 0 to 3, which stands before the notification's bytes."""
    return frames[:, 0].astype(np.int64)


def counts_of(frames: Frames) -> Samples:
    """(frame, 1 + 16 bytes) -> (time, channel): two samples of eight signed bytes each."""
    values = np.ascontiguousarray(frames[:, 1:]).view(np.int8)
    return values.reshape(-1, len(MYO_SPEC.channels)).astype(np.float32)


def motion_of(data: bytes) -> Samples:
    """(1, 10): quaternion w x y z, acceleration in g, rotation in degrees per second."""
    counts = np.frombuffer(data, "<i2").reshape(1, -1)
    motion: Samples = (counts * MOTION_SCALE).astype(np.float32)
    return motion


LAYOUT = Layout(
    frame_n=1 + EMG_N,
    framer=lambda counts: Messages(1 + EMG_N, counts),
    samples=counts_of,
    samples_per_frame=SAMPLES_PER_FRAME,
    counters=counters,
    modulus=len(EMG),
)


class Armband:
    """Notifications to chunks, however they came here."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._framed = Framed(LAYOUT, MYO_SPEC, counts)
        self._motion = MotionTrack(MOTION)

    def emg(self, notified: list[tuple[int, bytes]], at_s: float) -> list[Chunk]:
        """Chunks of (place in the rotation, 16 bytes) that arrived at `at_s`, oldest first."""
        whole = [bytes([turn]) + data for turn, data in notified if len(data) == EMG_N]
        self._counts.damaged_frames += len(notified) - len(whole)
        frames = np.frombuffer(b"".join(whole), np.uint8).reshape(-1, 1 + EMG_N)
        return self._framed.take(frames, at_s)

    def imu(self, data: bytes, at_s: float) -> None:
        if len(data) == IMU_N:
            self._motion.add(motion_of(data), at_s)
        else:
            self._counts.damaged_frames += 1

    def take_motion(self) -> list[Chunk]:
        return self._motion.take()


class MyoParser:
    """A parser of what the characteristics notify."""

    def __init__(self, counts: Counts) -> None:
        self._armband = Armband(counts)
        self.take_motion = self._armband.take_motion
        self.battery_share: float | None = None
        """0 .. 1; None until it told"""

    def feed(self, arrival: Arrival) -> list[Chunk]:
        if arrival.line in EMG:
            turn = EMG.index(arrival.line)
            return self._armband.emg([(turn, arrival.data)], arrival.at_s)
        if arrival.line == IMU:
            self._armband.imu(arrival.data, arrival.at_s)
        if arrival.line == BATTERY and len(arrival.data) == 1:
            self.battery_share = min(1.0, arrival.data[0] / 100)
        return []


def open_myo(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The Myo at "ADDRESS,mode=raw"; without an address (or name), the one that is near.

    `port` opens something else than Bluetooth, as tests do. Refuses settings that it does not
    have; `start` refuses where Bluetooth is missing and where no Myo, or more than one, is near.
    """
    address, settings = split_argument(argument, {"mode": "filtered"}, "myo")
    mode = str(settings["mode"])
    refuse_choice("mode", mode, tuple(MODES))
    wiring = Wiring(
        what=f"the Myo at {address}" if address else "the Myo",
        spec=MYO_SPEC,
        open=port or Door(KIND, address),
        begin=lambda opened: _begin(opened, mode),
        end=_end,
        parser=MyoParser,
        motion_spec=MOTION,
        mend=MEND,
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(port: Port, mode: str) -> None:
    """The port has subscribed by now, as the armband wants it."""
    port.write(set_mode(mode), COMMAND)
    port.write(SLEEP_NEVER, COMMAND)


def _end(port: Port) -> None:
    port.write(STOP, COMMAND)
    port.write(SLEEP_NORMAL, COMMAND)

"""Upside Down Labs' NPG-LITE over Bluetooth: 3 channels at 500 Hz, 12 bits.

Facts: upsidedownlabs/Chords-Python@5f36655d:chords_ble.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from acquisition.ble import Door, Kind
from acquisition.chords import BOARDS, spec_of
from acquisition.framed import Framed, Layout, unsigned
from acquisition.port import Port
from acquisition.sequence import Frames, Ints
from acquisition.stream import Counts, Device, Samples
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import Setting, split_argument

SERVICE = "4fafc201-1fb5-459e-8fcc-c5c9c331914b"
"""Of an example that many makers copied: the board is known by its name, not by this."""
NOTIFIED = "beb5483e-36e1-4688-b7f5-ea07361b26a8"
COMMAND = "0000ff01-0000-1000-8000-00805f9b34fb"
BOARD = BOARDS["npg-lite"]
SAMPLE_N, SAMPLES_N = 7, 10
"""A notification is ten samples of a counter and three words of two bytes, big endian."""
MEND = "charge it, switch it on, and bring it nearer"

KIND = Kind(
    what="NPG-LITE",
    source="npg_lite",
    services=(),
    names=("NPG",),
    notify=(NOTIFIED,),
    write=(COMMAND,),
    mend=f"{MEND}; end the app or browser that is connected to it",
)


def counters(frames: Frames) -> Ints:
    return frames[:, 0].astype(np.int64)


def layout_of(scale: float = 1.0) -> Layout:
    """A frame is a sample here, since each has its counter."""

    def samples(frames: Frames) -> Samples:
        counts = unsigned(frames, 1, BOARD.channels_n, 2, big=True)
        return (counts * scale).astype(np.float32)

    return Layout(
        frame_n=SAMPLE_N, framer=NpgFrames, samples=samples, counters=counters, modulus=256
    )


class NpgFrames:
    """Notifications cut into samples. One whose counters do not follow each other is damaged; one
    that is equal to the last, counters and all, came twice."""

    def __init__(self, counts: Counts) -> None:
        self._counts, self._last = counts, b""

    def feed(self, data: bytes) -> Frames:
        nothing = np.empty((0, SAMPLE_N), np.uint8)
        if len(data) != SAMPLE_N * SAMPLES_N:
            self._counts.damaged_frames += 1
            return nothing
        frames = np.frombuffer(data, np.uint8).reshape(SAMPLES_N, SAMPLE_N)
        if (np.diff(frames[:, 0]) != 1).any():  # in bytes, which wrap as the counter does
            self._counts.damaged_frames += 1
            return nothing
        again, self._last = data == self._last, data
        self._counts.duplicate_frames += again
        return nothing if again else frames


def open_npg_lite(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The NPG-LITE at "ADDRESS"; without an address (or name), the one that is near; vref (V) and
    gain of the sensor give microvolts.

    `port` opens something else than Bluetooth, as tests do. Refuses settings that it does not
    have; `start` refuses where Bluetooth is missing and where no board, or more than one, is near.
    """
    defaults: dict[str, Setting] = {"vref": 0.0, "gain": 0.0}
    address, settings = split_argument(argument, defaults, "npg_lite")
    spec = spec_of(BOARD, float(settings["vref"]), float(settings["gain"]))
    layout = layout_of(spec.scale)
    wiring = Wiring(
        what=f"the NPG-LITE at {address}" if address else "the NPG-LITE",
        spec=spec,
        open=port or Door(KIND, address),
        begin=lambda opened: opened.write(b"START", COMMAND),
        end=lambda opened: opened.write(b"STOP", COMMAND),
        parser=lambda counts: Framed(layout, spec, counts),
        mend=MEND,
    )
    return Lasting(Wired(wiring), clock, sleep)

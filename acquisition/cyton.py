"""OpenBCI Cyton (8 channels, 250 Hz) and Cyton with Daisy (16 channels, 125 Hz) at its USB dongle.

Facts: OpenBCI/OpenBCI_Cyton_Library@24e1c426, brainflow-dev/brainflow@9097190c.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from acquisition.framed import Framed, Layout, signed
from acquisition.framing import Marked
from acquisition.port import Port, drain, read_until
from acquisition.sequence import Frames, Ints
from acquisition.serial_port import SerialPort, find_port
from acquisition.stream import Counts, Device, DeviceRefused, DeviceTimeout, Samples, Spec
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import split_argument

BAUD_HZ = 115_200
USB_IDS = ((0x0403, 0x6015),)
"""The dongle's FTDI FT231X, with its vendor's own numbers."""
FRAME_N = 33
GAIN = 24.0
COUNT_UV = 4.5e6 / (2**23 - 1) / GAIN
"""ADS1299: 4.5 V reference, 24 bit two's complement."""
FULL_COUNTS = 2**23 - 1
ACCEL_G = 0.002 / 16
"""per count of the accelerometer"""
ACCEL_HZ = 25.0
"""It comes with every tenth frame; in between its bytes are 0."""
REPLY_S = 3.0
ACCEL_STOP = 0xC0
INPUTS = "12345678QWERTYUI"
"""The commands' letters for the channels, the Daisy's last."""
PAIRED = "x{}060100X"
"""Powered, gain 24, usual input, part of the bias, and off both common references (SRB2, SRB1):
so a channel measures between its own two pins."""

SPECS = {
    False: Spec(
        250.0, tuple(f"emg{i}" for i in range(1, 9)), "uV", COUNT_UV, FULL_COUNTS * COUNT_UV
    ),
    True: Spec(
        125.0, tuple(f"emg{i}" for i in range(1, 17)), "uV", COUNT_UV, FULL_COUNTS * COUNT_UV
    ),
}
"""whether there is a Daisy -> spec"""
MOTION = Spec(ACCEL_HZ, ("accel_x_g", "accel_y_g", "accel_z_g"), "named", ACCEL_G)


def looks_right(frames: Frames) -> NDArray[np.bool_]:
    """(frame,): begins with A0 and ends with C0 to C6."""
    tail = frames[:, -1]
    right: NDArray[np.bool_] = (frames[:, 0] == 0xA0) & (tail >= 0xC0) & (tail <= 0xC6)
    return right


def counters(frames: Frames) -> Ints:
    return frames[:, 1].astype(np.int64)


def microvolts(frames: Frames) -> Samples:
    """(frame, byte) -> (time, channel): eight channels, three bytes each, big endian."""
    return (signed(frames, 2, 8, 3, big=True) * COUNT_UV).astype(np.float32)


def accelerations(frames: Frames) -> Samples:
    """(time, axis) in g of the frames that carry them."""
    carrying = frames[(frames[:, -1] == ACCEL_STOP) & frames[:, 26:32].any(axis=1)]
    return (signed(carrying, 26, 3, 2, big=True) * ACCEL_G).astype(np.float32)


LAYOUT = Layout(
    frame_n=FRAME_N,
    framer=lambda counts: Marked(FRAME_N, looks_right, counts),
    samples=microvolts,
    counters=counters,
    modulus=256,
    motion=accelerations,
)


class DaisyFrames:
    """Pairs the boards' frames: an odd number is the Cyton's, the even one behind it the Daisy's.

    Half a pair is no sample: it is dropped, and its number counts as missing with its other half.
    """

    def __init__(self, counts: Counts) -> None:
        self._inner, self._counts = Marked(FRAME_N, looks_right, counts), counts
        self._odd: Frames | None = None

    def feed(self, data: bytes) -> Frames:
        pairs = []
        for frame in self._inner.feed(data):
            if frame[1] % 2:
                self._odd = frame
            elif self._odd is not None and (int(frame[1]) - int(self._odd[1])) % 256 == 1:
                pairs.append(np.concatenate([self._odd, frame]))
                self._odd = None
        return np.stack(pairs) if pairs else np.empty((0, 2 * FRAME_N), np.uint8)


def _daisy_counters(pairs: Frames) -> Ints:
    return pairs[:, FRAME_N + 1].astype(np.int64) // 2


def _daisy_microvolts(pairs: Frames) -> Samples:
    return np.concatenate([microvolts(pairs[:, :FRAME_N]), microvolts(pairs[:, FRAME_N:])], axis=1)


def _daisy_accelerations(pairs: Frames) -> Samples:
    return accelerations(pairs.reshape(-1, FRAME_N))


DAISY_LAYOUT = Layout(
    frame_n=2 * FRAME_N,
    framer=DaisyFrames,
    samples=_daisy_microvolts,
    counters=_daisy_counters,
    modulus=128,
    motion=_daisy_accelerations,
)


def open_cyton(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The Cyton at "PORT,daisy=yes,pairs=yes"; without a port, the dongle that is plugged in.

    `port` opens something else than a serial port, as tests do. Refuses settings that it does not
    have; `start` refuses a port that is not there, or where no Cyton answers.
    """
    address, settings = split_argument(argument, {"daisy": False, "pairs": False}, "cyton")
    daisy, pairs = bool(settings["daisy"]), bool(settings["pairs"])
    where = address or "its dongle"

    def open_serial() -> Port:
        return SerialPort(address or find_port(USB_IDS, "OpenBCI dongle", "cyton"), BAUD_HZ)

    layout, spec = (DAISY_LAYOUT if daisy else LAYOUT), SPECS[daisy]
    wiring = Wiring(
        what=f"the Cyton at {where}",
        spec=spec,
        open=port or open_serial,
        begin=lambda opened: _begin(opened, where, daisy=daisy, pairs=pairs),
        end=_end,
        parser=lambda counts: Framed(layout, spec, counts, MOTION),
        motion_spec=MOTION,
        mend="check that the board is switched to PC, its battery, and the dongle's switch",
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(port: Port, where: str, *, daisy: bool, pairs: bool) -> None:
    """Stops what may still run, resets, and refuses what is not a Cyton or has no Daisy."""
    port.write(b"s")
    drain(port, 0.2)
    port.write(b"v")
    banner = read_until(port, b"$$$", REPLY_S)
    if banner is None:
        raise DeviceTimeout(
            f"No Cyton answered at {where} within {REPLY_S:g} s: switch the board to PC and the "
            f"dongle to GPIO 6, and check its battery."
        )
    if b"OpenBCI" not in banner and b"ADS1299" not in banner:
        raise DeviceRefused(f"What answers at {where} is not a Cyton: choose another port.")
    if b"timeout" in banner.lower() or b"Failure" in banner:
        raise DeviceTimeout(
            f"The dongle at {where} hears no board: switch the Cyton to PC, near the dongle."
        )
    port.write(b"C" if daisy else b"c")
    reply = read_until(port, b"$$$", REPLY_S) or b""
    if daisy and b"16" not in reply:
        raise DeviceRefused(f"The Cyton at {where} has no Daisy: leave daisy=yes out.")
    port.write(b"d")
    read_until(port, b"$$$", REPLY_S)
    for letter in INPUTS[: len(SPECS[daisy].channels)] if pairs else "":
        port.write(PAIRED.format(letter).encode())
        told = read_until(port, b"$$$", REPLY_S)
        if told is None or b"Failure" in told:
            raise DeviceTimeout(
                f"The Cyton at {where} does not say that channel {letter} was set: leave pairs=yes "
                f"out, or update its firmware."
            )
    port.write(b"b")


def _end(port: Port) -> None:
    port.write(b"s")

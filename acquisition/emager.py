"""EMaGer sleeve: 64 electrodes at 1 kHz over a serial port of 1.5 Mbaud.

Facts: SBIOML/emager-py@69f8d11b, LibEMG/libemg@285350e4 (order of the channels; that of emager-py
names one twice).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from acquisition.framed import Framed, Layout, signed
from acquisition.framing import Marked
from acquisition.port import Port
from acquisition.sequence import Frames
from acquisition.serial_port import SerialPort, find_port
from acquisition.stream import Device, DeviceTimeout, Samples, Spec
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import refuse_choice, split_argument

BAUD_HZ = 1_500_000
USB_IDS = ((0x04B4, 0xF155),)
"""KitProg3, the programmer on the sleeve's board"""
CHANNELS_N = 64
FRAME_N = 2 * CHANNELS_N
RATE_HZ = 1000.0
FIRST_S = 2.0
SPEC = Spec(RATE_HZ, tuple(f"emg{i}" for i in range(1, CHANNELS_N + 1)), "raw", 1.0, 2.0**15)

ORDERS = {
    "1.0": (
        *(10, 22, 12, 24, 13, 26, 7, 28, 1, 30, 59, 32, 53, 34, 48, 36),
        *(62, 16, 14, 21, 11, 27, 5, 33, 63, 39, 57, 45, 51, 44, 50, 40),
        *(8, 18, 15, 19, 9, 25, 3, 31, 61, 37, 55, 43, 49, 46, 52, 38),
        *(6, 20, 4, 17, 2, 23, 0, 29, 60, 35, 58, 41, 56, 47, 54, 42),
    ),
    "1.1": (
        *(44, 49, 43, 55, 39, 59, 33, 2, 32, 3, 26, 6, 22, 13, 16, 10),
        *(42, 48, 45, 54, 38, 58, 35, 0, 34, 1, 27, 7, 23, 11, 17, 12),
        *(46, 52, 40, 51, 36, 56, 31, 60, 30, 63, 25, 4, 21, 8, 18, 15),
        *(47, 50, 41, 53, 37, 57, 29, 62, 28, 61, 24, 5, 19, 9, 20, 14),
    ),
}
"""Version of the sleeve -> the word of a frame that each electrode is, row by row of 16 around
the arm."""


def looks_right(frames: Frames) -> NDArray[np.bool_]:
    """(frame,): the last bit is 0 in the first word and 1 in all others. It is the only mark."""
    lowest = frames[:, 1::2] & 1
    right: NDArray[np.bool_] = (lowest[:, 0] == 0) & lowest[:, 1:].all(axis=1)
    return right


def words(frames: Frames) -> Samples:
    """(frame, byte) -> (time, word), big endian. The marking bit stays in them."""
    return signed(frames, 0, CHANNELS_N, 2, big=True).astype(np.float32)


def layout_of(version: str) -> Layout:
    """Without a counter: a frame that is missing shows in the arrivals alone."""
    order = np.array(ORDERS[version])
    return Layout(
        frame_n=FRAME_N,
        framer=lambda counts: Marked(FRAME_N, looks_right, counts),
        samples=lambda frames: words(frames)[:, order],
    )


def open_emager(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The sleeve at "PORT,version=1.1"; without a port, the one that is plugged in.

    `port` opens something else than a serial port, as tests do. `start` refuses a port where no
    frames come: the sleeve sends as soon as it has power.
    """
    address, settings = split_argument(argument, {"version": "1.0"}, "emager")
    version = str(settings["version"])
    refuse_choice("version", version, tuple(ORDERS))
    where, layout = address or "its port", layout_of(version)

    def open_serial() -> Port:
        return SerialPort(address or find_port(USB_IDS, "EMaGer sleeve", "emager"), BAUD_HZ)

    wiring = Wiring(
        what=f"the EMaGer sleeve at {where}",
        spec=SPEC,
        open=port or open_serial,
        begin=lambda opened: _begin(opened, where),
        end=_end,
        parser=lambda counts: Framed(layout, SPEC, counts),
        mend="check its cable and its power",
        counted=False,
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(port: Port, where: str) -> None:
    """Listens: there is nobody to ask."""
    heard, until_s = b"", port.clock() + FIRST_S
    while (left_s := until_s - port.clock()) > 0 and len(heard) < 4 * FRAME_N:
        heard += b"".join(arrival.data for arrival in port.read(left_s))
    held = np.frombuffer(heard, np.uint8)
    if len(held) >= FRAME_N:
        begins = np.lib.stride_tricks.sliding_window_view(held, FRAME_N)
        if looks_right(begins).any():
            return
    what = f"{len(held)} bytes that are no frames of it" if len(held) else "nothing"
    raise DeviceTimeout(
        f"{where} gave {what} within {FIRST_S:g} s, and an EMaGer sleeve sends by itself: check "
        f"that this is its port and that it is on."
    )


def _end(port: Port) -> None:
    """The sleeve knows no command: it goes on sending, and nobody listens."""

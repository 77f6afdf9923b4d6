"""Boards with the Chords firmware: an Arduino or its like with analog muscle sensors, in binary.

Facts: upsidedownlabs/Chords-Arduino-Firmware@e9c772f8, Chords-Python@5f36655d.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.framed import Framed, Layout, unsigned
from acquisition.framing import Marked
from acquisition.port import Port, drain, read_until
from acquisition.sequence import Frames, Ints
from acquisition.serial_port import SerialPort, find_port
from acquisition.stream import Device, DeviceRefused, DeviceTimeout, Samples, Spec
from acquisition.tables import refuse_unknown
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import Setting, split_argument

BAUD_HZ = 230_400
"""Older firmware has 115200."""
USB_IDS = ((0x2341, 0x0069), (0x2E8A, 0x000A))
"""Arduino UNO R4 Minima and Raspberry Pi Pico"""
HEAD, TAIL = b"\xc7\x7c", 0x01
RESET_S = 2.0
"""Opening its port restarts an AVR board."""
REPLY_S = 2.0


@dataclass(frozen=True)
class Board:
    """What a board says it is, and what that means."""

    replies: tuple[str, ...]
    """to WHORU"""
    channels_n: int
    rate_hz: float
    bits: int
    """of its analog-to-digital converter"""


BOARDS = {
    "uno-r3": Board(("UNO-R3", "UNO-CLONE", "GENUINO-UNO"), 6, 250.0, 10),
    "nano": Board(("NANO-CLASSIC", "NANO-CLONE"), 8, 250.0, 10),
    "mega": Board(("MEGA-2560-R3", "MEGA-2560-CLONE"), 16, 250.0, 10),
    "uno-r4": Board(("UNO-R4",), 6, 500.0, 14),
    "pico": Board(("RPI-PICO-RP2040",), 3, 500.0, 12),
    "stm32f4": Board(("STM32F4-BLACK-PILL",), 8, 500.0, 12),
    "stm32g4": Board(("STM32G4-CORE-BOARD",), 16, 500.0, 12),
    "npg-lite": Board(("NPG-LITE",), 3, 500.0, 12),
    "giga-r1": Board(("GIGA-R1",), 6, 500.0, 16),
}
"""our name -> board"""


def frame_n(board: Board) -> int:
    return len(HEAD) + 1 + 2 * board.channels_n + 1


def spec_of(board: Board, vref: float = 0.0, gain: float = 0.0) -> Spec:
    """Microvolts at the electrodes where the sensor's gain and the converter's reference (in
    volts) are given; raw counts, from 0, where not."""
    names = tuple(f"emg{i}" for i in range(1, board.channels_n + 1))
    top = 2**board.bits - 1
    if not (vref and gain):
        return Spec(board.rate_hz, names, "raw", 1.0, float(top))
    scale = vref / top / gain * 1e6
    return Spec(board.rate_hz, names, "uV", scale, top * scale)


def layout_of(board: Board, scale: float = 1.0) -> Layout:
    """Head, counter, big-endian samples, tail."""

    def looks_right(frames: Frames) -> NDArray[np.bool_]:
        right: NDArray[np.bool_] = (
            (frames[:, 0] == HEAD[0]) & (frames[:, 1] == HEAD[1]) & (frames[:, -1] == TAIL)
        )
        return right

    def samples(frames: Frames) -> Samples:
        return (unsigned(frames, 3, board.channels_n, 2, big=True) * scale).astype(np.float32)

    def counters(frames: Frames) -> Ints:
        return frames[:, 2].astype(np.int64)

    length_n = frame_n(board)
    return Layout(
        frame_n=length_n,
        framer=lambda counts: Marked(length_n, looks_right, counts),
        samples=samples,
        counters=counters,
        modulus=256,
    )


def open_chords(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The board at "PORT,board=uno-r4"; vref (V) and gain of the sensor give microvolts.

    `port` opens something else than a serial port, as tests do. `start` refuses a port where
    nothing answers as Chords does, and a board that says it is another one.
    """
    defaults: dict[str, Setting] = {"board": "uno-r4", "baud": BAUD_HZ, "vref": 0.0, "gain": 0.0}
    address, settings = split_argument(argument, defaults, "chords")
    name, vref, gain = str(settings["board"]), float(settings["vref"]), float(settings["gain"])
    refuse_unknown(name, BOARDS, "Chords board")
    board = BOARDS[name]
    spec, where = spec_of(board, vref, gain), address or "its port"
    layout = layout_of(board, spec.scale)

    def open_serial() -> Port:
        found = address or find_port(USB_IDS, "Chords board", "chords")
        return SerialPort(found, int(settings["baud"]))

    wiring = Wiring(
        what=f"the Chords board at {where}",
        spec=spec,
        open=port or open_serial,
        begin=lambda opened: _begin(opened, where, name),
        end=lambda opened: opened.write(b"STOP\n"),
        parser=lambda counts: Framed(layout, spec, counts),
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(port: Port, where: str, name: str) -> None:
    """Waits for the restart, asks who is there, and starts only the board that was asked for."""
    drain(port, RESET_S)
    port.write(b"STOP\n")  # any byte ends a stream that still runs
    drain(port, 0.2)
    port.write(b"WHORU\n")
    said = read_until(port, b"\n", REPLY_S)
    if said is None:
        raise DeviceTimeout(
            f"Nothing at {where} answered as Chords does within {REPLY_S:g} s: flash the Chords "
            f"firmware, or use arduino:{where} for a board that prints columns."
        )
    told = said.decode("ascii", "replace").strip()
    found = next((key for key, board in BOARDS.items() if told in board.replies), None)
    if found is None:
        raise DeviceRefused(
            f'What answers at {where} says "{told[:40]}", which is none of the Chords boards that '
            f"are known here ({', '.join(BOARDS)}): choose another port or board."
        )
    if found != name:
        raise DeviceRefused(
            f"The board at {where} is a {found} ({told[:40]}), and {name} was asked for: write "
            f"board={found}."
        )
    port.write(b"START\n")

"""Any board that prints columns of numbers over a serial port: "512,498,530" and a line's end.

There is no standard. What a board prints in its first column, how many channels follow and how
fast, are settings; a stream that has it otherwise is refused.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acquisition.framed import Framed, Layout
from acquisition.lines import LineFrames, columns, values
from acquisition.port import Port, drain
from acquisition.sequence import Frames, Ints
from acquisition.serial_port import SerialPort, find_port
from acquisition.stream import Device, DeviceRefused, DeviceTimeout, Refused, Samples, Spec
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import Setting, refuse_choice, split_argument

USB_IDS = ((0x2341, 0x0043), (0x2341, 0x0001), (0x1A86, 0x7523), (0x10C4, 0xEA60))
"""Arduino Uno, CH340 and CP2102: what most such boards have"""
RESET_S = 2.0
"""Opening its port restarts an AVR board."""
LISTEN_S, LISTEN_LINES_N = 3.0, 20
FIRSTS = ("value", "counter", "time_us")
SLOW = 0.005
"""Share by which the ceramic resonator of an Arduino Uno may be slow."""
LEAST_S = 0.02
"""Without a counter, a shorter gap cannot be told from the error of a board's clock."""
DEFAULTS: dict[str, Setting] = {
    "channels": 1,
    "rate": 500.0,
    "baud": 115_200,
    "first": "value",
    "wrap": 256,
    "bits": 10,
    "vref": 0.0,
    "gain": 0.0,
}


@dataclass(frozen=True)
class Columns:
    """What a line holds."""

    channels_n: int
    rate_hz: float
    first: str
    """what the first column is: one of FIRSTS"""
    wrap: int = 256
    """values of the counter, or a divisor of them: 256 serves counters of 8, 16 and 32 bits"""

    @property
    def n(self) -> int:
        return self.channels_n + (self.first != "value")


def spec_of(held: Columns, bits: int = 10, vref: float = 0.0, gain: float = 0.0) -> Spec:
    """Microvolts at the electrodes where the sensor's gain and the converter's reference (in
    volts) are given; raw numbers as they are printed, where not."""
    names = tuple(f"emg{i}" for i in range(1, held.channels_n + 1))
    if not (vref and gain):
        return Spec(held.rate_hz, names, "raw")
    top = 2**bits - 1
    scale = vref / top / gain * 1e6
    return Spec(held.rate_hz, names, "uV", scale, top * scale)


def layout_of(held: Columns, scale: float = 1.0) -> Layout:
    """Lines as frames of doubles, one for each column."""
    leading = held.n - held.channels_n

    def samples(frames: Frames) -> Samples:
        return (values(frames)[:, leading:] * scale).astype(np.float32)

    def counters(frames: Frames) -> Ints:
        numbers: Ints = np.rint(values(frames)[:, 0]).astype(np.int64)
        return numbers % held.wrap

    counted = held.first != "value"
    rate_hz = held.rate_hz if held.first == "time_us" else None
    return Layout(
        frame_n=8 * held.n,
        framer=lambda counts: LineFrames(held.n, counts, rate_hz),
        samples=samples,
        counters=counters if counted else None,
        modulus=held.wrap if counted else 0,
        jitter_s=LEAST_S,
        drift=SLOW,
    )


def open_arduino(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The board at "PORT,channels=4,rate=500,first=counter"; see DEFAULTS for the other settings.

    `port` opens something else than a serial port, as tests do. `start` refuses a port that prints
    nothing, no numbers, or another number of columns.
    """
    address, given = split_argument(argument, DEFAULTS, "arduino")
    refuse_choice("first", str(given["first"]), FIRSTS)
    held = Columns(
        int(given["channels"]), float(given["rate"]), str(given["first"]), int(given["wrap"])
    )
    if held.channels_n < 1 or held.wrap < 2:
        raise Refused("A board prints one channel at least, and its counter has two values.")
    spec = spec_of(held, int(given["bits"]), float(given["vref"]), float(given["gain"]))
    layout, where = layout_of(held, spec.scale), address or "its port"

    def open_serial() -> Port:
        found = address or find_port(USB_IDS, "Arduino", "arduino")
        return SerialPort(found, int(given["baud"]))

    wiring = Wiring(
        what=f"the board at {where}",
        spec=spec,
        open=port or open_serial,
        begin=lambda opened: _begin(opened, where, held),
        end=_end,
        parser=lambda counts: Framed(layout, spec, counts),
        mend="check its cable, and that its program still prints",
        counted=held.first != "value",
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(port: Port, where: str, held: Columns) -> None:
    """Waits for the restart, then listens to what the lines hold."""
    drain(port, RESET_S)
    heard, until_s = b"", port.clock() + LISTEN_S
    while (left_s := until_s - port.clock()) > 0 and heard.count(b"\n") < LISTEN_LINES_N + 1:
        heard += b"".join(arrival.data for arrival in port.read(left_s))
    if not heard:
        raise DeviceTimeout(
            f"Nothing came from {where} within {LISTEN_S:g} s: check that the board's program "
            f"prints, and its baud rate."
        )
    seen = Counter(n for n in map(columns, heard.split(b"\n")[1:-1]) if n)
    if not seen:
        raise DeviceRefused(
            f"What {where} sends are no columns of numbers: set baud= as the board's program "
            f"does, or choose another port."
        )
    found = seen.most_common(1)[0][0]
    if found != held.n:
        leading = "" if held.first == "value" else f" behind a {held.first} column"
        raise DeviceRefused(
            f"The board at {where} prints {found} columns, and {held.channels_n} channels"
            f"{leading} were expected: set channels= and first= as its program prints."
        )


def _end(port: Port) -> None:
    """The board knows no command: it goes on printing, and nobody listens."""

"""OT Bioelettronica Quattrocento (up to 384 channels), by itself or through OTBioLab Light.

We call the amplifier, or the program on its computer. Little endian, unlike the maker's other
devices. Facts: OTBioelettronica/OTB-Python@381a138d (Read_quattrocento.py); the program's answer:
NsquaredLab/Biosignal-Device-Interface (otb_quattrocento_light_constants.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from acquisition.otb import Words, crc8, spec_of, wiring_of
from acquisition.port import Ahead, Port, dial
from acquisition.stream import Device, DeviceRefused, DeviceTimeout
from acquisition.wire import Lasting, Wired
from acquisition.words import refuse_choice, split_argument

HOST, TCP_PORT = "169.254.1.10", 23456
LIGHT_HOST, LIGHT_PORT = "localhost", 31000
RATES_HZ = (512, 2048, 5120, 10240)
TOTALS = (120, 216, 312, 408)
"""Channels in a frame: 24 of them are AUX inputs and the device's own."""
AUX_N, OWN_N = 16, 8
COUNT_UV = 5e6 / 2**16 / 150
"""5 V over 16 bits, behind a gain of 150"""
DECIMATE, ANALOG_OUT = 1 << 6, 9
"""As in the maker's script: measure at the highest rate and thin out; put a channel out."""
INPUT = bytes([0, 0, 0x14])
"""Of each of 12 inputs: no muscle named, no sensor named, the usual filters, monopolar."""
LIGHT_START, LIGHT_STOP, LIGHT_ANSWER = b"startTX", b"stopTX", b"OTBioLab"
ANSWER_S = 3.0


def command(total_n: int, rate_hz: int, *, go: bool = True) -> bytes:
    """40 bytes that say how to measure, the last a checksum. To stop, all of the first is off."""
    first = 0x80
    if go:
        first |= DECIMATE | RATES_HZ.index(rate_hz) << 3 | TOTALS.index(total_n) << 1 | 1
    body = bytes([first, ANALOG_OUT, 0]) + 12 * INPUT
    return body + bytes([crc8(body)])


def words_of(total_n: int) -> Words:
    """Muscle channels, 16 AUX, and 8 of the device's own, whose first is the ramp."""
    emg_n = total_n - AUX_N - OWN_N
    return Words(total_n, ((0, emg_n),), (total_n - OWN_N,), big=False)


def open_quattrocento(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The amplifier at "HOST,channels=408,rate=2048"; without a host, at its own address.
    `channels` are those in a frame: 24 fewer are muscle channels, in microvolts.

    Refuses other settings than the device has, and another number of channels than were asked for.
    """
    defaults: dict[str, int | float | str | bool] = {
        "channels": 408,
        "rate": 2048,
        "port": TCP_PORT,
    }
    address, settings = split_argument(argument, defaults, "quattrocento")
    total_n, rate_hz = int(settings["channels"]), int(settings["rate"])
    refuse_choice("channels", total_n, TOTALS)
    refuse_choice("rate", rate_hz, RATES_HZ)
    host, number, words = address or HOST, int(settings["port"]), words_of(total_n)
    wiring = wiring_of(
        f"the Quattrocento at {host}",
        words,
        spec_of(words, float(rate_hz), COUNT_UV),
        port or (lambda: dial(host, {"": number}, "the Quattrocento")),
        lambda opened: opened.write(command(total_n, rate_hz)),
        command(total_n, rate_hz, go=False),
        {f"quattrocento with channels={n}": words_of(n) for n in TOTALS if n != total_n},
        "check its network cable, and let no other program hold it",
    )
    return Lasting(Wired(wiring), clock, sleep)


def open_otb_light(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The Quattrocento behind OTBioLab Light at "HOST,rate=2048"; without a host, on this computer.
    The rate is that which is set in the program, which sends all 408 channels.

    Refuses a program that does not answer as OTBioLab Light does.
    """
    defaults: dict[str, int | float | str | bool] = {"rate": 2048, "port": LIGHT_PORT}
    address, settings = split_argument(argument, defaults, "otb_light")
    rate_hz, number, words = int(settings["rate"]), int(settings["port"]), words_of(TOTALS[-1])
    refuse_choice("rate", rate_hz, RATES_HZ)
    host = address or LIGHT_HOST
    what = f"OTBioLab Light at {host}"
    wiring = wiring_of(
        what,
        words,
        spec_of(words, float(rate_hz), COUNT_UV),
        port or (lambda: dial(host, {"": number}, "OTBioLab Light")),
        lambda opened: _start_light(opened, what),
        LIGHT_STOP,
        {},
        "start the acquisition in the program and check its amplifier",
    )
    return Lasting(Wired(wiring), clock, sleep)


def _start_light(opened: Ahead, what: str) -> None:
    """The answer stays in the stream, where the search for the first frame passes over it."""
    opened.write(LIGHT_START)
    end_s, heard = opened.clock() + ANSWER_S, b""
    while len(heard) < len(LIGHT_ANSWER) and (left_s := end_s - opened.clock()) > 0:
        heard += opened.peek(left_s)
    if not heard:
        raise DeviceTimeout(
            f"{what} did not answer within {ANSWER_S:g} s: switch its visualisation on."
        )
    if not heard.startswith(LIGHT_ANSWER):
        raise DeviceRefused(f"What answers at {what} is another program: check the port.")

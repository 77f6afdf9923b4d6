"""OT Bioelettronica Muovi (32 channels) and Muovi+ (64) over Wi-Fi.

The device calls us and is told how to measure in one byte. Facts:
OTBioelettronica/OTB-Python@381a138d, LibEMG@285350e4 (_OTB_Muovi.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from acquisition.otb import Words, caller, probe_words, spec_of, wiring_of
from acquisition.port import Port
from acquisition.stream import Device
from acquisition.wire import Lasting, Wired
from acquisition.words import refuse_choice, split_argument

TCP_PORT = 54321
EMG_N = {"muovi": 32, "muovi_plus": 64}
SIGNALS = {"emg": (2000.0, 2, 1), "eeg": (500.0, 3, 0)}
"""signal -> (rate in Hz, bytes of a word, bit of the command)"""


def command(signal: str, *, go: bool) -> bytes:
    """EMG in bit 3, mode 0 (monopolar) in bits 1 and 2, GO in bit 0."""
    return bytes([SIGNALS[signal][2] << 3 | go])


def words_of(name: str, signal: str) -> Words:
    return probe_words(EMG_N[name], width=SIGNALS[signal][1])


def open_muovi(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The Muovi that calls us, as "ADDRESS,signal=emg": 2000 Hz, 16 bits, microvolts. signal=eeg
    gives 500 Hz, 24 bits, raw. ADDRESS is ours, where to listen; without one, everywhere.

    Refuses a device whose frames are not a Muovi's, as those of a Muovi+.
    """
    return _open("muovi", "Muovi", argument, port, clock, sleep)


def open_muovi_plus(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The same for the Muovi+."""
    return _open("muovi_plus", "Muovi+", argument, port, clock, sleep)


def _open(
    name: str,
    label: str,
    argument: str,
    port: Callable[[], Port] | None,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Device:
    address, settings = split_argument(argument, {"signal": "emg", "port": TCP_PORT}, name)
    signal = str(settings["signal"])
    refuse_choice("signal", signal, tuple(SIGNALS))
    words, rate_hz = words_of(name, signal), SIGNALS[signal][0]
    wiring = wiring_of(
        f"the {label}",
        words,
        spec_of(words, rate_hz),
        caller(port, int(settings["port"]), label, address),
        lambda opened: opened.write(command(signal, go=True)),
        command(signal, go=False),
        {other: words_of(other, signal) for other in EMG_N if other != name},
        "join its Wi-Fi and check its battery",
    )
    return Lasting(Wired(wiring), clock, sleep)

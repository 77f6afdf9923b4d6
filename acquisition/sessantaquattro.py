"""OT Bioelettronica Sessantaquattro and Sessantaquattro+ over Wi-Fi: 8 to 64 channels, to 4 kHz.

The device calls us and is told how to measure in one 16 bit word. Facts:
OTBioelettronica/OTB-Python@381a138d, LibEMG@285350e4 (_OTB_SessantaquattroPlus.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from acquisition.otb import Words, caller, probe_words, spec_of, wiring_of
from acquisition.port import Port
from acquisition.stream import Device
from acquisition.wire import Lasting, Wired
from acquisition.words import refuse_choice, split_argument

TCP_PORT = 45454
CHANNELS = (8, 16, 32, 64)
RATES_HZ = (500, 1000, 2000, 4000)
MODES = ("monopolar", "bipolar", "differential")
"""The others (accelerometers, impedance, test) carry no muscle signal."""
MODELS = ("plus", "old")
HIGH_PASS = 1
"""The device's own high-pass filter is on, as in the maker's scripts."""


def start_word(
    channels_n: int, rate_hz: int, mode: str = "monopolar", bits: int = 16, *, go: bool = True
) -> bytes:
    """The command, big endian: GO in bit 0, high-pass 6, 24 bits 7, mode 8, channels 11, rate 13.
    The gain in bits 4 and 5 stays 0, as public sources disagree about the others."""
    word = go | HIGH_PASS << 6 | (bits == 24) << 7 | MODES.index(mode) << 8
    word |= CHANNELS.index(channels_n) << 11 | RATES_HZ.index(rate_hz) << 13
    return word.to_bytes(2, "big")


def words_of(model: str, channels_n: int, mode: str, bits: int) -> Words:
    """Bipolar electrodes give half as many channels. Behind them come two AUX inputs; the newer
    model's orientation; buffer and trigger; and the ramp."""
    emg_n = channels_n // 2 if mode == "bipolar" else channels_n
    return probe_words(emg_n, 2, bits // 8, quaternion=model == "plus")


def open_sessantaquattro(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The device that calls us, measuring as "ADDRESS,model=plus,channels=64,rate=2000,..." says
    (with mode=monopolar and bits=16, these are the defaults). ADDRESS is ours, where to listen;
    without one, everywhere.

    Gives microvolts from 16 bits and raw counts from 24. Refuses other settings, and a device
    whose frames have another number of channels than the settings say.
    """
    defaults: dict[str, int | float | str | bool] = {
        "model": "plus",
        "channels": 64,
        "rate": 2000,
        "mode": "monopolar",
        "bits": 16,
        "port": TCP_PORT,
    }
    address, settings = split_argument(argument, defaults, "sessantaquattro")
    model, mode = str(settings["model"]), str(settings["mode"])
    channels_n, rate_hz, bits = (int(settings[key]) for key in ("channels", "rate", "bits"))
    for key, choices in (
        ("model", MODELS),
        ("channels", CHANNELS),
        ("rate", RATES_HZ),
        ("mode", MODES),
        ("bits", (16, 24)),
    ):
        refuse_choice(key, settings[key], choices)
    words = words_of(model, channels_n, mode, bits)
    other = next(m for m in MODELS if m != model)
    others = {f"sessantaquattro with model={other}": words_of(other, channels_n, mode, bits)}
    start, stop = (start_word(channels_n, rate_hz, mode, bits, go=go) for go in (True, False))
    wiring = wiring_of(
        "the Sessantaquattro",
        words,
        spec_of(words, float(rate_hz)),
        caller(port, int(settings["port"]), "Sessantaquattro", address),
        lambda opened: opened.write(start),
        stop,
        others,
        "join its Wi-Fi, check its battery, and leave its own recording off",
    )
    return Lasting(Wired(wiring), clock, sleep)

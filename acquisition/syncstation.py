"""OT Bioelettronica SyncStation: a hub that gathers Muovi, Sessantaquattro, Due+ and Quattro+.

We call the station and name the probes to listen to. Facts: OTBioelettronica/OTB-Python@381a138d
(communication_syncstation.py), LibEMG@285350e4 (_OTB_Syncstation.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from acquisition.otb import DUE_UV, PROBE_UV, Words, crc8, spec_of, wiring_of
from acquisition.port import Port, dial
from acquisition.stream import Device, Refused
from acquisition.wire import Lasting, Wired
from acquisition.words import split_argument

HOST, TCP_PORT = "192.168.76.1", 54320
RATE_HZ = 2000.0
STATION_N = 6
"""words of the station itself: 3 AUX, a load cell, buffer, ramp"""
PROBE_AUX_N = 6
"""words of a probe behind its muscle channels: a quaternion, buffer, ramp"""
DEVICES = range(1, 17)
STOP = bytes([0, crc8(b"\0")])


def emg_n_of(device: int) -> int:
    """Muscle channels at lamp 1 to 16: Muovi; Muovi+ or Sessantaquattro; Due+; Quattro+."""
    return 32 if device <= 4 else 64 if device <= 6 else 2 if device <= 14 else 4


def scale_uv_of(device: int) -> float:
    return PROBE_UV if device <= 6 else DUE_UV


def start_command(devices: tuple[int, ...]) -> bytes:
    """The number of probes and GO, then a byte for each: slot, EMG (2000 Hz, 16 bits), enabled."""
    body = bytes([2 * len(devices) + 1]) + bytes((d - 1) << 4 | 1 << 3 | 1 for d in devices)
    return body + bytes([crc8(body)])


def words_of(devices: tuple[int, ...]) -> Words:
    """All probes in the order of their slots, then the station. Each probe counts samples too."""
    at, emg, ramps, turns = 0, [], [], []
    for device in devices:
        emg.append((at, emg_n_of(device)))
        turns.append(at + emg_n_of(device))
        at += emg_n_of(device) + PROBE_AUX_N
        ramps.append(at - 1)
    at += STATION_N
    return Words(at, tuple(emg), (*ramps, at - 1), tuple(turns), at - 2)


def read_devices(text: str) -> tuple[int, ...]:
    """The numbers in "5+6", in order. Refuses others than 1 to 16, and none at all."""
    try:
        devices = tuple(sorted({int(part) for part in text.split("+")}))
    except ValueError:
        devices = ()
    if not devices or not set(devices) <= set(DEVICES):
        raise Refused(
            f'devices are the numbers of the lamps at the station, 1 to 16, e.g. devices=1+2, not "'
            f'{text}".'
        )
    if len({scale_uv_of(device) for device in devices}) > 1:
        raise Refused(
            f"devices={text} mixes probes of two scales (1 to 6, and 7 to 16): a stream has one, "
            f"so choose probes of one kind."
        )
    return devices


def open_syncstation(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The station at "HOST,devices=1+2"; without a host, where stations are. All probes at 2000 Hz
    and 16 bits, in microvolts; their channels follow each other as emg1, emg2, ...

    Refuses devices that are none, and a station that sends other frames than these devices give.
    """
    defaults: dict[str, int | float | str | bool] = {"devices": "1", "port": TCP_PORT}
    address, settings = split_argument(argument, defaults, "syncstation")
    devices = read_devices(str(settings["devices"]))
    host, number, words = address or HOST, int(settings["port"]), words_of(devices)
    wiring = wiring_of(
        f"the SyncStation at {host}",
        words,
        spec_of(words, RATE_HZ, scale_uv_of(devices[0])),
        port or (lambda: dial(host, {"": number}, "the SyncStation")),
        lambda opened: opened.write(start_command(devices)),
        STOP,
        {},
        "switch on the probes whose lamps you named, and check their batteries",
    )
    return Lasting(Wired(wiring), clock, sleep)

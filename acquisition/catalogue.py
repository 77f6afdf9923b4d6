"""What every source is, how it is reached, and by what it is recognised: facts for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One row of SOURCES, described."""

    what: str
    way: str
    """how it is reached"""
    usb_ids: tuple[tuple[int, int], ...] = ()
    service: str = ""
    """Bluetooth service that it advertises"""
    names: tuple[str, ...] = ()
    """with one of which its Bluetooth name begins"""
    listens: tuple[str, int] | None = None
    """host and TCP port at which it, or its program, usually waits"""
    calls: int | None = None
    """TCP port on which it calls us"""
    library: str = ""
    """Python library that it needs beside what every installation has"""
    extra: str = ""
    """by which `pip install '.[extra]'` in Flexor's folder brings that library"""


CATALOGUE: dict[str, Entry] = {
    "synthetic": Entry("simulated muscles", "no hardware"),
    "replay": Entry("a recording", "a file"),
    "myo": Entry(
        "Thalmic Myo armband, 8 channels",
        "Bluetooth",
        service="d5060001-a904-deb9-4748-2c7f4a124842",
        library="bleak",
        extra="ble",
    ),
    "myo_dongle": Entry(
        "Thalmic Myo armband, 8 channels",
        "its blue USB dongle",
        usb_ids=((0x2458, 0x0001),),
    ),
    "cyton": Entry(
        "OpenBCI Cyton, 8 channels, 16 with Daisy",
        "its USB dongle",
        usb_ids=((0x0403, 0x6015),),
    ),
    "ganglion": Entry(
        "OpenBCI Ganglion, 4 channels",
        "Bluetooth",
        service="0000fe84-0000-1000-8000-00805f9b34fb",
        names=("Ganglion", "Simblee"),
        library="bleak",
        extra="ble",
    ),
    "gforce": Entry(
        "OYMotion gForcePro, 8 channels",
        "Bluetooth",
        service="0000ffd0-0000-1000-8000-00805f9b34fb",
        names=("gForce",),
        library="bleak",
        extra="ble",
    ),
    "arduino": Entry(
        "any board that prints columns of numbers",
        "serial port",
        usb_ids=((0x2341, 0x0043), (0x2341, 0x0001), (0x1A86, 0x7523), (0x10C4, 0xEA60)),
    ),
    "chords": Entry(
        "Upside Down Labs boards with the Chords firmware",
        "serial port",
        usb_ids=((0x2341, 0x0069), (0x2E8A, 0x000A)),
    ),
    "npg_lite": Entry(
        "Upside Down Labs NPG-LITE, 3 channels",
        "Bluetooth",
        names=("NPG",),
        library="bleak",
        extra="ble",
    ),
    "emager": Entry(
        "EMaGer sleeve, 64 channels",
        "serial port (KitProg3)",
        usb_ids=((0x04B4, 0xF155),),
    ),
    "sessantaquattro": Entry(
        "OT Bioelettronica Sessantaquattro and Sessantaquattro+",
        "its Wi-Fi; it calls us",
        calls=45454,
    ),
    "muovi": Entry("OT Bioelettronica Muovi, 32 channels", "its Wi-Fi; it calls us", calls=54321),
    "muovi_plus": Entry(
        "OT Bioelettronica Muovi+, 64 channels",
        "its Wi-Fi; it calls us",
        calls=54321,
    ),
    "syncstation": Entry(
        "OT Bioelettronica SyncStation",
        "its network",
        listens=("192.168.76.1", 54320),
    ),
    "quattrocento": Entry(
        "OT Bioelettronica Quattrocento, up to 384 channels",
        "Ethernet",
        listens=("169.254.1.10", 23456),
    ),
    "otb_light": Entry(
        "OTBiolab Light on this or another computer",
        "network",
        listens=("127.0.0.1", 31000),
    ),
    "delsys": Entry(
        "Delsys Trigno through its Trigno Control Utility",
        "network",
        listens=("127.0.0.1", 50040),
    ),
    "intan": Entry(
        "Intan RHD or RHS through Intan RHX",
        "network",
        listens=("127.0.0.1", 5000),
    ),
    "mindrove": Entry(
        "MindRove ARMband, 8 channels",
        "its Wi-Fi",
        library="mindrove",
        extra="mindrove",
    ),
    "lsl": Entry(
        "any stream of the Lab Streaming Layer",
        "network",
        library="pylsl",
        extra="lsl",
    ),
    "brainflow": Entry(
        "any board that BrainFlow drives",
        "as the board",
        library="brainflow",
        extra="brainflow",
    ),
}
"""name of a source -> what it is"""


def recognise_usb(usb_id: tuple[int, int] | None) -> list[str]:
    """Names of the sources that a USB id may be."""
    return [name for name, entry in CATALOGUE.items() if usb_id in entry.usb_ids]


def recognise_bluetooth(name: str, services: tuple[str, ...]) -> list[str]:
    """Names of the sources that a Bluetooth device may be which advertises itself so."""
    said = {service.lower() for service in services}
    return [
        source
        for source, entry in CATALOGUE.items()
        if entry.service in said or (entry.names and name.startswith(entry.names))
    ]

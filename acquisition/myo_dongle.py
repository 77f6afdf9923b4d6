"""Thalmic Myo armband behind its own dongle, a BLED112: no Bluetooth of the computer is needed.

Facts: PerlinWarp/pyomyo@6c1728eb, dzhu/myo-raw@6873d04d; those of the armband itself are in
`acquisition.myo`.
"""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from acquisition import bgapi
from acquisition.bgapi import Packet, Packets, pack
from acquisition.myo import (
    EMG_N,
    MEND,
    MODES,
    MOTION,
    SLEEP_NEVER,
    SLEEP_NORMAL,
    STOP,
    Armband,
    set_mode,
)
from acquisition.myo_files import MYO_SPEC
from acquisition.port import Arrival, Port, drain
from acquisition.serial_port import SerialPort, find_port
from acquisition.stream import (
    Chunk,
    Counts,
    Device,
    DeviceLost,
    DeviceRefused,
    DeviceTimeout,
    Refused,
)
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import refuse_choice, split_argument

BAUD_HZ = 9_600
"""Nominal: it is a USB device."""
USB_IDS = ((0x2458, 0x0001),)
ADVERTISED = bytes.fromhex("064248124a7f2c4847b9de04a9010006d5")
"""How an armband's advertisement ends: its service, little endian."""
INTERVAL_MIN, INTERVAL_MAX, TIMEOUT, LATENCY = 6, 6, 64, 0
"""Of the connection: 7.5 ms, the least there is; given up after 0.64 s of silence."""
LINKS_N = 3
"""Connections of earlier hosts that the dongle may still hold, and that hide the armband."""
EMG_ATTRIBUTES = (0x2B, 0x2E, 0x31, 0x34)
IMU_ATTRIBUTE, VERSION_ATTRIBUTE, COMMAND_ATTRIBUTE = 0x1C, 0x17, 0x19
SUBSCRIPTIONS = (0x2C, 0x2F, 0x32, 0x35, 0x1D)
"""Attributes that switch the notifications of those on: one behind each."""
REPLY_S, SCAN_S, CONNECT_S = 1.0, 10.0, 5.0


def connect(address: bytes) -> bytes:
    """The command that connects an armband by its six bytes."""
    parameters = struct.pack("<B4H", 0, INTERVAL_MIN, INTERVAL_MAX, TIMEOUT, LATENCY)
    return pack(bgapi.CONNECT, address + parameters)


def read_attribute(link: int, attribute: int) -> bytes:
    return pack(bgapi.READ, struct.pack("<BH", link, attribute))


def write_attribute(link: int, attribute: int, data: bytes) -> bytes:
    return pack(bgapi.WRITE, struct.pack("<BHB", link, attribute, len(data)) + data)


def address_bytes(text: str) -> bytes:
    """Six bytes, the last first, of "C2:52:24:55:41:93". Refuses what is no address."""
    try:
        data = bytes(int(part, 16) for part in reversed(text.split(":")))
    except ValueError:
        data = b""
    if len(data) != 6:
        raise Refused(f'armband is an address like C2:52:24:55:41:93, not "{text}".')
    return data


@dataclass
class Link:
    """The connection that the dongle holds, from one `begin` to the next."""

    armband: bytes = b""
    """Address; b"" before the first connection, if none was asked for. Later only this one is
    taken up again: another one that is near never takes its place."""
    number: int = 0


class DongleParser:
    """A parser of what the dongle says while an armband streams."""

    def __init__(self, counts: Counts, link: int) -> None:
        self._packets, self._link = Packets(counts), link
        self._armband = Armband(counts)
        self.take_motion = self._armband.take_motion

    def feed(self, arrival: Arrival) -> list[Chunk]:
        """Raises DeviceLost where the dongle tells that the connection has ended."""
        emg: list[tuple[int, bytes]] = []
        for packet in self._packets.feed(arrival.data):
            if not packet.event or packet.payload[0] != self._link:
                continue
            if packet.kind == bgapi.DROPPED:
                raise DeviceLost(f"The dongle has lost the Myo: {MEND}.")
            if packet.kind == bgapi.VALUE and packet.payload[3] == bgapi.NOTIFIED:
                attribute, data = int.from_bytes(packet.payload[1:3], "little"), packet.payload[5:]
                if attribute in EMG_ATTRIBUTES and len(data) == EMG_N:
                    emg.append((EMG_ATTRIBUTES.index(attribute), data))
                elif attribute == IMU_ATTRIBUTE:
                    self._armband.imu(data, arrival.at_s)
        return self._armband.emg(emg, arrival.at_s)


class Talk:
    """Questions to the dongle, and its answers, before a stream begins."""

    def __init__(self, port: Port, where: str) -> None:
        self._port, self._where = port, where
        self._packets = Packets()
        self._heard: deque[Packet] = deque()

    def ask(self, command: bytes) -> bytes:
        """The payload of the dongle's own reply. Raises DeviceTimeout without one."""
        kind = (command[2], command[3])
        self._port.write(command)
        reply = self.wait(lambda packet: not packet.event and packet.kind == kind, REPLY_S)
        if reply is None:
            raise DeviceTimeout(
                f"No Myo dongle answered at {self._where} within {REPLY_S:g} s: choose another "
                f"port, or pull the dongle out and plug it in again."
            )
        return reply.payload

    def wait(self, fits: Callable[[Packet], bool], timeout_s: float) -> Packet | None:
        """The first packet that fits; None if none came in time. What comes before is dropped."""
        end_s = self._port.clock() + timeout_s
        while True:
            while self._heard:
                packet = self._heard.popleft()
                if fits(packet):
                    return packet
            left_s = end_s - self._port.clock()
            if left_s <= 0:
                return None
            for arrival in self._port.read(left_s):
                self._heard += self._packets.feed(arrival.data)

    def write(self, link: int, attribute: int, data: bytes) -> None:
        """Waits until the armband has taken the value. Raises DeviceTimeout."""
        self.ask(write_attribute(link, attribute, data))
        done = self.wait(lambda packet: packet.event and packet.kind == bgapi.DONE, REPLY_S)
        if done is None or done.payload[1:3] != b"\0\0":
            raise DeviceTimeout(f"The Myo does not take its settings: {MEND}.")


def open_myo_dongle(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The Myo behind the dongle at "PORT,mode=raw,armband=C2:52:24:55:41:93"; without a port, the
    dongle that is plugged in; without an armband, the first that is heard.

    `port` opens something else than a serial port, as tests do. Refuses settings that it does not
    have; `start` refuses a port that is not there, where no dongle answers or none is in reach.
    """
    defaults = {"mode": "filtered", "armband": ""}
    address, settings = split_argument(argument, defaults, "myo_dongle")
    mode, armband = str(settings["mode"]), str(settings["armband"])
    refuse_choice("mode", mode, tuple(MODES))
    where = address or "its dongle"
    link = Link(address_bytes(armband) if armband else b"")

    def open_serial() -> Port:
        return SerialPort(address or find_port(USB_IDS, "Myo dongle", "myo_dongle"), BAUD_HZ)

    wiring = Wiring(
        what=f"the Myo at {where}",
        spec=MYO_SPEC,
        open=port or open_serial,
        begin=lambda opened: _begin(Talk(opened, where), opened, link, mode),
        end=lambda opened: _end(opened, link.number),
        parser=lambda counts: DongleParser(counts, link.number),
        motion_spec=MOTION,
        mend=MEND,
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(talk: Talk, port: Port, link: Link, mode: str) -> None:
    """Ends what earlier hosts left, finds and connects the armband, and starts it."""
    drain(port, 0.05)
    talk.ask(pack(bgapi.END))
    for number in range(LINKS_N):
        talk.ask(pack(bgapi.DISCONNECT, bytes([number])))
    link.armband = _scan(talk, link.armband)
    link.number = _connect(talk, link.armband)
    talk.ask(read_attribute(link.number, VERSION_ATTRIBUTE))
    version = talk.wait(_is_value_of(VERSION_ATTRIBUTE), REPLY_S)
    if version is None or len(version.payload) != 13:
        raise DeviceTimeout(f"The Myo does not tell its firmware: {MEND}.")
    if version.payload[5:7] == b"\0\0":
        raise DeviceRefused(
            "The Myo has firmware of before version 1, which has no EMG at 200 Hz: update it with "
            "Myo Connect."
        )
    for attribute in SUBSCRIPTIONS:
        talk.write(link.number, attribute, b"\x01\x00")
    talk.write(link.number, COMMAND_ATTRIBUTE, set_mode(mode))
    talk.write(link.number, COMMAND_ATTRIBUTE, SLEEP_NEVER)


def _scan(talk: Talk, wanted: bytes) -> bytes:
    """Address of the armband that is heard first, or of the one that is wanted."""

    def fits(packet: Packet) -> bool:
        if not packet.event or packet.kind != bgapi.SCANNED:
            return False
        address = packet.payload[2:8]
        return packet.payload.endswith(ADVERTISED) and wanted in (b"", address)

    talk.ask(pack(bgapi.DISCOVER, b"\x01"))
    heard = talk.wait(fits, SCAN_S)
    talk.ask(pack(bgapi.END))
    if heard is None:
        raise DeviceTimeout(
            f"The dongle heard no Myo within {SCAN_S:g} s: {MEND}; end Myo Connect and every other "
            f"program that uses it."
        )
    return heard.payload[2:8]


def _connect(talk: Talk, armband: bytes) -> int:
    """Number of the connection."""
    reply = talk.ask(connect(armband))
    number = reply[2]
    status = talk.wait(
        lambda packet: packet.event and packet.kind == bgapi.STATUS and packet.payload[0] == number,
        CONNECT_S,
    )
    if reply[:2] != b"\0\0" or status is None:
        talk.ask(pack(bgapi.END))
        raise DeviceTimeout(f"The Myo was heard, but cannot be connected: {MEND}.")
    return number


def _is_value_of(attribute: int) -> Callable[[Packet], bool]:
    sought = attribute.to_bytes(2, "little")
    return lambda packet: (
        packet.event and packet.kind == bgapi.VALUE and packet.payload[1:3] == sought
    )


def _end(port: Port, link: int) -> None:
    port.write(write_attribute(link, COMMAND_ATTRIBUTE, STOP))
    port.write(write_attribute(link, COMMAND_ATTRIBUTE, SLEEP_NORMAL))
    port.write(pack(bgapi.DISCONNECT, bytes([link])))

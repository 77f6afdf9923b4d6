"""The BLED112 dongle with a Myo armband near it, another Bluetooth device beside that."""

from __future__ import annotations

import struct

import numpy as np

from acquisition import bgapi
from acquisition.bgapi import pack, pack_event
from acquisition.emulators.myo import ADDRESS, ENVELOPE, FIRMWARE, HIGH, LOW, NAME, Armband, Note
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern
from acquisition.myo import EMG, IMU, SAMPLES_PER_FRAME, SLEEP_NEVER, set_mode
from acquisition.myo_dongle import (
    ADVERTISED,
    COMMAND_ATTRIBUTE,
    EMG_ATTRIBUTES,
    IMU_ATTRIBUTE,
    address_bytes,
)
from acquisition.myo_files import MYO_SPEC
from acquisition.stream import Refused

ATTRIBUTES = {**dict(zip(EMG, EMG_ATTRIBUTES, strict=True)), IMU: IMU_ATTRIBUTE, ENVELOPE: 0x27}
"""characteristic -> number of its value; whether it notifies is written one behind"""
VALUES = {0x17: FIRMWARE, 0x03: NAME.encode(), 0x11: b"\x5a"}
"""what can be read: firmware, name, battery in per cent"""
ADVERTISE_S = 0.1
NOT_CONNECTED, WRONG_STATE, GONE = 0x0186, 0x0181, 0x0213
"""the dongle's words for what went wrong; GONE: the other side ended it"""
OTHER = bytes.fromhex("aabbccddeeff")


class MyoDongleTwin:
    """A dongle keeps its connection when the host goes: who comes next must end it first.

    While an armband is connected it does not advertise.
    """

    transport = Transport("serial", {})
    spec = MYO_SPEC
    count_range = LOW, HIGH
    samples_per_frame = SAMPLES_PER_FRAME
    vital = b"\xff" * 9 + bytes(16)

    def __init__(
        self, signal: Signal | None = None, *, stale: bool = False, mode: str = "filtered"
    ) -> None:
        """`stale`: an earlier host has left the armband connected and streaming."""
        if mode not in ("filtered", "raw"):
            raise Refused(f"mode is one of filtered, raw, not {mode}.")
        self._armband = Armband(signal or pattern(len(MYO_SPEC.channels), LOW, HIGH))
        self._scan = Pace(ADVERTISE_S)
        self._scan_n = 0
        self._link: int | None = None
        self._subscribed: set[int] = set()
        self._held = b""
        self._stale = stale

    @property
    def signal(self) -> Signal:
        return self._armband.signal

    @signal.setter
    def signal(self, signal: Signal) -> None:
        self._armband.signal = signal

    @property
    def next_s(self) -> float:
        linked_s = np.inf if self._link is None else self._armband.next_s
        return min(linked_s, self._scan.next_s)

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        if self._stale:
            self._stale, self._link, self._subscribed = False, 1, set(EMG_ATTRIBUTES)
            self._armband.connected(now_s)
            self._armband.command(set_mode("raw"), now_s)
            self._armband.command(SLEEP_NEVER, now_s)
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        self._held += data
        said: list[Said] = []
        while len(self._held) >= 4 and len(self._held) >= 4 + self._held[1]:
            whole_n = 4 + self._held[1]
            command, self._held = self._held[:whole_n], self._held[whole_n:]
            said += self._answer((command[2], command[3]), command[4:], now_s)
        return said

    def due(self, now_s: float) -> list[Said]:
        said: list[Said] = []
        for _ in range(self._scan.due_n(now_s)):
            said.append(Said(self._advertisement()))
        if self._link is None:
            return said
        said += [self._value(note) for note in self._armband.due(now_s) if self._wanted(note)]
        return said + (self.hang_up() if self._armband.asleep else [])

    def hang_up(self) -> list[Said]:
        """The armband ends the connection: it sleeps, or is out of reach."""
        link, self._link = self._link or 0, None
        self._subscribed.clear()
        return [Said(pack_event(bgapi.DROPPED, struct.pack("<BH", link, GONE)))]

    def _wanted(self, note: Note) -> bool:
        return ATTRIBUTES[note.uuid] in self._subscribed

    def _value(self, note: Note) -> Said:
        return Said(self._told(ATTRIBUTES[note.uuid], bgapi.NOTIFIED, note.data), "", note.sample_n)

    def _told(self, attribute: int, kind: int, data: bytes) -> bytes:
        head = struct.pack("<BHBB", self._link or 0, attribute, kind, len(data))
        return pack_event(bgapi.VALUE, head + data)

    def _advertisement(self) -> bytes:
        """Turn about: a device that is no armband, and the armband unless it is connected."""
        n, self._scan_n = self._scan_n, self._scan_n + 1
        myo = n % 2 == 1 and self._link is None
        data = b"\x02\x01\x06" + (b"\x11" + ADVERTISED if myo else b"\x03\x03\x0f\x18")
        sender = address_bytes(ADDRESS) if myo else OTHER
        return pack_event(
            bgapi.SCANNED, b"\xce\x00" + sender + b"\x00\xff" + bytes([len(data)]) + data
        )

    def _answer(self, kind: tuple[int, int], payload: bytes, now_s: float) -> list[Said]:
        if kind == bgapi.END:
            running = self._scan.next_s != np.inf
            self._scan.stop()
            replies = [pack(kind, struct.pack("<H", 0 if running else WRONG_STATE))]
        elif kind == bgapi.DISCOVER:
            self._scan.start(now_s)
            replies = [pack(kind, b"\0\0")]
        elif kind == bgapi.DISCONNECT:
            replies = self._disconnected(payload[0])
        elif kind == bgapi.CONNECT:
            replies = self._connected(payload, now_s)
        elif kind in (bgapi.READ, bgapi.WRITE):
            replies = self._attribute(kind, payload, now_s)
        else:
            replies = []
        return [Said(reply) for reply in replies]

    def _disconnected(self, number: int) -> list[bytes]:
        if number != self._link:
            return [pack(bgapi.DISCONNECT, struct.pack("<BH", number, NOT_CONNECTED))]
        self._armband.connected(0.0)
        self._link = None
        self._subscribed.clear()
        told = pack_event(bgapi.DROPPED, struct.pack("<BH", number, 0x0216))
        return [pack(bgapi.DISCONNECT, struct.pack("<BH", number, 0)), told]

    def _connected(self, payload: bytes, now_s: float) -> list[bytes]:
        if self._link is not None or payload[:6] != address_bytes(ADDRESS):
            return [pack(bgapi.CONNECT, struct.pack("<HB", WRONG_STATE, 0))]
        self._link = 0
        self._armband.connected(now_s)
        status = struct.pack("<BB6sBHHHB", 0, 5, payload[:6], 0, 6, 64, 0, 0xFF)
        return [pack(bgapi.CONNECT, b"\0\0\0"), pack_event(bgapi.STATUS, status)]

    def _attribute(self, kind: tuple[int, int], payload: bytes, now_s: float) -> list[bytes]:
        """A read or a write of one of the armband's attributes."""
        link, attribute = struct.unpack("<BH", payload[:3])
        if link != self._link:
            return [pack(kind, struct.pack("<BH", link, NOT_CONNECTED))]
        taken = pack(kind, struct.pack("<BH", link, 0))
        if kind == bgapi.READ:
            return [taken, self._told(attribute, 0, VALUES.get(attribute, b""))]
        data = payload[4:]
        if attribute == COMMAND_ATTRIBUTE:
            self._armband.command(data, now_s)
        elif data[:1] == b"\x01":
            self._subscribed.add(attribute - 1)
        else:
            self._subscribed.discard(attribute - 1)
        return [taken, pack_event(bgapi.DONE, struct.pack("<BHH", link, 0, attribute))]


def myo_dongle_twin(
    signal: Signal | None = None, *, stale: bool = False, mode: str = "filtered"
) -> MyoDongleTwin:
    return MyoDongleTwin(signal, stale=stale, mode=mode)

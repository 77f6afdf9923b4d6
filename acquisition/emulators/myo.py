"""The Myo armband: what it does with commands, and what it notifies."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

from acquisition.emulators.gatt import Gatt
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern
from acquisition.myo import BATTERY, COMMAND, EMG, IMU, SAMPLES_PER_FRAME, SERVICE, uuid_of
from acquisition.myo_files import MYO_SPEC
from acquisition.stream import Refused

LOW, HIGH = -128, 127
ADDRESS = "C2:52:24:55:41:93"
NAME = "My Myo"
FIRMWARE = struct.pack("<4H", 1, 5, 1970, 2)
"""version 1.5.1970, hardware revision 2"""
ENVELOPE = uuid_of(0x0104)
ENVELOPE_HZ, IMU_HZ = 50.0, 50.0
SLEEP_S = 30.0
"""An armband that was not told to stay awake sleeps about so long after it was last told anything
(the firmware's own time is not published)."""
ONE_G, ONE = 2048, 16384


class Note(NamedTuple):
    """One notification."""

    uuid: str
    data: bytes
    sample_n: int = -1


class Armband:
    """One armband, from `connected` to whatever ends the connection. In virtual time."""

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self._emg = Pace(SAMPLES_PER_FRAME / MYO_SPEC.rate_hz)
        self._envelope, self._imu = Pace(1 / ENVELOPE_HZ), Pace(1 / IMU_HZ)
        self._frame_n = self._envelope_n = 0
        self._awake, self._told_s = False, 0.0
        self.asleep = False

    @property
    def next_s(self) -> float:
        if self.asleep:
            return np.inf
        next_s = min(self._emg.next_s, self._envelope.next_s, self._imu.next_s)
        if self._awake or next_s == np.inf:
            return next_s
        return min(next_s, self._told_s + SLEEP_S)

    def connected(self, now_s: float) -> None:
        """Whatever ran before has ended."""
        self._set_mode(0, 0, now_s)
        self._awake, self.asleep, self._told_s = False, False, now_s

    def command(self, data: bytes, now_s: float) -> None:
        """A write to its command characteristic: code, length, payload."""
        if len(data) < 2 or len(data) != 2 + data[1]:
            return
        self._told_s = now_s
        if data[0] == 0x01 and data[1] == 3:
            self._set_mode(data[2], data[3], now_s)
        elif data[0] == 0x09 and data[1] == 1:
            self._awake = data[2] == 1
        elif data[0] == 0x04:
            self._sleep()

    def due(self, now_s: float) -> list[Note]:
        if not self._awake and now_s >= self._told_s + SLEEP_S:
            self._sleep()
        notes = [self._emg_note() for _ in range(self._emg.due_n(now_s))]
        notes += [self._envelope_note() for _ in range(self._envelope.due_n(now_s))]
        return notes + [self._imu_note() for _ in range(self._imu.due_n(now_s))]

    def _sleep(self) -> None:
        self._set_mode(0, 0, 0.0)
        self.asleep = True

    def _set_mode(self, emg: int, imu: int, now_s: float) -> None:
        """Mode 1 fills another characteristic than 2 and 3: asked for the wrong one, it is mute."""
        wanted = (
            (self._emg, emg in (2, 3)),
            (self._envelope, emg == 1),
            (self._imu, imu in (1, 3)),
        )
        for pace, runs in wanted:
            if runs:
                pace.start(now_s)
            else:
                pace.stop()
        self._frame_n = self._envelope_n = 0

    def _emg_note(self) -> Note:
        n, self._frame_n = self._frame_n, self._frame_n + 1
        rows = self.signal(SAMPLES_PER_FRAME * n, SAMPLES_PER_FRAME)
        data = rows.astype(np.int8).tobytes()
        return Note(EMG[n % len(EMG)], data, SAMPLES_PER_FRAME * n)

    def _envelope_note(self) -> Note:
        """Rectified: eight unsigned words, and a byte of which nothing is known."""
        n, self._envelope_n = self._envelope_n, self._envelope_n + 1
        return Note(ENVELOPE, np.abs(self.signal(n, 1)[0]).astype("<u2").tobytes() + b"\0")

    def _imu_note(self) -> Note:
        return Note(IMU, struct.pack("<10h", ONE, 0, 0, 0, 0, 0, ONE_G, 16, -16, 0))


class MyoTwin:
    """An armband at a host's own Bluetooth."""

    transport = Transport("gatt", {})
    spec = MYO_SPEC
    count_range = LOW, HIGH
    samples_per_frame = SAMPLES_PER_FRAME
    vital = bytes(16)
    gatt = Gatt(
        NAME,
        ADDRESS,
        (SERVICE,),
        {
            SERVICE: {
                uuid_of(0x0101): ("read",),
                uuid_of(0x0201): ("read",),
                COMMAND: ("write",),
            },
            uuid_of(0x0002): {IMU: ("notify",), uuid_of(0x0502): ("indicate",)},
            uuid_of(0x0003): {uuid_of(0x0103): ("indicate",)},
            uuid_of(0x0004): {ENVELOPE: ("notify",)},
            uuid_of(0x0005): dict.fromkeys(EMG, ("notify",)),
            "0000180f-0000-1000-8000-00805f9b34fb": {BATTERY: ("read", "notify")},
        },
    )

    def __init__(self, signal: Signal | None = None, *, mode: str = "filtered") -> None:
        """`mode` is what the host sets; the signal is the same in both."""
        if mode not in ("filtered", "raw"):
            raise Refused(f"mode is one of filtered, raw, not {mode}.")
        self._armband = Armband(signal or pattern(len(MYO_SPEC.channels), LOW, HIGH))
        self.readable: dict[str, bytes] = {BATTERY: b"\x5a"}
        """what can be read: its battery, in per cent"""

    @property
    def signal(self) -> Signal:
        return self._armband.signal

    @signal.setter
    def signal(self, signal: Signal) -> None:
        self._armband.signal = signal

    @property
    def next_s(self) -> float:
        return self._armband.next_s

    @property
    def hung_up(self) -> bool:
        return self._armband.asleep

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        self._armband.connected(now_s)
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if line == COMMAND:
            self._armband.command(data, now_s)
        return []

    def due(self, now_s: float) -> list[Said]:
        return [Said(data, uuid, n) for uuid, data, n in self._armband.due(now_s)]


def myo_twin(signal: Signal | None = None, *, mode: str = "filtered") -> MyoTwin:
    return MyoTwin(signal, mode=mode)

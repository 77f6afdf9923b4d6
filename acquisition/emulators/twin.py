"""What a twin of a device is, and the table of twins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Spec
from acquisition.tables import look_up

TWINS: dict[str, tuple[str, str]] = {
    "cyton": ("acquisition.emulators.cyton", "cyton_twin"),
    "brainflow": ("acquisition.emulators.board_rows", "brainflow_twin"),
    "lsl": ("acquisition.emulators.lsl", "lsl_twin"),
    "mindrove": ("acquisition.emulators.board_rows", "mindrove_twin"),
    "arduino": ("acquisition.emulators.arduino", "arduino_twin"),
    "chords": ("acquisition.emulators.chords", "chords_twin"),
    "emager": ("acquisition.emulators.emager", "emager_twin"),
    "myo": ("acquisition.emulators.myo", "myo_twin"),
    "myo_dongle": ("acquisition.emulators.myo_dongle", "myo_dongle_twin"),
    "sessantaquattro": ("acquisition.emulators.otb", "sessantaquattro_twin"),
    "muovi": ("acquisition.emulators.otb", "muovi_twin"),
    "muovi_plus": ("acquisition.emulators.otb", "muovi_plus_twin"),
    "syncstation": ("acquisition.emulators.otb", "syncstation_twin"),
    "quattrocento": ("acquisition.emulators.otb", "quattrocento_twin"),
    "otb_light": ("acquisition.emulators.otb", "otb_light_twin"),
    "ganglion": ("acquisition.emulators.ganglion", "ganglion_twin"),
    "delsys": ("acquisition.emulators.delsys", "delsys_twin"),
    "intan": ("acquisition.emulators.intan", "intan_twin"),
    "gforce": ("acquisition.emulators.gforce", "gforce_twin"),
    "npg_lite": ("acquisition.emulators.npg_lite", "npg_lite_twin"),
}
"""name of the source -> (module, function of (signal, **settings) that gives a Twin)"""

Counts = NDArray[np.int64]
"""(time, channel) in the device's own counts"""
Signal = Callable[[int, int], Counts]
"""(number of the first sample, how many) -> counts; equal numbers give equal counts"""


class Said(NamedTuple):
    """Bytes from the device."""

    data: bytes
    line: str = ""
    """which socket or characteristic; "" where there is one"""
    sample_n: int = -1
    """number of the first sample in a frame of the stream, which trouble may befall; -1: an answer
    to a command, or the second stream"""


class Transport(NamedTuple):
    """What the device is reached through, for those who serve a twin."""

    kind: str
    """"serial" (a pseudo-terminal), "listen" (it waits for TCP calls), "call" (it calls), "gatt"
    (Bluetooth), "lsl" (the Lab Streaming Layer), "library" (a vendor's library alone speaks with
    it)"""
    ports: dict[str, int]
    """line -> TCP port; empty for the others"""


class Twin(Protocol):
    """A device without its hardware: pure, in virtual time. Bytes in, bytes out."""

    transport: Transport
    spec: Spec
    """of the stream as its driver gives it"""
    count_range: tuple[int, int]
    """lowest and highest count of a sample"""
    signal: Signal
    next_s: float
    """when `due` has something next; inf while it does not stream"""

    @property
    def samples_per_frame(self) -> int: ...

    @property
    def vital(self) -> bytes:
        """A mask as long as a frame: bits that its framing or counter rests on. What else is
        changed gives a wrong sample and not a lost one."""
        ...

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        """What it says by itself when a host connects."""
        ...

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        """What it answers to bytes from the host."""
        ...

    def due(self, now_s: float) -> list[Said]:
        """The frames that fell due since the last call, each one by itself."""
        ...


def open_twin(name: str, signal: Signal | None = None, **settings: Any) -> Twin:
    """The twin of the source `name`. Without `signal` it sends a pattern that tells each sample and
    channel from every other. Refuses an unknown name with the nearest one."""
    opener = cast("Callable[..., Twin]", look_up(TWINS, name, "emulator"))
    return opener(signal, **settings)


class Pace:
    """When frames fall due: frame n at the start + n periods. Never drifts."""

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self.next_s = np.inf
        self._start_s, self._sent_n = 0.0, 0

    def start(self, now_s: float) -> None:
        self._start_s, self._sent_n = now_s, 0
        self.next_s = now_s + self.period_s

    def stop(self) -> None:
        self.next_s = np.inf

    def due_n(self, now_s: float) -> int:
        """Frames that fell due since the last call."""
        if now_s < self.next_s:
            return 0
        whole = int((now_s - self._start_s) / self.period_s + 1e-9)
        n, self._sent_n = whole - self._sent_n, whole
        self.next_s = self._start_s + (whole + 1) * self.period_s
        return n


def pattern(channels: int, low: int, high: int) -> Signal:
    """Counts from `low` to `high` that tell every channel and every sample nearby from the others:
    steps of a prime within a channel, another offset in each."""
    span = high - low + 1
    step = next(p for p in (7919, 1009, 101, 37, 11, 7, 5, 3) if p < span // 2 and span % p)

    def take(first_n: int, n: int) -> Counts:
        time = np.arange(first_n, first_n + n, dtype=np.int64)[:, None]
        channel = np.arange(channels, dtype=np.int64)[None, :]
        return (time * step + channel * (span // channels + 1)) % span + low

    return take

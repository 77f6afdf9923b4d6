"""What the virtual bench puts between the parts of the live loop: ports, an inbox, a signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from acquisition.emulators.twin import Counts, Said, Signal, Twin
from acquisition.emulators.virtual import VirtualPort as DevicePort
from acquisition.port import Arrival
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Chunk, Spec
from flexor.reader import Inbox

_TAKEN_N = 10
"""Samples that are made at a time: a block of the simulation."""


@dataclass
class VirtualPort:
    """A serial port whose other end is the hand's microcontroller."""

    mcu: Any
    """an Mcu, or a CMcu"""
    model: Any
    """the functions that move it: simulated_mcu, or c_model"""
    now_ms: Callable[[], int]
    inside: bytes = b""
    is_open: bool = True
    cut: bool = False
    """the cable is out"""
    meddle: Callable[[bytes], bytes] = bytes
    """what becomes of what the host writes"""
    sent: list[bytes] = field(default_factory=list)
    """what the host has written"""

    @property
    def in_waiting(self) -> int:
        self.inside += self.model.advance(self.mcu, self.now_ms())
        return len(self.inside)

    def read(self, n: int) -> bytes:
        if self.cut:
            raise OSError("gone")
        data, self.inside = self.inside[:n], self.inside[n:]
        return data

    def write(self, data: bytes) -> int:
        if self.cut:
            raise OSError("gone")
        self.sent.append(data)
        self.deliver(self.meddle(data))
        return len(data)

    def deliver(self, data: bytes) -> None:
        """These bytes reach the hand, whoever sent them."""
        self.inside += self.model.receive(self.mcu, data, self.now_ms())

    def reset_output_buffer(self) -> None:
        """Nothing waits: what is written is there at once."""

    def close(self) -> None:
        self.is_open = False


@dataclass
class Line:
    """What befalls the wire to the sensor, from now on."""

    gone: bool = False
    """the device is not there: what is open breaks, and nothing can be opened"""
    meddle: Callable[[list[Arrival]], list[Arrival]] = list
    """what becomes of the bytes"""


class BenchPort(DevicePort):
    """A port to a device's twin, behind a line that somebody meddles with."""

    line: Line

    def read(self, timeout_s: float) -> list[Arrival]:
        self.unplugged = self.line.gone or self.unplugged
        return self.line.meddle(super().read(timeout_s))


class Drifting:
    """A twin whose clock runs `share` times as fast as ours."""

    def __init__(self, twin: Twin, share: float) -> None:
        self._twin, self._share = twin, share

    def __getattr__(self, name: str) -> Any:
        return getattr(self._twin, name)

    @property
    def next_s(self) -> float:
        return self._twin.next_s / self._share

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return self._twin.hear(data, now_s * self._share, line)

    def due(self, now_s: float) -> list[Said]:
        return self._twin.due(now_s * self._share)


class VirtualInbox(Inbox):
    """The inbox of the live loop, in which nobody waits."""

    def take(self, timeout_s: float) -> list[Chunk]:
        return super().take(0.0)


def arm_signal(simulation: Simulation, spec: Spec) -> Signal:
    """The simulated arm's own counts, in order, for a twin of that spec that sends them: as many
    of the spec's unit as the arm has counts."""
    per_unit = 1.0 if spec.unit == "raw" else 1 / spec.scale
    held: list[Counts] = [np.empty((0, len(simulation.arm.channels)), np.int64)]
    first = [0]

    def take(first_n: int, n: int) -> Counts:
        # A stream that began anew counts from 0; the wearer has gone on meanwhile.
        skip_n = max(0, first_n - first[0])
        while len(held[0]) < skip_n + n:
            made = np.rint(simulation.take(_TAKEN_N).samples * per_unit).astype(np.int64)
            held[0] = np.concatenate([held[0], made])
        held[0], first[0] = held[0][skip_n:], first_n
        return held[0][:n]

    return take

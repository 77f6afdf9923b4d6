"""What a second of each device's signal costs one core, from bytes to chunks in microvolts."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from acquisition.emulators.trouble import Trouble
from acquisition.emulators.twin import TWINS, Twin
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.port import Arrival
from acquisition.sources import open_source
from acquisition.stream import DeviceLost, Spec
from flexor.emulate import twin_of

SIGNAL_S = 10.0
PIECE_S = 0.010
"""Bytes are read so often, as a live loop reads them."""
REPEATS = 5
SETTINGS = {
    "arduino": ("channels=4,first=counter", "channels=4,first=counter"),
    "chords": ("board=giga-r1", "board=giga-r1"),
    "delsys": ("sensors=1-16", "sensors=1-16"),
    "intan": ("channels=a-000..a-007,rate=20000", "channels=a-000..a-007,rate=20000"),
    "quattrocento": ("channels=408,rate=2048", ""),
    "sessantaquattro": ("channels=64,rate=4000", ""),
}
"""source -> (settings at which it has much to do, what its twin is told beforehand); the others
have no choice, or none that matters"""
NO_BYTES = {"brainflow", "mindrove", "lsl"}
"""Sources whose bytes a vendor's library reads: what is left to us costs nearly nothing."""


@dataclass
class Tape:
    """A port that keeps what its device said, and afterwards says it again at once."""

    inner: VirtualPort
    kept: deque[Arrival] = field(default_factory=deque)
    at_s: float | None = None
    """arrival that was played last; None while it records"""

    def clock(self) -> float:
        return self.inner.clock() if self.at_s is None else self.at_s

    def read(self, timeout_s: float) -> list[Arrival]:
        if self.at_s is None:
            arrivals = self.inner.read(timeout_s)
            self.kept += arrivals
            return arrivals
        if not self.kept:
            raise DeviceLost("The tape is at its end.")
        arrival = self.kept.popleft()
        self.at_s = arrival.at_s
        return [arrival]

    def write(self, data: bytes, line: str = "") -> None:
        self.inner.write(data, line)

    def close(self) -> None:
        self.inner.close()


def bench_sources() -> dict[str, Any]:
    """Milliseconds of one core per second of signal, for every device whose bytes we read: as it
    should be, and with one frame of a hundred lost."""
    names = [name for name in TWINS if name not in NO_BYTES]
    rows = [_row(name, *SETTINGS.get(name, ("", ""))) for name in names]
    return {"signal_s": SIGNAL_S, "piece_ms": 1e3 * PIECE_S, "sources": rows}


def _row(name: str, settings: str, told: str) -> dict[str, Any]:
    (spec, kb_per_s, whole), (_, _, lossy) = (
        _measure(name, settings, told, lose) for lose in (0.0, 0.01)
    )
    return {
        "source": f"{name}:{settings}" if settings else name,
        "channels": len(spec.channels),
        "rate_hz": round(spec.rate_hz, 1),
        "kB_per_s": round(kb_per_s),
        "ms_per_s": round(whole, 2),
        "ms_at_1_%_loss": round(lossy, 2),
    }


def _measure(name: str, settings: str, told: str, lose: float) -> tuple[Spec, float, float]:
    """(spec, kB of bytes and ms of one core per second of signal), the middle of REPEATS."""
    taken = []
    for _ in range(REPEATS):
        tape, source = _recorded(name, settings, twin_of(name, told), lose)
        kept_n = sum(len(arrival.data) for arrival in tape.kept)
        begin_s = time.process_time()
        while tape.kept:
            source.read(0.0)
        taken.append(time.process_time() - begin_s)
    taken.sort()
    return source.spec, kept_n / SIGNAL_S / 1e3, 1e3 * taken[len(taken) // 2] / SIGNAL_S


def _recorded(name: str, settings: str, twin: Twin, lose: float) -> tuple[Tape, Any]:
    """A source that has begun on a tape which now holds SIGNAL_S of its bytes."""
    clock = VirtualClock()
    trouble = Trouble(lose=lose)
    tape = Tape(VirtualPort(twin, clock, trouble, quantum_s=PIECE_S))
    address = "bench" if not settings else f"bench,{settings}"
    source = open_source(f"{name}:{address}", port=lambda: tape, clock=clock, sleep=clock.sleep)
    source.start()
    tape.kept.clear()
    end_s = clock() + SIGNAL_S
    while clock() < end_s:
        tape.read(PIECE_S)
    tape.at_s = tape.kept[0].at_s
    return tape, source

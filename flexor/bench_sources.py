"""What a second of each device's signal costs one core, from bytes to chunks in microvolts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from acquisition.emulators.trouble import Trouble
from acquisition.emulators.twin import TWINS, Twin
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.port import Arrival
from acquisition.sources import open_source
from acquisition.stream import DeviceLost
from flexor.emulate import twin_of

SIGNAL_S = 10.0
PIECE_S = 0.010
"""Bytes are read so often, as a live loop reads them."""
REPEATS = 5
FULL_SIZE = {
    "sessantaquattro": "channels=64,rate=4000",
    "quattrocento": "channels=408,rate=2048",
    "cyton": "daisy=no",
}
"""source -> settings at which it has most to do"""


@dataclass
class Tape:
    """A port that keeps what its device said, and afterwards says it again at once."""

    inner: VirtualPort
    kept: list[Arrival] = field(default_factory=list)
    playing: bool = False

    def clock(self) -> float:
        return self.inner.clock()

    def read(self, timeout_s: float) -> list[Arrival]:
        if not self.playing:
            arrivals = self.inner.read(timeout_s)
            self.kept += arrivals
            return arrivals
        if not self.kept:
            raise DeviceLost("The tape is at its end.")
        return [self.kept.pop(0)]

    def write(self, data: bytes, line: str = "") -> None:
        self.inner.write(data, line)

    def close(self) -> None:
        self.inner.close()


def bench_sources(lose: float = 0.0) -> dict[str, Any]:
    """Milliseconds of one core per second of signal, for every device that has a twin."""
    rows = [_measure(name, FULL_SIZE.get(name, ""), lose) for name in TWINS]
    return {"signal_s": SIGNAL_S, "piece_ms": 1e3 * PIECE_S, "lose": lose, "sources": rows}


def _measure(name: str, settings: str, lose: float) -> dict[str, Any]:
    taken = []
    for _ in range(REPEATS):
        twin = twin_of(name, settings)
        tape, source = _recorded(name, settings, twin, lose)
        kept_n = sum(len(arrival.data) for arrival in tape.kept)
        begin_s = time.process_time()
        samples_n = 0
        while tape.kept:
            chunk = source.read(0.0)
            samples_n += len(chunk.samples) if chunk is not None else 0
        taken.append(time.process_time() - begin_s)
    taken.sort()
    spec = source.spec
    share = taken[len(taken) // 2] / SIGNAL_S
    return {
        "source": f"{name}:{settings}" if settings else name,
        "channels": len(spec.channels),
        "rate_hz": spec.rate_hz,
        "kilobytes_per_s": round(kept_n / SIGNAL_S / 1e3, 1),
        "ms_per_s": round(1e3 * share, 3),
        "worst_ms_per_s": round(1e3 * taken[-1] / SIGNAL_S, 3),
        "share_of_one_core": round(share, 5),
        "samples": samples_n,
    }


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
    tape.playing = True
    return tape, source

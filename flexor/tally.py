"""What is counted while a hand is driven, and what is told of it at the end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from acquisition.stream import Device, Source
from models.score import Decided, Prompt

EVENTS_KEPT = 200
"""Sentences that the report keeps; all are counted."""
HOUR_N = 144_000
"""Decisions of an hour at 40 per second: figures are of the last hour at least, for a day of wear
would take half a gigabyte."""
QUARTER_N = HOUR_N // 4


class Event(NamedTuple):
    """Something that happened, for the record and for a person."""

    clock_s: float
    kind: str
    text: str


@dataclass
class Tally:
    """One run. Lists grow by a number per decision, up to an hour and a quarter of them."""

    latency_s: list[float] = field(default_factory=list)
    """from the newest sample behind a command to the last byte of it handed to the port"""
    turn_s: list[float] = field(default_factory=list)
    """from the newest sample that had come to the command handed over: what waiting for a window's
    last sample adds is left out, and how evenly the machine works is left"""
    compute_s: list[float] = field(default_factory=list)
    """from chunks in hand to the command handed over, for ticks with a decision"""
    decided: list[Decided] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """kind of event -> how often"""
    commands_n: int = 0
    """setpoints sent"""
    stops_n: int = 0
    """those of velocity 0 that the gate sent of itself, without a new decision"""
    stale_commands_n: int = 0
    """those that move without a decision of the same tick behind them: must stay 0"""
    skipped_windows: int = 0
    missed_deadlines: int = 0
    first_decision_s: float | None = None
    """seconds from the start of the process"""
    first_clock_s: float | None = None
    last_clock_s: float = 0.0

    def forget(self) -> None:
        """Lets the oldest quarter of an hour go where there is more than an hour. To be called
        with every decision."""
        if len(self.compute_s) <= HOUR_N + QUARTER_N:
            return
        for values in (self.latency_s, self.turn_s, self.compute_s, self.decided, self.prompts):
            del values[: max(0, len(values) - HOUR_N)]

    def event(self, clock_s: float, kind: str, text: str) -> Event:
        """Counts an event, and keeps its sentence while there is room."""
        happened = Event(clock_s, kind, text)
        self.counts[kind] += 1
        if len(self.events) < EVENTS_KEPT:
            self.events.append(happened)
        return happened


def spread(values: Sequence[float], factor: float) -> dict[str, float] | None:
    """{"p50", "p99", "max"} times `factor`, None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    last = len(ordered) - 1
    return {
        "p50": round(factor * ordered[round(0.50 * last)], 3),
        "p99": round(factor * ordered[round(0.99 * last)], 3),
        "max": round(factor * ordered[last], 3),
    }


def jitter_s(turn_s: Sequence[float]) -> list[float]:
    """How far each is from the median of all."""
    middle = sorted(turn_s)[len(turn_s) // 2] if turn_s else 0.0
    return [abs(value - middle) for value in turn_s]


def process_age_s() -> float:
    """Seconds since this process was started (proc(5): field 22 of stat, in clock ticks)."""
    stat = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    uptime_s = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return uptime_s - int(stat[19]) / ticks


def memory_mb(pids: Iterable[int | str]) -> float | None:
    """Proportional set size of the processes together; None where the kernel does not tell."""
    total = 0
    for pid in pids:
        try:
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            return None
        total += sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    return round(total / 1024, 1)


def device_report(source: Source) -> dict[str, Any]:
    """{"device": what happened between it and us}, of a source with hardware behind it."""
    return {"device": asdict(source.counts)} if isinstance(source, Device) else {}


def sensor_battery(source: Source | None) -> float | None:
    """Share that is left, 0..1; None where the sensor does not report it."""
    share = getattr(source, "battery_share", None)
    return None if share is None else float(share)


def loss_report(counters: Any, dropped_samples: int) -> dict[str, int]:
    """The decoder's counters and the inbox's, under the names that reports use."""
    return {
        "samples": counters.samples,
        "lost_samples": counters.lost_samples,
        "concealed_samples": counters.concealed_samples,
        "void_samples": counters.void_samples,
        "dropped_samples": dropped_samples,
        "restarts": counters.restarts,
        "rejected": counters.rejected,
    }

"""A program that sends a stream through the Lab Streaming Layer, as its library gives it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

import numpy as np

from acquisition.emulators.trouble import Injected, Trouble, pass_on
from acquisition.emulators.twin import Pace, Said, Signal, Transport, Twin, pattern
from acquisition.lsl import START, STOP, Stream, spec_of
from acquisition.lsl_outlet import Outlet

NAME = "flexor-twin"
TURN_S = 0.02


def twin_stream(channels: int = 8, rate: float = 1000.0) -> Stream:
    """What the twin says of itself."""
    labels = tuple(f"emg{i}" for i in range(1, channels + 1))
    return Stream(
        "flexor-twin",
        "EMG",
        "flexor-twin",
        "here",
        channels,
        rate,
        True,
        labels,
        ("uV",) * channels,
    )


class LslTwin:
    """One sender. Its frames are floats, as the layer carries them."""

    transport = Transport("lsl", {})
    samples_per_frame = 1
    count_range = -(2**15), 2**15 - 1

    def __init__(self, stream: Stream, signal: Signal | None = None) -> None:
        self.spec = spec_of(stream)
        self.signal = signal or pattern(stream.channels_n, *self.count_range)
        self.vital = bytes(4 * stream.channels_n)
        self._pace = Pace(1 / stream.rate_hz)
        self._frame_n = 0

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if data == START:
            self._frame_n = 0
            self._pace.start(now_s)
        elif data == STOP:
            self._pace.stop()
        return []

    def due(self, now_s: float) -> list[Said]:
        n, first_n = self._pace.due_n(now_s), self._frame_n
        if not n:
            return []
        self._frame_n += n
        rows = self.signal(first_n, n).astype("<f4")
        return [Said(rows[k].tobytes(), sample_n=first_n + k) for k in range(n)]


def lsl_twin(signal: Signal | None = None, *, channels: int = 8, rate: float = 1000.0) -> LslTwin:
    return LslTwin(twin_stream(channels, rate), signal)


def serve_lsl(
    twin: Twin, trouble: Trouble, done: Injected, stop: Event, ready: Callable[[str], None]
) -> None:
    """Sends the twin's stream for real until `stop`. A sample that is lost is a gap in the stamps;
    the layer lets nothing else befall it."""
    spec, random = twin.spec, np.random.default_rng(trouble.seed)
    units = ("microvolts",) * len(spec.channels)
    outlet = Outlet(NAME, "EMG", NAME, spec.channels, units, spec.rate_hz)
    ready(f"name={NAME}")
    begun_s = time.monotonic()
    twin.hear(START, begun_s)
    while not stop.wait(TURN_S):
        said = twin.due(time.monotonic())
        for run in _runs(pass_on(said, trouble, done, random, twin.vital)):
            rows = np.frombuffer(b"".join(one.data for one in run), "<f4")
            at_s = begun_s + (run[0].sample_n + 1) / spec.rate_hz
            outlet.send(rows.reshape(-1, len(spec.channels)), at_s)
    outlet.close()


def _runs(said: list[Said]) -> list[list[Said]]:
    """Frames that follow each other without a gap, together."""
    runs: list[list[Said]] = []
    for one in said:
        if runs and one.sample_n == runs[-1][-1].sample_n + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs

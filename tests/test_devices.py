"""One contract for every device of SOURCES: what a twin sends arrives, or is counted as lost."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from acquisition.emulators.trouble import Trouble
from acquisition.emulators.twin import Twin, open_twin
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.sources import SOURCES, open_source
from acquisition.stream import Chunk, Device, DeviceLost, Refused
from tests.device_cases import CASES, Case

pytestmark = pytest.mark.edge


UNSURE_N = 3
"""Frames in ten minutes by which the arrivals of a device without a counter may be wrong."""
WITHOUT_A_TWIN = {"synthetic", "replay"}
"""Sources that are no devices."""
cases = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case.word,
            marks=pytest.mark.skipif(
                bool(case.needs) and find_spec(case.needs) is None,
                reason=f"{case.needs} is not installed, and only it knows the board",
            ),
        )
        for case in CASES
    ],
)


class Bench:
    """A device opened on its twin, in virtual time."""

    def __init__(self, case: Case, trouble: Trouble | None = None, quantum_s: float = 0.0) -> None:
        self.case, self.clock = case, VirtualClock()
        self.twin: Twin = open_twin(case.name, **case.twin)
        self.trouble, self.quantum_s = trouble, quantum_s
        self.ports: list[VirtualPort] = []
        self.source: Device = open_source(
            case.word,
            port=self.open_port,
            clock=self.clock,
            sleep=self.clock.sleep,
            **case.opens,
        )

    def open_port(self) -> VirtualPort:
        self.ports.append(VirtualPort(self.twin, self.clock, self.trouble, self.quantum_s))
        return self.ports[-1]

    def run(self, seconds: float) -> list[Chunk]:
        """The chunks of so many seconds."""
        end_s, chunks = self.clock() + seconds, []
        while self.clock() < end_s:
            chunk = self.source.read(0.05)
            assert chunk is not None
            if len(chunk.samples) or chunk.markers:
                chunks.append(chunk)
        return chunks

    def rows(self, first_n: int, n: int) -> np.ndarray[Any, Any]:
        """What the twin sent, in the unit of the spec."""
        counts = self.twin.signal(first_n, n) - self.case.center
        return (counts * self.source.spec.scale).astype(np.float32)


def first_index(bench: Bench, chunk: Chunk) -> int:
    """Number of the sample with which the stream begins."""
    sent = bench.rows(0, 512)
    return int((sent == chunk.samples[0]).all(axis=1).argmax())


def walk(bench: Bench, chunks: list[Chunk]) -> tuple[int, int]:
    """(samples lost, rows that differ from what was sent), with every sample in its place."""
    at = first_index(bench, chunks[0])
    lost = wrong = 0
    for i, chunk in enumerate(chunks):
        if i:
            at, lost = at + chunk.lost, lost + chunk.lost
        expected = bench.rows(at, len(chunk.samples))
        wrong += int((chunk.samples != expected).any(axis=1).sum())
        at += len(chunk.samples)
    return lost, wrong


def seek(bench: Bench, chunks: list[Chunk]) -> tuple[int, int]:
    """The same for a device that does not count: every row is found by its values."""
    at = first_index(bench, chunks[0])
    missing = wrong = 0
    for chunk in chunks:
        rows = chunk.samples
        while len(rows):
            same = (rows == bench.rows(at, len(rows))).all(axis=1)
            n = len(rows) if same.all() else int(same.argmin())
            at, rows = at + n, rows[n:]
            if not len(rows):
                break
            ahead = (bench.rows(at, 64) == rows[0]).all(axis=1)
            if ahead.any():
                missing, at = missing + int(ahead.argmax()), at + int(ahead.argmax())
            else:
                wrong, at, rows = wrong + 1, at + 1, rows[1:]
    return missing, wrong


def test_every_device_has_a_case_here() -> None:
    assert {case.name for case in CASES} | WITHOUT_A_TWIN == set(SOURCES)


@cases
def test_a_device_gives_every_sample_of_its_twin_in_its_unit(case: Case) -> None:
    bench = Bench(case)
    spec = bench.source.spec
    bench.source.start()
    chunks = bench.run(3.0)
    bench.source.stop()
    assert all(chunk.samples.dtype == np.float32 for chunk in chunks)
    assert all(chunk.samples.shape[1] == len(spec.channels) for chunk in chunks)
    assert walk(bench, chunks) == (0, 0)
    samples_n = sum(len(chunk.samples) for chunk in chunks)
    assert samples_n == pytest.approx(3.0 * spec.rate_hz, rel=0.05)
    assert bench.source.counts.lost_samples == 0


@cases
def test_the_clock_of_a_device_runs_evenly_and_never_ahead(case: Case) -> None:
    bench = Bench(case, Trouble(delay_s=0.02, split=True, seed=3))
    bench.source.start()
    last_s, began_s = -np.inf, bench.clock()
    for _ in range(400):
        chunk = bench.source.read(0.05)
        assert chunk is not None
        if not len(chunk.samples):
            continue
        ends_s = chunk.clock_s + (len(chunk.samples) - 1) / bench.source.spec.rate_hz
        assert last_s < chunk.clock_s
        begun = bench.clock() - began_s > 1.0
        # A read may be 20 ms late and bring half of its bytes with the next one only.
        assert ends_s <= bench.clock() + (0.005 if begun else 0.04)
        assert ends_s > bench.clock() - 0.25
        last_s = ends_s
    bench.source.stop()


@pytest.mark.slow
@cases
def test_ten_bad_minutes_lose_exactly_what_was_lost(case: Case) -> None:
    if case.blind:
        pytest.skip("a single sample that it loses cannot be told from the error of its clock")
    duplicate, corrupt = 0.001 if case.exact else 0.0, 0.0 if case.text else 1e-4
    trouble = Trouble(lose=0.01, duplicate=duplicate, corrupt=corrupt, split=True, seed=7)
    bench = Bench(case, trouble, quantum_s=0.05)
    bench.source.start()
    chunks = bench.run(600.0)
    port = bench.ports[0]
    port.trouble = Trouble()  # what was lost last shows when something follows
    chunks += bench.run(3.0)
    bench.source.stop()
    done, counts = port.injected, bench.source.counts
    lost, wrong = walk(bench, chunks) if case.exact else seek(bench, chunks)
    assert done.lost > 0
    assert done.corrupted_bytes > 0 or case.text
    unsure = 0 if case.exact else UNSURE_N * bench.twin.samples_per_frame
    assert abs(lost - counts.lost_samples) <= unsure
    assert wrong <= done.corrupted_bytes * bench.twin.samples_per_frame
    begun_n = first_index(bench, chunks[0])  # what sends by itself has sent before we listened
    missing = sum(first_n >= begun_n for first_n in done.missing)
    assert abs(lost - missing * bench.twin.samples_per_frame) <= unsure
    # A damaged counter may be that of the frame before.
    assert counts.duplicate_frames <= done.duplicated + done.broken


@cases
def test_a_device_that_is_unplugged_comes_back_as_a_new_stream(case: Case) -> None:
    bench = Bench(case)
    bench.source.start()
    bench.run(1.0)
    bench.ports[-1].unplugged = True
    chunks = bench.run(4.0)
    said = [marker.text for chunk in chunks for marker in chunk.markers]
    assert [text.partition(":")[0] for text in said] == ["source lost", "source back"]
    again = next(c for c in chunks if c.markers and c.markers[-1].text.startswith("source back"))
    assert again.lost >= 0.25 * bench.source.spec.rate_hz
    assert bench.source.counts.reconnects == 1
    bench.source.stop()


@cases
def test_a_device_that_falls_silent_is_taken_up_again(case: Case) -> None:
    bench = Bench(case)
    bench.source.start()
    bench.run(1.0)
    bench.ports[-1].deaf = True
    chunks = bench.run(6.0)
    said = [marker.text.partition(":")[0] for chunk in chunks for marker in chunk.markers]
    assert said == ["source lost", "source back"]
    bench.source.stop()


@cases
def test_a_stopped_device_has_its_stream_ended_and_its_port_closed(case: Case) -> None:
    bench = Bench(case)
    bench.source.start()
    bench.run(0.5)
    bench.source.stop()
    bench.source.stop()
    assert bench.twin.next_s == np.inf or not case.stops
    assert bench.ports[0].closed


@cases
def test_settings_that_a_device_does_not_have_are_refused(case: Case) -> None:
    with pytest.raises(Refused, match="setting"):
        open_source(f"{case.name}:x,nonsense=1")


@cases
def test_nobody_at_the_port_is_told_and_the_port_freed(case: Case) -> None:
    bench = Bench(case)
    port_of = bench.open_port

    def gone() -> VirtualPort:
        port = port_of()
        port.unplugged = True
        return port

    bench.source = open_source(
        case.word, port=gone, clock=bench.clock, sleep=bench.clock.sleep, **case.opens
    )
    with pytest.raises(DeviceLost):
        bench.source.start()
    assert bench.ports[-1].closed

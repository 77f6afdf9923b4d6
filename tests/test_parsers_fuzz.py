"""A million random bytes into every parser: no exception, bounded memory, and in step again."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from acquisition.emulators.twin import Twin
from acquisition.port import Arrival
from acquisition.wire import Wired
from tests.test_devices import CASES, Bench, Case

pytestmark = [pytest.mark.edge, pytest.mark.slow]

NOISE_N = 1_000_000
STEP_S = 0.001
KEPT_N = 512 * 1024
"""Bytes that a parser may hold on to, its queue of motion chunks included."""
SETTLED_S = 2.0

parsed = pytest.mark.parametrize(
    "case",
    [case for case in CASES if not case.needs or find_spec(case.needs) is not None],
    ids=lambda case: case.word,
)


def lines_of(twin: Twin) -> list[str]:
    if twin.transport.kind == "gatt":
        services: dict[str, dict[str, Any]] = vars(type(twin))["gatt"].services
        return [uuid for inner in services.values() for uuid in inner]
    return list(twin.transport.ports) or [""]


def noise(twin: Twin, begin_s: float) -> Iterator[Arrival]:
    """Random bytes as they may be read: in pieces, or in messages on any line."""
    random = np.random.default_rng(11)
    messages = twin.transport.kind == "gatt"
    lines, most_n = lines_of(twin), 245 if messages else 4096
    left_n, at_s, heard_n = NOISE_N, begin_s, dict.fromkeys(lines, 0)
    while left_n > 0:
        n = min(left_n, int(random.integers(1, most_n)))
        if messages and random.random() < 0.5:
            n = len(twin.vital)  # noise that looks like a frame
        left_n, at_s = left_n - n, at_s + STEP_S
        line = lines[int(random.integers(len(lines)))]
        heard_n[line] += n
        yield Arrival(random.bytes(n), at_s, line)
    if twin.transport.ports:
        # TCP loses no byte, and a stream without any marks rests on that: noise is whole frames.
        for line, n in heard_n.items():
            yield Arrival(random.bytes(-n % len(twin.vital)), at_s + STEP_S, line)


def suffix_n(out: np.ndarray, sent: np.ndarray) -> int:
    """Rows at the end of both that are equal."""
    n = min(len(out), len(sent))
    same = (out[len(out) - n :] == sent[len(sent) - n :]).all(axis=1)[::-1]
    return n if same.all() else int(same.argmin())


@parsed
def test_a_million_random_bytes_leave_a_parser_whole(case: Case) -> None:
    bench = Bench(case)
    bench.source.start()
    wired = bench.source._device  # type: ignore[attr-defined]
    if not isinstance(wired, Wired):
        pytest.skip("a library reads it, and hands over rows")
    parser, twin, frame_n = wired._parser, bench.twin, bench.twin.samples_per_frame

    tracemalloc.start()
    for k, arrival in enumerate(noise(twin, bench.clock())):
        if k == 20:
            before_n = tracemalloc.get_traced_memory()[0]
        chunks = parser.feed(arrival)
        assert all(np.isfinite(chunk.clock_s) and chunk.lost >= 0 for chunk in chunks)
    grown_n = tracemalloc.get_traced_memory()[0] - before_n
    tracemalloc.stop()
    assert grown_n < KEPT_N

    bench.clock.now_s = arrival.at_s
    twin.due(bench.clock())  # what was sent meanwhile, nobody heard
    first_n, parts, heard_n = None, [], 0
    end_s = bench.clock() + SETTLED_S
    while bench.clock() < end_s:
        bench.clock.now_s = max(twin.next_s, bench.clock() + STEP_S)
        for said in twin.due(bench.clock()):
            if said.sample_n >= 0:
                first_n = said.sample_n if first_n is None else first_n
                heard_n = said.sample_n + frame_n - first_n
            got = parser.feed(Arrival(said.data, bench.clock(), said.line))
            parts += [chunk.samples for chunk in got]
    assert first_n is not None
    out, sent = np.concatenate(parts), bench.rows(first_n, heard_n)
    # One frame may still wait for the one behind it.
    matched = max(suffix_n(out, sent[: len(sent) - k * frame_n]) + k * frame_n for k in (0, 1))
    assert matched >= heard_n - 2 * frame_n

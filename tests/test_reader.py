"""Chunks cross from the reader to the control loop whole, in order, and bounded."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Chunk, DeviceLost, Spec
from flexor.reader import Inbox, Reader

pytestmark = pytest.mark.edge

SPEC = Spec(200.0, ("emg1", "emg2"), "raw")


def chunk(first: int, n: int, lost: int = 0) -> Chunk:
    """Samples that carry their own number."""
    x = np.repeat(np.arange(first, first + n, dtype=np.float32)[:, None], 2, axis=1)
    return Chunk(x, first / 200, lost)


class Listed:
    """A source that plays a list and then ends as told."""

    spec = SPEC

    def __init__(self, chunks: list[Chunk], end: Exception | None = None) -> None:
        self.chunks, self.end, self.stopped = chunks, end, 0

    def start(self) -> None:
        """Nothing to do."""

    def read(self, timeout_s: float) -> Chunk | None:
        if self.chunks:
            return self.chunks.pop(0)
        if self.end:
            raise self.end
        return None

    def stop(self) -> None:
        self.stopped += 1


def drained(inbox: Inbox) -> list[Chunk]:
    out: list[Chunk] = []
    while not inbox.ended:
        out += inbox.take(1.0)
    return out


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=40),
    takes=st.lists(st.integers(0, 40), max_size=5),
    room=st.integers(9, 60),
)
def test_every_sample_arrives_in_order_or_is_counted(
    sizes: list[int], takes: list[int], room: int
) -> None:
    inbox, at, got = Inbox(room), 0, []
    for i, n in enumerate(sizes):
        inbox.put(chunk(at, n))
        at += n
        if i in takes:
            got += inbox.take(0)
    got += inbox.take(0)
    expect = 0
    for part in got:
        expect += part.lost
        assert part.samples[:, 0].tolist() == list(range(expect, expect + len(part.samples)))
        expect += len(part.samples)
    assert expect == at
    assert inbox.dropped_samples == sum(part.lost for part in got)


def test_two_threads_never_see_a_torn_or_lost_chunk() -> None:
    n = 3000
    inbox = Inbox(10**9)
    writer = threading.Thread(
        target=lambda: ([inbox.put(chunk(10 * i, 10)) for i in range(n)], inbox.end())
    )
    writer.start()
    numbers = np.concatenate([part.samples[:, 0] for part in drained(inbox)])
    writer.join()
    assert numbers.tolist() == list(range(10 * n))


def test_the_source_is_stopped_when_it_ends_and_when_it_is_left() -> None:
    source = Listed([chunk(0, 2)])
    inbox = Inbox(100)
    with Reader(source, inbox):
        assert len(drained(inbox)) == 1
    assert source.stopped == 1
    assert inbox.error is None


@pytest.mark.parametrize("end", [DeviceLost("The armband is gone."), ValueError("a bug")])
def test_a_lost_device_or_a_failing_driver_ends_the_inbox_with_its_reason(end: Any) -> None:
    source = Listed([chunk(0, 2), chunk(2, 2)], end)
    inbox = Inbox(100)
    with Reader(source, inbox):
        assert len(drained(inbox)) == 2
    assert isinstance(inbox.error, DeviceLost)
    assert str(end) in str(inbox.error)


def test_taking_from_an_ended_inbox_does_not_wait() -> None:
    inbox = Inbox(10)
    inbox.end()
    assert inbox.take(1000.0) == []
    assert inbox.ended

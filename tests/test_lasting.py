"""A device that goes and comes back: how often it is sought, and what stays true meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from acquisition.emulators.virtual import VirtualClock
from acquisition.stream import (
    Chunk,
    Counts,
    DeviceLost,
    DeviceRefused,
    DeviceTimeout,
    Spec,
    empty_chunk,
)
from acquisition.wire import Lasting

pytestmark = pytest.mark.edge

SPEC = Spec(100.0, ("a", "b"), "raw")


class Fickle:
    """A device that is there when `there` says so, and sends ten samples each 0.1 s."""

    def __init__(self, clock: VirtualClock, there: Callable[[float], bool]) -> None:
        self._clock, self._there = clock, there
        self.spec, self.motion_spec, self.counts = SPEC, None, Counts()
        self.starts_s: list[float] = []
        self.stops_n = 0
        self.on_start: Callable[[], None] = lambda: None

    def start(self) -> None:
        self.starts_s.append(self._clock())
        self.on_start()
        if not self._there(self._clock()):
            raise DeviceTimeout("Nobody answers: switch it on.")

    def read(self, timeout_s: float) -> Chunk | None:
        self._clock.sleep(timeout_s)
        if not self._there(self._clock()):
            raise DeviceLost("It is gone: plug it in.")
        if timeout_s < 0.1:
            return empty_chunk(SPEC, self._clock())
        return Chunk(np.ones((10, 2), np.float32), self._clock() - 0.1)

    def take_motion(self) -> list[Chunk]:
        return []

    def stop(self) -> None:
        self.stops_n += 1


def sought(clock: VirtualClock, there: Callable[[float], bool]) -> tuple[Fickle, Lasting]:
    device = Fickle(clock, there)
    return device, Lasting(device, clock, clock.sleep)


def test_the_first_refusal_is_told_at_once() -> None:
    clock = VirtualClock(0.0)
    _, source = sought(clock, lambda now_s: False)
    with pytest.raises(DeviceTimeout):
        source.start()


def test_it_is_sought_more_and_more_rarely_and_never_given_up() -> None:
    clock = VirtualClock(0.0)
    device, source = sought(clock, lambda now_s: now_s < 1.0)
    source.start()
    while clock() < 60.0:
        assert source.read(0.1) is not None
    waits = np.diff(device.starts_s[1:])
    assert waits[:3] == pytest.approx([1.0, 2.0, 4.0], abs=0.3)
    assert waits[3:] == pytest.approx(8.0, abs=0.3)


def test_what_could_not_be_received_is_told_as_lost_once() -> None:
    clock = VirtualClock(0.0)
    device, source = sought(clock, lambda now_s: not 1.0 < now_s < 3.0)
    source.start()
    chunks = []
    while clock() < 6.0:
        chunk = source.read(0.1)
        assert chunk is not None
        chunks.append(chunk)
    lost = [chunk.lost for chunk in chunks if chunk.lost]
    assert len(lost) == 1
    samples_n = sum(len(chunk.samples) for chunk in chunks)
    assert samples_n + lost[0] == pytest.approx(600, abs=15)
    assert device.counts.lost_samples == lost[0]
    assert device.counts.reconnects == 1


def test_a_device_that_is_another_one_when_it_comes_back_is_not_taken() -> None:
    clock = VirtualClock(0.0)
    device, source = sought(clock, lambda now_s: now_s < 1.0 or now_s > 3.0)
    source.start()

    def other() -> None:
        raise DeviceRefused("Another device answers.")

    while clock() < 2.0:
        source.read(0.1)
    device.on_start = other
    while clock() < 10.0:
        chunk = source.read(0.1)
        assert chunk is not None
        assert not len(chunk.samples)


def test_a_device_that_is_stopped_while_it_is_sought_stays_stopped() -> None:
    clock = VirtualClock(0.0)
    device, source = sought(clock, lambda now_s: now_s < 1.0 or now_s > 3.0)
    source.start()
    while clock() < 3.0:
        source.read(0.1)
    device.on_start = source.stop
    while source.read(0.1) is not None:
        assert clock() < 20.0
    assert device.stops_n >= 2
    assert device.counts.reconnects == 0

"""A simulated wearer's time waits for who tells it what to do, so that a busy machine changes
nothing of what it does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from acquisition.simulator.will import Will
from acquisition.synthetic import PATIENCE_S, Synthetic, open_synthetic
from flexor.perform import performed

pytestmark = pytest.mark.edge


@dataclass
class FakeClock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def begun() -> tuple[Synthetic, FakeClock]:
    clock = FakeClock()
    source = open_synthetic(script=Will(), clock=clock, sleep=clock.sleep)
    source.start()
    return source, clock


def heard_s(source: Synthetic, clock: FakeClock, seconds: float) -> float:
    """Clock of the newest sample after so long."""
    newest_s, until_s = 0.0, clock.now + seconds
    while clock.now < until_s:
        chunk = source.read(0.05)
        assert chunk is not None
        if len(chunk.samples):
            newest_s = chunk.clock_s + (len(chunk.samples) - 1) / source.spec.rate_hz
    return newest_s


def test_the_wearers_time_stops_where_it_was_told_to() -> None:
    source, clock = begun()
    source.perform("rest", 0.0, until_s=1000.5)
    assert heard_s(source, clock, 1.5) == pytest.approx(1000.495)


def test_what_waited_comes_with_the_next_word_and_real_time_is_kept() -> None:
    source, clock = begun()
    source.perform("rest", 0.0, until_s=1000.5)
    heard_s(source, clock, 1.5)
    source.perform("rest", 0.0, until_s=1002.0)
    assert heard_s(source, clock, 0.01) == pytest.approx(clock.now, abs=0.02)


def test_a_guest_that_falls_silent_holds_nobody_up() -> None:
    source, clock = begun()
    source.perform("rest", 0.0, until_s=1000.1)
    assert heard_s(source, clock, PATIENCE_S - 0.1) < 1000.2
    assert heard_s(source, clock, 0.3) == pytest.approx(clock.now, abs=0.02)


def test_in_a_hurry_real_time_is_not_waited_for_and_goes_on_from_there() -> None:
    source, clock = begun()
    source.perform("rest", 0.0, until_s=1030.0, hurry=True)
    chunks = [source.read(0.05) for _ in range(3000)]
    assert clock.now == 1000.0
    last = chunks[-1]
    assert last is not None
    assert last.clock_s == pytest.approx(1029.99)
    source.perform("rest", 0.0)
    later = heard_s(source, clock, 1.0)
    assert later == pytest.approx(1031.0, abs=0.03)
    assert clock.now == pytest.approx(1001.0, abs=0.03)


def test_the_same_words_at_the_same_samples_give_the_same_signal_however_slow_the_machine() -> None:
    def signal(pause_s: float) -> NDArray[np.float32]:
        source, clock = begun()
        parts = []
        for k in range(40):
            gesture = "hand_close" if k > 20 else "rest"
            source.perform(gesture, 0.5 if k > 20 else 0.0, until_s=1000.0 + 0.05 * (k + 1))
            clock.now += pause_s
            for _ in range(5):
                chunk = source.read(5.0)
                assert chunk is not None
                parts.append(chunk.samples)
        return np.concatenate(parts)

    assert np.array_equal(signal(0.0), signal(0.3))


def test_where_a_hand_is_driven_nobody_runs_ahead_of_real_time() -> None:
    source, clock = begun()
    asked = {"gesture": "rest", "effort": 0.0, "until_s": 1030.0, "hurry": True}
    assert performed(source, asked)
    assert heard_s(source, clock, 0.5) == pytest.approx(clock.now, abs=0.02)
    assert performed(source, asked, hurry=True)
    for _ in range(100):
        assert source.read(0.0) is not None
    assert clock.now < 1001.0
    for wrong in ("soon", float("nan"), [1.0]):
        assert not performed(source, {**asked, "until_s": wrong})

"""The live loop end to end in virtual time: it moves what was meant, and rests when it must."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Chunk, Marker
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Cause, Phase, Request
from tests.virtual import START_S, VirtualRun, at

pytestmark = pytest.mark.edge

MOVING_S = 3.6
"""When the hand has been closing for half a second in the usual script."""


@pytest.fixture
def moving() -> VirtualRun:
    run = VirtualRun().until(MOVING_S)
    assert run.moving, run.loop.tally.events
    return run


def test_the_hand_stays_still_until_rest_was_seen_and_then_closes() -> None:
    run = VirtualRun().until(0.9)
    assert run.mcu.state is HandState.IDLE
    run.until(2.3)
    assert run.loop.gate_state.phase is Phase.ARMED
    assert not run.moving
    run.until(5.0)
    assert run.moving or run.mcu.position_deg[2] > 90
    assert run.mcu.position_deg[2] > 30
    assert run.loop.tally.stale_commands_n == 0


def test_nothing_moves_when_nobody_armed() -> None:
    run = VirtualRun(arm=False).until(6.0)
    assert run.mcu.position_deg == [0.0] * 6
    assert run.loop.gate_state.phase is Phase.DISARMED


def test_decisions_come_at_their_rate_and_none_is_skipped_or_late() -> None:
    run = VirtualRun().until(6.0)
    tally = run.loop.tally
    assert len(tally.decided) == (1200 - 52) // 5 + 1
    assert tally.skipped_windows == tally.missed_deadlines == 0
    assert run.loop.state.counters.lost_samples == 0


def test_unplugging_the_source_brings_the_hand_to_rest() -> None:
    run = VirtualRun(faults=[at(MOVING_S, "unplug")]).until(MOVING_S - 0.01)
    assert run.moving
    assert run.rest_s() <= 0.150
    assert run.said("unplugged")
    assert run.events["source lost"] == 1


def test_a_source_that_falls_silent_brings_the_hand_to_rest(moving: VirtualRun) -> None:
    moving.change = lambda chunk: None
    assert moving.rest_s() <= 0.150
    assert moving.loop.gate_state.cause in (Cause.DECISIONS_STOPPED, Cause.HAND_TIMED_OUT)
    assert moving.said("the newest decision is too old") or moving.said("heard no setpoint in")


def test_a_device_that_comes_back_moves_nothing_until_somebody_arms(moving: VirtualRun) -> None:
    gone: list[int] = []

    def reconnect(chunk: Chunk) -> Chunk | None:
        if moving.now_s < START_S + MOVING_S + 1.0:
            gone.append(len(chunk.samples))
            return None
        lost, _ = sum(gone), gone.clear()
        back = (Marker(0, "source back: a new stream after 1.0 s"),) if lost else ()
        return replace(chunk, lost=lost, markers=chunk.markers + back)

    moving.change = reconnect
    moving.until(MOVING_S + 3.0)
    assert moving.events["source back"] == 1
    assert moving.loop.state.counters.restarts == 1
    assert moving.loop.gate_state.phase is Phase.DISARMED
    assert not moving.moving


@pytest.mark.parametrize("seed", range(6))
def test_twenty_percent_of_chunks_lost_brings_the_hand_to_rest(seed: int) -> None:
    rng, pending = np.random.default_rng(seed), [0]
    run = VirtualRun()
    over: list[float] = []

    def lose(chunk: Chunk) -> Chunk | None:
        if run.now_s < START_S + MOVING_S:
            return chunk
        if rng.random() < 0.2:
            pending[0] += len(chunk.samples)
            return None
        lost, pending[0] = pending[0], 0
        return replace(chunk, lost=lost)

    run.change = lose
    run.until(MOVING_S)
    assert run.moving
    while not run.loop.lossy and run.now_s < START_S + 8:
        run.until(run.now_s - START_S + 0.001)
    over.append(run.now_s - START_S - MOVING_S)
    assert over[0] < 1.0
    assert run.loop.tally.counts["loss"] == 1
    assert run.said("were lost: the hand holds")
    assert run.rest_s() <= 0.150


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("nan", {}, "no numbers"),
        ("saturate", {"channels": (2,)}, "emg3 clipped: lower the gain"),
        ("flat", {"channels": (4,)}, "emg5 flat: press the electrode"),
    ],
)
def test_a_bad_signal_brings_the_hand_to_rest(
    kind: str, settings: dict[str, Any], words: str
) -> None:
    run = VirtualRun(faults=[at(MOVING_S, kind, **settings)]).until(MOVING_S)
    assert run.moving
    assert run.rest_s() <= 0.150
    assert run.said(words)


def test_a_stalled_control_loop_is_caught_by_the_hand_itself(moving: VirtualRun) -> None:
    moving.frozen = True
    assert moving.rest_s() <= 0.150
    assert moving.mcu.state is HandState.FAILSAFE


def test_after_a_stall_old_windows_are_skipped_not_replayed(moving: VirtualRun) -> None:
    moving.frozen = True
    decided = len(moving.loop.tally.decided)
    moving.until(MOVING_S + 0.5)
    moving.frozen = False
    moving.until(MOVING_S + 0.511)
    tally = moving.loop.tally
    assert tally.skipped_windows >= 17
    assert len(tally.decided) - decided <= 3
    numbers = [d.sample_n for d in tally.decided]
    assert len(numbers) == len(set(numbers))
    assert moving.rest_s() == 0.0 or not moving.moving


def test_a_hand_that_closes_on_an_object_is_driven_no_further_and_told(moving: VirtualRun) -> None:
    moving.mcu.stalled = set(range(6))
    moving.until(MOVING_S + 0.150)
    assert moving.mcu.counts == (0,) * 6
    assert moving.said("meets resistance")
    assert moving.loop.gate_state.phase is Phase.ARMED


def test_a_hand_that_vanishes_ends_the_run_with_a_sentence(moving: VirtualRun) -> None:
    moving.port.cut = True
    moving.until(MOVING_S + 0.05)
    assert moving.loop.stopping
    assert moving.said("is gone: check its cable")
    assert moving.rest_s() <= 0.150


def test_a_hand_that_says_nothing_is_a_fault_and_stops_by_itself(moving: VirtualRun) -> None:
    port = moving.port
    port.write = len  # type: ignore[method-assign]
    port.read = lambda n: b""  # type: ignore[method-assign]
    assert moving.rest_s() <= 0.150
    assert moving.loop.gate_state.cause is Cause.LINK_LOST


def test_an_emergency_stop_is_at_the_hand_within_20_ms_and_latches(moving: VirtualRun) -> None:
    moving.loop.request = Request.ESTOP
    moving.until(MOVING_S + 0.020)
    assert moving.mcu.state is HandState.ESTOP
    moving.until(MOVING_S + 1.0)
    assert not moving.moving
    assert moving.loop.gate_state.phase is Phase.ESTOP


def test_rest_and_an_unplugged_source_leave_the_grip_as_it_is(moving: VirtualRun) -> None:
    before = list(moving.mcu.position_deg)
    moving.change = lambda chunk: None
    moving.rest_s()
    after = moving.mcu.position_deg
    assert all(b - 1e-9 <= a for a, b in zip(after, before, strict=True))


def test_two_gaps_in_one_window_pause_the_hand_and_it_goes_on_by_itself() -> None:
    run, pending, drop = VirtualRun(), [0], [3.30, 3.36]

    def lose(chunk: Chunk) -> Chunk | None:
        if drop and run.now_s >= START_S + drop[0]:
            drop.pop(0)
            pending[0] += len(chunk.samples)
            return None
        lost, pending[0] = pending[0], 0
        return replace(chunk, lost=lost)

    run.change = lose
    run.until(3.35)
    assert run.moving, "one bridged gap does not stop the hand"
    run.until(3.36)
    run.until(3.48)
    assert not run.moving
    assert run.said("the hand pauses")
    assert run.events["pause"] == 1
    assert run.loop.gate_state.phase is Phase.ARMED
    closed = run.mcu.position_deg[2]
    run.until(4.2)
    assert run.mcu.position_deg[2] > closed + 5

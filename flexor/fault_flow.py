"""Faults 6 to 9: lost packets, counters that wrap, clocks that drift, rates that are not theirs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from acquisition.emulators.trouble import Trouble
from acquisition.simulator.script import Prompt, Script
from acquisition.stream import DeviceRefused
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Phase
from flexor.fault_bench import MOVING_S, VirtualRun
from flexor.fault_stream import COUNTING, DEVICE, WHOLE_S, alike, moving
from flexor.fault_table import Outcome
from flexor.run import scored
from models.score import Prompt as Asked

GESTURES = ("hand_close", "hand_open", "wrist_flexion", "wrist_extension")
TOUR = Script(
    (
        Prompt("rest", 0.0, 2.5),
        *(p for g in GESTURES for p in (Prompt(g, 0.5, 1.5), Prompt("rest", 0.0, 1.0))),
    ),
    loop=False,
)
"""Four gestures, with rest between."""
LOSSES = (0.0, 0.01, 0.02, 0.05, 0.10, 0.20)
PPM = 500e-6
"""Ten times what two crystals differ by."""
TURN_N = 256
"""Values of its counter; a frame comes with each arrival."""
UNCOUNTED = "gforce:virtual"
JITTER_S = {DEVICE: 0.02, COUNTING: 0.02, UNCOUNTED: 0.002}
"""Without a counter a late byte cannot be told from a lost one: such a device needs a calm line."""
READ_S = 0.05
"""Between two reads of five minutes' stream, as on a busy machine."""


def accuracy(run: VirtualRun, script: Script = TOUR, since_s: float = 0.0) -> float:
    """Share of right decisions when a gesture has been held for half a second, of the gestures
    that begin after `since_s`."""
    rate_hz = run.source.spec.rate_hz
    begins = []
    for at_s, prompt in script.begins():
        if at_s >= script.seconds:
            break
        if at_s >= since_s:
            begins.append(Asked(round(at_s * rate_hz), prompt.gesture))
    run.loop.tally.prompts = begins
    return scored(run.loop).accuracy_settled or 0.0


def tour(lose: float = 0.0, **settings: Any) -> VirtualRun:
    """The wearer makes four gestures."""
    trouble = Trouble(lose=lose, seed=5)
    run = VirtualRun(word=DEVICE, c=True, trouble=trouble, script=TOUR, **settings)
    return run.until(TOUR.seconds)


def loss_curve() -> list[dict[str, float]]:
    """What lost packets cost: accuracy, and the share of the time in which the hand may move."""
    rows = []
    for lose in LOSSES:
        held = [0, 0]
        run = VirtualRun(word=DEVICE, c=True, trouble=Trouble(lose=lose, seed=5), script=TOUR)
        while run.second < TOUR.seconds:
            run.until(run.second + 0.02)
            if run.second > 2.5:
                held[1] += 1
                held[0] += run.loop.gate_state.phase is Phase.ARMED and not run.loop.doubtful
        share = round(held[0] / held[1], 3)
        rows.append({"lost": lose, "accuracy": round(accuracy(run), 3), "hand_follows": share})
    return rows


def lost() -> Outcome:
    """6: 1 % costs next to nothing, 8 % slows the hand, 25 % stops it."""
    ok = accuracy(tour(0.01)) >= accuracy(tour()) - 0.02
    whole, slow = VirtualRun(word=DEVICE, c=True), VirtualRun(word=DEVICE, c=True)
    slow.line.meddle = _pairs(30)
    full, half = (_fastest(run) for run in (whole, slow))
    ok &= 0 < half <= 0.55 * full and slow.events["thin signal"] >= 1
    safe_s, said = 0.0, ""
    for seed in range(4):
        run = moving()
        ok &= run.moving
        port = run.device_ports[-1]
        port.trouble, port._random = Trouble(lose=0.25), np.random.default_rng(seed)
        while not port.injected.lost:
            run.until(run.second + 0.001)
        safe_s = max(safe_s, run.rest_s())
        said = run.told(MOVING_S)
    return Outcome(ok, 1e3 * safe_s, said)


def _pairs(n: int) -> Callable[[list[Any]], list[Any]]:
    """Two arrivals of n are lost, one behind the other: a gap that is bridged, one per window."""
    seen = [0]

    def strike(arrivals: list[Any]) -> list[Any]:
        seen[0] += 1
        return arrivals if seen[0] % n > 1 else []

    return strike


def _fastest(run: VirtualRun) -> float:
    fastest = 0.0
    while run.second < WHOLE_S:
        run.until(run.second + 0.01)
        fastest = max(fastest, *(abs(v) for v in run.mcu.velocity_deg_s))
    return fastest


def wrapped() -> Outcome:
    """7: exactly one turn of the counter is missing, so that the counter shows no gap at all."""
    run = moving(COUNTING)
    ok = run.moving
    before_n = run.counts.lost_samples
    gone = [0]

    def one_turn(arrivals: list[Any]) -> list[Any]:
        gone[0] += len(arrivals)
        return [] if gone[0] <= TURN_N else arrivals

    run.line.meddle = one_turn
    safe_s = run.rest_s()
    stood = run.mcu.position_deg
    run.until(run.second + 3.0)
    ok &= run.counts.lost_samples - before_n == TURN_N
    ok &= run.loop.state.counters.restarts == 1
    ok &= run.loop.gate_state.phase is Phase.DISARMED and run.mcu.position_deg == stood
    return Outcome(ok, 1e3 * safe_s, f"{run.told(MOVING_S)} In all: {run.device_told}.")


@contextmanager
def _wall_clock_steps() -> Iterator[None]:
    """The time of day jumps back and forth by an hour, as NTP may set it."""
    kept, calls = time.time, [0]

    def jumping() -> float:
        calls[0] += 1
        return kept() + (3600 if calls[0] % 2 else -3600)

    time.time = jumping
    try:
        yield
    finally:
        time.time = kept


def drifting() -> Outcome:
    """8: the sensor's clock is 500 ppm off, bytes come up to 20 ms late, the time of day jumps."""
    ok, said = True, ""
    for share in (-PPM, PPM):
        with _wall_clock_steps():
            run = VirtualRun(
                word=DEVICE, c=True, drift=share, trouble=Trouble(delay_s=0.02, seed=5)
            )
            run.until(WHOLE_S + 0.1)
        ok &= alike(run, DEVICE) == 1.0 and run.inbox.dropped_samples == 0
        ok &= run.loop.tally.skipped_windows == 0 and run.mcu.state is HandState.ARMED
        said = run.told()
        for word in (DEVICE, COUNTING, UNCOUNTED):
            oldest_s, lost_n = stamped(word, share)
            ok &= oldest_s < READ_S + 0.05 and lost_n == 0
    return Outcome(ok, None, said)


def stamped(word: str, drift: float, seconds: float = 300.0) -> tuple[float, int]:
    """(age of the oldest newest sample by its stamp when it was handed over, samples thought lost)
    in the last half of so long a stream of a device, without the loop behind it."""
    trouble = Trouble(delay_s=JITTER_S[word], seed=5)
    run = VirtualRun(word=word, drift=drift, trouble=trouble, bare=True, quantum_s=READ_S)
    source, clock = run.source, run.reader_clock
    begin_s, oldest_s = clock.now_s, -np.inf
    while clock.now_s < begin_s + seconds:
        chunk = source.read(0.05)
        if chunk is not None and len(chunk.samples) and clock.now_s > begin_s + seconds / 2:
            newest_s = chunk.clock_s + (len(chunk.samples) - 1) / source.spec.rate_hz
            oldest_s = max(oldest_s, clock.now_s - newest_s, newest_s - clock.now_s)
    return float(oldest_s), run.counts.lost_samples


def wrong_rate() -> Outcome:
    """9: an armband in its 50 Hz mode, and a board that is a fifth too fast."""
    ok, worst_s, said = True, 0.0, ""
    for word, drift in ((DEVICE, -0.75), (COUNTING, 0.2)):
        run = VirtualRun(word=word, c=True, drift=drift)
        states = set()
        while run.second < 6.0 and not run.inbox.ended:
            run.until(run.second + 0.01)
            states.add(run.mcu.state)
            if not run.loop.rate.told and run.inbox.error is None:
                worst_s = max(worst_s, run.second)
        ok &= isinstance(run.inbox.error, DeviceRefused) and HandState.ARMED not in states
        said = run.told()
    return Outcome(ok, 1e3 * worst_s, said)

"""Faults 10 to 14: values that are no signal, and electrodes that do not do their work."""

from __future__ import annotations

from typing import Any

import numpy as np

from acquisition.port import Arrival
from acquisition.simulator.anatomy import GESTURES
from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.faults import Fault as Struck
from acquisition.simulator.script import Prompt, Script
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Chunk, Samples
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Phase
from flexor.fault_bench import MOVING_S, START_S, VirtualRun, at
from flexor.fault_flow import accuracy
from flexor.fault_stream import DEVICE
from flexor.fault_table import Outcome
from flexor.sense import understand

FLOATS = "lsl:name=flexor-twin"
"""A stream of floating-point numbers: counts cannot be what is no number."""
AS_ARMBAND = {"channels": 8, "rate": 200.0}
CHANNELS_N = 8
MASKED_S = 0.2
"""Science 5.3, fault 12."""
POINTS = 0.03
EVERY = Script(
    (
        Prompt("rest", 0.0, 2.5),
        *(p for g in GESTURES[1:] for p in (Prompt(g, 0.5, 1.5), Prompt("rest", 0.0, 1.0))),
    ),
    loop=False,
)
"""All gestures, with rest between."""
AGAIN = Script(
    (
        Prompt("rest", 0.0, 2.5),
        Prompt("hand_close", 0.5, 2.0),
        Prompt("rest", 0.0, 2.0),
        Prompt("hand_open", 0.5, 2.5),
        Prompt("rest", 0.0, 1.0),
    ),
    loop=False,
)
"""A fault strikes as the hand closes; the wearer relaxes and opens it."""


def not_numbers() -> Outcome:
    """10: NaN, infinity and denormals in a stream of floats."""
    ok, safe_s, said = True, 0.0, ""
    for value in (np.nan, np.inf):
        run = VirtualRun(word=FLOATS, twin=AS_ARMBAND, c=True).until(MOVING_S)
        ok &= run.moving
        run.line.meddle = _numbers(value)
        safe_s = max(safe_s, run.rest_s())
        said = run.told(MOVING_S)
        counters = run.loop.state.counters
        ok &= counters.void_samples > 0
        run.line.meddle = list
        run.until(run.second + 1.0)
        ok &= _finite(run.loop.state.before) and run.loop.state.counters.decisions > 0
    tiny = VirtualRun(word=FLOATS, twin=AS_ARMBAND, c=True, script=AGAIN)
    tiny.line.meddle = _numbers(1e-41, only=0.0)
    plain = VirtualRun(word=FLOATS, twin=AS_ARMBAND, c=True, script=AGAIN)
    ok &= tiny.until(AGAIN.seconds).decided == plain.until(AGAIN.seconds).decided
    ok &= tiny.loop.state.counters.void_samples == 0
    return Outcome(ok, 1e3 * safe_s, said)


def _numbers(value: float, only: float | None = None) -> Any:
    """Every number of a frame's second channel, or those that are `only`, become this one."""

    def strike(arrivals: list[Arrival]) -> list[Arrival]:
        out = []
        for arrival in arrivals:
            rows = np.frombuffer(arrival.data, "<f4").reshape(-1, CHANNELS_N).copy()
            if only is None:
                rows[:, 1] = value
            else:
                rows[rows == only] = value
            out.append(arrival._replace(data=rows.tobytes()))
        return out

    return strike


def _finite(state: Any) -> bool:
    """Whether all numbers of a chain's state are finite."""
    if isinstance(state, np.ndarray):
        return bool(np.isfinite(state).all())
    if isinstance(state, (tuple, list)):
        return all(map(_finite, state))
    return all(map(_finite, vars(state).values())) if hasattr(state, "__dict__") else True


def saturated() -> Outcome:
    """11: a channel at full scale; one that clips in one sample of 40, and of 15."""
    outcome = _bad_channel(at(MOVING_S, "saturate", channels=(2,)), "emg3 clipped")
    warned, guessed = (_clipping(every_n).loop for every_n in (40, 15))
    ok = [f.fault for f in warned.findings] == [False] and not warned.masking.mask.bad
    ok &= any(f.fault for f in guessed.findings) and guessed.masking.mask.bad == (5,)
    return outcome._replace(ok=bool(outcome.ok and ok))


def _clipping(every_n: int) -> VirtualRun:
    """One sample of so many is at the end of the range in one channel."""
    run = VirtualRun(word=DEVICE, c=True)
    signal = run.sensor.signal

    def clipped(first_n: int, n: int) -> Any:
        counts = signal(first_n, n).copy()
        counts[(np.arange(first_n, first_n + n) % every_n) == 0, 5] = 127
        return counts

    run.undrifted.signal = clipped
    return run.until(MOVING_S)


def flat() -> Outcome:
    """12: a channel that gives one value; and what each lost channel costs."""
    outcome = _bad_channel(at(MOVING_S, "flat", channels=(4,)), "emg5 flat")
    arm = Simulation(ARMBAND, EVERY, ())
    samples = arm.take(round(EVERY.seconds * ARMBAND.rate_hz)).samples
    whole = right(samples)
    costs = [whole - right(_without(channel, samples)) for channel in range(CHANNELS_N)]
    return outcome._replace(ok=bool(outcome.ok and np.mean(costs) <= POINTS))


def right(samples: Samples) -> float:
    """Accuracy of the loop's own senses on the simulated armband, without a hand behind them."""
    run = VirtualRun(script=EVERY, arm=False)
    for i in range(0, len(samples), 2):
        clock_s = START_S + i / ARMBAND.rate_hz
        understand(run.loop, [Chunk(samples[i : i + 2], clock_s)], clock_s)
    return accuracy(run, EVERY)


def _without(channel: int, samples: Samples) -> Samples:
    """The samples with a channel that is flat from before the first gesture."""
    out = samples.copy()
    out[round(ARMBAND.rate_hz) :, channel] = 0.0
    return out


def _bad_channel(fault: Struck, words: str) -> Outcome:
    """The hand stops, the channel is named and guessed, and the wearer can go on after rest."""
    run = VirtualRun(word=DEVICE, c=True, script=AGAIN, faults=[fault]).until(MOVING_S)
    ok, begin_s = run.moving, run.second
    safe_s = run.rest_s()
    ok &= run.said(words)
    masked = [e.clock_s for e in run.loop.tally.events if e.kind == "masked"]
    ok &= bool(masked) and masked[0] - run.start_s - begin_s <= MASKED_S
    said = run.told(MOVING_S)
    run.until(6.4)
    ok &= run.loop.gate_state.phase is Phase.ARMED and not run.moving
    closed = run.mcu.position_deg[2]
    run.until(AGAIN.seconds)
    ok &= run.mcu.position_deg[2] < closed - 20
    return Outcome(bool(ok), 1e3 * safe_s, said)


def bridged() -> Outcome:
    """13: two channels give the same, neighbours or not."""
    ok, said = True, ""
    for pair, words in (((2, 3), "emg3 bridged with emg4"), ((1, 6), "emg2 bridged with emg7")):
        fault = at(3.0, "bridge", channels=pair)
        run = VirtualRun(word=DEVICE, c=True, faults=[fault]).until(5.0)
        others = [e for e in run.loop.tally.events if e.kind == "bridged"]
        ok &= run.said(words) and len(others) == 1
        said = run.told(3.0)
    return Outcome(ok, None, said)


RESTING = Script((Prompt("rest", 0.0, 9.0),), loop=False)
"""Nothing is meant, so that nothing must move."""


def lifted() -> Outcome:
    """14: each electrode in turn comes off an arm at rest, and off one that closes the hand."""
    ok, said = True, ""
    for channel in range(CHANNELS_N):
        fault = at(3.0, "lift_off", channels=(channel,))
        run = VirtualRun(word=DEVICE, c=True, script=RESTING, faults=[fault]).until(2.9)
        ok &= run.mcu.state is HandState.ARMED
        stood = run.mcu.position_deg
        run.until(5.0)
        ok &= run.mcu.position_deg == stood and run.said(f"emg{channel + 1} lifted")
        said = run.told(3.0)
    for channel in range(0, CHANNELS_N, 3):
        fault = at(MOVING_S, "lift_off", channels=(channel,))
        run = VirtualRun(word=DEVICE, c=True, faults=[fault]).until(MOVING_S)
        ok &= run.moving
        before = run.mcu.position_deg
        run.until(MOVING_S + 1.5)
        # It stops or goes on closing: nothing opens, and nothing else closes.
        ok &= all(b <= a + 1e-6 for b, a in zip(before, run.mcu.position_deg, strict=True))
    return Outcome(ok, None, said)

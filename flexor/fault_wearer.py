"""Faults 15 to 19: what the wearer and the room do to a signal that is otherwise well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from acquisition.emulators.twin import Signal
from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.faults import Fault as Struck
from acquisition.simulator.script import Prompt, Script
from acquisition.simulator.simulation import Simulation
from flexor.fault_bench import MOVING_S, VirtualRun, at
from flexor.fault_flow import TOUR, accuracy
from flexor.fault_signal import RESTING
from flexor.fault_stream import DEVICE
from flexor.fault_table import Outcome
from flexor.fault_wires import arm_signal
from flexor.profile import read_profile

WITHOUT_NOTCHES = replace(ARMBAND, front_end=replace(ARMBAND.front_end, notches_hz=()))
"""An armband that leaves the line to us."""
POINTS = 0.02
SETTLED_S = 6.0
"""The line is found after three seconds; scores begin with the first gesture behind that."""
TWICE = Script(TOUR.prompts * 2, loop=False)
RENAMED_SHARE = 0.9
LONG = Script((Prompt("rest", 0.0, 3.5), *TOUR.prompts[:7]), loop=False)
UNKNOWN = {
    #                  FCR   FDS   BR/PT ECRL  ECRB  EDC   ECU   FCU
    "co-contraction": (0.60, 0.60, 0.60, 0.60, 0.60, 0.60, 0.60, 0.60),
    "finger flexion": (0.00, 0.80, 0.00, 0.00, 0.00, 0.00, 0.00, 0.05),
    "pronation": (0.10, 0.05, 0.95, 0.05, 0.05, 0.05, 0.05, 0.05),
    "spread": (0.05, 0.05, 0.05, 0.05, 0.70, 0.30, 0.90, 0.05),
    "ulnar pull": (0.05, 0.05, 0.00, 0.00, 0.00, 0.00, 0.00, 0.90),
    "radial pull": (0.80, 0.05, 0.05, 0.80, 0.05, 0.05, 0.05, 0.05),
    "twist": (0.05, 0.05, 0.60, 0.05, 0.05, 0.05, 0.05, 0.70),
}
"""Movements that the demo was never taught: drive of each muscle (acquisition.simulator.anatomy)"""
REPLACED = "hand_close"
MEANT = Script(
    (Prompt("rest", 0.0, 2.5), Prompt(REPLACED, 0.6, 3.0), Prompt("rest", 0.0, 1.0)), loop=False
)
MOVED_DEG = 2.0
"""Less is no movement that anybody sees: a fiftieth of a joint's range."""
STOP_S = 0.05
"""From full speed to rest."""
REJECTED_SHARE = 0.90


def line() -> Outcome:
    """15: the mains ten times as strong, into an armband with notches and one without."""
    ok, said = True, ""
    for worn in (ARMBAND, WITHOUT_NOTCHES):
        calm, noisy = (
            VirtualRun(word=DEVICE, c=True, worn=worn, script=LONG, faults=faults)
            for faults in ((), [at(0.0, "line", size=10.0)])
        )
        calm.until(LONG.seconds)
        noisy.until(LONG.seconds)
        ok &= accuracy(calm, LONG, SETTLED_S) - accuracy(noisy, LONG, SETTLED_S) <= POINTS
        said = noisy.told()
    ok &= noisy.loop.masking.hum is not None
    return Outcome(ok, None, said)


def artefact() -> Outcome:
    """16: jolts of 0.5 and 1 mV, at rest and while the hand closes."""
    ok, said = True, ""
    for seed in (1, 3):
        for size in (1.0, 2.0):
            jolt = [Struck("artefact", 4.0, 1.0, size=size)]
            run = VirtualRun(word=DEVICE, c=True, script=RESTING, faults=jolt, seed=seed)
            run.until(3.9)
            stood = run.mcu.position_deg
            ok &= run.armed and run.until(5.5).mcu.position_deg == stood
        jolt = [Struck("artefact", MOVING_S, 1.0, size=2.0)]
        run = VirtualRun(word=DEVICE, c=True, faults=jolt, seed=seed).until(MOVING_S)
        ok &= run.moving
        grips = {g for n, g in run.until(MOVING_S + 1.5).decided if n > 200 * MOVING_S}
        ok &= grips <= {"hand_close", "rest"}
        said = run.told(MOVING_S) or f"{run.loop.state.counters.rejected} decisions refused"
    return Outcome(ok, None, said)


def rotated() -> Outcome:
    """17: the band is put on turned by one electrode either way, so that nothing must move before
    the channels are renamed, and what is asked for after that; and it slips while the hand closes,
    which nobody can tell before a window is full of it."""
    ok, said = True, ""
    for turn_deg in (45.0, -45.0):
        worn = replace(ARMBAND, rotation_deg=turn_deg)
        run = VirtualRun(word=DEVICE, c=True, worn=worn, script=TWICE)
        run.until(5.0)
        ok &= run.events.get("turned", 0) == 1
        run.until(TOUR.seconds)
        ok &= max(run.mcu.position_deg) < MOVED_DEG and run.events["turned"] == 2
        run.until(TWICE.seconds)
        ok &= accuracy(run, TWICE, TOUR.seconds) >= RENAMED_SHARE
        said = run.told()
    slip = [at(MOVING_S, "rotation", size=45.0)]
    run = VirtualRun(word=DEVICE, c=True, faults=slip).until(MOVING_S)
    ok &= run.moving
    safe_s = run.rest_s()
    ok &= safe_s <= run.loop.decoder.contract.windows.length_samples / ARMBAND.rate_hz + STOP_S
    run.until(MOVING_S + 3.0)
    ok &= run.events.get("turned", 0) == 1
    return Outcome(ok, None, said)


def unknown() -> Outcome:
    """18: movements that nobody taught, held for three seconds each."""
    ok, refused, said = True, list[float](), ""
    for drive in UNKNOWN.values():
        run = VirtualRun(word=DEVICE, c=True, script=MEANT)
        simulation = Simulation(replace(ARMBAND, seed=3), MEANT)
        simulation._wearer.body.synergy[5] = drive
        run.undrifted.signal = arm_signal(simulation, run.sensor.spec)
        ok &= run.until(2.4).armed
        run.until(3.2)  # the movement has begun, and every window is full of it
        counters = run.loop.state.counters
        rejected_n, decisions_n = counters.rejected, counters.decisions
        run.until(5.4)
        refused.append((counters.rejected - rejected_n) / (counters.decisions - decisions_n))
        ok &= max(run.mcu.position_deg) < MOVED_DEG
        said = run.told(2.5)
    ok &= min(refused) >= REJECTED_SHARE
    return Outcome(ok, None, said or f"{run.loop.state.counters.rejected} decisions refused")


PROFILE = """
sites = [
  { name = "flexors", channels = ["emg6"], low = 2.0, high = 30.0 },
  { name = "extensors", channels = ["emg2"], low = 2.0, high = 30.0 },
]
[control]
mode = "two_site"
"""
SITES = (5, 1)
"""columns of the two sites"""
REST_RMS, WORK_RMS = 1.0, 25.0
CROSSTALK = 0.35
"""Of a muscle at the electrodes beside the one above it (science 4.2: neighbours' r is 0.44)."""
MOVES_S, BOTH_S = 3.0, 3.8
SPIKES_S = ((5.5, 0.02), (6.2, 0.04), (6.9, 0.02))
"""Both muscles twitch: (when, for how long)."""


def co_contraction() -> Outcome:
    """19: a noisy co-contraction while the hand moves, and twitches of both muscles."""
    ok, worst_s, said = True, 0.0, ""
    with NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(PROFILE)
        file.flush()
        profile = read_profile(Path(file.name))
    for seed in range(3):
        run = VirtualRun(word=DEVICE, c=True, profile=profile)
        run.undrifted.signal = _two_muscles(seed)
        ok &= run.until(BOTH_S).moving
        worst_s = max(worst_s, run.rest_s())
        run.until(9.0)
        ok &= run.events.get("function", 0) == 1 and run.armed
        said = run.told(BOTH_S)
    return Outcome(ok, 1e3 * worst_s, said)


def _two_muscles(seed: int) -> Signal:
    """One muscle works, then both for half a second, as unsteadily as people do, then twitches."""
    random = np.random.default_rng(seed)
    rate_hz, seconds = ARMBAND.rate_hz, 12.0
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    loud = np.full((len(t), 8), REST_RMS)
    loud[(t >= MOVES_S) & (t < BOTH_S), SITES[0]] = WORK_RMS
    unsteady = np.repeat(random.uniform(0.6, 1.4, (len(t) // 8 + 1, 2)), 8, axis=0)[: len(t)]
    both = (t >= BOTH_S) & (t < BOTH_S + 0.5)
    for column, site in enumerate(SITES):
        loud[both, site] = WORK_RMS * unsteady[both, column]
        for begin_s, for_s in SPIKES_S:
            loud[(t >= begin_s) & (t < begin_s + for_s), site] = WORK_RMS
    own = random.normal(size=loud.shape) * loud
    beside = np.roll(own, 1, axis=1) + np.roll(own, -1, axis=1)
    others = np.roll(loud, 1, axis=1) + np.roll(loud, -1, axis=1)  # what only they hear
    heard = own + CROSSTALK * (beside + others * random.normal(size=loud.shape))
    counts = np.clip(np.rint(heard), -127, 127).astype(np.int64)
    return lambda first_n, n: counts[first_n : first_n + n]

"""Calibrations of the simulated wearer in no time, and hands to spoil them with."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from acquisition.simulator.will import Will
from acquisition.stream import Chunk, Samples
from acquisition.synthetic import Synthetic, open_synthetic
from flexor.calibration import Guide, Happened, Phase, begin, take
from flexor.calibration_plan import Task, Wanted

TWO = Wanted(("hand_close", "hand_open"), repetitions=2, ramps=0)
FOUR = Wanted(
    ("hand_close", "hand_open", "wrist_flexion", "wrist_extension"), repetitions=3, ramps=1
)
Effort = Callable[[Task, Guide], float]
Spoil = Callable[[Samples, Guide], Samples]


def told(user: int = 0, seed: int = 0) -> Synthetic:
    """A simulated wearer who does as told, in no time."""
    source = open_synthetic("armband", fast=True, user=user, seed=seed, script=Will())
    assert isinstance(source, Synthetic)
    return source


def usual(task: Task, guide: Guide) -> float:
    """The effort of one who does what is asked for."""
    return round(0.5 * guide.target, 1) if guide.phase is Phase.HOLD else 0.0


def guided(
    wanted: Wanted,
    effort: Effort = usual,
    spoil: Spoil = lambda samples, _: samples,
    user: int = 0,
    seed: int = 0,
    most_s: float = 300.0,
) -> tuple[Guide, list[Happened]]:
    """(a calibration made to its end, all that happened)."""
    source = told(user, seed)
    source.start()
    guide, events = begin(wanted, source.spec), []
    while guide.phase is not Phase.DONE and guide.at_n < most_s * source.spec.rate_hz:
        task = guide.task
        meant = effort(task, guide) if task is not None else 0.0
        gesture = task.gesture if task is not None and meant > 0.0 else "rest"
        source.perform(gesture, meant)
        chunk = source.read(0.0)
        assert chunk is not None
        chunk = Chunk(spoil(chunk.samples, guide), chunk.clock_s)
        events += take(guide, chunk)
    return guide, events


@lru_cache
def good(user: int = 0) -> Guide:
    """A calibration of four gestures without trouble."""
    return guided(FOUR, user=user)[0]


def reasons(events: list[Happened]) -> list[tuple[str, str]]:
    """(gesture, why it was to be made again), of every contraction in turn."""
    return [
        (event.take.task.gesture, event.take.verdict.reason)
        for event in events
        if event.take is not None
    ]


def noise(shape: tuple[int, ...], scale: float) -> Samples:
    return np.random.default_rng(0).normal(0.0, scale, shape).astype(np.float32)

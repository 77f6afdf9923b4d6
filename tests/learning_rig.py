"""Short sessions of virtual wearers, to learn from in seconds."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import pairwise

import numpy as np

from acquisition.simulator.script import Prompt, Script
from acquisition.synthetic import open_synthetic
from training.datasets import Segment

GESTURES = ("rest", "wrist_flexion", "wrist_extension", "hand_close", "hand_open")
HOLD_S, REACTION_S = 2.0, 0.5


@lru_cache
def session(user: int, donning: int = 0, seed: int = 50, cycles_n: int = 2) -> tuple[Segment, ...]:
    """One session of a virtual wearer: each gesture in turn, the reaction cut off."""
    prompts = tuple(
        Prompt(gesture, effort, HOLD_S)
        for effort in (0.35, 0.6, 0.5, 0.45)[:cycles_n]
        for gesture in GESTURES
    )
    source = open_synthetic(
        "armband",
        fast=True,
        seconds=len(prompts) * HOLD_S,
        user=user,
        session=donning,
        seed=seed,
        script=Script(prompts, loop=False),
    )
    source.start()
    parts, markers, at = [], [], 0
    while (chunk := source.read(1.0)) is not None:
        markers += [(at + marker.sample_n, marker.text) for marker in chunk.markers]
        parts.append(chunk.samples)
        at += len(chunk.samples)
    source.stop()
    samples, skip_n = np.concatenate(parts), round(REACTION_S * source.spec.rate_hz)
    held: Counter[str] = Counter()
    segments = []
    for (begin, gesture), (end, _) in pairwise([*markers, (at, "")]):
        cut = samples[begin + skip_n : end]
        name = f"donning{donning}-seed{seed}"
        segments.append(Segment(f"wearer{user}", name, held[gesture], gesture, cut, source.spec))
        held[gesture] += 1
    return tuple(segments)

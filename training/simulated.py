"""Segments of virtual wearers: what ships may be trained on, without anybody's data."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from acquisition.simulator.script import cycle_script
from acquisition.synthetic import open_synthetic
from training.datasets import Item, Segment, Selection

WEARERS_N = 9
"""Wearer 0 is the demo's; the others are there to learn from."""
CYCLES_N, HOLD_S = 4, 5.0
EFFORTS = (0.35, 0.5, 0.65, 0.5)
"""One for each cycle: a network that saw a single effort takes a weaker one for rest."""
SEED = 1000
"""Of the recordings; the demo and the tests use others."""
REACTION_S = 0.5
"""Cut from the begin of every segment: the wearer is still on the way to the gesture."""


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One session of each virtual wearer ("wearer0" .. "wearer8") on the arm that `root` names,
    e.g. "armband", and a second one of wearer 0 to hold out."""
    arm = str(root) if str(root) != "." else "armband"
    for user, seed in [*((user, SEED) for user in range(WEARERS_N)), (0, SEED + 1)]:
        if want.user(f"wearer{user}") and want.session(f"seed{seed}"):
            yield from _session(arm, user, 0, seed)


def digest(segments: Sequence[Segment]) -> str:
    """SHA-256 over what the segments are and hold, in their order."""
    whole = hashlib.sha256()
    for segment in segments:
        whole.update(f"{segment.key} {segment.gesture} {segment.spec}\0".encode())
        whole.update(np.ascontiguousarray(segment.samples, "<f4").tobytes())
    return whole.hexdigest()


def _session(arm: str, user: int, donning: int, seed: int) -> list[Segment]:
    script = cycle_script(CYCLES_N, HOLD_S, EFFORTS)
    source = open_synthetic(
        arm, fast=True, seconds=script.seconds, user=user, session=donning, seed=seed, script=script
    )
    source.start()
    parts, markers, at = [], [], 0
    while (chunk := source.read(1.0)) is not None:
        markers += [(at + marker.sample_n, marker.text) for marker in chunk.markers]
        parts.append(chunk.samples)
        at += len(chunk.samples)
    source.stop()
    samples = np.concatenate(parts)
    skip_n = round(REACTION_S * source.spec.rate_hz)
    held: Counter[str] = Counter()
    segments = []
    for (begin, gesture), (end, _) in pairwise([*markers, (at, "")]):
        name = f"seed{seed}"
        cut = samples[begin + skip_n : end]
        segments.append(Segment(f"wearer{user}", name, held[gesture], gesture, cut, source.spec))
        held[gesture] += 1
    return segments

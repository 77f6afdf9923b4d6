"""Small data sets on the disk, of people who are easily decided, which any process can read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from acquisition.myo_files import MYO_GESTURES, MYO_SPEC
from models.artifact import Artifact
from tests.toys import LABELS, SPEC, signal
from training.datasets import Segment

CLASSES = {"rest": "rest", "hand_close": "close", "hand_open": "open"}
RECIPE_TOML = """
name = "small"
network = "mlp"
features = "log_covariance"
width = 8
[pretrain]
steps = 80
batch = 64
rate = 1e-2
warmup_steps = 5
average = 0.9
[finetune]
steps = 60
batch = 64
rate = 3e-3
warmup_steps = 5
average = 0.9
"""


def write_people(root: Path, users: tuple[str, ...], cycles_n: int = 3) -> str:
    """The set's word; each user has one session "s"."""
    for seed, user in enumerate(users):
        folder = root / user / "s"
        folder.mkdir(parents=True)
        for c, kind in enumerate(CLASSES.values()):
            for r in range(cycles_n):
                samples = signal(kind, 260, 1000 * seed + 10 * r + c)
                np.savetxt(folder / f"C_{c}_R_{r}_emg.csv", samples, "%.3f", ",")
        (folder / "collection_details.json").write_text(json.dumps({"classes": list(CLASSES)}))
    return f"libemg:{root}@200"


def myo_segments(user: str, session: str, seed: int = 0, cycles_n: int = 1) -> list[Segment]:
    """Whole counts of an armband; every user makes the seven gestures at the same levels."""
    rng = np.random.default_rng(seed)
    levels = 2 + 12 * np.random.default_rng(1).random((7, 8))
    levels[0] = 1.0
    return [
        Segment(user, session, c, g, x, MYO_SPEC)
        for c in range(cycles_n)
        for k, g in enumerate(MYO_GESTURES)
        for x in [(rng.normal(size=(400, 8)) * levels[k]).round().astype(np.float32)]
    ]


def write_myo(folder: Path, parts: Sequence[Segment]) -> None:
    """One session in the published layout of the MyoArmbandDataset."""
    folder.mkdir(parents=True)
    for n, part in enumerate(parts):
        counts = part.samples.clip(-127, 127).astype("<i2")
        (folder / f"classe_{n}.dat").write_bytes(counts.tobytes())


def headed(path: Path, segments: Sequence[Segment] = ()) -> Artifact:
    """What people taught a ring's head that adapts: else three gestures of the toy signal, by six
    wearers of different strength."""
    from models.contract import Provenance
    from training.covariance import deploy_head, fit_family
    from training.recipe import Signal

    segments = segments or [
        Segment(f"u{u}", "s", c, g, (0.6 + 0.1 * u) * signal(g, 300, 10 * u + c), SPEC)
        for u in range(6)
        for c in range(2)
        for g in LABELS
    ]
    labels = tuple(dict.fromkeys(part.gesture for part in segments))
    family = fit_family(segments, labels, Signal(), 8)
    origin = Provenance("toy", "0" * 64, {"train": ("nobody",)}, 0, "unknown", {})
    whole = (labels, "rest", origin, segments[1].samples[:120])
    return deploy_head(path, family, family.head, *whole, adaptive=True, name="toy")[0]

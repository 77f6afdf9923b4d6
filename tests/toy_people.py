"""A small data set on the disk, of people who are easily decided, which any process can read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.toys import signal

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

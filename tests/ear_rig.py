"""What every hand's ear has to bear: bytes that mean nothing."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from typing import Any

from firmware_bridge.dialect import Ear, Reading

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "actuator_vectors.json").read_text()
)
NOISE_N = 200_000
HELD_N = 8_000
"""An ear holds no more than that, pickled."""


def vectors(protocol: str) -> dict[str, bytes]:
    """what -> bytes, of one protocol."""
    return {v["what"]: bytes.fromhex(v["hex"]) for v in VECTORS if v["protocol"] == protocol}


def survives_noise(ear: Ear, good: bytes, heads: bytes) -> list[Reading]:
    """Lets the ear hear 200,000 random bytes, a tenth of them out of `heads`, in pieces of any
    size; gives what it understands of `good` behind them."""
    rng = random.Random(20)
    noise = bytes(
        rng.choice(heads) if rng.random() < 0.1 else rng.randrange(256) for _ in range(NOISE_N)
    )
    at = 0
    while at < NOISE_N:
        step = rng.choice((1, 7, 64, 500))
        ear.hear(noise[at : at + step])
        at += step
        if at % 50 == 0:
            assert len(pickle.dumps(ear)) < HELD_N
    assert len(pickle.dumps(ear)) < HELD_N
    return ear.hear(good)

"""A toy of continuous control: people with two muscles that move an angle."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from acquisition.stream import Spec
from training.continuous import WIDTH
from training.continuous_data import (
    Field,
    Take,
    centre_of,
    in_shares,
    recipe_for,
)
from training.continuous_fit import PRETRAIN
from training.datasets import Segment
from training.targets import Targets

TOY = Field("toy", 200.0, 10.0, ("angle",), lambda _: [], between=True)
FIT = replace(PRETRAIN, steps=30, batch=8)
RECIPE = recipe_for(TOY, FIT, WIDTH, 0)
SPEC = Spec(200.0, ("a", "b", "c"), "uV")


@lru_cache
def toy(user: int, task: str = "bend", seconds: float = 12.0) -> Take:
    """Two muscles against one another that move an angle, and one that does nothing."""
    rng = np.random.default_rng([user, len(task)])
    t = np.arange(round(seconds * 200)) / 200
    angle = np.sin(2 * np.pi * (0.4 + 0.05 * user) * t + user)
    efforts = np.stack([np.clip(angle, 0, 1), np.clip(-angle, 0, 1), np.full(len(t), 0.3)], 1)
    samples = rng.normal(size=(len(t), 3)) * (0.05 + efforts) * (20 + 10 * user)
    targets = Targets((30 * angle[:, None]).astype(np.float32), ("angle",), ("deg",), 200.0)
    name = f"u{user}"
    return in_shares(
        Segment(name, "s", 0, task, samples.astype(np.float32), SPEC, targets, 1, task, 0)
    )


def toys() -> list[Take]:
    return [toy(user) for user in range(4)]


def centred(take: Take) -> tuple[tuple[float, ...], ...]:
    return centre_of(RECIPE, [take.segment])

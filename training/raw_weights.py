"""Pre-trained weights that are kept, so that no run has to fit them twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from training.datasets import Segment
from training.fit import Progress
from training.raw_episodes import pretrain_episodes
from training.recipe import STATIC, Recipe
from training.train import Weights, pretrain


def kept_weights(
    segments: Sequence[Segment],
    labels: Sequence[str],
    recipe: Recipe,
    folder: Path,
    progress: Progress | None,
    *,
    episodes: bool = False,
) -> Weights:
    """Pre-trained weights, from `folder` where the same recipe has met the same users before.

    episodes: pre-trained by calibrations that are played (training.raw_episodes)."""
    told = replace(  # what follows the pre-training says nothing of its weights
        recipe,
        finetune=recipe.pretrain,
        recentring=replace(recipe.recentring, prior_blocks=0),
        quantization=STATIC,
    )
    digest = hashlib.sha256(f"{told} {labels}{' episodes' * episodes}".encode())
    for segment in segments:
        digest.update(f"{segment.user} {segment.session} {segment.gesture}".encode())
        digest.update(np.ascontiguousarray(segment.samples).tobytes())
    path = folder / f"{recipe.network}-{digest.hexdigest()[:16]}.pt"
    if path.exists():
        return cast("Weights", torch.load(path, weights_only=True))
    teach = pretrain_episodes if episodes else pretrain
    weights = teach(recipe, segments, labels, progress, folder / path.stem)
    torch.save(dict(weights), path)
    return weights

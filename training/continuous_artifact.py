"""The artifact of a continuous control, as a device gets it, measured through the live decoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.artifact import Artifact
from training.benchmark import runtime_us
from training.continuous_data import CALIBRATION_SHARE, Take, calibration_of, centre_of
from training.datasets import Segment, cut
from training.golden import golden_of
from training.networks.course import CourseNetwork
from training.recipe import Recipe
from training.regression import Aimed, draft_targets, estimate, targets_of
from training.train import deploy, provenance
from training.windows import deployed_chain, window_set

CALIBRATION_WINDOWS = 256


def artifact_of(
    recipe: Recipe, network: CourseNetwork, take: Take, path: Path, others: Sequence[str]
) -> tuple[Artifact, Artifact]:
    """(int8, float) artifact of a network whose head was fitted to the begin of a recording."""
    own = calibration_of(take)
    chain = deployed_chain(recipe, centre_of(recipe, [own]), fixed=True)
    windows = window_set([[own]], recipe, (), recipe.signal.hop_samples)
    made = Aimed(
        network, chain, targets_of(recipe, [own]), windows, golden_of([own], recipe.signal)
    )
    users = {"pretraining": tuple(others), "calibration": (f"{own.user} {own.gesture}",)}
    origin = provenance("continuous", "", users, recipe.seed, {})
    draft = draft_targets(recipe, made, origin, own)
    which = np.linspace(0, len(windows) - 1, CALIBRATION_WINDOWS).round().astype(np.int64)
    return deploy(path, network, draft, windows.inputs(windows.windows(which)), made.golden)


def rows_of(
    field: str, take: Take, small: Artifact, whole: Artifact, network: CourseNetwork
) -> list[dict[str, Any]]:
    """One row for each form, on what follows the calibration, decided by the live decoder."""
    rows = []
    for form, artifact in (("int8", small), ("float", whole)):
        for name, near in estimate(artifact, [rest_of(take, artifact)]).items():
            rows.append(
                {
                    "field": field,
                    "task": take.task,
                    "target": name,
                    "user": take.segment.user,
                    "form": form,
                    "r2": near.r2,
                    "int8_agreement": small.contract.quantization.agreement,
                    "int8_max_error": small.contract.quantization.max_error,
                    "params": sum(p.numel() for p in network.parameters()),
                    "bytes": artifact.bytes_n,
                    "us": runtime_us(artifact),
                }
            )
    return rows


def rest_of(take: Take, artifact: Artifact) -> Segment:
    """What follows the calibration, with the second before it that its first window needs."""
    begin = int(CALIBRATION_SHARE * len(take.segment.samples))
    windows = artifact.contract.windows
    begin -= begin % windows.hop_samples + windows.length_samples - windows.hop_samples
    return cut(take.segment, begin, len(take.segment.samples))

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
from training.networks.course import CourseNetwork
from training.recipe import Recipe
from training.regression import Aimed, draft_targets, scores_of, targets_of, told_and_true
from training.train import deploy, provenance
from training.windows import deployed_chain, window_set

CALIBRATION_WINDOWS = 256
PROOF_HOPS = 2
"""Of the recording that each load proves itself on; at 2 kHz more would pass 150 kB."""
NEAR = 0.01
"""Estimates are equal that lie within this share of the target's range."""


def artifact_of(
    recipe: Recipe, network: CourseNetwork, take: Take, path: Path, others: Sequence[str]
) -> tuple[Artifact, Artifact]:
    """(int8, float) artifact of a network whose head was fitted to the begin of a recording."""
    own = calibration_of(take)
    chain = deployed_chain(recipe, centre_of(recipe, [own]), fixed=True)
    windows = window_set([[own]], recipe, (), recipe.signal.hop_samples)
    proof = own.samples[-(recipe.signal.window_samples + PROOF_HOPS * recipe.signal.hop_samples) :]
    made = Aimed(network, chain, targets_of(recipe, [own]), windows, proof)
    users = {"pretraining": tuple(others), "calibration": (f"{own.user} {own.gesture}",)}
    origin = provenance("continuous", "", users, recipe.seed, {})
    draft = draft_targets(recipe, made, origin, own)
    which = np.linspace(0, len(windows) - 1, CALIBRATION_WINDOWS).round().astype(np.int64)
    shown = windows.inputs(windows.windows(which))
    return deploy(path, network, draft, shown, made.golden)


def rows_of(
    field: str, take: Take, small: Artifact, whole: Artifact, network: CourseNetwork
) -> list[dict[str, Any]]:
    """One row for each form, on what follows the calibration, decided by the live decoder."""
    parts = [rest_of(take, small)]
    told, true = told_and_true(small, parts)
    plain, _ = told_and_true(whole, parts)
    rows = []
    for artifact, form, said in ((small, "int8", told), (whole, "float", plain)):
        for i, (name, near) in enumerate(scores_of(artifact, said, true).items()):
            target = artifact.contract.targets[i]
            apart = (told[:, i] - plain[:, i]) / (target.high - target.low)
            rows.append(
                {
                    "field": field,
                    "task": take.task,
                    "target": name,
                    "user": take.segment.user,
                    "form": form,
                    "method": artifact.contract.quantization.method,
                    "r2": near.r2,
                    "windows_n": near.windows_n,
                    "int8_agreement": float((np.abs(apart) <= NEAR).mean()),
                    "int8_rmse_share": float(np.sqrt((apart * apart).mean())),
                    "int8_max_share": float(np.abs(apart).max()),
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

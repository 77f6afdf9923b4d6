"""The artifact of a continuous control, as a device gets it, measured through the live decoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artifact import Artifact
from preprocessing.course import KINDS
from training.benchmark import runtime_us
from training.continuous_data import CALIBRATION_SHARE, Take, calibration_of, centre_of
from training.datasets import Segment, cut
from training.networks.course import CourseNetwork
from training.recipe import Recipe
from training.regression import Aimed, draft_targets, estimate, targets_of
from training.train import deploy, provenance
from training.windows import deployed_chain, window_set

Floats32 = NDArray[np.float32]
CALIBRATION_WINDOWS = 256
PROOF_HOPS = 2
"""Of the recording that each load proves itself on; at 2 kHz more would pass 150 kB."""
GAINS = (1.0, 0.8, 1.25)
"""The scales of int8 are made for signals as weak and as strong as these times the calibration's,
so that what follows it stays within them."""


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
    shown = shown_to_int8(windows.inputs(windows.windows(which)), len(own.spec.channels))
    return deploy(path, network, draft, shown, made.golden)


def shown_to_int8(x: Floats32, channels_n: int) -> Floats32:
    """(window, feature): every other one scales int8, as other gains would have made it too; the
    ones between are held against float, and are the calibration's own."""
    scales = widened(x[::2], channels_n)
    held = np.concatenate([x[1::2]] * len(GAINS))
    n = min(len(scales), len(held))
    return np.asarray(np.stack([scales[:n], held[:n]], 1).reshape(2 * n, -1), np.float32)


def widened(x: Floats32, channels_n: int) -> Floats32:
    """(window, feature) of preprocessing.course, and again as other gains would have made it."""
    rows = x.reshape(len(x), len(KINDS), channels_n, -1)
    out = []
    for gain in GAINS:
        other = rows.copy()
        for i, kind in enumerate(KINDS):
            if kind.startswith("log_"):
                other[:, i] += np.float32(np.log(gain))
            else:
                other[:, i] *= np.float32(gain)
        out.append(other.reshape(x.shape))
    return np.concatenate(out)


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

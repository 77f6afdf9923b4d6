"""Tests of control on the simulated wearer: does the hand do what is meant, and how well?"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from flexor.calibrate import Choices, stream, wearer
from flexor.calibration import Phase
from flexor.calibration_plan import Wanted
from flexor.calibration_sitting import finish, hear, sit
from flexor.closed_loop import assess
from flexor.profile import DEMO_ARTIFACT
from models.artifact import Artifact, open_artifact

MOST_RUNS = 200
ARM = "synthetic:armband"
GESTURES = (
    "hand_close",
    "hand_open",
    "wrist_flexion",
    "wrist_extension",
    "radial_deviation",
    "ulnar_deviation",
)


def run_assessment(
    what: str,
    artifact_path: Path | None,
    users: tuple[int, ...],
    runs_n: int,
    *,
    calibrate: bool = False,
) -> dict[str, Any]:
    """The figures of one test, with and without each decision stage of the artifact.

    calibrate: each wearer is calibrated first, as `flexor calibrate` does it, and decided for by
    what came of that; else all by one artifact. Refuses unknown tests, artifacts for other sensors
    than the simulated armband, none or too many runs, and an artifact beside a calibration.
    """
    if not 1 <= runs_n * len(users) <= MOST_RUNS:
        raise Refused(
            f"A test has 1 to {MOST_RUNS} runs in all, not {runs_n} of {len(users)} wearers."
        )
    if calibrate and artifact_path is not None:
        raise Refused("A wearer who calibrates first brings an artifact: leave --artifact out.")
    if calibrate:
        artifacts = {user: calibrated(user) for user in users}
    else:
        one = open_artifact(artifact_path or DEMO_ARTIFACT)
        artifacts = dict.fromkeys(users, one)
    names = {artifact.contract.name for artifact in artifacts.values()}
    return {
        "test": what,
        "artifact": "each wearer's own calibration" if calibrate else names.pop(),
        "wearers": list(users),
        "runs_each": runs_n,
        "rows": assess(artifacts, what, seeds=tuple(range(1, runs_n + 1))),
    }


def calibrated(user: int, gestures: tuple[str, ...] = GESTURES) -> Artifact:
    """What a calibration of a virtual wearer comes to: the usual one, in no time."""
    source, perform = wearer(ARM, Choices(fast=True, user=user))
    with tempfile.TemporaryDirectory() as folder:
        sitting = sit(
            Wanted(gestures), source.spec, ARM, Path(folder), perform=perform, record=False
        )
        with closing(stream(source, fast=True)) as chunks:
            while sitting.guide.phase is not Phase.DONE:
                hear(sitting, next(chunks))
        finish(sitting)
        if sitting.artifact is None:
            raise Refused(f"Nothing came of the calibration of wearer {user}.")
        return sitting.artifact

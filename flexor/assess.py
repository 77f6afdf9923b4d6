"""Tests of control on the simulated wearer: does the hand do what is meant, and how well?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from flexor.closed_loop import assess
from flexor.profile import DEMO_ARTIFACT
from models.artifact import open_artifact

MOST_RUNS = 200


def run_assessment(
    what: str, artifact_path: Path | None, users: tuple[int, ...], runs_n: int
) -> dict[str, Any]:
    """The figures of one test, with and without each decision stage of the artifact.

    Refuses unknown tests, artifacts for other sensors than the simulated armband, and none or
    too many runs.
    """
    if not 1 <= runs_n * len(users) <= MOST_RUNS:
        raise Refused(
            f"A test has 1 to {MOST_RUNS} runs in all, not {runs_n} of {len(users)} wearers."
        )
    artifact = open_artifact(artifact_path or DEMO_ARTIFACT)
    return {
        "test": what,
        "artifact": artifact.contract.name,
        "wearers": list(users),
        "runs_each": runs_n,
        "rows": assess(artifact, what, users=users, seeds=tuple(range(1, runs_n + 1))),
    }

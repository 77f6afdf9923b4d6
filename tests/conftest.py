"""How property tests run, and where recordings of people are found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# One thread each for torch and numpy, read when they are first imported: the order of a sum is
# part of the result.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Under emulation everything is slow, which says nothing about the code.
settings.register_profile(
    "flexor",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("flexor")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recordings: $FLEXOR_DATA, or shared/data beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FLEXOR_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no recordings here; FLEXOR_DATA names their folder")
    return folder

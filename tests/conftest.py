"""How property tests run, and where recordings of people are found."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.page_rig import browser, phone, served

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

FIRST = (
    "test_page_tour.py",
    "test_devices.py",
    "test_page.py",
    "test_page_calibrate.py",
    "test_page_drive.py",
    "test_page_recordings.py",
    "test_kills.py",
    "test_faults.py",
)
"""Files that begin before all others: they take longest, and where files run side by side nobody
has to wait at the end for a long one that began last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all others in their order."""
    place = {name: n for n, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(FIRST)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recordings: $FLEXOR_DATA, or shared/data beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FLEXOR_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no recordings here; FLEXOR_DATA names their folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _streams_of_this_run_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test hears a stream of the network, nor one of another run's tests on this machine."""
    config = tmp_path_factory.mktemp("lsl") / "lsl_api.cfg"
    config.write_text(
        "[multicast]\nResolveScope = machine\n"
        f"[lab]\nSessionID = flexor-tests-{os.getpid()}\nKnownPeers = {{127.0.0.1}}\n"
        "[log]\nlevel = -2\n"
    )
    os.environ["LSLAPICFG"] = str(config)


@pytest.fixture(scope="module")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page keeps, and where its runs have their doors."""
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def page_url(page_folder: Path) -> Iterator[str]:
    """A page that is served, by a process of its own."""
    with served(page_folder) as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; without one the test is skipped."""
    with browser() as made:
        yield made


@pytest.fixture
def page(chromium: Any, page_url: str) -> Iterator[Any]:
    """The page as a paired phone shows it."""
    with phone(chromium, page_url) as made:
        yield made


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A TCP port of this machine at which nobody listens, and which nobody else is given."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]

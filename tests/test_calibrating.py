"""The page's calibration behind its words: it hears a run, and nothing of it ends the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Refused
from flexor.calibration import Phase
from flexor.dashboard.calibrating import HURRY_S, Calibrating
from flexor.dashboard.hub import Hub
from flexor.messages import Kind, SamplesMessage
from flexor.profile import read_profile
from flexor.wearers import Wearers
from tests.calibration_rig import TWO, told

pytestmark = pytest.mark.edge


class Run:
    """A hub at a run that is none: the simulated wearer does what the hub is told to tell."""

    def __init__(self, folder: Path) -> None:
        self.source = told()
        self.source.start()
        self.hub = Hub(alive=True)
        self.heard: list[dict[str, Any]] = []
        self.hub.tell = self._tell  # type: ignore[method-assign]
        self.calibrating = Calibrating(self.hub, folder)
        self.hub.note(
            Kind.SPEC, {"spec": self.source.spec.to_json(), "source": "synthetic:armband"}
        )

    def _tell(self, word: dict[str, Any]) -> bool:
        self.heard.append(word)
        self.source.perform(**word["perform"])
        return True

    def go(self, most_s: float = 120.0) -> None:
        """Until the calibration is done, or for so long."""
        for _ in range(round(100 * most_s)):
            sitting = self.calibrating.sitting
            if sitting is None or sitting.guide.phase is Phase.DONE:
                return
            self.one()

    def one(self, lost: int = 0) -> None:
        chunk = self.source.read(0.0)
        assert chunk is not None
        shape = chunk.samples.shape
        message = SamplesMessage(chunk.clock_s, lost, *shape, chunk.samples.tobytes())
        self.hub.note(Kind.SAMPLES, message)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path / "calibrations")
    yield made
    made.calibrating.end()
    made.calibrating.settle()


def test_a_run_is_calibrated_fitted_tried_and_kept(run: Run, tmp_path: Path) -> None:
    calibrating, wearers = run.calibrating, Wearers(tmp_path / "wearers")
    asyncio.run(calibrating.begin(TWO))
    run.go(most_s=7.0)
    view = calibrating.view()
    json.dumps(view, allow_nan=False)
    assert (view["phase"], view["gesture"], view["done"], view["all"]) == (
        "ready",
        "hand_open",
        1,
        4,
    )
    assert view["newest"]["reason"] == ""
    assert view["spider"]["hand_close"]
    run.go()
    asyncio.run(calibrating.fit())
    calibrating.make("hand_open")
    for _ in range(150):
        run.one()
    assert calibrating.view()["intent"][0] == "hand_open"
    assert 0.2 < calibrating.view()["level"] <= 1.3
    version = asyncio.run(calibrating.keep(wearers, "Mina", None, "simulated"))
    assert version.number == 1
    profile = read_profile(wearers.profile_path("Mina"))
    assert (profile.source, profile.hand) == ("synthetic:armband", "simulated")
    assert calibrating.view() == {"phase": "", "problem": ""}
    assert calibrating.unfinished() is None
    assert {word["perform"]["gesture"] for word in run.heard} == {"rest", *TWO.gestures}


def test_the_simulated_wearers_time_waits_for_the_page_while_something_is_asked(run: Run) -> None:
    run.calibrating.hurry = True
    asyncio.run(run.calibrating.begin(TWO))
    run.calibrating.turn()
    assert run.heard == []  # nothing was heard yet: what time is it?
    run.go(most_s=1.0)
    run.heard.clear()
    run.calibrating.turn()
    newest = run.heard[-1]["perform"]
    assert newest["until_s"] == pytest.approx(run.hub.clock_s + HURRY_S)
    assert newest["hurry"]
    run.go()
    run.heard.clear()
    run.calibrating.turn()
    assert run.heard == []  # all is made: nobody waits any more
    run.calibrating.make("hand_close")
    assert "until_s" not in run.heard[-1]["perform"]


def test_a_run_that_ends_takes_the_calibration_with_it_and_it_can_go_on(
    run: Run, tmp_path: Path
) -> None:
    calibrating = run.calibrating
    asyncio.run(calibrating.begin(TWO))
    run.go(most_s=7.0)
    run.hub.alive = False
    calibrating.turn()
    assert calibrating.sitting is None
    assert "go on from there" in calibrating.view()["problem"]
    left = calibrating.unfinished()
    assert left is not None
    run.hub.alive = True
    asyncio.run(calibrating.go_on_from(left))
    assert calibrating.view()["done"] == 1
    run.go()
    assert calibrating.view()["done"] == 4
    calibrating.discard()
    assert calibrating.unfinished() is None
    assert {path.suffix for path in (tmp_path / "calibrations").iterdir()} == {".xdf", ".done"}


def test_another_sensor_ends_the_calibration_and_not_the_page(run: Run) -> None:
    asyncio.run(run.calibrating.begin(TWO))
    other = {**run.source.spec.to_json(), "rate_hz": 500.0}
    run.hub.note(Kind.SPEC, {"spec": other, "source": "myo"})
    assert run.calibrating.sitting is None
    assert "Another sensor" in run.calibrating.view()["problem"]


def test_samples_of_another_width_end_the_calibration_and_not_the_page(run: Run) -> None:
    asyncio.run(run.calibrating.begin(TWO))
    run.go(most_s=1.0)
    bad = SamplesMessage(1.0, 0, 2, 3, np.zeros((2, 3), np.float32).tobytes())
    run.calibrating.hear(Kind.SAMPLES, bad)
    for _ in range(500):
        run.one()
    assert run.calibrating.sitting is None
    assert run.calibrating.view()["problem"]


def test_a_pause_and_a_repetition_are_asked_for_from_the_page(run: Run) -> None:
    asyncio.run(run.calibrating.begin(TWO))
    run.calibrating.pause()
    assert run.calibrating.view()["phase"] == "paused"
    run.calibrating.pause()
    run.go()
    run.calibrating.repeat("hand_open")
    assert run.calibrating.view()["gesture"] == "hand_open"
    run.calibrating.end()
    assert run.calibrating.view()["phase"] == ""


def test_what_is_not_there_is_neither_fitted_nor_kept(run: Run, tmp_path: Path) -> None:
    asyncio.run(run.calibrating.fit())
    with pytest.raises(Refused, match="nothing to keep"):
        asyncio.run(run.calibrating.keep(Wearers(tmp_path), "Mina", None, ""))
    asyncio.run(run.calibrating.begin(TWO))
    with pytest.raises(Refused, match="fewer than two"):
        asyncio.run(run.calibrating.fit())
    assert not run.calibrating.busy
    run.calibrating.discard()


def test_without_a_run_nobody_is_calibrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flexor.dashboard.calibrating.BEGIN_S", 0.1)
    with pytest.raises(Refused, match="start the sensor first"):
        asyncio.run(Calibrating(Hub(), tmp_path).begin(TWO))

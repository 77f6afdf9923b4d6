"""What a calibration shows in a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from acquisition.synthetic import Synthetic
from flexor.calibrate_view import View, draw
from flexor.calibration import Phase
from flexor.calibration_effort import effort_now
from flexor.calibration_sitting import Sitting, hear, sit
from flexor.report import print_calibration
from tests.calibration_rig import TWO, told

pytestmark = pytest.mark.edge


def printed(what: object) -> str:
    console = Console(width=90, record=True, file=io.StringIO())
    console.print(what)
    return console.export_text()


@pytest.fixture
def source() -> Synthetic:
    made = told()
    made.start()
    return made


@pytest.fixture
def sitting(source: Synthetic, tmp_path: Path) -> Sitting:
    word, perform = "synthetic:armband", source.perform
    return sit(TWO, source.spec, word, tmp_path, perform=perform, record=False)


def played(sitting: Sitting, source: Synthetic) -> tuple[list[str], list[float | None]]:
    """(lines that were said, efforts in the second half of each contraction)."""
    said: list[str] = []
    view, efforts = View(), []
    view.say = said.append  # type: ignore[method-assign,assignment]
    while sitting.guide.phase is not Phase.DONE:
        chunk = source.read(0.0)
        assert chunk is not None
        view.show(sitting, hear(sitting, chunk), chunk.samples)
        if sitting.guide.phase is Phase.HOLD and sitting.guide.phase_s > 1.5:
            efforts.append(effort_now(sitting.guide, np.concatenate(view._newest)))
    return said, efforts


def test_each_contraction_is_judged_at_once_with_its_shape_and_how_well_it_is_told_apart(
    sitting: Sitting, source: Synthetic
) -> None:
    said, _ = played(sitting, source)
    judged = [line for line in said if ": good" in line]
    assert len(judged) == 4
    assert all(line.count("|") == 2 for line in judged)
    assert "% right" in judged[-1]


def test_the_effort_is_known_after_the_first_contraction_and_near_what_is_asked_for(
    sitting: Sitting, source: Synthetic
) -> None:
    _, efforts = played(sitting, source)
    assert efforts[0] is None
    assert 0.5 < np.median([effort for effort in efforts if effort is not None]) <= 1.3


def test_the_panel_shows_the_effort_beside_the_target(sitting: Sitting) -> None:
    assert "effort?" in printed(draw(sitting))
    sitting.guide.phase = Phase.HOLD
    text = printed(draw(sitting, 0.5))
    assert "█" in text
    assert "┃" in text
    assert "HAND_CLOSE" in text


def test_the_report_says_what_to_do_next() -> None:
    report = {
        "kept": True,
        "profile": "me.toml",
        "recording": "a.xdf",
        "held_out_accuracy": 0.98,
        "trial": {"accuracy": 0.95},
        "separability": {"nearest": ["hand_close", "hand_open", 7.0]},
        "weak": [],
        "rows": [{"tries": 1}, {"tries": 2}],
    }
    console = Console(width=90, record=True, file=io.StringIO())
    print_calibration(report, console)
    text = console.export_text()
    for word in ("98.00 %", "95.00 %", "hand_close and hand_open", "1 of 2", "--profile me.toml"):
        assert word in text
    console = Console(width=90, record=True, file=io.StringIO())
    print_calibration({**report, "kept": False, "profile": "", "trial": {}}, console)
    text = console.export_text()
    assert "not kept" in text
    assert "Next" not in text

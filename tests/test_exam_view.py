"""Tests of control in a terminal, on a run in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from acquisition.stream import DeviceLost, Refused
from flexor.door import Door
from flexor.exam_view import draw, examine_live
from flexor.examination import KINDS, examine
from flexor.motion_test import MotionTest
from models.intent import Intent
from tests.virtual import VirtualRun


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def printed(kind: str, seconds: float) -> str:
    labels = ("rest", "a", "b", "c", "d")
    test = examine(kind, (("a", "b"), ("c", "d")), labels, "rest", 0.0)
    now_s = 0.0
    while now_s < seconds:
        now_s += 0.05
        test.turn([Intent("a", 0.5, 0.9, now_s, round(now_s * 20))], now_s)
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(draw(test, now_s))
        return console.export_text()


@pytest.mark.parametrize("kind", KINDS)
def test_every_test_has_a_picture_that_says_how_much_is_left(kind: str) -> None:
    assert "begins in 3 s" in printed(kind, 0.05)
    later = printed(kind, 3.8)
    assert "left" in later
    assert ("→ a   ← b   ↑ c   ↓ d" in later) == (kind != "motion")
    assert "█" in later or kind == "motion"


@pytest.mark.parametrize("simulated", [False, True])
def test_a_motion_test_is_done_on_a_run_and_its_figures_come_back(
    monkeypatch: pytest.MonkeyPatch, simulated: bool
) -> None:
    monkeypatch.setattr("flexor.examination.MOTIONS", MotionTest(timeout_s=1.0))
    monkeypatch.setattr("flexor.examination.READY_S", 0.2)
    run = VirtualRun()
    door = run.loop.door = Door(run.source.spec, "synthetic:armband")
    at_s = [0.0]

    def sleep(seconds: float) -> None:
        at_s[0] += seconds
        run.until(at_s[0])

    try:
        figures = examine_live("motion", simulated=simulated, clock=lambda: at_s[0], sleep=sleep)
    finally:
        door.close()
        for feed in run.loop.feeds:
            feed.close()
    # The simulated wearer does what its script asks, not what the test asks.
    assert figures["motions"] == len(run.loop.decoder.contract.labels) - 1
    assert 0.0 <= figures["completion"] <= 1.0
    assert figures["source"] == "synthetic:armband"


def test_nobody_is_told_what_to_do_with_their_own_arm() -> None:
    run = VirtualRun()
    door = run.loop.door = Door(run.source.spec, "myo")
    at_s = [0.0]

    def sleep(seconds: float) -> None:
        at_s[0] += seconds
        run.until(at_s[0])

    with pytest.raises(Refused, match="leave --simulated out"):
        examine_live("fitts", simulated=True, clock=lambda: at_s[0], sleep=sleep)
    door.close()
    for feed in run.loop.feeds:
        feed.close()


def test_without_a_run_the_test_is_refused() -> None:
    at_s = [0.0]

    def sleep(seconds: float) -> None:
        at_s[0] += seconds

    with pytest.raises(Refused, match="flexor run"):
        examine_live("fitts", clock=lambda: at_s[0], sleep=sleep)


def test_a_run_that_ends_is_told() -> None:
    run = VirtualRun()
    door = run.loop.door = Door(run.source.spec, "virtual")
    at_s = [0.0]

    def sleep(seconds: float) -> None:
        at_s[0] += seconds
        if at_s[0] > 2.0:
            for feed in run.loop.feeds:
                feed.close()
        else:
            run.until(at_s[0])

    with pytest.raises(DeviceLost, match="ended before"):
        examine_live("fitts", clock=lambda: at_s[0], sleep=sleep)
    door.close()

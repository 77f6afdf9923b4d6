"""Tests of control over the days, on the page, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from flexor.dashboard.history import keep
from tests.page_rig import browser, served

pytestmark = pytest.mark.slow
DAY_S = 86_400.0


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    """A phone's page on a device with twelve days of tests, whose scripts must not fail."""
    now_s, path = time.time(), tmp_path / "tests.jsonl"
    for k in range(12):
        figures = {
            "completion": 0.5 + k / 30,
            "throughput_bit_s": 0.4 + k / 20,
            "path_efficiency": 0.6 + k / 40,
            "overshoots_per_trial": 1.2 - k / 15,
            "time_s": 5.0 - k / 6,
        }
        at_s = now_s - (12 - k) * DAY_S
        keep(path, "fitts", "myo", "demo", figures, lambda at_s=at_s: at_s, wearer="Ada")
    keep(path, "motion", "myo", "demo", {"completion": 1.0, "completion_s": 1.5})
    wrong: list[str] = []
    with served(tmp_path) as (url, _), browser() as chromium:
        page = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{url}/")
        page.get_by_role("button", name="Pair").click()
        page.wait_for_url(f"{url}/")
        page.goto(f"{url}/test")
        yield page
    assert wrong == []


def choose(page: Any, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_wearers_days_are_drawn_and_another_test_is_too(page: Any) -> None:
    page.get_by_text("No such test yet.").wait_for()
    choose(page, "Whose", "Ada")
    canvas = page.locator("canvas[data-flexor-draw=days]")
    canvas.wait_for()
    page.wait_for_function(
        "document.querySelector('canvas[data-flexor-draw=days]').flexorDays.length === 12"
    )
    page.get_by_text("1 × Reach the targets (Fitts)").wait_for()
    page.get_by_role("cell", name="0.47", exact=True).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    choose(page, "Whose", "(the usual settings)")
    page.get_by_text("No such test yet.").wait_for()
    choose(page, "Of what", "Make the gestures (motion test)")
    page.get_by_text("1 × Make the gestures (motion test)").wait_for()

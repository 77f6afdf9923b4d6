"""The calibration on the page, in a real browser, with the simulated wearer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from flexor.calibration_sitting import resumed
from flexor.dashboard.audit import Audit
from flexor.profile import read_profile
from models.artifact import open_artifact

pytestmark = pytest.mark.slow
LONG_MS = 60_000


def opened(chromium: Any, url: str, wrong: list[str]) -> Any:
    """A phone's page, paired, at the calibration."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{url}/")
    page.get_by_role("button", name="Pair").click()
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/calibrate")
    return page


def choose(page: Any, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_wearer_is_calibrated_after_a_break_and_the_profile_is_kept(
    chromium: Any, page_url: str, page_folder: Path
) -> None:
    wrong: list[str] = []
    page = opened(chromium, page_url, wrong)
    for gesture in ("Bend the wrist inwards", "Bend the wrist outwards"):
        page.get_by_role("checkbox", name=gesture).click()
    choose(page, "Held", "2")
    choose(page, "Slowly up and down", "0")
    page.get_by_role("button", name="Begin the calibration").click()
    page.get_by_text("Close the hand: good").wait_for(timeout=LONG_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Break off").click()
    page.get_by_role("button", name="Go on with the one broken off").click()
    page.get_by_text("All contractions are made: fit.").wait_for(timeout=LONG_MS)
    page.get_by_role("button", name="Repeat: Open the hand").wait_for()
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("Fitted in").wait_for(timeout=15_000)
    page.get_by_role("button", name="Open the hand", exact=True).click()
    page.locator("[data-flexor-draw=calIntent]").get_by_text("Open the hand").wait_for()
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("Kept: me, version 1").wait_for(timeout=15_000)
    profile = read_profile(page_folder / "wearers" / "me" / "current" / "profile.toml")
    contract = open_artifact(profile.artifact).contract
    assert contract.labels == ("rest", "hand_close", "hand_open")
    assert set(profile.levels) <= {"hand_close", "hand_open"}
    assert any(row["what"] == "wearer" for row in Audit(page_folder / "audit.jsonl").rows())
    first, second = sorted((page_folder / "calibrations").glob("*.xdf"))
    assert len(resumed(first).takes) >= 1
    assert len(resumed(second).takes) == 4
    assert wrong == []
    page.context.close()


def test_who_does_not_control_calibrates_nobody(
    chromium: Any, page_url: str, page_folder: Path
) -> None:
    wrong: list[str] = []
    one, other = opened(chromium, page_url, wrong), opened(chromium, page_url, wrong)
    one.get_by_role("button", name="Take control").click()
    one.get_by_text("You control the hand").wait_for()
    before = sorted((page_folder / "calibrations").glob("*"))
    other.get_by_role("button", name="Begin the calibration").click()
    other.locator(".q-notification").wait_for()
    assert sorted((page_folder / "calibrations").glob("*")) == before
    assert wrong == []
    one.context.close()
    other.context.close()


def test_the_calibration_speaks_persian(chromium: Any, page_url: str) -> None:
    wrong: list[str] = []
    page = opened(chromium, page_url, wrong)
    page.get_by_role("combobox", name="Language").click()
    page.get_by_role("option", name="فارسی").click()
    page.get_by_role("button", name="آغاز کالیبراسیون").wait_for()
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert wrong == []
    page.context.close()

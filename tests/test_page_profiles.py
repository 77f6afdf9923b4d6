"""Limits and gestures on the page, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from flexor.profile import DEMO_ARTIFACT, read_profile
from flexor.wearers import Wearers
from tests.page_rig import browser, served

pytestmark = pytest.mark.slow
TOML = b'source = "synthetic:armband"\nartifact = "artifact.onnx"\n'


@pytest.fixture
def wearers(tmp_path: Path) -> Wearers:
    made = Wearers(tmp_path / "wearers")
    made.save("Ada", {"profile.toml": TOML, "artifact.onnx": DEMO_ARTIFACT.read_bytes()}, "first")
    return made


@pytest.fixture
def page(tmp_path: Path, wearers: Wearers) -> Iterator[Any]:
    """A phone's page with Ada chosen, whose scripts must not fail."""
    wrong: list[str] = []
    with served(tmp_path) as (url, _), browser() as chromium:
        page = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{url}/")
        page.get_by_role("button", name="Pair").click()
        page.wait_for_url(f"{url}/")
        page.goto(f"{url}/profiles")
        page.get_by_role("combobox", name="Wearer").click()
        page.get_by_role("option", name="Ada").click()
        page.get_by_text("in use").wait_for()
        yield page
    assert wrong == []


def test_limits_and_gestures_are_changed_refused_and_kept(page: Any, wearers: Wearers) -> None:
    speed = page.get_by_role("spinbutton", name="index speed °/s")
    speed.fill("500")
    page.get_by_role("button", name="Save the limits").click()
    page.get_by_text("the hand's own is 150").wait_for()
    assert len(wearers.versions("Ada")) == 1
    speed.fill("90")
    page.get_by_role("button", name="Save the limits").press("Enter")
    page.get_by_text("2 · ").wait_for(timeout=15_000)
    profile = read_profile(wearers.profile_path("Ada"))
    assert profile.limits.joints["index"].max_velocity_deg_s == 90.0
    page.get_by_role("combobox", name="Close the hand").click()
    page.get_by_role("option", name="three-finger grip").click()
    page.get_by_role("spinbutton", name="Close the hand speed %").fill("40")
    page.get_by_role("button", name="Save the gestures").click()
    page.get_by_text("3 · ").wait_for(timeout=15_000)
    grips = {grip.gesture: grip for grip in read_profile(wearers.profile_path("Ada")).grips}
    assert grips["hand_close"].maximum == 0.4
    assert set(grips["hand_close"].joints) == {"thumb", "index", "middle"}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

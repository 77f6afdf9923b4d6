"""Recordings on the page, in a real browser: made, shown again, taken away and removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from acquisition.recording import read_recording
from flexor.dashboard.audit import Audit
from tests.page_rig import ask, paired, wait_for

pytestmark = pytest.mark.slow
POSITION = "() => flexor.view && flexor.view.replay && flexor.view.replay.position_s"


def test_a_session_is_recorded_shown_again_downloaded_and_removed(
    page: Any, page_url: str, page_folder: Path
) -> None:
    page.goto(f"{page_url}/drive")
    page.get_by_role("button", name="Drive the hand").click()
    page.get_by_text("disarmed", exact=True).wait_for(timeout=20_000)
    page.get_by_role("button", name="Record", exact=True).click()
    page.locator(".flexor-rec").wait_for(timeout=15_000)
    page.wait_for_function("flexor.view.recording && flexor.view.recording.bytes_n > 40000")
    page.goto(f"{page_url}/recordings")
    assert page.get_by_role("button", name="Show again").is_disabled()
    page.get_by_role("button", name="End the recording").click()
    page.locator(".flexor-rec").wait_for(state="detached")
    (path,) = (page_folder / "recordings").glob("*.xdf")
    wait_for(lambda: b"</sample_count>" in path.read_bytes(), "the recording's end")
    made = read_recording(path)
    assert made.intents
    assert made.states

    page.get_by_role("button", name="Show again").click()
    page.wait_for_url(f"{page_url}/drive")
    page.get_by_text("REPLAY, not live:").wait_for()
    page.wait_for_function(f"({POSITION})() > 0.5")
    assert page.evaluate("flexor.view.decisions.length") > 0
    assert page.evaluate("flexor.view.about.labels.length") > 2
    page.get_by_role("button", name="Hold", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    slider = page.get_by_role("slider", name="Place in the recording").locator("[tabindex]")
    for _ in range(page.evaluate(f"Math.ceil(({POSITION})())") + 1):
        slider.press("PageDown")  # a second back
    page.wait_for_function(f"({POSITION})() < 0.2")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"({POSITION})() > 0.2")

    arm = page.get_by_role("button", name="Hold to arm, and relax")
    arm.hover()
    page.mouse.down()
    page.get_by_text("This browser shows a replay").wait_for()
    page.mouse.up()
    assert page.evaluate("flexor.act('estop')")
    page.wait_for_function("flexor.view.now === 'emergency stop'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Back to live").click()
    page.locator(".flexor-state-emergency-stop").wait_for()
    assert page.get_by_text("REPLAY, not live:").count() == 0

    page.goto(f"{page_url}/recordings")
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download").click()
    assert Path(loading.value.path()).read_bytes() == path.read_bytes()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert path.exists()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    wait_for(lambda: not path.exists(), "the removal")
    page.get_by_text("No recordings yet").wait_for()
    done = [row["what"] for row in Audit(page_folder / "audit.jsonl").rows()]
    names = ("record", "end recording", "replay", "download", "delete recording")
    assert [what for what in done if what in names] == list(names)
    page.get_by_role("button", name="End", exact=True).click()
    page.locator(".flexor-state-emergency-stop").wait_for(state="detached")


def test_a_run_that_is_not_there_is_not_recorded(
    page: Any, page_url: str, page_folder: Path
) -> None:
    page.goto(f"{page_url}/recordings")
    assert page.get_by_role("button", name="Record", exact=True).is_disabled()
    assert list((page_folder / "recordings").glob("*.xdf")) == []


HARM = {
    "a way up": "../audit.jsonl",
    "a whole path": "/etc/passwd",
    "a recording that is not there": "session-20260101-000000.xdf",
    "a file beside the recordings": "recorder.log",
    "nothing": "",
    "a name with a line's end": "session-20260101-000000.xdf%0a",
    "digits of another script": "session-٢٠٢٦٠١٠١-000000.xdf",
}


@pytest.mark.parametrize("name", HARM)
def test_what_is_no_recording_is_not_given_out(name: str, page_url: str) -> None:
    from urllib.parse import quote

    asked = HARM[name] if "%" in HARM[name] else quote(HARM[name])
    status, _, body = ask(page_url, f"/recording?name={asked}", cookie=paired(page_url))
    assert status == 404
    assert "text" in json.loads(body)

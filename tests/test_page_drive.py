"""What the page draws of a run, in a real browser: a leg that is driven, and views of devices that
are not on this table, laid before the page's own script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from flexor.profile import DEMO_ARTIFACT
from flexor.wearers import Wearers

pytestmark = pytest.mark.slow
LEG = b"""source = "synthetic:armband"
artifact = "artifact.onnx"
hand = "simulated_exo"
""" + b"".join(
    f'[[grips]]\ngesture = "{gesture}"\njoints = {{ hip = {hip}, knee = {knee} }}\n'.encode()
    for gesture, hip, knee in (
        ("hand_close", 0.5, 0.7),
        ("hand_open", -0.5, -0.7),
        ("wrist_flexion", 0.5, 0.0),
        ("wrist_extension", -0.5, 0.0),
        ("radial_deviation", 0.0, 0.5),
        ("ulnar_deviation", 0.0, -0.5),
    )
)
COLOURS = """(name) => {
  const place = document.querySelector(`canvas[data-flexor-draw=${name}]`);
  const {data} = place.getContext("2d").getImageData(0, 0, place.width, place.height);
  const seen = new Set();
  for (let k = 0; k < data.length; k += 4) {
    if (data[k + 3]) seen.add(data.slice(k, k + 3).join(" "));
  }
  return seen.size;
}"""


MOVES = """async () => {
  let [asked, moved] = [false, false];
  for (let k = 0; k < 150; k += 1) {
    const {state, joints} = flexor.view.status, told = flexor.view.asked;
    asked = asked || Boolean(told && told.joints.some((v) => Math.abs(v) > 5));
    moved = moved || joints.some((joint) => joint[1] > 5);
    if (asked && moved) return true;
    if (state === "disarmed") await flexor.act("arm");
    if (state === "fault") await flexor.act("clear");
    await new Promise((done) => setTimeout(done, 300));
  }
  return false;
}"""
"""Arms until the leg follows. A machine too busy for the simulated leg to answer within 85 ms ends
in a fault, as it must, and is cleared."""


def test_a_leg_is_driven_with_its_ranges_its_torque_and_its_latency(
    page: Any, page_url: str, page_folder: Path
) -> None:
    files = {"profile.toml": LEG, "artifact.onnx": DEMO_ARTIFACT.read_bytes()}
    Wearers(page_folder / "wearers").save("Leg", files, "a leg")
    page.goto(f"{page_url}/profiles")
    page.get_by_role("combobox", name="Wearer").click()
    page.get_by_role("option", name="Leg").click()
    page.get_by_text("in use").wait_for()
    page.goto(f"{page_url}/drive")
    page.get_by_role("button", name="Drive the hand").click()
    page.locator("[data-flexor-draw=hand][data-kind=leg]").wait_for(
        state="attached", timeout=30_000
    )
    assert page.evaluate(MOVES)
    joints = page.locator("[data-flexor-draw=joints]")
    joints.get_by_text("-20° … 90°").wait_for()
    joints.get_by_text("0.0 / 12 Nm").first.wait_for()
    page.get_by_text("The model's window adds").wait_for()
    page.get_by_text("battery well (it tells no more)").wait_for()
    page.get_by_text("Sensor: battery not reported").wait_for()
    page.locator(".flexor-stream tr").nth(9).wait_for()
    assert page.evaluate(COLOURS, "latency") > 3
    assert page.evaluate(COLOURS, "jitter") > 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Escape")
    page.locator(".flexor-state-emergency-stop").wait_for(timeout=3000)
    page.get_by_role("button", name="End", exact=True).click()
    page.locator(".flexor-state-emergency-stop").wait_for(state="detached")


def view(**more: Any) -> dict[str, Any]:
    """What the device tells of an amplifier with a grid of 64."""
    channels = [f"emg{n}" for n in range(1, 65)]
    told = {
        "alive": True,
        "stream": 0,
        "channels": channels,
        "unit": "uV",
        "full_scale": None,
        "n": 100,
        "lost": 0,
        "levels": [float(n) for n in range(64)],
        "trace": {"first": 0, "each": 20, "low": [], "high": []},
        "spectrum": {"hz": list(range(200)), "db": [-(n % 60) for n in range(200)]},
        "about": {"line_hz": 50.0, "labels": ["rest", "hand_close"], "least_confidence": 0.5},
        "layout": {
            "kind": "grid",
            "grids": [{"first": 0, "n": 64, "rows": 13, "columns": 5, "skipped": 1}],
        },
        "status": {"state": "disarmed", "joints": [], "findings": [], "battery": {}},
        "events": [],
        "decisions": [],
        "intent": None,
        "asked": None,
        "calibration": {},
    }
    return told | more


def show(page: Any, told: dict[str, Any]) -> None:
    """Lays a view before the page's script."""
    page.route(
        "**/live?*",
        lambda route: route.fulfill(body=json.dumps(told), content_type="application/json"),
    )


def test_a_grid_is_drawn_as_one_and_the_mains_stand_in_the_spectrum(
    page: Any, page_url: str
) -> None:
    show(page, view())
    page.goto(f"{page_url}/")
    page.locator("[data-flexor-draw=ring][data-kind=grid]").wait_for()
    page.wait_for_function(f"({COLOURS})('ring') > 40")
    page.wait_for_function(f"({COLOURS})('spectrum') > 2")


@pytest.mark.parametrize(
    ("battery", "words"),
    [
        ({"sensor": 0.5, "hand": None}, "Sensor: 50 %"),
        ({"sensor": 0.15, "hand": None}, "Sensor: 15 % · low: charge it soon"),
        ({"sensor": 0.05, "hand": None}, "Sensor: 5 % · nearly empty: charge it now"),
        ({"sensor": None, "hand": None}, "Sensor: battery not reported"),
        ({"sensor": None, "hand": None}, "Hand: battery not reported"),
        ({"sensor": None, "hand": "low"}, "Hand: battery low: it moves slower"),
    ],
)
def test_a_battery_is_told_with_what_to_do_or_that_it_is_not_reported(
    page: Any, page_url: str, battery: dict[str, Any], words: str
) -> None:
    show(page, view(status={"state": "", "joints": [], "findings": [], "battery": battery}))
    page.goto(f"{page_url}/drive")
    page.get_by_text(words).wait_for()


def test_a_decision_that_was_not_trusted_tells_why(page: Any, page_url: str) -> None:
    decisions = [["rest", 0.3, True], ["rest", 0.9, True], ["hand_close", 0.95, False]]
    intent = {"gesture": "hand_close", "strength": 0.4, "confidence": 0.95, "rejected": False}
    show(page, view(decisions=decisions, intent=intent))
    page.goto(f"{page_url}/drive")
    rows = page.locator(".flexor-stream tr")
    rows.nth(2).wait_for()
    assert [text.split("\t")[-1].strip() for text in rows.all_inner_texts()] == [
        "",
        "like none of the gestures",
        "less sure than 50 %",
    ]
    assert "95 %" in page.locator("[data-flexor-draw=intent]").inner_text()


@pytest.mark.parametrize(("positions_n", "shown"), [(2, True), (1, False)])
def test_a_position_of_the_arm_is_asked_for_before_the_gesture(
    page: Any, page_url: str, positions_n: int, shown: bool
) -> None:
    asked = {"phase": "ready", "gesture": "hand_close", "position": "raised", "left_s": 2.0}
    asked |= {"share": 0.1, "target": 0.0, "level": None, "done": 0, "all": 4, "newest": {}}
    asked |= {"problem": "", "busy": False, "spider": {}, "intent": None}
    show(page, view(calibration=asked | {"positions": positions_n}))
    page.goto(f"{page_url}/calibrate")
    prompt = page.locator("[data-flexor-draw=calText]")
    prompt.get_by_text("Close the hand").wait_for()
    assert ("Arm raised" in prompt.inner_text()) is shown

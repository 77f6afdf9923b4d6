"""The page in a real browser and under requests that mean harm; the control loop beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from acquisition.stream import Refused
from flexor.dashboard.app import Address
from flexor.dashboard.audit import Audit
from flexor.profile import DEMO_ARTIFACT
from flexor.wearers import Wearers
from tests.page_rig import ask, paired, served, wait_for
from tests.page_tour import held

pytestmark = pytest.mark.slow


def test_a_newcomer_sees_the_electrodes_live_drives_and_stops_the_hand(
    page: Any, page_url: str, page_folder: Path
) -> None:
    page.get_by_role("button", name="Look at the electrodes").click()
    page.get_by_text("looking, no hand").wait_for()
    page.locator(".flexor-lights li").nth(7).wait_for()
    assert page.locator(".flexor-lights .flexor-good").count() == 8
    page.goto(f"{page_url}/drive")
    page.get_by_role("button", name="Drive the hand").click()
    page.get_by_text("disarmed", exact=True).wait_for(timeout=15_000)
    held(page, "Hold to arm, and relax", "armed")  # the simulated wearer rests now and then
    page.keyboard.press("Escape")
    page.locator(".flexor-state-emergency-stop").wait_for(timeout=2000)
    page.get_by_role("button", name="End", exact=True).click()
    page.locator(".flexor-state-emergency-stop").wait_for(state="detached")
    done = {"begin watch", "begin run", "arm", "estop", "end"}
    log = Audit(page_folder / "audit.jsonl")
    wait_for(lambda: done <= {row["what"] for row in log.rows()}, "the log's last line")


def test_a_short_press_arms_nothing(page: Any, page_url: str, page_folder: Path) -> None:
    before = len(Audit(page_folder / "audit.jsonl").rows())
    page.goto(f"{page_url}/drive")
    arm = page.get_by_role("button", name="Hold to arm, and relax")
    arm.wait_for()
    page.wait_for_timeout(500)
    arm.click()
    page.wait_for_timeout(1200)
    assert [
        r for r in Audit(page_folder / "audit.jsonl").rows()[before:] if r["what"] == "arm"
    ] == []


def test_the_page_speaks_persian_from_right_to_left(page: Any) -> None:
    page.get_by_role("combobox", name="Language").click()
    page.get_by_role("option", name="فارسی").click()
    page.get_by_text("توقف اضطراری").wait_for()
    assert page.locator("html").get_attribute("dir") == "rtl"
    page.context.clear_cookies(name="flexor_language")


HARM: dict[str, tuple[int, dict[str, Any]]] = {
    "an act that is no JSON": (400, {"path": "/act", "body": b"{"}),
    "an act that is a list": (400, {"path": "/act", "body": b"[]"}),
    "an act without a number": (400, {"path": "/act", "body": b'{"key": "arm"}'}),
    "an act with a number in words": (400, {"path": "/act", "body": b'{"key": "arm", "n": "1"}'}),
    "an act of truth": (400, {"path": "/act", "body": b'{"key": "arm", "n": true}'}),
    "an act that nobody knows": (400, {"path": "/act", "body": b'{"key": "explode", "n": 1}'}),
    "an act of a person who does not control": (
        409,
        {"path": "/act", "body": b'{"key": "arm", "n": 1}'},
    ),
    "an act nested too deeply": (400, {"path": "/act", "body": b"[" * 8000 + b"]" * 8000}),
    "an act that is not text": (400, {"path": "/act", "body": b"\xff\xfe"}),
    "a pairing without a secret": (400, {"path": "/pair/", "body": b"{}"}),
    "a pairing with a number": (400, {"path": "/pair/", "body": b'{"secret": 5}'}),
    "a live view from before the beginning of words": (422, {"path": "/live?since=x"}),
    "a file that is none": (404, {"path": "/flexor/nothing.js"}),
    "a way up the folders": (404, {"path": "/flexor/../app.py"}),
    "another page's act": (
        403,
        {"path": "/act", "body": b"{}", "headers": {"origin": "http://evil.example"}},
    ),
    "another host's name": (421, {"path": "/", "headers": {"host": "evil.example"}}),
    "a large act": (413, {"path": "/act", "body": b" " * 20_000}),
    "a deletion": (405, {"path": "/act", "method": "DELETE"}),
    "a profile that is none": (422, {"path": "/upload/profile?wearer=Eve", "body": b"PK"}),
    "a profile for nobody": (422, {"path": "/upload/profile?wearer=..", "body": b"PK"}),
    "a profile without a wearer": (422, {"path": "/upload/profile", "body": b"PK"}),
    "a profile that is too large": (
        413,
        {
            "path": "/upload/profile?wearer=Eve",
            "body": b"x",
            "headers": {"content-length": "2000001"},
        },
    ),
    "an export of nobody": (404, {"path": "/export?wearer=nobody"}),
    "an export from elsewhere": (404, {"path": "/export?wearer=../../etc"}),
}


@pytest.mark.parametrize("name", HARM)
def test_harm_is_refused_and_nothing_is_armed_or_written(
    name: str, page_url: str, page_folder: Path
) -> None:
    expected, asked = HARM[name]
    cookie = paired(page_url)
    holder = paired(page_url)
    before = sorted(path.name for path in page_folder.rglob("*") if path.is_file())
    status, headers, body = ask(page_url, **{"cookie": cookie, **asked})
    assert status == expected, body
    assert headers["x-content-type-options"] == "nosniff"
    assert sorted(path.name for path in page_folder.rglob("*") if path.is_file()) == before
    rows = Audit(page_folder / "audit.jsonl").rows()[-2:]
    assert not any(row["what"] == "arm" and row["answer"] == "asked" for row in rows)
    assert ask(page_url, "/leave", b"", holder)[0] == 204
    assert ask(page_url, "/live", cookie=holder)[0] == 401


def test_a_profile_goes_from_device_to_device_and_back_to_an_earlier_version(
    page: Any, page_url: str, page_folder: Path
) -> None:
    wearers = Wearers(page_folder / "wearers")
    files = {
        "profile.toml": b'source = "synthetic:armband"\nartifact = "artifact.onnx"\n',
        "artifact.onnx": DEMO_ARTIFACT.read_bytes(),
    }
    wearers.save("Ada", files, "first fitting")
    cookie = page.context.cookies()[0]["value"]
    status, _, exported = ask(page_url, "/export?wearer=Ada", cookie=cookie)
    assert status == 200
    page.goto(f"{page_url}/drive")
    page.get_by_role("button", name="Take control").click()
    page.get_by_text("You control the hand").wait_for()
    status, _, body = ask(page_url, "/upload/profile?wearer=Bea", exported, cookie)
    assert (status, body) == (200, b'{"version":1}')
    wearers.save("Ada", {**files, "profile.toml": files["profile.toml"] + b"line_hz = 60.0"}, "60")
    page.goto(f"{page_url}/profiles")
    page.get_by_role("combobox", name="Wearer").click()
    page.get_by_role("option", name="Ada").click()
    page.get_by_role("button", name="Use again").click()
    wait_for(lambda: not wearers.versions("Ada")[0].current, "the roll-back")
    page.get_by_role("button", name="Give control back").click()


def test_an_act_is_done_once_and_a_stop_always(page_url: str) -> None:
    one, two = paired(page_url), paired(page_url)
    stop = json.dumps({"key": "estop", "n": 1}).encode()
    assert ask(page_url, "/act", stop, one)[0] == 200
    assert ask(page_url, "/act", stop, two)[0] == 200
    assert ask(page_url, "/act", stop, two)[0] == 200


def test_no_secret_is_in_a_log(page_url: str, page_folder: Path) -> None:
    cookie = paired(page_url)
    token = (page_folder / "token").read_text()
    written = (
        b"".join(p.read_bytes() for p in page_folder.glob("*.log"))
        + (page_folder / "audit.jsonl").read_bytes()
    )
    assert cookie.encode() not in written
    assert token.encode() not in written


def test_a_taken_port_is_refused_in_one_sentence(page_url: str, tmp_path: Path) -> None:
    port = page_url.rpartition(":")[2]
    with served(tmp_path, "--port", port) as (_, process):
        assert process.wait(10.0) == 2
    text = (tmp_path / "page.log").read_text()
    assert text.startswith("flexor: The page cannot be served")
    assert len(text.splitlines()) == 1


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="1 to 65535"):
        Address(port=99_999)


def test_a_network_address_asks_for_a_code_over_tls(tmp_path: Path) -> None:
    with served(tmp_path, "--host", "127.0.0.2") as (_, process):
        text = (tmp_path / "page.log").read_text()
        wait_for(lambda: "SHA-256" in (tmp_path / "page.log").read_text(), "the code")
        text = (tmp_path / "page.log").read_text()
        assert "https://127.0.0.2" in text
        assert "█" in text
        assert process.poll() is None

"""The way from armband to moving hand as a newcomer goes it on the page, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

WIDE = {"width": 1100, "height": 900}
SIGNAL = "flexor.history.size > 250"
"""Some seconds are drawn."""
MOVED = "flexor.view.status.joints.some((joint) => Math.abs(joint[1]) > 15)"
LET_GO = "flexor.view.status.state === 'disarmed'"
"""As the gate does where a busy machine hands samples over too late."""
TRIES_N = 4
UNDER_WAY = "flexor.view.test && flexor.view.test.left < 4"
"""The first target was reached."""
Picture = Callable[[Any, str], object]
"""Is given the page and the name of what it shows."""


def tour(page: Any, url: str, picture: Picture) -> dict[str, float]:
    """Pair, look at the electrodes, calibrate, drive, stop, arm again, reach targets, report.

    Gives what the page says of the test: completion in percent, throughput in bit/s.
    """
    pair(page, url)
    look(page, picture)
    calibrate(page, url, picture)
    drive(page, url, picture)
    return reach(page, url, picture)


def pair(page: Any, url: str) -> None:
    page.goto(f"{url}/")
    page.get_by_role("button", name="Pair").click()
    page.wait_for_url(f"{url}/")


def look(page: Any, picture: Picture) -> None:
    page.get_by_role("button", name="Look at the electrodes").click()
    page.locator(".flexor-lights .flexor-good").nth(7).wait_for()
    page.wait_for_function(SIGNAL, timeout=20_000)
    picture(page, "electrodes")


def calibrate(page: Any, url: str, picture: Picture) -> None:
    """Three contractions of each of four gestures, one of them light; the simulated wearer does
    what is asked, and as fast as it is heard."""
    page.goto(f"{url}/calibrate")
    choose(page, "Held", "2")
    page.get_by_role("checkbox", name="need not take its time").click()
    page.get_by_role("button", name="Begin the calibration").click()
    page.get_by_text("Close the hand: good").wait_for(timeout=60_000)
    picture(page, "calibrate")
    page.get_by_text("All contractions are made: fit.").wait_for(timeout=120_000)
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("Fitted in").wait_for(timeout=15_000)
    picture(page, "fitted")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("Kept: me, version 1").wait_for(timeout=15_000)


def drive(page: Any, url: str, picture: Picture) -> None:
    """Armed by the hand that holds the button, stopped by a key, cleared, and armed again."""
    page.goto(f"{url}/drive")
    page.get_by_role("button", name="Drive the hand").click()
    page.locator(".flexor-state-disarmed").wait_for(timeout=20_000)
    until_it_moves(page)
    picture(page, "drive")
    page.keyboard.press("Escape")
    page.locator(".flexor-state-emergency-stop").wait_for(timeout=3000)
    picture(page, "stopped")
    held(page, "Hold to clear the stop", ".flexor-state-disarmed")
    held(page, "Hold to arm", ".flexor-state-armed")


def until_it_moves(page: Any) -> None:
    """Armed, and the wearer moves the hand."""
    for _ in range(TRIES_N):
        held(page, "Hold to arm", ".flexor-state-armed")
        page.wait_for_function(f"({MOVED}) || {LET_GO}", timeout=20_000)
        if page.evaluate(MOVED):
            return
    raise AssertionError(f"The hand was armed {TRIES_N} times and never moved.")


def reach(page: Any, url: str, picture: Picture) -> dict[str, float]:
    page.goto(f"{url}/test")
    choose(page, "Targets", "4")
    page.get_by_role("checkbox", name="The simulated wearer does it").click()
    page.get_by_role("button", name="Begin the test").click()
    page.wait_for_function(UNDER_WAY, timeout=60_000)
    picture(page, "test")
    row = page.locator("tr", has_text="bit/s")
    row.wait_for(timeout=240_000)
    told = row.inner_text()
    with page.expect_download() as loading:
        page.evaluate("location.href = '/report.pdf?download=1'")
    assert loading.value.path().read_bytes().startswith(b"%PDF")
    completion = re.search(r"(\d+) %", told)
    throughput = re.search(r"([\d.]+) bit/s", told)
    assert completion is not None
    assert throughput is not None
    return {"completion": float(completion[1]), "throughput_bit_s": float(throughput[1])}


def held(page: Any, button: str, until: str) -> None:
    """Holds a button down until the page says that it is so; once more where that was missed."""
    for tries_left in reversed(range(TRIES_N)):
        page.get_by_role("button", name=button).hover()
        page.mouse.down()
        try:
            page.locator(until).wait_for(timeout=8000)
        except Exception as error:
            if type(error).__name__ != "TimeoutError" or not tries_left:
                raise
        else:
            return
        finally:
            page.mouse.up()


def choose(page: Any, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()

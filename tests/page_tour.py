"""The way from armband to moving hand as the README's table has it, walked in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

README = Path(__file__).resolve().parents[1] / "README.md"
SECTION = "## Ten minutes from armband to hand"
WIDE = {"width": 1100, "height": 900}
PAGES = {"Electrodes": "/", "Calibrate": "/calibrate", "Drive": "/drive", "Test": "/test"}
LIGHTS = "document.querySelectorAll('.flexor-lights .flexor-good').length === 8"
SIGNAL = "flexor.history.size > 250"
"""Some seconds are drawn."""
MOVES = "flexor.view.status.joints.some((joint) => Math.abs(joint[1]) > 15)"
STATE = "flexor.view.status.state"
LET_GO = f"['disarmed', 'fault'].includes({STATE})"
"""As the gate does where a busy machine hands samples over late, or lets a hand's process wait."""
REACHED = "flexor.view.test && flexor.view.test.left < 4"
SEEN = {
    "eight green lights": f"{LIGHTS} && {SIGNAL}",
    "the hand moves": MOVES,
    "the first target is reached": REACHED,
}
"""What the table says in words of its own -> when the page shows it"""
STATES = ("armed", "disarmed", "emergency stop")
PICTURES = {
    "eight green lights": "electrodes",
    "Close the hand: good": "calibrate",
    "Fitted in": "fitted",
    "the hand moves": "drive",
    "emergency stop": "stopped",
    "the first target is reached": "test",
}
"""What is seen -> the name of its picture"""
LONGEST_MS = 240_000
TRIES_N = 4
Picture = Callable[[Any, str], object]
"""Is given the page and the name of what it shows."""


class Step(NamedTuple):
    """A row of the table."""

    page: str
    """to go to before; empty to stay"""
    do: str
    see: str
    bold: bool
    """whether what is to be seen is text of the page"""


def section() -> str:
    """The README's ten minutes."""
    return README.read_text(encoding="utf-8").partition(SECTION)[2].partition("\n## ")[0]


def commands() -> list[list[str]]:
    """The lines of each block of commands."""
    blocks = re.findall(r"^```sh\n(.*?)^```", section(), re.MULTILINE | re.DOTALL)
    return [block.splitlines() for block in blocks]


def steps() -> list[Step]:
    """The rows of the table, from top to bottom."""
    rows = re.findall(r"^\| (.*?) ?\| (.+?) \| (.*?) ?\|$", section(), re.MULTILINE)
    return [
        Step(page.strip("*"), do, see.strip("*"), see.startswith("**"))
        for page, do, see in rows
        if do != "do"
    ]


def tour(page: Any, url: str, picture: Picture) -> dict[str, float]:
    """Does what the table says, row by row; gives what the page then says of the test: completion
    in percent, throughput in bit/s."""
    page.goto(f"{url}/")
    for step in steps():
        if step.page:
            page.goto(url + PAGES[step.page])
        walk(page, step)
        if step.see in PICTURES:
            picture(page, PICTURES[step.see])
    told = page.locator("tr", has_text="bit/s").inner_text()
    completion = re.search(r"(\d+) %", told)
    throughput = re.search(r"([\d.]+) bit/s", told)
    assert completion is not None
    assert throughput is not None
    return {"completion": float(completion[1]), "throughput_bit_s": float(throughput[1])}


def walk(page: Any, step: Step) -> None:
    """One row. Fails where the page shows something else."""
    words = re.findall(r"\*\*(.+?)\*\*", step.do)
    verb = step.do.partition(" ")[0]
    if step.see == "a document":
        with page.expect_download() as loading:
            page.evaluate("location.href = '/report.pdf?download=1'")
        assert page.get_by_text(words[0]).count() == 1
        assert loading.value.path().read_bytes().startswith(b"%PDF")
    elif step.see == "the hand moves":
        until_it_moves(page)
    elif verb == "hold":
        held(page, words[0], step.see)
    else:
        ACTS[verb](page, *words)
        until_seen(page, step)


def until_seen(page: Any, step: Step, timeout_ms: float = LONGEST_MS) -> None:
    """Until the page shows what the row says."""
    if step.see in STATES:
        page.locator(state(step.see)).wait_for(timeout=timeout_ms)
    elif step.bold:
        page.get_by_text(step.see).first.wait_for(timeout=timeout_ms)
    elif step.see:
        page.wait_for_function(SEEN[step.see], timeout=timeout_ms)


def state(name: str) -> str:
    """Where the page shows that the gate is in this state."""
    return f".flexor-state-{name.replace(' ', '-')}"


def until_it_moves(page: Any) -> None:
    """Armed, and the wearer moves the hand."""
    for _ in range(TRIES_N):
        page.wait_for_function(f"({MOVES}) || {LET_GO}", timeout=30_000)
        if page.evaluate(MOVES):
            return
        held(page, "Hold to arm", "armed")
    raise AssertionError(f"The hand was armed {TRIES_N} times and never moved.")


def held(page: Any, button: str, until: str) -> None:
    """Holds a button down until the page says that it is so; once more where that was missed, and
    what a busy machine made of the hand is cleared before."""
    for _ in range(TRIES_N):
        if until == "armed" and page.evaluate(STATE) == "fault":
            held(page, "Hold to clear the stop", "disarmed")
        page.get_by_role("button", name=button).hover()
        page.mouse.down()
        try:
            page.locator(state(until)).wait_for(timeout=8000)
        except Exception as error:
            if type(error).__name__ != "TimeoutError":
                raise
        else:
            return
        finally:
            page.mouse.up()
    told = page.evaluate("[flexor.view.status.cause, ...flexor.view.events.slice(-5)]")
    raise AssertionError(f"{button} was held {TRIES_N} times, and it never was {until}: {told}")


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def tick(page: Any, name: str) -> None:
    page.get_by_role("checkbox", name=name).click()


def choose(page: Any, option: str, label: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def wait(_page: Any) -> None:
    """Nothing is done."""


ACTS: dict[str, Callable[..., None]] = {
    "press": press,
    "tick": tick,
    "choose": choose,
    "wait": wait,
}
"""first word of what is to be done -> how"""

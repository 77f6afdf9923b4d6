"""Calibrate: prompts, a word on each contraction, what is confused, fit, try, keep or discard."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from acquisition.stream import Refused
from flexor.calibration_plan import POSITIONS, Wanted, seconds_of
from flexor.dashboard.calibrating import Calibrating
from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.calibrate_result import doing, result, table
from flexor.dashboard.pages.frame import Visit, canvas
from flexor.dashboard.pages.start import start_card
from flexor.dashboard.words import GESTURES, REASONS, gesture_name, reason_text

USUAL = ("hand_close", "hand_open", "wrist_flexion", "wrist_extension")
SPOKEN = (
    *("cal_arm", "cal_rest", "cal_ready", "cal_now"),
    *("cal_done", "cal_paused", "cal_good", "cal_fitting"),
)
"""Words that the page's script writes."""


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    calibrating = desk.calibrating
    settings = _settings(desk, visit, calibrating)
    with ui.element("div").classes("flexor-grid"):
        with ui.card().classes("w-full"):
            _prompt(desk, visit, calibrating)
        with ui.card().classes("w-full"):
            ui.label(visit.word("cal_feedback")).classes("text-h6")
            canvas("spider", "15rem", visit.word("cal_shapes"))
            told_apart = table(desk, visit, calibrating)
        with ui.card().classes("w-full"):
            ui.label(visit.word("cal_try")).classes("text-h6")
            outcome = result(desk, visit, calibrating)
    seen = {"version": -1}

    def refresh() -> None:
        if seen["version"] != calibrating.version:
            seen["version"] = calibrating.version
            settings.refresh()
            told_apart.refresh()
            outcome.refresh()

    ui.timer(0.4, refresh)


def _settings(desk: Desk, visit: Visit, calibrating: Calibrating) -> Any:
    """What is to be calibrated; gone while a calibration runs."""

    @ui.refreshable
    def show() -> None:
        if calibrating.problem:
            ui.label(calibrating.problem).classes("text-negative").props('role="alert"')
        if calibrating.sitting is None:
            start_card(desk, visit, recorded=False)
            with ui.card().classes("w-full"):
                _choice(desk, visit, calibrating)

    show()
    return show


def _choice(desk: Desk, visit: Visit, calibrating: Calibrating) -> None:
    """Gestures, how often, in which positions."""
    chosen = {gesture: gesture in USUAL for gesture in GESTURES if gesture != "rest"}
    ui.label(visit.word("cal_which")).classes("text-h6")
    with ui.row().classes("gap-x-4 gap-y-0"):
        for gesture in chosen:
            ui.checkbox(gesture_name(gesture, visit.language)).bind_value(chosen, gesture)
    numbers = {"repetitions": 3, "ramps": 1, "follows": 0}
    with ui.row().classes("items-end gap-4"):
        for key, low in (("repetitions", 2), ("ramps", 0), ("follows", 0)):
            options = list(range(low, 7))
            ui.select(options, label=visit.word(f"cal_{key}")).bind_value(numbers, key).classes(
                "w-32"
            )
        names = {name: visit.word(f"cal_{name}") for name in POSITIONS}
        positions = ui.select(
            names, value=["bent"], multiple=True, label=visit.word("cal_positions")
        ).classes("w-64")
    takes = ui.label().classes("text-caption")

    def wanted() -> Wanted:
        gestures = tuple(gesture for gesture, on in chosen.items() if on)
        asked = tuple(name for name in POSITIONS if name in positions.value)
        counts = (numbers["repetitions"], numbers["ramps"], numbers["follows"])
        return Wanted(gestures, *counts, positions=asked)

    def length() -> None:
        try:
            minutes = seconds_of(wanted()) / 60
            takes.text = visit.word("cal_takes").format(minutes=f"{minutes:.1f}")
        except Refused as error:
            takes.text = str(error)

    ui.timer(0.5, length)

    async def begin() -> None:
        await doing(desk, visit, lambda: _begin(desk, visit, calibrating, wanted()))

    with ui.row().classes("items-center gap-2"):
        ui.button(visit.word("cal_begin"), on_click=begin).props("no-caps")
        hurry = ui.checkbox(visit.word("cal_hurry")).bind_value(calibrating, "hurry")
        hurry.visible = desk.chosen.source.startswith("synthetic")
        _go_on(desk, visit, calibrating)


def _go_on(desk: Desk, visit: Visit, calibrating: Calibrating) -> None:
    """The button that takes a broken-off calibration up again, where there is one."""
    left = calibrating.unfinished()
    if left is None:
        return

    async def resume() -> None:
        async def work() -> None:
            await _watching(desk, visit)
            await calibrating.go_on_from(left)

        await doing(desk, visit, work)

    ui.button(visit.word("cal_resume"), on_click=resume).props("no-caps outline")


def _prompt(desk: Desk, visit: Visit, calibrating: Calibrating) -> None:
    """What is asked for now, as large as it can be."""
    words = {key: visit.word(key) for key in SPOKEN}
    words |= {f"gesture {name}": gesture_name(name, visit.language) for name in GESTURES}
    words |= {f"position {name}": visit.word(f"cal_{name}") for name in POSITIONS}
    words |= {f"reason {name}": reason_text(name, "{what}", visit.language) for name in REASONS}
    told = html.escape(json.dumps(words))
    ui.html(
        f'<div data-flexor-draw="calText" data-words="{told}" class="flexor-prompt" role="status" '
        'aria-live="polite"></div>',
        sanitize=False,
    ).classes("w-full")
    canvas("calHand", "17rem", visit.word("cal_picture"))
    ui.html(
        f'<div data-flexor-draw="calSaid" data-words="{told}" class="flexor-said" role="status" '
        'aria-live="polite"></div>',
        sanitize=False,
    ).classes("w-full")

    def guarded(work: Callable[[], None]) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            async def go() -> None:
                work()

            await doing(desk, visit, go)

        return act

    with ui.row().classes("items-center gap-2"):
        pauses, ends = guarded(calibrating.pause), guarded(calibrating.end)
        ui.button(visit.word("cal_pause"), on_click=pauses).props("no-caps outline")
        ui.button(visit.word("cal_end"), on_click=ends).props("no-caps outline")
        ui.html(
            f'<label class="flexor-tones"><input type="checkbox" id="flexor-tones"> '
            f"{visit.word('cal_tones')}</label>",
            sanitize=False,
        )


async def _begin(desk: Desk, visit: Visit, calibrating: Calibrating, wanted: Wanted) -> None:
    await _watching(desk, visit)
    await calibrating.begin(wanted)


async def _watching(desk: Desk, visit: Visit) -> None:
    """A run that only looks: no hand moves while the wearer is calibrated."""
    hub = desk.hub
    if hub.alive and hub.status.get("state") == "watching":
        return
    refusal = await desk.begin(visit.cookie, "watch")
    if refusal:
        raise Refused(refusal)

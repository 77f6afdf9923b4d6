"""Calibrate: prompts, a word on each contraction, what is confused, fit, try, keep or discard."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from acquisition.stream import Refused
from flexor.calibration import Phase
from flexor.calibration_plan import POSITIONS, Wanted, seconds_of
from flexor.dashboard.calibrating import Calibrating
from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import Visit, canvas
from flexor.dashboard.pages.start import start_card, tell
from flexor.dashboard.words import GESTURES, REASONS, gesture_name, reason_text

USUAL = ("hand_close", "hand_open", "wrist_flexion", "wrist_extension")
SPOKEN = ("cal_rest", "cal_ready", "cal_now", "cal_done", "cal_paused", "cal_good", "cal_fitting")
"""Words that the page's script writes."""


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    calibrating = desk.calibrating
    start_card(desk, visit)
    with ui.card().classes("w-full"):
        settings = _settings(desk, visit, calibrating)
    with ui.element("div").classes("flexor-grid"):
        with ui.card().classes("w-full"):
            _prompt(desk, visit, calibrating)
        with ui.card().classes("w-full"):
            ui.label(visit.word("cal_feedback")).classes("text-h6")
            canvas("spider", "15rem", visit.word("cal_shapes"))
            table = _table(desk, visit, calibrating)
        with ui.card().classes("w-full"):
            ui.label(visit.word("cal_try")).classes("text-h6")
            result = _result(desk, visit, calibrating)
    seen = {"version": -1}

    def refresh() -> None:
        if seen["version"] != calibrating.version:
            seen["version"] = calibrating.version
            settings.refresh()
            table.refresh()
            result.refresh()

    ui.timer(0.4, refresh)


def _settings(desk: Desk, visit: Visit, calibrating: Calibrating) -> Any:
    """What is to be calibrated; gone while a calibration runs."""

    @ui.refreshable
    def show() -> None:
        if calibrating.problem:
            ui.label(calibrating.problem).classes("text-negative").props('role="alert"')
        if calibrating.sitting is not None:
            return
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
            await _doing(desk, visit, lambda: _begin(desk, visit, calibrating, wanted()))

        with ui.row().classes("items-center gap-2"):
            ui.button(visit.word("cal_begin"), on_click=begin).props("no-caps")
            _go_on(desk, visit, calibrating)

    show()
    return show


def _go_on(desk: Desk, visit: Visit, calibrating: Calibrating) -> None:
    """The button that takes a broken-off calibration up again, where there is one."""
    left = calibrating.unfinished()
    if left is None:
        return

    async def resume() -> None:
        async def work() -> None:
            await _watching(desk, visit)
            await calibrating.go_on_from(left)

        await _doing(desk, visit, work)

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

            await _doing(desk, visit, go)

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


def _table(desk: Desk, visit: Visit, calibrating: Calibrating) -> Any:
    """Each gesture: how well it is told apart, with what it is confused, and its repeat button."""

    @ui.refreshable
    def show() -> None:
        sitting, report = calibrating.sitting, calibrating.report
        if sitting is None or report is None:
            ui.label(visit.word("cal_nothing_yet")).classes("text-caption")
            return
        with ui.list().props("separator dense").classes("w-full"):
            for gesture in sitting.guide.wanted.gestures:
                takes = [t for t in sitting.guide.takes.values() if t.task.gesture == gesture]
                if takes:
                    _row(desk, visit, calibrating, gesture, takes)
        if report.nearest is not None:
            one, other, apart = report.nearest
            names = [gesture_name(name, visit.language) for name in (one, other)]
            text = visit.word("cal_nearest").format(one=names[0], other=names[1], apart=apart)
            ui.label(text).classes("text-caption")

    show()
    return show


def _row(
    desk: Desk, visit: Visit, calibrating: Calibrating, gesture: str, takes: list[Any]
) -> None:
    report, language = calibrating.report, visit.language
    share = report.per_gesture.get(gesture) if report else None
    lines = [
        visit.word("cal_confused").format(
            share=f"{100 * part:.0f}", other=gesture_name(other, language)
        )
        for one, other, part in (report.confused if report else ())
        if one == gesture
    ]
    for take in takes:
        verdict = take.verdict
        if not verdict.good:
            what = gesture_name(verdict.what, language)
            lines.append(f"{take.task.repetition}: {reason_text(verdict.reason, what, language)}")

    async def repeat() -> None:
        async def work() -> None:
            calibrating.repeat(gesture)

        await _doing(desk, visit, work)

    with ui.item():
        with ui.item_section():
            told = "…" if share is None else f"{100 * share:.0f} %"
            ui.item_label(f"{gesture_name(gesture, language)} · {told}")
            for line in lines:
                ui.item_label(line).props("caption lines=3").classes("text-warning")
        with ui.item_section().props("side"):
            label = f"{visit.word('cal_repeat')}: {gesture_name(gesture, language)}"
            ui.button(visit.word("cal_repeat"), on_click=repeat).props(
                f'outline dense no-caps aria-label="{label}"'
            )


def _result(desk: Desk, visit: Visit, calibrating: Calibrating) -> Any:
    """Fit, what it came to, the live trial, and what becomes of it."""

    @ui.refreshable
    def show() -> None:
        sitting = calibrating.sitting
        if sitting is None:
            ui.label(visit.word("cal_nothing_yet")).classes("text-caption")
            return

        async def fit() -> None:
            await _doing(desk, visit, calibrating.fit)

        ready = sitting.guide.phase in (Phase.DONE, Phase.PAUSED) and not calibrating.busy
        button = ui.button(visit.word("cal_fit"), on_click=fit).props("no-caps")
        button.set_enabled(ready)
        fitted = sitting.fitted
        if fitted is None:
            return
        share = "–" if fitted.accuracy is None else f"{100 * fitted.accuracy:.1f}"
        told = visit.word("cal_fitted").format(seconds=f"{fitted.seconds:.2f}", share=share)
        ui.label(told).classes("flexor-fitted")
        for gesture in fitted.weak:
            name = gesture_name(gesture, visit.language)
            ui.label(visit.word("cal_weak").format(gesture=name)).classes("text-warning")
        words = {f"gesture {name}": gesture_name(name, visit.language) for name in GESTURES}
        words["unsure"] = visit.word("unsure")
        ui.html(
            f'<div data-flexor-draw="calIntent" data-words="{html.escape(json.dumps(words))}" '
            'class="flexor-prompt"></div>',
            sanitize=False,
        ).classes("w-full")
        if sitting.perform is not None:
            with ui.row().classes("gap-1"):
                ui.label(visit.word("cal_simulated")).classes("text-caption w-full")
                for label in sitting.guide.labels:
                    ui.button(
                        gesture_name(label, visit.language),
                        on_click=lambda label=label: calibrating.make(label),
                    ).props("outline dense no-caps")
        _keeping(desk, visit, calibrating)

    show()
    return show


def _keeping(desk: Desk, visit: Visit, calibrating: Calibrating) -> None:
    name = ui.input(visit.word("wearer"), value=desk.wearer or "me").classes("w-48")

    async def keep() -> None:
        async def work() -> None:
            chosen, who = desk.chosen, name.value.strip()
            version = await calibrating.keep(desk.wearers, who, chosen.profile, chosen.hand)
            desk.choose_wearer(visit.cookie, who)
            ui.notify(visit.word("cal_kept").format(name=who, n=version.number), type="positive")

        await _doing(desk, visit, work)

    async def drop() -> None:
        async def work() -> None:
            calibrating.discard()

        await _doing(desk, visit, work)

    with ui.row().classes("gap-2"):
        ui.button(visit.word("cal_keep"), on_click=keep).props("no-caps")
        ui.button(visit.word("cal_discard"), on_click=drop).props("no-caps outline")


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


async def _doing(desk: Desk, visit: Visit, work: Callable[[], Awaitable[None]]) -> None:
    """Work in the name of a browser that controls; tells why not, where it is refused."""
    why = desk.access.take_control(visit.cookie)
    if why is not None:
        tell(why.text)
        return
    try:
        await work()
    except Refused as error:
        tell(str(error))

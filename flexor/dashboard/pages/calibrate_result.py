"""What came of the contractions so far, and what becomes of the calibration."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import context, ui

from acquisition.stream import Refused
from flexor.calibration import Phase
from flexor.dashboard.calibrating import Calibrating
from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import Visit
from flexor.dashboard.pages.start import tell
from flexor.dashboard.words import GESTURES, WORDS, gesture_name, reason_text

WELL = 0.8
"""Of the moments decided rightly: below it, a position had better be repeated."""


def table(desk: Desk, visit: Visit, calibrating: Calibrating) -> Any:
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
        for position, (share, worst) in report.positions.items():
            _position(visit, position, share, worst)

    show()
    return show


def _position(
    visit: Visit, position: str, share: float, worst: tuple[str, str, float] | None
) -> None:
    """How right the decisions are with the arm there, and what is confused there."""
    where = visit.word(f"cal_{position}") if f"cal_{position}" in WORDS else position
    text = visit.word("cal_position").format(where=where, share=f"{100 * share:.0f}")
    if worst is not None:
        one, other = (gesture_name(name, visit.language) for name in worst[:2])
        text += " " + visit.word("cal_position_worst").format(
            one=one, other=other, share=f"{100 * worst[2]:.0f}"
        )
    label = ui.label(text).classes("text-caption flexor-position")
    if share < WELL:
        label.classes("text-warning")


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

        await doing(desk, visit, work)

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


def result(desk: Desk, visit: Visit, calibrating: Calibrating) -> Any:
    """Fit, what it came to, the live trial, and what becomes of it."""

    @ui.refreshable
    def show() -> None:
        sitting = calibrating.sitting
        if sitting is None:
            ui.label(visit.word("cal_nothing_yet")).classes("text-caption")
            return

        async def fit() -> None:
            await doing(desk, visit, calibrating.fit)

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

        await doing(desk, visit, work)

    async def drop() -> None:
        async def work() -> None:
            calibrating.discard()

        await doing(desk, visit, work)

    with ui.row().classes("gap-2"):
        ui.button(visit.word("cal_keep"), on_click=keep).props("no-caps")
        ui.button(visit.word("cal_discard"), on_click=drop).props("no-caps outline")


async def doing(desk: Desk, visit: Visit, work: Callable[[], Awaitable[None]]) -> None:
    """Work in the name of a browser that controls; tells why not, where it is refused."""
    client = context.client  # what was pressed may be gone when the work is done
    why = desk.access.take_control(visit.cookie)
    if why is not None:
        tell(why.text)
        return
    try:
        await work()
    except Refused as error:
        with client:
            tell(str(error))

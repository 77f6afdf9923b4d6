"""Test: Fitts' law, TAC and motion test by whoever wears the sensor; figures, history, report."""

from __future__ import annotations

import time
from typing import Any

from nicegui import ui

from acquisition.stream import Refused
from flexor.dashboard.desk import Desk
from flexor.dashboard.history import days, keep, kept
from flexor.dashboard.hub import Hub
from flexor.dashboard.pages.frame import Visit, canvas, told, told_json
from flexor.dashboard.pages.start import start_card, tell
from flexor.dashboard.words import WORDS, gesture_name
from flexor.exam_wearer import ExamWearer
from flexor.examination import KINDS, Axes, examine
from flexor.fitts import Ring
from flexor.messages import Kind
from models.intent import Intent

HISTORY = "tests.jsonl"
SHOWN_N = 20
DAY_WORDS = ("completion", "throughput", "seconds", "efficiency", "overshoots")
USUAL = (("wrist_flexion", "wrist_extension"), ("hand_open", "hand_close"))


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    start_card(desk, visit)
    with ui.card().classes("w-full"):
        _choice(desk, visit)
        canvas("test", "24rem", visit.word("test"))
    with ui.card().classes("w-full"):
        ui.label(visit.word("over_days")).classes("text-h6")
        _days(desk, visit)
    with ui.card().classes("w-full"):
        ui.label(visit.word("history")).classes("text-h6")
        table = ui.table(columns=_columns(visit), rows=[], row_key="at").classes("w-full")
        ui.link(visit.word("report"), "/report.pdf", new_tab=True)

    def refresh() -> None:
        table.rows = [_row(row, visit) for row in reversed(kept(desk.folder / HISTORY)[-SHOWN_N:])]

    refresh()
    ui.timer(2.0, refresh)


def _days(desk: Desk, visit: Visit) -> None:
    """Speed and completion, day by day, of one wearer and one test."""
    words = told({key: visit.word(key) for key in DAY_WORDS})

    def there() -> list[dict[str, Any]]:
        return kept(desk.folder / HISTORY)

    @ui.refreshable
    def show() -> None:
        rows = days(there(), kind.value, who.value)
        if not rows:
            ui.label(visit.word("no_tests")).classes("text-caption")
            return
        canvas("days", "15rem", visit.word("over_days"), days=told_json(rows), words=words)
        last = rows[-1]
        ui.label(f"{last['day']}: {last['tests']} × {visit.word(f'test_{kind.value}')}").classes(
            "text-caption"
        )

    with ui.row().classes("items-end gap-2"):
        names = {name: name or visit.word("nobody") for name in ["", *desk.wearers.names()]}
        names |= {row["wearer"]: row["wearer"] for row in there() if row.get("wearer")}
        who = ui.select(names, value=desk.wearer, label=visit.word("whose")).classes("w-40")
        kinds = {name: visit.word(f"test_{name}") for name in KINDS}
        kind = ui.select(kinds, value="fitts", label=visit.word("of_what"))
    show()
    who.on_value_change(show.refresh)
    kind.on_value_change(show.refresh)
    seen = [len(there())]

    def look() -> None:
        if seen[0] != len(there()):
            seen[0] = len(there())
            show.refresh()

    ui.timer(2.0, look)


def _choice(desk: Desk, visit: Visit) -> None:
    """Which test, and which gestures move what."""
    with ui.row().classes("items-end gap-2"):
        kind = ui.select(
            {name: visit.word(f"test_{name}") for name in KINDS},
            value="fitts",
            label=visit.word("test"),
        )
        labels = desk.hub.about.get("labels") or [g for pair in USUAL for g in pair]
        names = {g: gesture_name(g, visit.language) for g in labels}
        ends = [
            ui.select(names, value=gesture if gesture in labels else labels[-1], label=mark)
            for gesture, mark in zip([g for pair in USUAL for g in pair], "→←↑↓", strict=True)
        ]

        def begin() -> None:
            right, left, up, down = (end.value for end in ends)
            axes = ((right, left), (up, down))
            told = begin_test(desk, kind.value, axes, int(n.value), simulated=virtual.value)
            tell(told)

        n = ui.select([4, 8, 16], value=8, label=visit.word("targets")).classes("w-24 shrink-0")
        n.bind_visibility_from(kind, "value", value="fitts")
        virtual = ui.checkbox(visit.word("virtual_wearer"), value=False)
        virtual.visible = desk.chosen.source.startswith("synthetic")
        ui.button(visit.word("begin_test"), on_click=begin).props("no-caps")


def begin_test(
    desk: Desk,
    kind: str,
    axes: Axes,
    targets_n: int = Ring.targets_n,
    *,
    simulated: bool = False,
) -> str:
    """Begins a test on the run; gives nothing, or the sentence that tells why not.

    simulated: the virtual wearer of the run does it, in the time of its samples.
    """
    hub = desk.hub
    if not hub.alive or "labels" not in hub.about:
        return WORDS["test_needs_run"]["en"]
    labels, rest = hub.about["labels"], hub.about["rest"]
    now_s = hub.clock_s if simulated else time.monotonic()
    try:
        test = examine(kind, axes, labels, rest, now_s, targets_n)
    except Refused as error:
        return str(error)
    desk.examination = test
    intents: list[Intent] = []
    wearer = ExamWearer(test, hub) if simulated else None

    def hear(heard: Kind, value: Any) -> None:
        if heard is Kind.INTENT:
            intents.append(value.intent)

    def turn() -> None:
        if wearer is None:
            test.turn(intents, time.monotonic())
        else:
            wearer.turn(intents)
        intents.clear()
        if test.done or desk.examination is not test or not hub.alive:
            desk.every_turn.remove(turn)
            hub.listeners.remove(hear)
        if test.done:
            _keep(desk, hub, kind, test.figures())

    hub.listeners.append(hear)
    desk.every_turn.append(turn)
    return ""


def _keep(desk: Desk, hub: Hub, kind: str, figures: dict[str, Any]) -> None:
    try:
        path, artifact = desk.folder / HISTORY, hub.about.get("artifact", "")
        keep(path, kind, hub.source, artifact, figures, wearer=desk.wearer)
    except Refused as error:
        hub.events.append((time.monotonic(), str(error)))


def _columns(visit: Visit) -> list[dict[str, Any]]:
    names = ("when", "wearer", "test", "completion", "figure", "efficiency", "overshoots")
    return [
        {"name": name, "label": visit.word(name), "field": name, "align": "left"} for name in names
    ]


def _row(row: dict[str, Any], visit: Visit) -> dict[str, str]:
    figures = row["figures"]
    told = {
        "fitts": f"{figures.get('throughput_bit_s', 0.0):.2f} bit/s",
        "tac": f"{figures.get('time_s', 0.0):.2f} s",
        "motion": f"{figures.get('completion_s') or 0.0:.2f} s",
    }
    path = figures.get("path_efficiency")
    over = figures.get("overshoots_per_trial", figures.get("overshoots_per_posture"))
    return {
        "at": str(row["at"]),
        "when": time.strftime("%Y-%m-%d %H:%M", time.localtime(row["at"])),
        "test": visit.word(f"test_{row['kind']}"),
        "completion": f"{100 * figures['completion']:.0f} %",
        "figure": told.get(row["kind"], ""),
        "efficiency": "" if path is None else f"{100 * path:.0f} %",
        "overshoots": "" if over is None else f"{over:.2f}",
        "wearer": row.get("wearer", "") or visit.word("nobody"),
    }

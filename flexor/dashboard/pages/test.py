"""Test: Fitts' law, TAC and motion test by whoever wears the sensor; figures, history, report."""

from __future__ import annotations

import time
from typing import Any

from nicegui import ui

from acquisition.stream import Refused
from flexor.dashboard.desk import Desk
from flexor.dashboard.history import keep, kept
from flexor.dashboard.hub import Hub
from flexor.dashboard.pages.frame import Visit, canvas
from flexor.dashboard.pages.start import start_card, tell
from flexor.dashboard.words import WORDS
from flexor.exam_wearer import ExamWearer
from flexor.examination import KINDS, Axes, examine
from flexor.fitts import Ring
from flexor.messages import Kind
from models.intent import Intent

HISTORY = "tests.jsonl"
SHOWN_N = 20
USUAL = (("wrist_flexion", "wrist_extension"), ("hand_open", "hand_close"))


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    start_card(desk, visit)
    with ui.card().classes("w-full"):
        _choice(desk, visit)
        canvas("test", "24rem", visit.word("test"))
    with ui.card().classes("w-full"):
        ui.label(visit.word("history")).classes("text-h6")
        table = ui.table(columns=_columns(visit), rows=[], row_key="at").classes("w-full")
        ui.link(visit.word("report"), "/report.pdf", new_tab=True)

    def refresh() -> None:
        table.rows = [_row(row, visit) for row in reversed(kept(desk.folder / HISTORY)[-SHOWN_N:])]

    refresh()
    ui.timer(2.0, refresh)


def _choice(desk: Desk, visit: Visit) -> None:
    """Which test, and which gestures move what."""
    with ui.row().classes("items-end gap-2"):
        kind = ui.select(
            {name: visit.word(f"test_{name}") for name in KINDS},
            value="fitts",
            label=visit.word("test"),
        )
        labels = desk.hub.about.get("labels") or [g for pair in USUAL for g in pair]
        ends = [
            ui.select(labels, value=gesture if gesture in labels else labels[-1], label=mark)
            for gesture, mark in zip([g for pair in USUAL for g in pair], "→←↑↓", strict=True)
        ]

        def begin() -> None:
            right, left, up, down = (end.value for end in ends)
            axes = ((right, left), (up, down))
            told = begin_test(desk, kind.value, axes, int(n.value), simulated=virtual.value)
            tell(told)

        n = ui.select([4, 8, 16], value=8, label=visit.word("targets")).bind_visibility_from(
            kind, "value", value="fitts"
        )
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
        keep(desk.folder / HISTORY, kind, hub.source, hub.about.get("artifact", ""), figures)
    except Refused as error:
        hub.events.append((time.monotonic(), str(error)))


def _columns(visit: Visit) -> list[dict[str, Any]]:
    names = ("when", "test", "completion", "figure", "efficiency")
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
    return {
        "at": str(row["at"]),
        "when": time.strftime("%Y-%m-%d %H:%M", time.localtime(row["at"])),
        "test": visit.word(f"test_{row['kind']}"),
        "completion": f"{100 * figures['completion']:.0f} %",
        "figure": told.get(row["kind"], ""),
        "efficiency": "" if path is None else f"{100 * path:.0f} %",
    }

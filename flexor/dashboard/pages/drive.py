"""Drive: the hand as it stands, intent, decisions, latency, and what happened."""

from __future__ import annotations

from nicegui import ui

from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import Visit, canvas, picture
from flexor.dashboard.pages.hand3d import hand_scene
from flexor.dashboard.pages.start import start_card


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    start_card(desk, visit)
    with ui.element("div").classes("flexor-grid"):
        with ui.card().classes("w-full"):
            ui.label(visit.word("hand")).classes("text-h6")
            hand_scene()
            picture("hand")
        with ui.card().classes("w-full"):
            ui.label(visit.word("intent")).classes("text-h6")
            picture("intent", unsure=visit.word("unsure"), sure=visit.word("sure"))
            ui.label(visit.word("joints")).classes("text-h6")
            picture("joints")
        with ui.card().classes("w-full"):
            ui.label(visit.word("decisions")).classes("text-h6")
            canvas("decisions", "14rem", visit.word("decisions"))
        with ui.card().classes("w-full"):
            ui.label(visit.word("latency")).classes("text-h6")
            canvas("latency", "12rem", visit.word("latency"))
        with ui.card().classes("w-full"):
            ui.label(visit.word("events")).classes("text-h6")
            picture("events")

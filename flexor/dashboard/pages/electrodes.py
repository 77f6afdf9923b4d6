"""Electrodes: every channel live, its light with the reason and the mend, spectrum and ring."""

from __future__ import annotations

from nicegui import ui

from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import Visit, canvas, picture
from flexor.dashboard.pages.start import start_card


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    start_card(desk, visit)
    with ui.element("div").classes("flexor-grid"):
        with ui.card().classes("w-full"):
            ui.label(visit.word("signal")).classes("text-h6")
            canvas("scope", "22rem", visit.word("signal"))
            picture("loss", word=visit.word("lost"))
        with ui.card().classes("w-full"):
            ui.label(visit.word("electrodes")).classes("text-h6")
            picture("lights", good=visit.word("good"))
        with ui.card().classes("w-full"):
            ui.label(visit.word("ring")).classes("text-h6")
            canvas("ring", "16rem", visit.word("ring"))
        with ui.card().classes("w-full"):
            ui.label(visit.word("spectrum")).classes("text-h6")
            canvas("spectrum", "16rem", visit.word("spectrum"))

"""Electrodes: every channel live, its light with the reason and the mend, spectrum and heat map."""

from __future__ import annotations

from nicegui import ui

from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import Visit, canvas, picture, told
from flexor.dashboard.pages.start import start_card

BATTERY = (
    "source",
    "hand",
    "battery_unknown",
    "battery_low",
    "battery_empty",
    "battery_hand_low",
    "battery_well",
)


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    start_card(desk, visit)
    with ui.element("div").classes("flexor-grid"):
        with ui.card().classes("w-full"):
            ui.label(visit.word("signal")).classes("text-h6")
            canvas("scope", "22rem", visit.word("signal"))
            picture("loss", word=visit.word("lost"))
            battery(visit)
        with ui.card().classes("w-full"):
            ui.label(visit.word("electrodes")).classes("text-h6")
            picture("lights", good=visit.word("good"))
        with ui.card().classes("w-full"):
            ui.label(visit.word("ring")).classes("text-h6")
            canvas("ring", "18rem", visit.word("ring"))
        with ui.card().classes("w-full"):
            ui.label(visit.word("spectrum")).classes("text-h6")
            canvas("spectrum", "16rem", visit.word("spectrum"), line=visit.word("line"))


def battery(visit: Visit, *, hand: bool = False) -> None:
    """What is left of the batteries, as far as the devices report it."""
    words = {key: visit.word(key) for key in BATTERY}
    picture("battery", words=told(words), hand="1" if hand else "")

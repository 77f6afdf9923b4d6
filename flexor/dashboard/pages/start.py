"""Which sensor and which hand, and the buttons that begin and end a run."""

from __future__ import annotations

from nicegui import context, ui

from acquisition.sources import SOURCES
from firmware_bridge.hands import HANDS
from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import LANGUAGE_COOKIE, Visit
from flexor.dashboard.words import sentence


def start_card(desk: Desk, visit: Visit, *, recorded: bool = True) -> None:
    """A card to begin and end a run with, and to record it unless something else does."""
    sources, hands = list(SOURCES), list(HANDS)
    with ui.card().classes("w-full"), ui.row().classes("items-end w-full gap-2"):
        source = ui.input(visit.word("source"), value=desk.chosen.source, autocomplete=sources)
        hand = ui.input(visit.word("hand"), value=desk.chosen.hand, autocomplete=hands)

        async def begin(what: str) -> None:
            desk.chosen.source, desk.chosen.hand = source.value.strip(), hand.value.strip()
            tell(await desk.begin(visit.cookie, what))

        async def end() -> None:
            tell(await desk.end(visit.cookie))

        ui.button(visit.word("start_watch"), on_click=lambda: begin("watch")).props("no-caps")
        ui.button(visit.word("start_drive"), on_click=lambda: begin("run")).props("no-caps")
        ui.button(visit.word("end_run"), on_click=end).props("no-caps outline")
        if recorded:
            from flexor.dashboard.pages.recordings import record_button

            record_button(desk, visit)


def tell(refusal: str) -> None:
    """Says why not, where there is a reason."""
    if refusal:
        request = context.client.request
        language = request.cookies.get(LANGUAGE_COOKIE, "en") if request else "en"
        ui.notify(sentence(refusal, language), type="negative", multi_line=True, timeout=8000)

"""Recordings: begin and end one, and show again, take away or remove those there are."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

from nicegui import context, ui

from acquisition.stream import Refused
from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import Visit
from flexor.dashboard.pages.start import start_card, tell
from flexor.dashboard.recordings import Kept


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    start_card(desk, visit)
    with ui.card().classes("w-full"):
        ui.label(visit.word("recordings")).classes("text-h6")
        listed = _list(desk, visit)
    seen = {"all": _state(desk)}

    def refresh() -> None:
        if seen["all"] != _state(desk):
            seen["all"] = _state(desk)
            listed.refresh()

    ui.timer(1.0, refresh)


def record_button(desk: Desk, visit: Visit) -> None:
    """Begins a recording of the run, or ends the one there is."""

    async def press() -> None:
        client = context.client
        try:
            if desk.recordings.under_way is None:
                await desk.record(visit.cookie)
            else:
                desk.end_recording(visit.cookie)
        except Refused as error:
            with client:
                tell(str(error))

    button = ui.button(icon="fiber_manual_record", on_click=press).props("no-caps outline")

    def told() -> None:
        under_way = desk.recordings.under_way
        button.text = visit.word("record" if under_way is None else "record_end")
        button.set_enabled(desk.hub.alive)

    told()
    ui.timer(0.5, told)


def _state(desk: Desk) -> list[tuple[str, int]]:
    """What the list depends on; the one that still grows is not drawn anew all the time."""
    now = (desk.recordings.under_way or {}).get("name")
    return [(k.name, -1 if k.name == now else k.bytes_n) for k in desk.recordings.all()]


def _list(desk: Desk, visit: Visit) -> Any:
    @ui.refreshable
    def show() -> None:
        there = desk.recordings.all()
        if not there:
            ui.label(visit.word("no_recordings")).classes("text-caption")
        with ui.list().props("separator").classes("w-full"):
            for kept in there:
                _row(desk, visit, kept)

    show()
    return show


def _row(desk: Desk, visit: Visit, kept: Kept) -> None:
    under_way = (desk.recordings.under_way or {}).get("name") == kept.name
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.at))
    length = f"{int(kept.seconds) // 60}:{int(kept.seconds) % 60:02d}"

    async def replay() -> None:
        client = context.client
        try:
            await desk.replay(visit.cookie, kept.name)
        except Refused as error:
            with client:
                tell(str(error))
            return
        with client:
            ui.navigate.to("/drive" if kept.name.startswith("session") else "/")

    async def remove() -> None:
        if await _sure(visit, kept.name):
            try:
                desk.delete_recording(visit.cookie, kept.name)
            except Refused as error:
                tell(str(error))

    with ui.item().classes("flexor-kept"):
        with ui.item_section():
            # Figures keep their order in a language from right to left.
            ui.item_label(f"\u2066{at} · {length} · {kept.bytes_n / 1e6:.2f} MB\u2069")
            ui.item_label(f"{kept.source} · {kept.name}").props("caption")
        with ui.item_section().props("side"), ui.row().classes("gap-1"):
            _action(visit, "replay", kept, replay, enabled=not under_way)
            where = f"/recording?name={quote(kept.name)}"
            link = ui.link(visit.word("download"), where).props(f'download="{kept.name}"')
            link.props(f'aria-label="{visit.word("download")} {kept.name}"')
            _action(visit, "delete", kept, remove, enabled=not under_way)


def _action(visit: Visit, key: str, kept: Kept, act: object, *, enabled: bool) -> None:
    button = ui.button(visit.word(key), on_click=act).props("outline dense no-caps")  # type: ignore[arg-type]
    button.props(f'aria-label="{visit.word(key)} {kept.name}"').set_enabled(enabled)


async def _sure(visit: Visit, name: str) -> bool:
    """Asks before something is gone for good."""
    with ui.dialog() as dialog, ui.card():
        ui.label(visit.word("delete_sure").format(name=name))
        with ui.row():
            ui.button(visit.word("delete"), on_click=lambda: dialog.submit(True)).props(
                "no-caps color=negative"
            )
            ui.button(visit.word("no"), on_click=lambda: dialog.submit(False)).props(
                "no-caps outline"
            )
    return bool(await dialog)

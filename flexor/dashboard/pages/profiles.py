"""Profiles: whose settings are used, their versions, roll-back, export and import."""

from __future__ import annotations

import time
from urllib.parse import quote

from nicegui import ui

from acquisition.stream import Refused
from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import Visit
from flexor.dashboard.pages.profile_edit import gestures_card, limits_card
from flexor.dashboard.pages.start import tell


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    with ui.card().classes("w-full"):
        _choice(desk, visit)
    with ui.card().classes("w-full"):
        ui.label(visit.word("versions")).classes("text-h6")
        _versions(desk, visit)
    if desk.wearer:
        with ui.element("div").classes("flexor-grid"):
            with ui.card().classes("w-full"):
                limits_card(desk, visit)
            with ui.card().classes("w-full"):
                gestures_card(desk, visit)
    with ui.card().classes("w-full"):
        ui.label(visit.word("import")).classes("text-h6")
        _import(visit)


def _choice(desk: Desk, visit: Visit) -> None:
    """Who wears the sensor."""
    names = desk.wearers.names()
    usual = visit.word("nobody")

    def choose(name: str) -> None:
        try:
            desk.choose_wearer(visit.cookie, "" if name == usual else name)
        except Refused as error:
            tell(str(error))
        ui.navigate.reload()

    ui.select(
        [usual, *names],
        value=desk.wearer or usual,
        label=visit.word("wearer"),
        on_change=lambda event: choose(event.value),
    ).classes("w-64")
    ui.label(visit.word("next_run")).classes("text-caption")
    if desk.wearer:
        ui.link(visit.word("export"), f"/export?wearer={quote(desk.wearer)}")


def _versions(desk: Desk, visit: Visit) -> None:
    """Every version of the wearer, the newest first."""
    if not desk.wearer:
        return

    def back(number: int) -> None:
        try:
            desk.roll_back(visit.cookie, number)
        except Refused as error:
            tell(str(error))
        ui.navigate.reload()

    with ui.list().props("separator").classes("w-full"):
        for version in desk.wearers.versions(desk.wearer):
            with ui.item():
                with ui.item_section():
                    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(version.at))
                    ui.item_label(f"\u2066{version.number} · {at}\u2069")
                    ui.item_label(version.why).props("caption")
                with ui.item_section().props("side"):
                    if version.current:
                        ui.badge(visit.word("in_use"))
                    else:
                        ui.button(
                            visit.word("use_again"),
                            on_click=lambda number=version.number: back(number),
                        ).props("outline dense no-caps")


def _import(visit: Visit) -> None:
    """A file of another device; sent by the page's script, for it is bounded and checked there."""
    ui.html(
        f'<label>{visit.word("wearer")} <input id="flexor-import-name" maxlength="40"></label> '
        '<input id="flexor-import" type="file" accept=".zip"> '
        f'<button onclick="flexor.upload()">{visit.word("import")}</button>',
        sanitize=False,
    )

"""What is around every page: the menu, who controls the hand, and the stop that is always there."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Request
from nicegui import ui

from flexor.dashboard.desk import Desk
from flexor.dashboard.guard import COOKIE
from flexor.dashboard.words import LANGUAGES, STATES, state_name, word

SCRIPTS = (
    "flexor.js",
    "electrodes.js",
    "drive.js",
    "recordings.js",
    "tests.js",
    "calibrate.js",
)
LANGUAGE_COOKIE = "flexor_language"


@dataclass(frozen=True)
class Visit:
    """One browser's look at one page."""

    cookie: str
    language: str

    def word(self, key: str) -> str:
        """The text in this browser's language."""
        return word(key, self.language)

    def state_names(self) -> str:
        """The names of the gate's phases, as the picture of the state takes them."""
        return json.dumps({state: state_name(state, self.language) for state in STATES})


Draw = Callable[[Desk, Visit], None]


def framed(desk: Desk, request: Request, path: str, key: str, draw: Draw) -> None:
    """A page in its frame."""
    from flexor.dashboard.pages import PAGES
    from flexor.dashboard.pages.replaying import replay_banner

    language = request.cookies.get(LANGUAGE_COOKIE, "en")
    visit = Visit(request.cookies.get(COOKIE, ""), language if language in LANGUAGES else "en")
    _, direction = LANGUAGES[visit.language]
    ui.add_head_html('<link rel="stylesheet" href="/flexor/flexor.css">')
    for script in SCRIPTS:
        ui.add_head_html(f'<script src="/flexor/{script}" defer></script>')
    ui.query("html").props(f'lang="{visit.language}" dir="{direction}"')
    dark = ui.dark_mode(None)
    with ui.header(elevated=True).classes("items-center gap-2 q-py-xs"):
        for there, (_, name) in PAGES.items():
            link = ui.link(visit.word(name), there).classes("text-white q-px-sm no-underline")
            if there == path:
                link.classes("text-bold").props('aria-current="page"')
        ui.space()
        with ui.button(icon="contrast", on_click=lambda: _turn(dark)).props(
            "flat round dense color=white"
        ):
            ui.tooltip(visit.word("theme"))
        ui.select(
            {code: name for code, (name, _) in LANGUAGES.items()},
            value=visit.language,
            on_change=lambda event: ui.run_javascript(
                f'document.cookie = "{LANGUAGE_COOKIE}={event.value}; Path=/; SameSite=Strict";'
                "location.reload();"
            ),
        ).props(f'dense dark borderless aria-label="{visit.word("language")}"')
    replay_banner(desk, visit)
    with ui.row().classes("items-center w-full gap-2"):
        _picture("state", f"data-names='{visit.state_names()}'")
        _picture("cause")
        ui.space()
        names = {"word": "rec", "samples": "samples", "lost": "lost"}
        more = " ".join(f'data-{name}="{visit.word(key)}"' for name, key in names.items())
        _picture("recording", more)
        _control(desk, visit)
    ui.html('<div id="flexor-say" role="status" aria-live="polite"></div>', sanitize=False)
    draw(desk, visit)
    _stop_bar(visit)


def told(words: Mapping[str, str]) -> str:
    """Words for the page's script, as one attribute carries them."""
    return told_json(words)


def told_json(value: object) -> str:
    """The same of anything that JSON takes."""
    return html.escape(json.dumps(value))


def canvas(name: str, height: str, label: str, **data: str) -> None:
    """A place that the page's script draws a picture of `flexor.pictures` in."""
    more = " ".join(f'data-{key}="{value}"' for key, value in data.items())
    ui.html(
        f'<canvas data-flexor-draw="{name}" style="height:{height}" role="img" '
        f'aria-label="{label}" {more}></canvas>',
        sanitize=False,
    ).classes("w-full")


def _picture(name: str, more: str = "") -> ui.html:
    return ui.html(f'<div data-flexor-draw="{name}" {more}></div>', sanitize=False)


def picture(name: str, **data: str) -> None:
    """A place that the page's script writes into; `data` are the words that it needs."""
    more = " ".join(f'data-{key}="{value}"' for key, value in data.items())
    _picture(name, more).classes("w-full")


def _control(desk: Desk, visit: Visit) -> None:
    """Who controls the hand, and the button that changes it."""
    label = ui.label().classes("text-caption")

    def take() -> None:
        if desk.access.controls(visit.cookie):
            desk.access.give_control(visit.cookie)
        else:
            desk.access.take_control(visit.cookie, force=True)
        tell()

    button = ui.button(on_click=take).props("outline dense no-caps")

    def tell() -> None:
        mine = desk.access.controls(visit.cookie)
        label.text = (
            visit.word("you_control" if mine else "viewer") if desk.access.controller else ""
        )
        button.text = visit.word("give_control" if mine else "take_control")

    tell()
    ui.timer(1.0, tell)


def _stop_bar(visit: Visit) -> None:
    """Always in reach, whatever the page shows."""
    ui.html(
        '<div class="flexor-stop">'
        f'<button class="flexor-other" data-flexor-hold="arm">{visit.word("arm")}</button>'
        f'<button class="flexor-other" data-flexor-act="disarm">{visit.word("disarm")}</button>'
        f'<button class="flexor-estop" data-flexor-act="estop" '
        f'title="{visit.word("estop_hint")}">{visit.word("estop")}</button>'
        f'<button class="flexor-other" data-flexor-hold="clear">{visit.word("clear")}</button>'
        "</div>",
        sanitize=False,
    )


def _turn(dark: ui.dark_mode) -> None:
    dark.value = not dark.value

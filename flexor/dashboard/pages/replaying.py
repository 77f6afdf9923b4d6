"""The banner over every page of a browser that looks at a recording instead of the run."""

from __future__ import annotations

import html

from nicegui import ui
from nicegui.events import GenericEventArguments

from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.frame import Visit
from flexor.dashboard.replay import SPEEDS, Player


def replay_banner(desk: Desk, visit: Visit) -> None:
    """That this is no live hand, and what a replay is steered with."""
    names = html.escape(visit.state_names())
    ui.html(
        f'<div data-flexor-draw="replay" class="flexor-replay" role="status" data-names="{names}" '
        f'data-word="{visit.word("replay_marked")}" data-now="{visit.word("replay_now")}"></div>',
        sanitize=False,
    ).classes("w-full")
    player = desk.player(visit.cookie)
    if player is not None:
        with ui.row().classes("items-center w-full gap-2 flexor-steer"):
            _steer(desk, visit, player)


def _steer(desk: Desk, visit: Visit, player: Player) -> None:
    def play() -> None:
        player.play(not player.playing)
        tell()

    def leave() -> None:
        desk.leave_replay(visit.cookie)
        ui.navigate.reload()

    button = ui.button(on_click=play).props("round dense")
    place = ui.slider(min=0.0, max=max(0.1, player.seconds), step=0.1, value=player.position_s)
    place.props(f'aria-label="{visit.word("replay_place")}"').classes("col")
    speeds = {speed: f"{speed:g}×" for speed in SPEEDS}
    ui.select(
        speeds,
        value=player.speed,
        label=visit.word("replay_speed"),
        on_change=lambda event: player.set_speed(event.value),
    ).props("dense").classes("w-24")
    ui.button(visit.word("replay_leave"), on_click=leave).props("no-caps outline dense")
    held = {"dragged": False}

    def moved(event: GenericEventArguments) -> None:
        player.seek(float(event.args))
        tell()

    def drag(event: GenericEventArguments) -> None:
        held["dragged"] = event.args == "start"

    def tell() -> None:
        button.icon = "pause" if player.playing else "play_arrow"
        label = visit.word("replay_pause" if player.playing else "replay_play")
        button.props(f'aria-label="{label}"')
        if not held["dragged"]:
            place.value = round(player.position_s, 1)

    place.on("change", moved)  # when it is let go, not while it moves
    place.on("pan", drag)
    tell()
    ui.timer(0.5, tell)

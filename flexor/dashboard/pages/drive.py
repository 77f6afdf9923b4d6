"""Drive: the hand or the leg as it stands, intent, decisions, latency, and what happened."""

from __future__ import annotations

from nicegui import ui

from flexor.dashboard.desk import Desk
from flexor.dashboard.pages.electrodes import battery
from flexor.dashboard.pages.frame import Visit, canvas, picture, told
from flexor.dashboard.pages.hand3d import device_scene
from flexor.dashboard.pages.start import start_card
from flexor.dashboard.words import GESTURES, JOINTS, gesture_name, joint_name

WORDS = ("unsure", "confidence", "strength", "reject_unsure", "reject_unlike", "budget")
"""Words that the page's script writes."""


def draw(desk: Desk, visit: Visit) -> None:
    """The page."""
    start_card(desk, visit)
    words = {key: visit.word(key) for key in (*WORDS, "jitter_loop")}
    words |= {f"gesture {name}": gesture_name(name, visit.language) for name in GESTURES}
    words |= {f"joint {name}": joint_name(name, visit.language) for name in JOINTS}
    with ui.element("div").classes("flexor-grid"):
        with ui.card().classes("w-full"):
            ui.label(visit.word("hand")).classes("text-h6")
            _device(desk, visit)
            battery(visit, hand=True)
        with ui.card().classes("w-full"):
            ui.label(visit.word("intent")).classes("text-h6")
            picture("intent", words=told(words))
            ui.label(visit.word("joints")).classes("text-h6")
            picture("joints", words=told(words))
        with ui.card().classes("w-full"):
            ui.label(visit.word("decisions")).classes("text-h6")
            canvas("decisions", "12rem", visit.word("decisions"), words=told(words))
            picture("stream", words=told(words))
        with ui.card().classes("w-full"):
            ui.label(visit.word("latency")).classes("text-h6")
            canvas("latency", "12rem", visit.word("latency"), words=told(words))
            picture("delay", word=visit.word("delay"))
            ui.label(visit.word("jitter")).classes("text-h6")
            canvas("jitter", "11rem", visit.word("jitter"), words=told(words))
        with ui.card().classes("w-full"):
            ui.label(visit.word("events")).classes("text-h6")
            picture("events")


def _device(desk: Desk, visit: Visit) -> None:
    """The scene of what is driven; drawn anew when that is something else."""

    def joints() -> list[dict[str, object]]:
        player = desk.player(visit.cookie)
        hub = desk.hub if player is None else player.hub
        return list(hub.about.get("joints", []))

    @ui.refreshable
    def show() -> None:
        device_scene(joints())

    seen = [joints()]
    show()

    def look() -> None:
        now = joints()
        if now and now != seen[0]:
            seen[0] = now
            show.refresh()

    ui.timer(0.5, look)

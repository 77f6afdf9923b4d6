"""A hand in three dimensions, moved by the page's script: solid where it stands, and pale where it
was told to go."""

from __future__ import annotations

import json
import math
from typing import Any

from nicegui import ui

FINGERS = ("index", "middle", "ring", "little")
LENGTHS = {"index": 0.9, "middle": 1.0, "ring": 0.93, "little": 0.75, "thumb": 0.7}
PARTS = 3
SKIN, GHOST = "#c9b7a6", "#64b5f6"


def hand_scene() -> None:
    """The scene; the places of its parts are told to the script, which turns them."""
    with ui.scene(width=420, height=320, grid=False, background_color="#101418") as scene:
        scene.box(0.9, 1.0, 0.25).move(0, 0, 0).material(SKIN)
        made: dict[str, list[str]] = {}
        for k, name in enumerate(FINGERS):
            made[name] = _finger(scene, (-0.34 + 0.225 * k, 0.5, 0.0), LENGTHS[name], 0.0)
        made["thumb"] = _finger(scene, (-0.5, -0.15, 0.0), LENGTHS["thumb"], math.radians(55))
        scene.move_camera(0.6, -0.9, 2.3, 0.0, 0.35, 0.1, 0, 0, 1, duration=0)
    scene.classes("w-full")
    ui.add_body_html(
        f"<script>window.flexorHand = {json.dumps({'scene': scene.id, 'parts': made})};</script>"
    )


def _finger(
    scene: Any, root: tuple[float, float, float], length: float, turn_rad: float
) -> list[str]:
    """Groups of one finger, from the palm on; each one bends about x."""
    groups, each = [], length / PARTS
    with scene.group() as base:
        base.move(*root).rotate(0, 0, turn_rad)
        groups.append(str(base.id))
        _segment(scene, groups, each, PARTS)
    return groups


def _segment(scene: Any, groups: list[str], length: float, left_n: int) -> None:
    with scene.group() as joint:
        if left_n < PARTS:
            joint.move(0, length, 0)
        groups.append(str(joint.id))
        scene.cylinder(0.085, 0.095, length).rotate(0, 0, 0).move(0, length / 2, 0).material(SKIN)
        scene.sphere(0.095).material(SKIN)
        if left_n > 1:
            _segment(scene, groups, length, left_n - 1)

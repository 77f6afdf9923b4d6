"""A hand or a leg in three dimensions, moved by the page's script: solid where it stands, and pale
where it was told to go."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from flexor.dashboard.pages.frame import picture

FINGERS = ("index", "middle", "ring", "little")
LENGTHS = {"index": 0.9, "middle": 1.0, "ring": 0.93, "little": 0.75, "thumb": 0.7}
PARTS = 3
LEG = {"hip": 0.44, "knee": 0.42, "ankle": 0.2}
"""Joint of a leg -> length of what hangs on it, m."""
SKIN, GHOST, STOP, BACK = "#c9b7a6", "#64b5f6", "#ff6b6b", "#101418"
PALE, THIN = 0.45, 0.85
"""What is asked for hides within what stands where it was asked."""


def kind_of(joints: Sequence[str]) -> str:
    """ "leg" where a joint is one of a leg, else "hand"."""
    return "leg" if set(joints) & set(LEG) else "hand"


def device_scene(joints: Sequence[dict[str, Any]]) -> None:
    """The scene of what has these joints (name, low_deg, high_deg), and the place that tells the
    script which of its parts to turn."""
    kind = kind_of([joint["name"] for joint in joints])
    with ui.scene(width=420, height=320, grid=False, background_color=BACK) as scene:
        make = _leg if kind == "leg" else _hand
        told = {"kind": kind, "scene": scene.id}
        told |= {"parts": make(scene, SKIN, 1.0), "ghost": make(scene, GHOST, PALE)}
        if kind == "leg":
            _stops(scene, joints)
            scene.move_camera(0.3, -1.35, 0.65, 0.08, 0.0, 0.5, 0, 0, 1, duration=0)
        else:
            scene.move_camera(0.6, -0.9, 2.3, 0.0, 0.35, 0.1, 0, 0, 1, duration=0)
    scene.classes("w-full")
    picture("hand", scene=html.escape(json.dumps(told)), kind=kind)


def _hand(scene: Any, colour: str, opacity: float) -> dict[str, list[str]]:
    """Finger -> its groups, from the palm on."""
    if opacity == 1.0:
        scene.box(0.9, 1.0, 0.25).material(colour)
    made: dict[str, list[str]] = {}
    for k, name in enumerate(FINGERS):
        root = (-0.34 + 0.225 * k, 0.5, 0.0)
        made[name] = _finger(scene, root, LENGTHS[name], 0.0, (colour, opacity))
    root = (-0.5, -0.15, 0.0)
    made["thumb"] = _finger(scene, root, LENGTHS["thumb"], math.radians(55), (colour, opacity))
    return made


def _finger(
    scene: Any,
    root: tuple[float, float, float],
    length: float,
    turn_rad: float,
    look: tuple[str, float],
) -> list[str]:
    """Groups of one finger; each one bends about x."""
    groups, each = [], length / PARTS
    with scene.group() as base:
        base.move(*root).rotate(0, 0, turn_rad)
        groups.append(str(base.id))
        _segment(scene, groups, each, PARTS, look)
    return groups


def _segment(
    scene: Any, groups: list[str], length: float, left_n: int, look: tuple[str, float]
) -> None:
    with scene.group() as joint:
        if left_n < PARTS:
            joint.move(0, length, 0)
        groups.append(str(joint.id))
        thick = 1.0 if look[1] == 1.0 else THIN
        limb = scene.cylinder(0.085 * thick, 0.095 * thick, length)
        limb.move(0, length / 2, 0).material(*look)
        scene.sphere(0.095 * thick).material(*look)
        if left_n > 1:
            _segment(scene, groups, length, left_n - 1, look)


def _leg(scene: Any, colour: str, opacity: float) -> dict[str, str]:
    """Joint -> the group that turns about it, across the body."""
    made: dict[str, str] = {}
    if opacity == 1.0:
        scene.box(0.16, 0.3, 0.14).move(0, 0, 0.97).material(colour)
    with scene.group() as hip:
        hip.move(0, 0, 0.9)
        made["hip"] = str(hip.id)
        _limb(scene, LEG["hip"], 0.075, (colour, opacity))
        with scene.group() as knee:
            knee.move(0, 0, -LEG["hip"])
            made["knee"] = str(knee.id)
            _limb(scene, LEG["knee"], 0.055, (colour, opacity))
            with scene.group() as ankle:
                ankle.move(0, 0, -LEG["knee"])
                made["ankle"] = str(ankle.id)
                thick = 1.0 if opacity == 1.0 else THIN
                foot = scene.box(LEG["ankle"], 0.09 * thick, 0.06 * thick)
                foot.move(0.06, 0, -0.03).material(colour, opacity)
    return made


def _limb(scene: Any, length: float, width: float, look: tuple[str, float]) -> None:
    width *= 1.0 if look[1] == 1.0 else THIN
    limb = scene.cylinder(width, 0.8 * width, length).rotate(math.pi / 2, 0, 0)
    limb.move(0, 0, -length / 2).material(*look)
    scene.sphere(1.1 * width).material(*look)


def _stops(scene: Any, joints: Sequence[dict[str, Any]]) -> None:
    """The ends of each joint's range, as red rods, with the limb above it hanging straight."""
    heights = {"hip": 0.9, "knee": 0.9 - LEG["hip"], "ankle": 0.9 - LEG["hip"] - LEG["knee"]}
    for joint in joints:
        if joint["name"] not in heights:
            continue
        forward = 1.0 if joint["name"] == "knee" else -1.0
        for deg in (joint["low_deg"], joint["high_deg"]):
            with scene.group() as rod:
                rod.move(0, 0.14, heights[joint["name"]])
                rod.rotate(0, forward * math.radians(deg), 0)
                scene.box(0.012, 0.012, 0.3).move(0, 0, -0.15).material(STOP)

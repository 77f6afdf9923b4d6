"""A wearer's limits and gestures, as they are and to be changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import context, ui

from acquisition.stream import Refused
from firmware_bridge.hands import HandSpec
from flexor.dashboard.desk import Desk
from flexor.dashboard.editing import (
    KEPT,
    LIMITS,
    GestureChoice,
    choices,
    gestures_now,
    limits_now,
)
from flexor.dashboard.pages.frame import Visit
from flexor.dashboard.pages.start import tell
from flexor.dashboard.words import gesture_name, joint_name
from flexor.profile import read_profile
from flexor.wearers import Version


def limits_card(desk: Desk, visit: Visit) -> None:
    """How far, how fast and how hard each joint may go, inside what the hand itself allows."""
    ui.label(visit.word("limits")).classes("text-h6")
    try:
        hand = desk.hands.spec(desk.chosen.hand)
        now = limits_now(read_profile(desk.wearers.profile_path(desk.wearer)), hand)
    except Refused as error:
        ui.label(str(error)).classes("text-caption")
        return
    fields = _limit_fields(visit, hand, now)

    async def work() -> Version:
        wanted = {
            joint: {name: _number(field.value) for name, field in row.items()}
            for joint, row in fields.items()
        }
        return await desk.set_limits(visit.cookie, wanted)

    async def save() -> None:
        await _saving(visit, work)

    ui.button(visit.word("save_limits"), on_click=save).props("no-caps")


def _limit_fields(
    visit: Visit, hand: HandSpec, now: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, Any]]:
    fields: dict[str, dict[str, Any]] = {}
    for joint in hand.joints:
        own = {
            "low_deg": joint.range_deg[0],
            "high_deg": joint.range_deg[1],
            "max_velocity_deg_s": joint.max_velocity_deg_s,
            "max_torque_nm": joint.max_torque_nm,
        }
        fields[joint.name] = {}
        with ui.row().classes("items-center gap-2 no-wrap flexor-limits"):
            named = joint_name(joint.name, visit.language)
            ui.label(named).classes("flexor-joint-name")
            for name in LIMITS:
                field = ui.number(
                    f"{visit.word(name)} \u2066({own[name]:g})\u2069", value=now[joint.name][name]
                )
                field.props(f'dense aria-label="{named} {visit.word(name)}"').classes("col")
                field.visible = not (name == "max_torque_nm" and own[name] == 0.0)
                fields[joint.name][name] = field
    return fields


def gestures_card(desk: Desk, visit: Visit) -> None:
    """What each gesture does to the hand."""
    ui.label(visit.word("gesture_map")).classes("text-h6")
    try:
        hand = desk.hands.spec(desk.chosen.hand)
        now = gestures_now(read_profile(desk.wearers.profile_path(desk.wearer)), hand)
    except Refused as error:
        ui.label(str(error)).classes("text-caption")
        return
    known = choices(hand)
    names = {key: _choice_name(visit, key) for key in known}
    picked: dict[str, tuple[Any, Any]] = {}
    for each in now:
        like = next((key for key, joints in known.items() if joints == each.joints), KEPT)
        options = names if like != KEPT else {KEPT: visit.word("as_it_is"), **names}
        with ui.row().classes("items-end gap-2 no-wrap w-full"):
            name = gesture_name(each.gesture, visit.language)
            does = ui.select(options, value=like, label=name).classes("col")
            share = ui.number(visit.word("share"), value=round(100 * each.maximum), min=1, max=100)
            share.props(f'dense aria-label="{name} {visit.word("share")}"').classes("w-20")
        picked[each.gesture] = (does, share)

    async def work() -> Version:
        wanted = []
        for each in now:
            does, share = picked[each.gesture]
            joints = each.joints if does.value == KEPT else known[does.value]
            wanted.append(GestureChoice(each.gesture, joints, _number(share.value) / 100))
        return await desk.set_gestures(visit.cookie, wanted)

    async def save() -> None:
        await _saving(visit, work)

    ui.button(visit.word("save_gestures"), on_click=save).props("no-caps")


def _choice_name(visit: Visit, key: str) -> str:
    if key == "nothing":
        return visit.word("does_nothing")
    joint, _, way = key.partition(" ")
    if way:
        return visit.word("joint_closes" if way == "+" else "joint_opens").format(
            joint=joint_name(joint, visit.language)
        )
    return visit.word(f"does_{key}")


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)):
        raise Refused("Every field needs a number: fill in the empty one.")
    return float(value)


async def _saving(visit: Visit, work: Callable[[], Awaitable[Version]]) -> None:
    client = context.client
    try:
        version = await work()
    except Refused as error:
        with client:
            tell(str(error))
        return
    with client:
        ui.notify(visit.word("saved_version").format(n=version.number), type="positive")
        ui.navigate.reload()

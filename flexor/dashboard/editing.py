"""A wearer's limits and gestures, changed from the page: a new version of the profile each time."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.control import HAND6_GRIPS, Grips
from firmware_bridge.grips import fitted
from firmware_bridge.hands import EXO, HAND6, HandSpec, Joint
from firmware_bridge.wearer_limits import limits_within, narrowed
from flexor.mapping import steering_for
from flexor.profile import Profile, read_profile
from flexor.toml_text import toml_text
from flexor.wearers import Version, Wearers
from models.artifact import open_artifact
from models.settings import from_mapping
from models.whole_file import replace_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OURS = {
    **dict.fromkeys(("simulated", "firmware", "serial"), HAND6),
    **dict.fromkeys(("simulated_exo", "firmware_exo", "serial_exo"), EXO),
}
"""Name of a hand -> what is known of it before it is connected; others are known once driven."""
LIMITS = ("low_deg", "high_deg", "max_velocity_deg_s", "max_torque_nm")
"""What is edited of one joint."""
NOTHING, KEPT = "nothing", "as it is"


@dataclass(frozen=True)
class GestureChoice:
    """What one gesture does."""

    gesture: str
    joints: Mapping[str, float]
    maximum: float
    """largest share of full speed"""


class Hands:
    """What the hands that were driven from here are able to do, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._noted: set[str] = set()

    def note(self, word: str, about: Mapping[str, Any]) -> None:
        """Remembers what a run told of its hand; does nothing when that is known."""
        name, told = word.partition(":")[0], about.get("hand_limits")
        if not told or name in self._noted or name in OURS:
            return
        self._noted.add(name)
        known = self._read() | {name: {"hand": about.get("hand", name), "joints": told}}
        replace_file(self._path, json.dumps(known).encode())

    def spec(self, word: str) -> HandSpec:
        """What the hand is able to do. Refuses one that was never driven from here."""
        name = word.partition(":")[0]
        if name in OURS:
            return OURS[name]
        known = self._read().get(name)
        if known is None:
            raise Refused(
                f"What the hand {name} allows is not known yet: drive it once, then set its limits."
            )
        joints = tuple(_joint(told) for told in known["joints"])
        torque = (Mode.TORQUE,) if all(joint.max_torque_nm for joint in joints) else ()
        return HandSpec(known["hand"], joints, (Mode.POSITION, Mode.VELOCITY, *torque))

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _joint(told: Mapping[str, Any]) -> Joint:
    return Joint(
        told["name"],
        (told["low_deg"], told["high_deg"]),
        told["max_deg_s"],
        told["max_deg_s2"],
        told["max_nm"],
        told["max_nm_s"],
    )


def limits_now(profile: Profile, hand: HandSpec) -> dict[str, dict[str, float]]:
    """Joint -> what this wearer allows of it, under the names of LIMITS."""
    return {
        joint.name: {
            "low_deg": joint.range_deg[0],
            "high_deg": joint.range_deg[1],
            "max_velocity_deg_s": joint.max_velocity_deg_s,
            "max_torque_nm": joint.max_torque_nm,
        }
        for joint in narrowed(hand, profile.limits).joints
    }


def limits_text(before: Path, hand: HandSpec, wanted: Mapping[str, Mapping[str, float]]) -> bytes:
    """The profile with these limits; what is as wide as the hand's own is left out of it."""
    told = tomllib.loads(before.read_text(encoding="utf-8"))
    joints = dict(told.get("limits", {}).get("joints", {}))
    for joint in hand.joints:
        asked = wanted.get(joint.name)
        if asked is None:
            continue
        own = {"max_velocity_deg_s": joint.max_velocity_deg_s, "max_torque_nm": joint.max_torque_nm}
        row = {k: v for k, v in joints.get(joint.name, {}).items() if k not in ("range_deg", *own)}
        row |= {name: float(asked[name]) for name, most in own.items() if asked[name] != most}
        if (asked["low_deg"], asked["high_deg"]) != joint.range_deg:
            row["range_deg"] = [float(asked["low_deg"]), float(asked["high_deg"])]
        joints[joint.name] = row
    told["limits"] = told.get("limits", {}) | {"joints": {k: v for k, v in joints.items() if v}}
    return toml_text({k: v for k, v in told.items() if v != {"joints": {}}}).encode()


def choices(hand: HandSpec) -> dict[str, dict[str, float]]:
    """Name -> joints and shares that a gesture may be given: the usual grips as far as the hand
    has their joints, each joint alone, and nothing."""
    made: dict[str, dict[str, float]] = {NOTHING: {}}
    with suppress(Refused):  # a leg has no usual grips
        made |= {g.gesture: dict(g.joints) for g in fitted(hand, HAND6_GRIPS).grips if g.joints}
    for name in hand.joint_names:
        made |= {f"{name} +": {name: 1.0}, f"{name} -": {name: -1.0}}
    return made


def gestures_now(profile: Profile, hand: HandSpec) -> list[GestureChoice]:
    """What each gesture does now. Refuses a profile that controls in another way."""
    if profile.control.mode != "grips":
        raise Refused(f"This profile controls by {profile.control.mode}: edit its file instead.")
    contract = open_artifact(profile.artifact).contract
    grips = profile.control_grips(contract.labels, contract.rest)
    if not profile.grips:
        try:
            grips = fitted(hand, grips)
        except Refused:  # a leg has no usual grips: its wearer begins with nothing
            grips = Grips(())
    there = {grip.gesture: grip for grip in grips.grips}
    return [
        GestureChoice(label, dict(there[label].joints), there[label].maximum)
        if label in there
        else GestureChoice(label, {}, 1.0)
        for label in contract.labels
        if label != contract.rest
    ]


def gestures_text(before: Path, wanted: Sequence[GestureChoice]) -> bytes:
    """The profile with these gestures; what else it says of a grip stays."""
    told = tomllib.loads(before.read_text(encoding="utf-8"))
    there = {row["gesture"]: row for row in told.get("grips", [])}
    told["grips"] = [
        there.get(each.gesture, {"gesture": each.gesture})
        | {"joints": dict(each.joints), "maximum": float(each.maximum)}
        for each in wanted
    ]
    return toml_text(told).encode()


def save(wearers: Wearers, name: str, text: bytes, hand: HandSpec, why: str) -> Version:
    """A new version with this profile, once it is known to fit the artifact and the hand.

    Refuses, in one sentence, what is wider than the hand or fits neither.
    """
    folder = wearers.profile_path(name).parent
    files = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "why.txt"}
    profile = from_mapping(tomllib.loads(text.decode()), Profile, "the changed profile")
    artifact = open_artifact(read_profile(wearers.profile_path(name)).artifact)
    limits_within(hand, profile.limits)
    steering_for(profile, artifact.contract, narrowed(hand, profile.limits))
    return wearers.save(name, {**files, "profile.toml": text}, why)

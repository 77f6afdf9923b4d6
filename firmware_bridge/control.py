"""Control mapping: which gesture moves which joints, and how strength becomes speed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from acquisition.stream import Refused
from firmware_bridge.command import TTL_S, Command, Mode
from firmware_bridge.hands import HandSpec
from models.intent import Intent

REST = "rest"
PERIODS_PER_TTL = 3
"""A setpoint outlives two lost ones (protocols C4)."""
MAX_PERIOD_S = 0.050
"""The hand holds when a setpoint is 60 ms old: slower decisions would make it stutter."""


@dataclass(frozen=True, slots=True)
class Grip:
    """How the joints move while one gesture lasts."""

    gesture: str
    joints: tuple[tuple[str, float], ...]
    """Joint name and share of its full speed, -1 (opens) .. 1 (closes). Unnamed joints rest."""
    threshold: float = 0.1
    """Effort below which nothing moves."""
    gain: float = 1.0
    """Speed at full effort, as a share of full speed, before `maximum`."""
    maximum: float = 1.0
    """Largest share of full speed, whatever the strength."""
    low: float = 0.0
    """Strength that is no effort yet for this wearer and gesture; see levels.levels_of."""
    high: float = 1.0
    """Strength of this wearer's comfortable contraction of this gesture: effort 1."""

    def __post_init__(self) -> None:
        where = f"The grip of {self.gesture}"
        if any(not -1.0 <= share <= 1.0 for _, share in self.joints):
            raise Refused(f"{where} needs shares from -1 to 1, not {dict(self.joints)}.")
        if len({name for name, _ in self.joints}) != len(self.joints):
            raise Refused(f"{where} names a joint twice: {[name for name, _ in self.joints]}.")
        if not 0.0 <= self.threshold < 1.0:
            raise Refused(f"{where} needs a threshold from 0 to below 1, not {self.threshold}.")
        if not (math.isfinite(self.gain) and self.gain > 0.0):
            raise Refused(f"{where} needs a positive gain, not {self.gain}.")
        if not 0.0 < self.maximum <= 1.0:
            raise Refused(f"{where} needs a maximum above 0 and up to 1, not {self.maximum}.")
        if not 0.0 <= self.low < self.high <= 1.0:
            raise Refused(
                f"{where} needs levels with 0 <= low < high <= 1, not low {self.low} and high "
                f"{self.high}: measure them again at rest and at a comfortable contraction."
            )


@dataclass(frozen=True, slots=True)
class Grips:
    """One grip for each gesture of an artifact but rest."""

    grips: tuple[Grip, ...]
    rest: str = REST


_FINGERS = ("thumb", "index", "middle", "ring", "little")
HAND6_GRIPS = Grips(
    (
        Grip("hand_close", tuple((name, 1.0) for name in _FINGERS)),
        Grip("hand_open", tuple((name, -1.0) for name in _FINGERS)),
        # Lateral: the fingers are ready before the thumb comes down on the index.
        Grip(
            "wrist_flexion",
            (("thumb", 0.5), ("index", 1.0), ("middle", 1.0), ("ring", 1.0), ("little", 1.0)),
        ),
        Grip("wrist_extension", (("thumb", 1.0), ("index", 1.0), ("middle", 1.0))),
        Grip("radial_deviation", (("thumb_rotation", -1.0),)),
        Grip("ulnar_deviation", (("thumb_rotation", 1.0),)),
    )
)
"""Power, open, lateral, tripod, thumb aside, thumb opposed: the gestures of MyoArmbandDataset."""


def grips_for(gestures: Sequence[str], grips: Grips = HAND6_GRIPS) -> Grips:
    """The grips for these gestures only, for artifacts that know fewer than all.

    Refuses a gesture without a grip.
    """
    missing = sorted(set(gestures) - {grip.gesture for grip in grips.grips} - {grips.rest})
    if missing:
        known = [grip.gesture for grip in grips.grips]
        raise Refused(
            f"The artifact decides {missing}, and there are grips for {known}: "
            "name what those gestures do to the hand."
        )
    return Grips(tuple(grip for grip in grips.grips if grip.gesture in gestures), grips.rest)


def ttl_s(decision_rate_hz: float) -> float:
    """How long a hand may act on one setpoint at this rate: 3 periods, 60 to 200 ms.

    Refuses rates below 20 per second.
    """
    period_s = 1.0 / decision_rate_hz
    if not period_s <= MAX_PERIOD_S:
        raise Refused(
            f"Decisions come every {period_s * 1e3:.0f} ms and a hand needs one every "
            f"{MAX_PERIOD_S * 1e3:.0f} ms or faster: choose a shorter hop."
        )
    return min(max(PERIODS_PER_TTL * period_s, TTL_S[0]), TTL_S[1])


class Drive(NamedTuple):
    """What one gesture does, ready to be used."""

    threshold: float
    """strength at which it begins to move"""
    slope: float
    """share of full speed per strength above that"""
    maximum: float
    velocity_deg_s: tuple[float, ...]
    """(joint,) at full speed"""


class Control(NamedTuple):
    """Grips that fit a hand and an artifact, ready to be used."""

    drives: dict[str, Drive]
    still: tuple[float, ...]
    rest: str
    ttl_s: float


def control(
    grips: Grips, hand: HandSpec, gestures: Sequence[str], decision_rate_hz: float
) -> Control:
    """Checks the grips against the hand and the artifact's gestures (rest among them).

    Refuses joints that the hand lacks, gestures that the artifact lacks, gestures without a
    grip or with two, and a rest that is not the artifact's.
    """
    named = [grip.gesture for grip in grips.grips]
    if grips.rest not in gestures:
        raise Refused(f'The grips rest at "{grips.rest}", and the artifact knows {list(gestures)}.')
    unknown = sorted(set(named) - set(gestures))
    if unknown or grips.rest in named:
        wrong = unknown or [grips.rest]
        raise Refused(
            f"There are grips for {wrong}, and the gestures of the artifact that can move "
            f"a hand are {[g for g in gestures if g != grips.rest]}: remove or rename them."
        )
    if len(set(named)) != len(named):
        raise Refused(f"Each gesture has one grip, and these have more: {_repeated(named)}.")
    grips_for(gestures, grips)
    names = hand.joint_names
    for grip in grips.grips:
        foreign = [name for name, _ in grip.joints if name not in names]
        if foreign:
            raise Refused(
                f"The grip of {grip.gesture} moves {foreign}, and the hand {hand.name} has "
                f"the joints {list(names)}."
            )
    return Control(
        {grip.gesture: _drive(grip, hand) for grip in grips.grips},
        (0.0,) * len(names),
        grips.rest,
        ttl_s(decision_rate_hz),
    )


def command_of(how: Control, intent: Intent) -> Command:
    """What the intent asks of the joints: velocities, 0 at rest and for rejected decisions.

    The speed grows from 0 at the threshold to `gain` at the gesture's comfortable level. The
    command carries the intent's clock and decision number, so it is as fresh as the decision, and
    no fresher; its confidence is the decoder's.
    """
    joints = how.still
    drive = how.drives.get(intent.gesture)
    if drive is not None and not intent.rejected and intent.strength > drive.threshold:
        share = min((intent.strength - drive.threshold) * drive.slope, drive.maximum)
        joints = tuple([share * speed for speed in drive.velocity_deg_s])
    rest = intent.gesture == how.rest and not intent.rejected
    return Command(
        Mode.VELOCITY,
        joints,
        intent.clock_s,
        intent.decision_n,
        how.ttl_s,
        rest,
        intent.confidence,
    )


def _drive(grip: Grip, hand: HandSpec) -> Drive:
    shares, span = dict(grip.joints), grip.high - grip.low
    return Drive(
        grip.low + grip.threshold * span,
        grip.gain / ((1.0 - grip.threshold) * span),
        min(grip.gain, grip.maximum),
        tuple(shares.get(joint.name, 0.0) * joint.max_velocity_deg_s for joint in hand.joints),
    )


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})

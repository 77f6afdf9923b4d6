"""Several degrees of freedom at once: each continuous target of the network moves its joints.

Pure. Commands are velocities, whatever a target means: a limb that is armed then never jumps to
where its target has gone meanwhile, and rest is told by standing still.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from acquisition.stream import Refused
from firmware_bridge.command import Command, Mode
from firmware_bridge.control import ttl_s
from firmware_bridge.hands import HandSpec
from firmware_bridge.sensed import Asked, Sensed, fresh
from firmware_bridge.targets import LEAD_S
from models.intent import Intent

MODES = ("velocity", "position")


@dataclass(frozen=True, slots=True)
class Dof:
    """What one target of the network does."""

    target: str
    """its name in the artifact's contract"""
    joints: tuple[tuple[str, float], ...]
    """Joint and its share, -1 .. 1, of what the target asks for."""
    mode: str = "velocity"
    """"velocity": the target is how fast; "position": it is where to."""
    dead_band: float = 0.1
    """Share of the target's range: a smaller target ("velocity"), or a smaller distance from it
    ("position"), moves nothing. Against drift near zero (science 3.1)."""
    gain: float = 1.0
    """"velocity": speed at the end of the target's range, as a share of full speed; "position":
    degrees for each unit of the target."""
    maximum: float = 1.0
    """Largest share of full speed."""
    invert: bool = False

    def __post_init__(self) -> None:
        where = f"The degree of freedom of {self.target}"
        named = [name for name, _ in self.joints]
        if not named or len(set(named)) != len(named):
            raise Refused(f"{where} needs distinct joints, not {named}.")
        if not all(-1.0 <= share <= 1.0 and share for _, share in self.joints):
            raise Refused(f"{where} needs shares from -1 to 1 but 0, not {dict(self.joints)}.")
        if self.mode not in MODES:
            raise Refused(f'{where} has a mode of {MODES}, not "{self.mode}".')
        if not 0.0 <= self.dead_band < 1.0:
            raise Refused(f"{where} needs a dead band from 0 to below 1, not {self.dead_band}.")
        if not (math.isfinite(self.gain) and self.gain > 0.0):
            raise Refused(f"{where} needs a positive gain, not {self.gain}; invert turns it.")
        if not 0.0 < self.maximum <= 1.0:
            raise Refused(f"{where} needs a maximum above 0 and up to 1, not {self.maximum}.")


class Row(NamedTuple):
    """One joint of one degree of freedom, ready to be used."""

    target: int
    joint: int
    position: bool
    dead_band: float
    """in the target's unit, or in deg"""
    gain: float
    """share of full speed, or deg, per unit of the target; negative where it is turned round"""
    bound: float
    """largest share of full speed"""
    full_deg_s: float
    range_deg: tuple[float, float]


class Dofs(NamedTuple):
    """Degrees of freedom that fit a hand and an artifact, ready to be used."""

    rows: tuple[Row, ...]
    targets_n: int
    still: tuple[float, ...]
    ttl_s: float


def dofs(
    wanted: Sequence[Dof], hand: HandSpec, targets: Mapping[str, float], decision_rate_hz: float
) -> Dofs:
    """Checks them against the hand's joints and the artifact's targets, in their order: name and
    largest magnitude.

    Refuses none, names that the other side lacks, and a joint that two of them move.
    """
    if not wanted:
        raise Refused("Degrees of freedom are wanted, and none is given: write [[dofs]].")
    foreign = [dof.target for dof in wanted if dof.target not in targets]
    if foreign:
        raise Refused(
            f"The degrees of freedom follow {foreign}, and the targets of the artifact are "
            f"{list(targets)}: name those, or use an artifact that was trained for them."
        )
    rows = []
    for dof in wanted:
        unknown = [name for name, _ in dof.joints if name not in hand.joint_names]
        if unknown:
            raise Refused(
                f"The degree of freedom of {dof.target} moves {unknown}, and the hand {hand.name} "
                f"has the joints {list(hand.joint_names)}."
            )
        rows += [_row(dof, name, share, hand, targets) for name, share in dof.joints]
    moved = [hand.joint_names[row.joint] for row in rows]
    twice = sorted({name for name in moved if moved.count(name) > 1})
    if twice:
        raise Refused(f"Two degrees of freedom move {twice}: a joint follows one target.")
    return Dofs(tuple(rows), len(targets), (0.0,) * len(hand.joints), ttl_s(decision_rate_hz))


def step(how: Dofs, intent: Intent, sensed: Sensed, state: None = None) -> Asked:
    """Velocities of all joints at once; 0 for a rejected decision, and for numbers that are none.

    A position is approached like a spring: no faster than `maximum`, slower near its end. Rest is
    a trusted decision by which nothing moves.
    """
    joints = list(how.still)
    known = len(intent.targets) == how.targets_n and math.isfinite(sum(intent.targets))
    trusted = known and not intent.rejected
    heard = fresh(sensed, len(joints))
    if trusted:
        for row in how.rows:
            value = intent.targets[row.target]
            if not row.position:
                over = max(abs(value) - row.dead_band, 0.0)
                joints[row.joint] = row.full_deg_s * _cut(
                    math.copysign(over, value) * row.gain, row.bound
                )
            elif heard:
                low, high = row.range_deg
                away_deg = min(max(value * row.gain, low), high) - sensed.position_deg[row.joint]
                joints[row.joint] = approach_deg_s(
                    away_deg, row.dead_band, row.full_deg_s, row.bound
                )
            else:
                trusted = False
    if not trusted:
        joints = list(how.still)
    rest = trusted and not any(joints)
    command = Command(
        Mode.VELOCITY,
        tuple(joints),
        intent.clock_s,
        intent.decision_n,
        how.ttl_s,
        rest,
        intent.confidence,
    )
    return Asked(command, state)


def approach_deg_s(away_deg: float, band_deg: float, full_deg_s: float, bound: float) -> float:
    """Speed towards a place: 0 within the band, slower near it, never beyond that share of full
    speed."""
    if abs(away_deg) <= band_deg:
        return 0.0
    return full_deg_s * _cut(away_deg / LEAD_S / full_deg_s, bound)


def _cut(share: float, bound: float) -> float:
    return min(max(share, -bound), bound)


def _row(dof: Dof, name: str, share: float, hand: HandSpec, targets: Mapping[str, float]) -> Row:
    at = hand.joint_names.index(name)
    joint, top = hand.joints[at], targets[dof.target]
    turned = share * (-1.0 if dof.invert else 1.0)
    position = dof.mode == "position"
    band = dof.dead_band * top
    return Row(
        list(targets).index(dof.target),
        at,
        position,
        band * abs(dof.gain * share) if position else band,
        turned * dof.gain / (1.0 if position else top - band),
        dof.maximum if position else dof.maximum * abs(share),
        joint.max_velocity_deg_s,
        joint.range_deg,
    )

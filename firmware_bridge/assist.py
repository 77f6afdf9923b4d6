"""Assist laws of an exoskeleton: what torque, or which angle, a joint is to give. Pure.

Every joint has one law. Its torque is bounded and its change too, a virtual spring and damper keep
the joint off its range's ends, and whatever is unknown or no number gives zero torque. The safety
gate bounds it all again. Angles are degrees, 0 straight, positive flexes; torques are Nm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from firmware_bridge.assist_laws import LATE_S, Assist, Follow, Gravity, Row, Stops
from firmware_bridge.command import Command, Mode
from firmware_bridge.dofs import approach_deg_s
from firmware_bridge.sensed import STEP_S, Asked, Sensed, fresh
from models.intent import Intent

GRAVITY_M_S2 = 9.81
REST_EFFORT = 0.1
"""Effort of every muscle that a law uses, below which the wearer is at rest."""
AIM_DEG = 1.0
"""A joint that stands so near its aim is left alone: efforts sway."""
REST_DEG = 10.0
"""A joint that follows an angle is this near it before it can be armed: it does not set off."""


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered from decision to decision; the first one remembers nothing."""

    clock_s: float = -math.inf
    asked: tuple[float, ...] = ()
    """(joint,) asked for last; deg/s where angles are followed by the joints' own control"""
    aim_deg: tuple[float, ...] = ()
    """(joint,) the angle that is followed, behind its low-pass"""


START = State()


def step(how: Assist, intent: Intent, sensed: Sensed, state: State) -> Asked:
    """The command of all laws. Zero torque while nothing is driven, and whenever telemetry is
    missing or older than 0.1 s, or anything is no number; the next torque then grows from zero.
    """
    joints = len(how.still)
    ready = fresh(sensed, joints) and _known(how, intent, sensed)
    if not (ready and sensed.driven):
        rest = ready and _at_rest(how, intent, sensed)
        return Asked(_command(how, intent, how.still, rest), START)
    passed_s = min(max(intent.clock_s - state.clock_s, 0.0), STEP_S) if state.aim_deg else 0.0
    aims = list(state.aim_deg or sensed.position_deg)
    asked = list(how.still)
    for row in how.rows:
        i, law = row.joint, row.law
        if isinstance(law, Follow) and not (intent.rejected and row.target >= 0):
            share = 1.0 - math.exp(-2.0 * math.pi * law.cutoff_hz * passed_s)
            aims[i] += share * (_wanted_deg(row, law, intent, sensed) - aims[i])
        at = sensed.position_deg[i]
        if how.mode is Mode.VELOCITY:
            asked[i] = approach_deg_s(aims[i] - at, AIM_DEG, row.full_deg_s, 1.0)
        else:
            speed = sensed.velocity_deg_s[i]
            wanted = bounded(_law_nm(row, sensed, at, speed, aims[i]), row.top_nm)
            wanted = bounded(stopped_nm(wanted, at, speed, row.range_deg, how.stops), row.top_nm)
            before = state.asked[i] if state.asked else 0.0
            asked[i] = inside_nm(eased(wanted, before, row.rate_nm_s * passed_s), at, row.range_deg)
    numbers = tuple(asked)
    if not math.isfinite(sum(numbers)):
        return Asked(_command(how, intent, how.still, False), START)
    rest = _at_rest(how, intent, sensed) and (how.mode is Mode.TORQUE or not any(numbers))
    after = State(intent.clock_s, numbers, tuple(aims))
    return Asked(_command(how, intent, numbers, rest), after)


def proportional_nm(flexor: float, extensor: float, gain_nm: float, dead_band: float) -> float:
    """Torque of the difference of two efforts, 0 within the dead band, `gain_nm` at full effort."""
    difference = flexor - extensor
    over = max(abs(difference) - dead_band, 0.0) / (1.0 - dead_band)
    return math.copysign(over * gain_nm, difference)


def follow_nm(
    aim_deg: float, at_deg: float, speed_deg_s: float, stiffness_nm_deg: float, damping: float
) -> float:
    """A spring towards the aim with a damper (Nm s/deg)."""
    return stiffness_nm_deg * (aim_deg - at_deg) - damping * speed_deg_s


def gravity_nm(at_deg: float, mass_kg: float, length_m: float, offset_deg: float) -> float:
    """Torque that holds a limb of that mass against its weight: m g l sin(angle), the angle from
    hanging down being the joint's plus `offset_deg`."""
    return mass_kg * GRAVITY_M_S2 * length_m * math.sin(math.radians(at_deg + offset_deg))


def stopped_nm(
    torque_nm: float, at_deg: float, speed_deg_s: float, range_deg: tuple[float, float], how: Stops
) -> float:
    """The torque with virtual stops: within `zone_deg` of an end what drives outwards fades to
    none, and a spring and a damper push inwards, the more the nearer the end. A joint that moves
    outwards is taken to be where it will be when the torque comes."""
    for end, inwards in ((range_deg[0], 1.0), (range_deg[1], -1.0)):
        outwards_deg_s = max(-speed_deg_s * inwards, 0.0)
        depth_deg = how.zone_deg - (at_deg - end) * inwards + LATE_S * outwards_deg_s
        if depth_deg <= 0.0:
            continue
        if torque_nm * inwards < 0.0:
            torque_nm *= max(1.0 - depth_deg / how.zone_deg, 0.0)
        push = how.stiffness_nm_deg * depth_deg + how.damping_nm_s_deg * outwards_deg_s
        torque_nm += inwards * push
    return torque_nm


def inside_nm(torque_nm: float, at_deg: float, range_deg: tuple[float, float]) -> float:
    """No torque outwards at a range's end or beyond it, whatever came before."""
    if at_deg <= range_deg[0]:
        return max(torque_nm, 0.0)
    return min(torque_nm, 0.0) if at_deg >= range_deg[1] else torque_nm


def bounded(torque_nm: float, top_nm: float) -> float:
    return min(max(torque_nm, -top_nm), top_nm)


def eased(wanted_nm: float, before_nm: float, step_nm: float) -> float:
    """No further from the last torque than a step."""
    return min(max(wanted_nm, before_nm - step_nm), before_nm + step_nm)


def _law_nm(row: Row, sensed: Sensed, at_deg: float, speed_deg_s: float, aim_deg: float) -> float:
    law = row.law
    if isinstance(law, Follow):
        return follow_nm(aim_deg, at_deg, speed_deg_s, law.stiffness_nm_deg, law.damping_nm_s_deg)
    torque_nm = 0.0
    if row.flexor >= 0:
        torque_nm = proportional_nm(*_efforts(row, sensed), law.gain_nm, law.dead_band)
    if isinstance(law, Gravity):
        held = gravity_nm(at_deg, law.mass_kg, law.length_m, law.angle_offset_deg)
        torque_nm += law.share * held
    return torque_nm


def _wanted_deg(row: Row, law: Follow, intent: Intent, sensed: Sensed) -> float:
    low, high = row.range_deg
    if row.target >= 0:
        deg = law.gain * intent.targets[row.target]
    else:
        flexor, extensor = _efforts(row, sensed)
        share = min(max(flexor - extensor, 0.0), 1.0)
        deg = law.from_deg + share * (law.to_deg - law.from_deg)
    return min(max(deg, low), high)


def _efforts(row: Row, sensed: Sensed) -> tuple[float, float]:
    extensor = sensed.efforts[row.extensor] if row.extensor >= 0 else 0.0
    return sensed.efforts[row.flexor], extensor


def _known(how: Assist, intent: Intent, sensed: Sensed) -> bool:
    """All that the laws rest on is there, and numbers."""
    velocity = sensed.velocity_deg_s if how.mode is Mode.TORQUE else how.still
    return (
        len(sensed.efforts) == how.sites_n
        and len(intent.targets) == how.targets_n
        and len(velocity) == len(how.still)
        and math.isfinite(sum(sensed.efforts) + sum(intent.targets) + sum(velocity))
        and math.isfinite(intent.clock_s)
    )


def _at_rest(how: Assist, intent: Intent, sensed: Sensed) -> bool:
    if intent.rejected or any(effort >= REST_EFFORT for effort in sensed.efforts):
        return False
    return all(
        abs(_wanted_deg(row, row.law, intent, sensed) - sensed.position_deg[row.joint]) <= REST_DEG
        for row in how.rows
        if isinstance(row.law, Follow)
    )


def _command(how: Assist, intent: Intent, joints: tuple[float, ...], rest: bool) -> Command:
    return Command(
        how.mode, joints, intent.clock_s, intent.decision_n, how.ttl_s, rest, intent.confidence
    )

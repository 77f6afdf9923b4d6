"""Direct control in the place of pattern recognition, for as long as that is unsure. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from acquisition.stream import Refused
from firmware_bridge import two_site
from firmware_bridge.control import Control, command_of
from firmware_bridge.sensed import STEP_S, Asked, Sensed
from firmware_bridge.two_site import Direct
from models.intent import Intent

FORGET_SHARE = 0.25
"""Trusted rest takes back a quarter of its time: attempts some seconds apart add up, stray
rejections over minutes do not."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """When the two sites take over, and when they give back; each waits for both to be released."""

    after_s: float = 1.0
    """Of unsure decisions, no gesture decided surely between them."""
    back_s: float = 1.0
    """Of gestures decided surely while the sites drive, no unsure decision between them."""
    min_confidence: float = 0.6
    """Below it a decision is unsure even if the decoder does not reject it."""

    def __post_init__(self) -> None:
        for name in ("after_s", "back_s"):
            value = getattr(self, name)
            if not 0.2 <= value <= 30.0:
                raise Refused(f"The fallback needs a {name} from 0.2 to 30, not {value}.")
        if not 0.0 <= self.min_confidence < 1.0:
            raise Refused(
                f"The fallback needs a min_confidence from 0 to below 1, not {self.min_confidence}."
            )


class Guarded(NamedTuple):
    """Grips with two sites behind them, ready to be used."""

    how: Fallback
    grips: Control
    direct: Direct
    still: tuple[float, ...]


class State(NamedTuple):
    """What is remembered from decision to decision."""

    direct: bool = False
    """the sites drive"""
    doubt_s: float = 0.0
    """of unsure decisions while the grips drive"""
    trust_s: float = 0.0
    """of sure gestures while the sites drive"""
    clock_s: float = -math.inf
    sites: two_site.State = two_site.State()


def step(how: Guarded, intent: Intent, sensed: Sensed, state: State) -> Asked:
    """The command of whichever drives. The sites are followed all the time, so that they are
    known to be released; functions switch only while they drive."""
    sites = two_site.step(how.direct, intent, sensed, state.sites)
    passed_s = min(max(intent.clock_s - state.clock_s, 0.0), STEP_S)
    sure = not intent.rejected and intent.confidence >= how.how.min_confidence
    resting = intent.gesture == how.grips.rest
    state = state._replace(clock_s=intent.clock_s)
    if state.direct:
        return _direct(how, intent, sites, state, passed_s, (sure, resting))
    kept = sites.state._replace(function=state.sites.function, switched_s=state.sites.switched_s)
    if not sure:
        doubt_s = state.doubt_s + passed_s
    elif resting:
        doubt_s = max(state.doubt_s - FORGET_SHARE * passed_s, 0.0)
    else:
        doubt_s = 0.0
    state = state._replace(doubt_s=doubt_s, sites=kept)
    if doubt_s < how.how.after_s or not sites.command.rest:
        return Asked(command_of(how.grips, intent), state)
    name = how.direct.names[kept.function]
    told = ("direct control", f"Pattern recognition is unsure: the two muscles now move {name}.")
    return Asked(sites.command, State(True, clock_s=intent.clock_s, sites=kept), told)


def _direct(
    how: Guarded,
    intent: Intent,
    sites: Asked,
    state: State,
    passed_s: float,
    answer: tuple[bool, bool],
) -> Asked:
    sure, resting = answer
    trust_s = 0.0 if not sure else state.trust_s + (0.0 if resting else passed_s)
    state = state._replace(trust_s=trust_s, sites=sites.state)
    if trust_s < how.how.back_s or not (sites.command.rest and resting):
        return Asked(sites.command, state, sites.told)
    told = ("pattern recognition", "Pattern recognition is sure again: gestures move the hand.")
    after = State(False, clock_s=intent.clock_s, sites=sites.state)
    return Asked(command_of(how.grips, intent), after, told)

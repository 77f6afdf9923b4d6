"""Direct control by two muscles: one moves a function one way, the other the other way, and both
together switch to the next function. Pure: state is a value, time is the decisions' clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from acquisition.stream import Refused
from firmware_bridge.command import Command, Mode
from firmware_bridge.control import ttl_s
from firmware_bridge.hands import HandSpec
from firmware_bridge.sensed import GAP_S, STEP_S, Asked, Sensed
from models.intent import Intent

ROUNDING_S = 1e-6
"""Clocks are sums of hops: what is due now is not put off by the last bit of one."""
STRATEGIES = ("stronger", "difference")


@dataclass(frozen=True, slots=True)
class Function:
    """What the two muscles move until they switch."""

    name: str
    joints: tuple[tuple[str, float], ...]
    """Joint and share of its full speed, -1 .. 1, for the first site; the other site reverses."""

    def __post_init__(self) -> None:
        named = [name for name, _ in self.joints]
        if not named or len(set(named)) != len(named):
            raise Refused(f"The function {self.name} needs distinct joints, not {named}.")
        if not all(-1.0 <= share <= 1.0 for _, share in self.joints):
            raise Refused(
                f"The function {self.name} needs shares from -1 to 1, not {dict(self.joints)}."
            )


@dataclass(frozen=True, slots=True)
class TwoSite:
    """How two efforts become one movement. Efforts are 0 at a site's low level, 1 at its high."""

    on: float = 0.20
    """Effort at which a movement begins."""
    off: float = 0.10
    """Effort below which it ends, and from which its speed grows."""
    gain: float = 1.0
    """Speed at full effort, as a share of full speed, before `maximum`."""
    maximum: float = 1.0
    strategy: str = "stronger"
    """"stronger": the stronger site moves, by all of its effort; "difference": by what it is
    stronger, so that a site that always works a little cancels out."""
    delay_s: float = 0.075
    """An effort lasts so long before it moves: one site of a co-contraction comes first. Fitted
    hands tell fast from slow contractions in 80 ms (science 2.3)."""
    both: float = 0.35
    """Effort that both sites exceed in a co-contraction; nothing moves meanwhile."""
    debounce_s: float = 0.075
    """So long, all in all, before it switches."""
    refractory_s: float = 0.5
    """Shortest time between two switches."""
    release_s: float = 0.1
    """Both sites are below `off` for so long before anything moves or switches again."""

    def __post_init__(self) -> None:
        if not 0.0 < self.off < self.on <= self.both < 1.0:
            raise Refused(
                f"Two sites need 0 < off < on <= both < 1, not off {self.off}, on {self.on} and "
                f"both {self.both}."
            )
        if self.strategy not in STRATEGIES:
            raise Refused(f'Two sites are compared as {STRATEGIES}, not as "{self.strategy}".')
        if not (math.isfinite(self.gain) and self.gain > 0.0 and 0.0 < self.maximum <= 1.0):
            raise Refused(
                f"Two sites need a positive gain and a maximum above 0 and up to 1, not "
                f"{self.gain} and {self.maximum}."
            )
        for name, low, high in (
            ("delay_s", 0.0, 0.3),
            ("debounce_s", 0.03, 0.5),
            ("refractory_s", 0.1, 3.0),
            ("release_s", 0.05, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise Refused(f"Two sites need a {name} from {low} to {high}, not {value}.")


class Direct(NamedTuple):
    """Settings that fit a hand, ready to be used."""

    how: TwoSite
    names: tuple[str, ...]
    velocity_deg_s: tuple[tuple[float, ...], ...]
    """(function, joint) at full speed"""
    still: tuple[float, ...]
    ttl_s: float


class State(NamedTuple):
    """What is remembered from decision to decision. Clocks are the intents'."""

    function: int = 0
    way: int = 0
    """1 while the first site moves, -1 while the second does, 0 at rest"""
    ready: bool = False
    """both sites were released since the start, a gap, or a switch"""
    clock_s: float = -math.inf
    released_s: float = math.inf
    """since when both are released; inf while one is not"""
    rising: int = 0
    """the way that an effort wants since `rising_s`"""
    rising_s: float = math.inf
    both_s: float = 0.0
    """how long both were strong: grows while they are, shrinks while they are not"""
    switched_s: float = -math.inf


def two_site(
    how: TwoSite, functions: Sequence[Function], hand: HandSpec, decision_rate_hz: float
) -> Direct:
    """Checks the functions against the hand. Refuses none, two of a name, and foreign joints."""
    names = [function.name for function in functions]
    if not names or len(set(names)) != len(names):
        raise Refused(f"Two sites need functions with names of their own, not {names}.")
    rows = []
    for function in functions:
        foreign = [name for name, _ in function.joints if name not in hand.joint_names]
        if foreign:
            raise Refused(
                f"The function {function.name} moves {foreign}, and the hand {hand.name} has the "
                f"joints {list(hand.joint_names)}."
            )
        shares = dict(function.joints)
        rows.append(
            tuple(shares.get(joint.name, 0.0) * joint.max_velocity_deg_s for joint in hand.joints)
        )
    still = (0.0,) * len(hand.joints)
    return Direct(how, tuple(names), tuple(rows), still, ttl_s(decision_rate_hz))


def step(how: Direct, intent: Intent, sensed: Sensed, state: State) -> Asked:
    """The command of two efforts (first site, second site). The network's answer is not used:
    the decision gives its clock and number, and with them freshness."""
    state, share, relaxed, told = follow(how, sensed.efforts, intent.clock_s, state)
    joints = how.still
    if share:
        joints = tuple([share * speed for speed in how.velocity_deg_s[state.function]])
    command = Command(Mode.VELOCITY, joints, intent.clock_s, intent.decision_n, how.ttl_s, relaxed)
    return Asked(command, state, told)


def follow(
    how: Direct, efforts: tuple[float, ...], clock_s: float, state: State
) -> tuple[State, float, bool, tuple[str, str] | None]:
    """(state after, speed as a share with its sign, both are released, what is told).

    Efforts that are missing or no numbers, and a gap between decisions, end whatever had begun:
    the sites are to be released before anything moves again.
    """
    if len(efforts) != 2 or not math.isfinite(efforts[0] + efforts[1]):
        return State(state.function, switched_s=state.switched_s), 0.0, False, None
    if not 0.0 <= clock_s - state.clock_s <= GAP_S:
        state = State(state.function, switched_s=state.switched_s, clock_s=clock_s)
    set_to, (first, second) = how.how, efforts
    function, way, ready, last_s, released_s, rising, rising_s, both_s, switched_s = state
    relaxed = first < set_to.off and second < set_to.off
    together = first > set_to.both and second > set_to.both
    released_s = min(released_s, clock_s) if relaxed else math.inf
    ready = ready or clock_s - released_s >= set_to.release_s - ROUNDING_S
    step_s = min(clock_s - last_s, STEP_S)
    both_s = min(max(both_s + (step_s if together else -step_s), 0.0), set_to.debounce_s)
    told, share = None, 0.0
    if together or both_s > 0.0 or not ready:
        way, rising, rising_s = 0, 0, math.inf
        waited = clock_s - switched_s >= set_to.refractory_s - ROUNDING_S
        long_enough = both_s >= set_to.debounce_s - ROUNDING_S
        if together and ready and waited and long_enough and len(how.names) > 1:
            function = (function + 1) % len(how.names)
            ready, both_s, switched_s = False, 0.0, clock_s
            told = ("function", f"Both muscles together: they now move {how.names[function]}.")
    else:
        way, rising, rising_s, share = _drive(set_to, efforts, clock_s, state)
    after = State(function, way, ready, clock_s, released_s, rising, rising_s, both_s, switched_s)
    return after, share, relaxed, told


def _drive(
    how: TwoSite, efforts: tuple[float, ...], clock_s: float, state: State
) -> tuple[int, int, float, float]:
    """(way to move, way that an effort wants, since when, speed as a share with its sign)."""
    first, second = efforts
    if how.strategy == "difference":
        first, second = max(first - second, 0.0), max(second - first, 0.0)
    mine, other = (first, second) if state.way > 0 else (second, first)
    if state.way and mine >= how.off and other <= mine + how.on - how.off:
        return state.way, 0, math.inf, state.way * _speed(how, mine)
    strongest = max(first, second)
    if strongest <= how.on:
        return 0, 0, math.inf, 0.0
    rising = 1 if first >= second else -1
    since_s = state.rising_s if rising == state.rising else clock_s
    if clock_s - since_s >= how.delay_s - ROUNDING_S:
        return rising, 0, math.inf, rising * _speed(how, strongest)
    return 0, rising, since_s, 0.0


def _speed(how: TwoSite, effort: float) -> float:
    return min((effort - how.off) / (1.0 - how.off) * how.gain, how.maximum)

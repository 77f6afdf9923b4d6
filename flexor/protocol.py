"""What a recording asks of its wearer: a protocol file, or prompts from the command line."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown
from models.settings import read_toml

ORDERS = ("fixed", "random")
LONGEST_S = 3600.0
"""Nobody holds a gesture, rests or waits for longer; more is a slip of the keys."""


@dataclass(frozen=True)
class Asked:
    """One [[gestures]] table of a protocol."""

    label: str
    """becomes the marker at its start"""
    hold_s: float = 3.0
    text: str = ""
    """what the wearer reads meanwhile"""


@dataclass(frozen=True)
class Protocol:
    """A protocol's TOML: each repetition asks for every gesture once, with rest behind each."""

    name: str
    gestures: tuple[Asked, ...]
    repetitions: int = 3
    rest_s: float = 2.0
    """0 leaves the rest out"""
    rest: str = "rest"
    """the marker at the start of each rest"""
    lead_in_s: float = 3.0
    """before the first prompt; no marker of a gesture stands over it"""
    order: str = "fixed"
    """"fixed" as in the file; "random" within each repetition"""
    seed: int = 0
    """of the random order"""


@dataclass(frozen=True)
class Step:
    """A stretch of a recording for which one thing is asked."""

    label: str
    """empty for the lead-in"""
    seconds: float
    text: str = ""
    repetition: int = 0
    """which time this gesture is asked for, from 1"""
    repetitions: int = 0
    rests: bool = False
    """nothing is held: the lead-in, and the rest between"""


@dataclass(frozen=True)
class Plan:
    """Steps one after the other."""

    name: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def begins_s(self) -> tuple[float, ...]:
        """When each step begins, and the end of the last."""
        return tuple(accumulate((step.seconds for step in self.steps), initial=0.0))

    @property
    def labels(self) -> tuple[str, ...]:
        """Each label once, in the order in which they are first asked for."""
        return tuple(dict.fromkeys(step.label for step in self.steps if step.label))


def read_protocol(path: Path | str) -> Protocol:
    """The protocol in a TOML file.

    Refuses, besides what `read_toml` does, a protocol without gestures, names that a marker
    cannot carry, an unknown order and times and counts that are none.
    """
    protocol = read_toml(path, Protocol)
    if not protocol.gestures:
        raise Refused(f'"{path}" asks for no gesture; it needs at least one [[gestures]] table.')
    refuse_unknown(protocol.order, ORDERS, f'order for "{path}"')
    labels = [protocol.rest, *(asked.label for asked in protocol.gestures)]
    for label in labels:
        if not label.strip() or any(sign in label for sign in ",:\n"):
            raise Refused(
                f'"{path}" has the label "{label}"; a marker is a word without commas and colons.'
            )
    if protocol.repetitions < 1:
        raise Refused(f'"{path}" asks for {protocol.repetitions} repetitions; ask for 1 or more.')
    for name, value, least in _times(protocol):
        if not (math.isfinite(value) and least < value <= LONGEST_S):
            more = "more than 0" if least == 0 else "0 or more"
            raise Refused(
                f'"{path}" has {name} = {value:g}; it takes {more} and {LONGEST_S:g} at most.'
            )
    return protocol


def _times(protocol: Protocol) -> list[tuple[str, float, float]]:
    """(name, value, what it must exceed)"""
    below_zero = math.nextafter(0.0, -1.0)
    held = [(f"hold_s of {asked.label}", asked.hold_s, 0.0) for asked in protocol.gestures]
    waits = [("rest_s", protocol.rest_s), ("lead_in_s", protocol.lead_in_s)]
    return [*held, *((name, value, below_zero) for name, value in waits)]


def plan_of(protocol: Protocol) -> Plan:
    """The steps of a protocol. The same seed gives the same order."""
    order, steps = random.Random(protocol.seed), []
    if protocol.lead_in_s:
        steps.append(Step("", protocol.lead_in_s, rests=True))
    for repetition in range(1, protocol.repetitions + 1):
        gestures = list(protocol.gestures)
        if protocol.order == "random":
            order.shuffle(gestures)
        for asked in gestures:
            times = repetition, protocol.repetitions
            steps.append(Step(asked.label, asked.hold_s, asked.text, *times))
            if protocol.rest_s:
                steps.append(Step(protocol.rest, protocol.rest_s, "", *times, rests=True))
    return Plan(protocol.name, tuple(steps))


def parse_prompts(text: str) -> Plan:
    """The steps of "rest:3,hand_close:3"; empty text gives none."""
    asked = []
    for part in filter(None, (word.strip() for word in text.split(","))):
        name, _, length = part.partition(":")
        try:
            value = float(length)
        except ValueError:
            value = 0.0
        if not name or not 0 < value < LONGEST_S:
            raise Refused(f'A prompt is NAME:SECONDS, e.g. "rest:3", not "{part}".')
        asked.append((name, value))
    times = Counter(name for name, _ in asked)
    seen: Counter[str] = Counter()
    steps = []
    for name, value in asked:
        seen[name] += 1
        steps.append(Step(name, value, "", seen[name], times[name], name == "rest"))
    return Plan("", tuple(steps))

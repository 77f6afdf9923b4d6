"""What a command may rest on beside the intent, and what comes of it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from firmware_bridge.command import Command

STEP_S = 0.050
"""Longest time between two decisions that counts as passed: one for each hop, and some."""
GAP_S = 0.100
"""Without a decision for so long, whatever a contraction had begun is forgotten."""

HEARD_S = 0.100
"""Older positions of joints are not acted on; the gate calls such a link lost."""


class Sensed(NamedTuple):
    """What is known at one decision. The decision's own clock is the intent's."""

    efforts: tuple[float, ...] = ()
    """(site,) 0 .. 1 at the newest sample of the decision; empty while they settle"""
    position_deg: tuple[float, ...] = ()
    """(joint,) of the newest telemetry; empty before the first"""
    velocity_deg_s: tuple[float, ...] = ()
    """(joint,) as the gate measures it; empty where it does not"""
    heard_s: float = -math.inf
    """monotonic seconds at which that came"""
    now_s: float = 0.0
    """monotonic seconds"""
    driven: bool = False
    """the gate lets joints move: it is armed, and the signal is not in doubt"""


class Asked(NamedTuple):
    """A command, what is to be remembered, and what a person is to be told of it."""

    command: Command
    state: Any
    told: tuple[str, str] | None = None
    """(kind of event, sentence)"""


def fresh(sensed: Sensed, joints_n: int) -> bool:
    """Whether it is known where each joint stands."""
    return (
        sensed.now_s - sensed.heard_s <= HEARD_S
        and len(sensed.position_deg) == joints_n
        and math.isfinite(sum(sensed.position_deg))
    )

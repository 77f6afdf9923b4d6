"""Virtual wearers who are told what to do while they stream; people are not."""

from __future__ import annotations

import math
from typing import Any

from acquisition.sources import open_source
from acquisition.stream import Refused, Source


def told_source(word: str) -> Source:
    """The source; a virtual wearer goes through its gestures until it is told what to do."""
    if word.partition(":")[0] != "synthetic":
        return open_source(word)
    from acquisition.simulator.script import demo_script
    from acquisition.simulator.will import Will

    return open_source(word, script=Will(demo_script()))


def performed(source: Source, asked: Any, *, hurry: bool = False) -> bool:
    """Whether the source does what a guest asked for: {"gesture": ..., "effort": 0..1}, and
    "until_s" and "hurry" where its time waits for the guest (`Synthetic.perform`).

    A person's muscles take no orders: whatever is no virtual wearer ignores it. hurry: whether a
    wearer may run ahead of real time; where a hand is driven it may not.
    """
    perform = getattr(source, "perform", None)
    if perform is None or not isinstance(asked, dict):
        return False
    gesture, effort = asked.get("gesture"), asked.get("effort", 0.5)
    until_s = asked.get("until_s")
    if not isinstance(gesture, str) or not isinstance(effort, (int, float)):
        return False
    if until_s is not None and not (isinstance(until_s, (int, float)) and math.isfinite(until_s)):
        return False
    try:
        perform(gesture, float(effort), until_s, hurry and asked.get("hurry") is True)
    except Refused:
        return False
    return True

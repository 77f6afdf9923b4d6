"""Asks once whether runs may go before other programs, says what that means, and remembers it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from flexor.dashboard.keys import state_folder
from flexor.realtime import realtime
from models.whole_file import replace_file

ANSWER = "realtime.json"
MEANS = {
    "priority": "the loop runs before every ordinary program (SCHED_FIFO)",
    "memory": "nothing of it is swapped out",
    "processor": "it stays on one processor, away from most interrupts",
    "timer": "it is woken on time and not up to 50 us later",
}
"""step -> what it does, for a person"""
WHY = (
    "On a busy computer other programs make the hand wait: 33 ms at the 99th percentile beside two "
    "that never rest, and 0.4 ms with the real-time set-up (docs/realtime.md). It is taken "
    "back when the run ends."
)
QUESTION = "May runs go before other programs here? [Y/n] "
Ask = Callable[[str], str]


def wanted(
    asked: bool | None, profile: bool, ask: Ask | None, folder: Path | None = None
) -> bool | None:
    """Whether a run takes the real-time set-up; None leaves it to the profile.

    asked: what the command line said, if anything. profile: whether the profile says yes. ask:
    answers a question, None where there is nobody to ask. Who said yes or no once is never asked
    again.
    """
    if asked is not None or profile:
        return asked
    path = (folder or state_folder()) / ANSWER
    kept = remembered(path)
    if kept is None and ask is not None:
        where = f"The answer is kept in {path}; --realtime and --no-realtime decide for one run."
        answer = ask(f"{explained()}\n{where}\n{QUESTION}")
        kept = answer.strip().lower() not in ("n", "no")
        replace_file(path, json.dumps({"realtime": kept, "at": time.time()}).encode())
    return kept


def explained() -> str:
    """What each step does, and whether this machine would allow it now."""
    with realtime() as steps:
        lines = [
            f"  {step.name:10} {MEANS[step.name]}" + ("" if step.done else f"\n{'':13}{step.text}")
            for step in steps
        ]
    return "\n".join([WHY, *lines])


def remembered(path: Path) -> bool | None:
    """What was answered; None where nobody was asked, or where the file says nothing."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8")).get("realtime")
    except (OSError, ValueError, AttributeError):
        return None
    return kept if isinstance(kept, bool) else None

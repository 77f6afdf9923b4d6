"""Keys of the terminal view: a stop acts at once, what lets a hand move has to be meant."""

from __future__ import annotations

import math
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

AT_ONCE = {"d": "disarm", "e": "estop", " ": "estop", "\x1b": "estop", "q": "quit"}
MEANT = {"a": "arm", "c": "clear"}
LEAST_S, MOST_S = 1.0, 3.0
"""From the first press until the key, held or pressed again, is taken for meant; as on the page."""


@dataclass
class Pressing:
    """The key that is being held, if it is one that has to be meant."""

    key: str = ""
    since_s: float = -math.inf

    def text(self) -> str:
        """What is still to be done, for a person."""
        return f"hold {self.key} for a second: {MEANT[self.key]}" if self.key else ""


def word_of(pressing: Pressing, key: str, now_s: float) -> str:
    """What is asked for by this key; nothing yet, or nothing at all, is "".

    A terminal tells of a key that is held by telling it again and again: one of MEANT counts when
    it comes again LEAST_S after its first press and not later than MOST_S.
    """
    if not key:
        if now_s - pressing.since_s > MOST_S:
            pressing.key = ""
        return ""
    if key not in MEANT:
        pressing.key = ""
        return AT_ONCE.get(key, "")
    held_s = now_s - pressing.since_s
    if pressing.key != key or held_s > MOST_S:
        pressing.key, pressing.since_s = key, now_s
        return ""
    if held_s < LEAST_S:
        return ""
    pressing.key = ""
    return MEANT[key]


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """A function that waits for a key, for so long at most; the terminal is put back."""
    fd = sys.stdin.fileno() if sys.stdin is not None else -1
    if fd < 0 or not os.isatty(fd):
        yield _no_key
        return
    before = termios.tcgetattr(fd)

    def pressed(timeout_s: float) -> str:
        ready = select.select([fd], [], [], timeout_s)[0]
        return os.read(fd, 1).decode("ascii", "ignore") if ready else ""

    try:
        tty.setcbreak(fd)
        yield pressed
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _no_key(timeout_s: float) -> str:
    time.sleep(timeout_s)
    return ""

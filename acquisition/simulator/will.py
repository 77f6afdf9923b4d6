"""A virtual wearer who decides as it goes, for what answers to what the wearer does."""

from __future__ import annotations

import math
from collections.abc import Iterator

from acquisition.simulator.script import REST, Prompt, Script

STEP_S = 0.01
"""How often the wearer may change its mind."""


class Will:
    """Takes the place of a script: what is meant now is what was last wanted.

    A change is carried out within one block of the simulation (50 ms), and after the reaction
    time of the arm's manner: give that one 0 where the one who decides has its own. The
    simulation tells no prompts of it: nobody asked for anything.

    script: what the wearer does until something is wanted for the first time; else it rests.
    """

    def __init__(self, script: Script | None = None) -> None:
        self._meant = Prompt(REST, 0.0, STEP_S)
        self._script = script

    def want(self, gesture: str, effort: float) -> None:
        """Means this from now on. Refuses what no wearer can do."""
        if (gesture, effort) != (self._meant.gesture, self._meant.effort):
            self._meant = Prompt(gesture, effort, STEP_S)
        self._script = None

    def begins(self) -> Iterator[tuple[float, Prompt | None]]:
        """(second, what is meant from then on), for every step; None while nothing changes."""
        before, step_n = None, 0
        coming = iter(()) if self._script is None else self._script.begins()
        at_s, scripted = next(coming, (math.inf, self._meant))
        while True:
            while self._script is not None and at_s <= step_n * STEP_S:
                self._meant = scripted
                at_s, scripted = next(coming, (math.inf, scripted))
            meant = self._meant
            yield step_n * STEP_S, None if meant is before else meant
            before = meant
            step_n += 1

    def told(self) -> Iterator[tuple[float, Prompt]]:
        """No prompts."""
        return iter(())

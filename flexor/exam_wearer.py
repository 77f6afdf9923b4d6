"""A virtual wearer who does a test of control on a live run, in the run's own time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from flexor.examination import Examination
from flexor.virtual_wearer import Mind, Person
from models.intent import Intent


class Told(Protocol):
    """A run whose simulated wearer can be told what to do; flexor.dashboard.hub.Hub."""

    def perform(self, gesture: str, effort: float) -> bool: ...
    def perform_freely(self, gesture: str, effort: float) -> bool: ...


class ExamWearer:
    """Does a test whose clock is the samples' own.

    The simulated wearer's time waits for every answer, so a page that is slow, or a machine that
    is busy, changes neither the test nor its figures.
    """

    def __init__(self, test: Examination, run: Told) -> None:
        self.test, self.run = test, run
        near = 4.0 if test.kind == "tac" else 2.0  # its window is small beside the way
        # The simulated arm has a reaction time of its own.
        self._person = Person(axes=test.axes, rest=test.rest, near=near, delay_s=0.0)
        self._mind = Mind()
        self._meant = (test.rest, 0.0)

    def turn(self, intents: Sequence[Intent]) -> None:
        """Goes on by what was decided since the last turn, decision by decision."""
        for intent in intents:
            self.test.turn([intent], intent.clock_s)
            if not self.test.done:
                self._meant = self.test.wanted(self._person, self._mind, intent.clock_s)
        if self.test.done:
            self.leave()
        else:
            self.run.perform(*self._meant)

    def leave(self) -> None:
        """Rests, and waits for nobody any more."""
        self.run.perform_freely(self.test.rest, 0.0)

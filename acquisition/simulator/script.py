"""What the virtual wearer is asked to do, and when."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from acquisition.simulator.anatomy import GESTURES
from acquisition.stream import Refused

REST = GESTURES[0]


@dataclass(frozen=True)
class Prompt:
    """Hold this gesture, this strongly, for so long. Refuses what no wearer can do."""

    gesture: str
    effort: float
    """Share of the greatest effort, 0..1; of no matter at rest."""
    seconds: float

    def __post_init__(self) -> None:
        if self.gesture not in GESTURES:
            near = get_close_matches(self.gesture, GESTURES, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise Refused(
                f'The virtual wearer cannot make "{self.gesture}"; '
                f"the gestures are {', '.join(GESTURES)}.{hint}"
            )
        if not 0 <= self.effort <= 1:
            raise Refused(f"Effort is a share from 0 to 1, not {self.effort}.")
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise Refused(f"A gesture is held for some seconds, not {self.seconds}.")


@dataclass(frozen=True)
class Blend:
    """Efforts of several gestures at once, each 0..1."""

    efforts: tuple[tuple[str, float], ...]


class Plan(Protocol):
    """What decides what the virtual wearer does: a script, a will or a pursuit."""

    def begins(self) -> Iterator[tuple[float, Prompt | Blend | None]]:
        """(second at which it begins, what is asked), in order; None: as before."""
        ...

    def told(self) -> Iterator[tuple[float, Prompt]]:
        """The prompts that a recording's markers tell of."""
        ...


@dataclass(frozen=True)
class Script:
    """Prompts one after the other; from the start again when they are through, if it loops.

    A script that does not loop ends in rest.
    """

    prompts: tuple[Prompt, ...]
    loop: bool = True

    def __post_init__(self) -> None:
        if not self.prompts:
            raise Refused("A script needs at least one prompt.")

    @property
    def seconds(self) -> float:
        """Length of one pass."""
        return sum(p.seconds for p in self.prompts)

    def begins(self) -> Iterator[tuple[float, Prompt]]:
        """(second at which it begins, prompt), in order; endless when the script loops."""
        at = 0.0
        while True:
            for prompt in self.prompts:
                yield at, prompt
                at += prompt.seconds
            if not self.loop:
                yield at, Prompt(REST, 0.0, 1.0)
                return

    def told(self) -> Iterator[tuple[float, Prompt]]:
        """The prompts that a recording's markers tell of: all."""
        return self.begins()


def demo_script(effort: float = 0.5, hold_s: float = 2.0, rest_s: float = 1.5) -> Script:
    """Two seconds of rest, then every gesture with rest between, for as long as asked."""
    prompts = [Prompt(REST, 0.0, 2.0)]
    for gesture in GESTURES[1:]:
        prompts += [Prompt(gesture, effort, hold_s), Prompt(REST, 0.0, rest_s)]
    return Script(tuple(prompts))


def cycle_script(
    cycles_n: int = 4, hold_s: float = 5.0, efforts: tuple[float, ...] = (0.5,)
) -> Script:
    """Each gesture in turn, rest first, `cycles_n` times, as the MyoArmbandDataset was recorded.

    Cycle i is made with the effort i, i modulo their number.
    """
    return Script(
        tuple(
            Prompt(gesture, efforts[i % len(efforts)], hold_s)
            for i in range(cycles_n)
            for gesture in GESTURES
        ),
        loop=False,
    )

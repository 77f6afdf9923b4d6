"""Decision stages: from the network's answer to what is acted on.

They run offline as they run live, so that a score is what the wearer feels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from acquisition.stream import Refused


class Decision(NamedTuple):
    """One answer on its way through the decision stages."""

    gesture: int
    """index into the labels"""
    confidence: float
    """probability of the network's answer, 0 .. 1"""
    level: float
    """root mean square of the window, in the unit behind the filters"""
    strength: float
    """effort, 0 .. 1"""
    rejected: bool
    power: Any = None
    """(channel,) mean square of the window behind the filters; None where no stage asks for it"""
    likely: float = 0.0
    """log-density under the likeliest gesture, where `embedding` is asked for"""
    embedding: Any = None
    """(dimension,) what a head decides on; None where no stage asks for it"""
    spread: Any = None
    """(direction, dimension) by which guessed channels widen it; None where none is guessed"""


class Settings(Protocol):
    """A frozen settings object that starts a state and steps with it."""

    def start(self, labels: tuple[str, ...], rest: str) -> Any:
        """The state. Refuses labels that it cannot serve."""
        ...

    def step(self, decision: Decision, state: Any) -> Decision:
        """The decision after this stage; the state is changed in place."""
        ...


DECISIONS: dict[str, tuple[str, str]] = {
    "familiar": ("models.familiar", "Familiar"),
    "foreign": ("models.foreign", "Foreign"),
    "still": ("models.still", "Still"),
    "reject": ("models.decision", "Reject"),
    "proportional": ("models.decision", "Proportional"),
    "vote": ("models.decision", "Vote"),
    "hold": ("models.decision", "Hold"),
    "ramp": ("models.decision", "Ramp"),
}
"""kind -> (module, class)"""


def _refuse_unless(fits: bool, stage: Any, need: str) -> None:
    if not fits:
        raise Refused(f"The decision stage {stage} needs {need}.")


@dataclass(frozen=True)
class Reject:
    """Below `min_confidence` the answer is not trusted: rest, marked as rejected. Often it is
    better to do nothing (Scheme 2013)."""

    min_confidence: float

    def start(self, labels: tuple[str, ...], rest: str) -> int:
        _refuse_unless(0 <= self.min_confidence <= 1, self, "a min_confidence from 0 to 1")
        return labels.index(rest)

    def step(self, decision: Decision, state: int) -> Decision:
        if decision.confidence >= self.min_confidence:
            return decision
        return Decision(state, decision.confidence, decision.level, decision.strength, True)


@dataclass(frozen=True)
class Proportional:
    """Strength from the window's level: 0 at rest's level, 1 at the gesture's own calibrated
    strong level, so that a weak gesture moves as readily as a strong one."""

    levels: tuple[tuple[str, float], ...]
    """(label, level of a strong contraction), rest's own level among them"""

    def start(self, labels: tuple[str, ...], rest: str) -> tuple[float, list[float]]:
        known = dict(self.levels)
        _refuse_unless(
            set(known) == set(labels)
            and all(v > known[rest] for k, v in known.items() if k != rest),
            self,
            f"a level for each of {list(labels)}, each above that of {rest}",
        )
        return known[rest], [known[label] - known[rest] for label in labels]

    def step(self, decision: Decision, state: tuple[float, list[float]]) -> Decision:
        span = state[1][decision.gesture]
        share = (decision.level - state[0]) / span if span > 0 else 0.0
        gesture, confidence, level, _, rejected = decision[:5]
        return Decision(gesture, confidence, level, min(1.0, max(0.0, share)), rejected)


@dataclass(frozen=True)
class Vote:
    """The commonest of the last `votes_n` answers; of equals the one that was decided before,
    else the newest. Adds about half of its span in delay."""

    votes_n: int

    def start(self, labels: tuple[str, ...], rest: str) -> list[int]:
        _refuse_unless(self.votes_n >= 1, self, "at least one vote")
        return [labels.index(rest)]

    def step(self, decision: Decision, state: list[int]) -> Decision:
        """State: [last winner, votes from old to new]."""
        state.append(decision.gesture)
        if len(state) > self.votes_n + 1:
            del state[1]
        votes = state[1:]
        if votes.count(decision.gesture) == len(votes):  # nearly always, and quick
            state[0] = decision.gesture
            return decision
        most = max(votes.count(g) for g in set(votes))
        best = [g for g in votes if votes.count(g) == most]
        state[0] = state[0] if state[0] in best else best[-1]
        return decision._replace(gesture=state[0])


@dataclass(frozen=True)
class Hold:
    """A new gesture is believed once it came `decisions_n` times in a row; rest at once, so that
    letting go always stops."""

    decisions_n: int

    def start(self, labels: tuple[str, ...], rest: str) -> list[int]:
        _refuse_unless(self.decisions_n >= 1, self, "at least one decision")
        index = labels.index(rest)
        return [index, index, 0, index]

    def step(self, decision: Decision, state: list[int]) -> Decision:
        """State: [held, candidate, times it came, rest]."""
        if decision.gesture in (state[0], state[3]):
            state[0] = decision.gesture
            state[1], state[2] = state[3], 0
            return decision
        state[2] = state[2] + 1 if decision.gesture == state[1] else 1
        state[1] = decision.gesture
        if state[2] >= self.decisions_n:
            state[0], state[2] = decision.gesture, 0
            return decision
        return decision._replace(gesture=state[0])


@dataclass(frozen=True)
class Ramp:
    """Decision-based velocity ramp (Simon 2011): a gesture that has just begun moves slowly, so
    that a stray decision costs little. A counter per gesture climbs with its decisions and falls
    with those of others."""

    length_decisions: int
    down_decisions: int = 2

    def start(self, labels: tuple[str, ...], rest: str) -> list[int]:
        _refuse_unless(
            self.length_decisions >= 1 and self.down_decisions >= 1, self, "lengths of at least 1"
        )
        return [0] * len(labels)

    def step(self, decision: Decision, state: list[int]) -> Decision:
        gesture, confidence, level, strength, rejected = decision[:5]
        now = min(self.length_decisions, state[gesture] + 1)
        if sum(state) > state[gesture]:  # others still fade
            state[:] = [max(0, count - self.down_decisions) for count in state]
        state[gesture] = now
        strength *= now / self.length_decisions
        return Decision(gesture, confidence, level, strength, rejected)


def levels_from(levels: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """The settings form of a mapping."""
    return tuple((label, float(level)) for label, level in levels.items())

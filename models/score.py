"""How right the decisions were, against the prompts. The same numbers offline and live."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

SETTLE_S = 0.5
"""A wearer needs about this long from prompt to steady contraction (reaction 0.2 s, ramp 0.15 to
0.3 s); windows that begin later than this after the prompt are settled."""


OTHER = ""
"""Something was asked for that the artifact does not know: such windows are not scored."""
TRIGGER = "trigger"
"""So an amplifier marks a pulse at its trigger input: nothing is asked for."""
_ONE_WORD = re.compile(r"[\w-]+")


def asked(text: str, labels: Collection[str]) -> str | None:
    """The gesture that a marker asks for: one of `labels`, or OTHER; None for a marker that tells
    of an event ("gate armed: ..."). A gesture has one word."""
    if text in labels:
        return text
    return OTHER if _ONE_WORD.fullmatch(text) and text != TRIGGER else None


class Decided(NamedTuple):
    """One decision, as it is scored."""

    sample_n: int
    """samples of the stream before the newest one that it rests on"""
    gesture: str


class Prompt(NamedTuple):
    """What was asked for from a sample on."""

    sample_n: int
    gesture: str


@dataclass(frozen=True)
class Score:
    """Shares of windows, 0 .. 1; None where there was no such window."""

    windows_n: int
    """windows that lie wholly inside one prompt"""
    accuracy: float | None
    settled_n: int
    accuracy_settled: float | None
    rest_false_activation: float | None
    """share of settled rest windows that moved the hand"""
    changes: float | None
    """share of consecutive settled decisions inside a prompt that differ"""
    per_gesture: Mapping[str, float]
    """settled accuracy of each prompted gesture"""
    confusion: Mapping[str, Mapping[str, int]]
    """prompted -> decided -> settled windows"""


def score(
    decisions: Sequence[Decided],
    prompts: Sequence[Prompt],
    *,
    window_samples: int,
    rate_hz: float,
    rest: str,
    settle_s: float = SETTLE_S,
) -> Score:
    """Scores decisions against prompts (both in stream order).

    A decision counts when its whole window lies inside one prompt; a rejected one counts as the
    rest that it commands. Decisions before the first prompt do not count, nor do those while
    something else was asked for than the artifact knows.
    """
    settle_n = round(settle_s * rate_hz)
    right = total = same = pairs = 0
    confusion: dict[str, dict[str, int]] = {}
    at, last = -1, None
    for decision in decisions:
        while at + 1 < len(prompts) and prompts[at + 1].sample_n <= decision.sample_n:
            at, last = at + 1, None
        if at < 0:
            continue
        begins = decision.sample_n - window_samples + 1 - prompts[at].sample_n
        if begins < 0:
            continue
        want = prompts[at].gesture
        if want == OTHER:
            continue
        total += 1
        right += decision.gesture == want
        if begins >= settle_n:
            row = confusion.setdefault(want, {})
            row[decision.gesture] = row.get(decision.gesture, 0) + 1
            if last is not None:
                pairs += 1
                same += decision.gesture == last
            last = decision.gesture
    settled = sum(sum(row.values()) for row in confusion.values())
    settled_right = sum(row.get(want, 0) for want, row in confusion.items())
    at_rest = confusion.get(rest, {})
    rest_n = sum(at_rest.values())
    return Score(
        windows_n=total,
        accuracy=_share(right, total),
        settled_n=settled,
        accuracy_settled=_share(settled_right, settled),
        rest_false_activation=_share(rest_n - at_rest.get(rest, 0), rest_n),
        changes=_share(pairs - same, pairs),
        per_gesture={want: row.get(want, 0) / sum(row.values()) for want, row in confusion.items()},
        confusion=confusion,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

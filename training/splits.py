"""Which segments train and which test: by user, session and cycle, never by window.

Windows of one repetition overlap by nine tenths. Drawn to both sides, they measure memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from acquisition.stream import Refused
from training.datasets import Segment
from training.datasets import Selection as Selection  # noqa: PLC0414 - for callers


@dataclass(frozen=True, eq=False)
class Split:
    """Segments to train, to choose between trainings, and to test; none shares a repetition.

    Refused at birth otherwise, however the parts came about.
    """

    train: tuple[Segment, ...]
    validation: tuple[Segment, ...]
    test: tuple[Segment, ...]

    def __post_init__(self) -> None:
        refuse_overlap({"training": self.train, "validation": self.validation, "test": self.test})


def select(segments: Sequence[Segment], selection: Selection) -> tuple[Segment, ...]:
    """The segments that the selection takes.

    Refuses a user, session or cycle that there is not, and a selection that takes none.
    """
    for what, wanted, there in (
        ("user", selection.users, {s.user for s in segments}),
        ("session", selection.sessions, {s.session for s in segments}),
        ("cycle", selection.cycles, {s.cycle for s in segments}),
    ):
        missing = [str(item) for item in wanted or () if item not in there]
        if missing:
            names = ", ".join(sorted(map(str, there)))
            raise Refused(f"There is no {what} {', '.join(missing)}; there are {names}.")
    taken = tuple(segment for segment in segments if selection.takes(segment))
    if not taken:
        raise Refused(f"No segment has all that {selection} asks for.")
    return taken


def split(
    segments: Sequence[Segment],
    *,
    train: Selection,
    test: Selection,
    validation: Selection | None = None,
) -> Split:
    """The segments that each selection takes, as a split."""
    chosen = () if validation is None else select(segments, validation)
    return Split(select(segments, train), chosen, select(segments, test))


def refuse_overlap(parts: Mapping[str, Sequence[Segment]]) -> None:
    """Refuses parts that share a (user, session, cycle), or equal samples under other names.

    The MyoArmbandDataset itself has three sessions twice, under two users.
    """
    for (one, ours), (other, theirs) in combinations(parts.items(), 2):
        shared = sorted({s.key for s in ours} & {s.key for s in theirs})
        if shared:
            user, session, cycle = shared[0]
            raise Refused(
                f"The {one} and {other} parts share repetitions ({len(shared)}), e.g. cycle "
                f"{cycle} of {user}, {session}; split by user, session or cycle."
            )
    known: dict[bytes, tuple[str, Segment]] = {}
    for part, segments in parts.items():
        for segment in segments:
            # Channels that were dead throughout are equal without being the same.
            if not len(segment.samples) or not np.ptp(segment.samples):
                continue
            digest = hashlib.sha256(segment.samples.tobytes()).digest()
            first, twin = known.setdefault(digest, (part, segment))
            if first != part:
                raise Refused(
                    f"The {first} and {part} parts hold the same samples as {twin.key} and as "
                    f"{segment.key}; leave one of the two out."
                )

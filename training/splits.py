"""Which segments train and which test: by user, session and cycle, never by window.

Windows of one repetition overlap by nine tenths. Drawn to both sides, they measure memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from acquisition.stream import Refused
from training.datasets import Segment
from training.datasets import Selection as Selection  # noqa: PLC0414 - for callers
from training.leaks import refuse_overlap as refuse_overlap  # noqa: PLC0414 - for callers


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

    Refuses a user, session, cycle or gesture that there is not, and a selection that takes none.
    """
    for what, wanted, there in (
        ("user", selection.users, {s.user for s in segments}),
        ("session", selection.sessions, {s.session for s in segments}),
        ("cycle", selection.cycles, {s.cycle for s in segments}),
        ("gesture", selection.gestures, {s.gesture for s in segments}),
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


@dataclass(frozen=True, eq=False)
class Fold:
    """One split of several."""

    name: str
    """What is tested, e.g. a user."""
    split: Split


def leave_one_user_out(segments: Sequence[Segment]) -> Iterator[Fold]:
    """Each user tested by what the others teach. Refuses a single user."""
    users = list(dict.fromkeys(s.user for s in segments))
    if len(users) < 2:
        raise Refused(f"To leave one user out there must be two, and there is {users}.")
    for user in users:
        yield Fold(user, _parted(segments, [s for s in segments if s.user == user]))


def leave_one_session_out(segments: Sequence[Segment]) -> Iterator[Fold]:
    """Each session of each user tested by what that user's others teach.

    Sessions of one place in time (one day, one donning) are left out together. Refuses where
    nobody has two.
    """
    any_fold = False
    for own in _by_user(segments):
        places = list(dict.fromkeys(map(_place, own)))
        for place in places if len(places) > 1 else ():
            any_fold = True
            test = [s for s in own if _place(s) == place]
            yield Fold(f"{own[0].user} {place}", _parted(own, test))
    if not any_fold:
        raise Refused("To leave one session out somebody must have two, and nobody has.")


def day_forward(segments: Sequence[Segment], *, all_before: bool = False) -> Iterator[Fold]:
    """Each day of each user but the last one teaches, and all later ones test.

    all_before: the days before it teach as well. Refuses sessions without a place in time, and
    where nobody has two days.
    """
    unknown = sorted({s.session for s in segments if s.order is None})
    if unknown:
        raise Refused(
            f"Nobody knows when {unknown[0]} was in time, so nothing can be tested on later days."
        )
    any_fold = False
    for own in _by_user(segments):
        for day in sorted({_day(s) for s in own})[:-1]:
            any_fold = True
            train = tuple(s for s in own if _day(s) == day or (all_before and _day(s) < day))
            test = tuple(s for s in own if _day(s) > day)
            yield Fold(f"{own[0].user} after day {day}", Split(train, (), test))
    if not any_fold:
        raise Refused("To test on later days somebody must have two days, and nobody has.")


def by_repetition(segments: Sequence[Segment], train_cycles: Collection[int]) -> Iterator[Fold]:
    """Within each user and session, some repetitions teach and the others test.

    Refuses a session that has no repetition on one of the sides.
    """
    for own in _by_user(segments):
        for session in dict.fromkeys(s.session for s in own):
            parts = [s for s in own if s.session == session]
            test = [s for s in parts if s.cycle not in train_cycles]
            yield Fold(f"{own[0].user} {session}", _parted(parts, test))


def forward_in_time(segments: Sequence[Segment], share: float) -> Iterator[Fold]:
    """Within each user and session, the first share of each gesture's cycles teaches and the rest
    tests, so that no test is older than what was learnt from the same gesture."""
    for own in _by_user(segments):
        for session in dict.fromkeys(s.session for s in own):
            parts = [s for s in own if s.session == session]
            last: dict[str, int] = {}
            for s in parts:
                last[s.gesture] = max(last.get(s.gesture, 0), s.cycle + 1)
            cut = round(share * min(last.values()))
            test = [s for s in parts if s.cycle >= cut]
            yield Fold(f"{own[0].user} {session}", _parted(parts, test))


def _parted(segments: Sequence[Segment], test: Sequence[Segment]) -> Split:
    kept = set(test)
    train = tuple(s for s in segments if s not in kept)
    if not train or not test:
        side = "test" if not test else "train"
        raise Refused(
            f"{segments[0].user}, {segments[0].session}, has nothing to {side} on; "
            "choose other cycles."
        )
    return Split(train, (), tuple(test))


def _by_user(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    for user in dict.fromkeys(s.user for s in segments):
        yield [s for s in segments if s.user == user]


def _place(segment: Segment) -> str:
    return segment.session if segment.order is None else f"place {segment.order}"


def _day(segment: Segment) -> int:
    return 0 if segment.order is None else segment.order

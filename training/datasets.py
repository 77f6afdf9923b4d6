"""Recordings of people as segments: one gesture, held once, by one user, in one session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Union, cast, overload

from acquisition.myo_files import MYO_GESTURES
from acquisition.stream import Refused, Samples, Spec
from acquisition.tables import look_up
from training.fingerprints import fingerprint as fingerprint  # noqa: PLC0414 - for callers
from training.targets import Targets

DATASETS: dict[str, tuple[str, str]] = {
    "myo_armband": ("training.readers.myo_armband", "read"),
    "xdf": ("training.readers.own_xdf", "read"),
    "libemg": ("training.readers.libemg", "read"),
    "bids": ("training.readers.bids", "read"),
    "ninapro_db1": ("training.readers.ninapro", "read_db1"),
    "ninapro_db2": ("training.readers.ninapro", "read_db2"),
    "ninapro_db3": ("training.readers.ninapro", "read_db3"),
    "ninapro_db4": ("training.readers.ninapro", "read_db4"),
    "ninapro_db5": ("training.readers.ninapro", "read_db5"),
    "ninapro_db6": ("training.readers.ninapro_sessions", "read_db6"),
    "ninapro_db7": ("training.readers.ninapro", "read_db7"),
    "ninapro_db8": ("training.readers.ninapro_sessions", "read_db8"),
    "ninapro_db9": ("training.readers.ninapro_sessions", "read_db9"),
    "ninapro_db10": ("training.readers.ninapro_sessions", "read_db10"),
    "epn612": ("training.readers.epn612", "read"),
    "grabmyo": ("training.readers.grabmyo", "read"),
    "hyser": ("training.readers.hyser", "read"),
    "capgmyo": ("training.readers.capgmyo", "read"),
    "putemg": ("training.readers.putemg", "read"),
    "emg2pose": ("training.readers.emg2pose", "read"),
    "emg2qwerty": ("training.readers.emg2qwerty", "read"),
    "uci_gestures": ("training.readers.uci_gestures", "read"),
    "uci_lower_limb": ("training.readers.uci_lower_limb", "read"),
    "kanoga": ("training.readers.kanoga", "read"),
    "francic": ("training.readers.francic", "read"),
    "unibo": ("training.readers.unibo", "read"),
    "flexemg": ("training.readers.flexemg", "read"),
    "hermescb": ("training.readers.hermescb", "read"),
    "synthetic": ("training.simulated", "read"),
}
"""name -> (module, Reader), imported when asked for. What each is stands in the catalogue."""

UNLABELLED = ""
"""The gesture of samples of which nobody knows what was done."""

Key = tuple[str, str, int]
"""(user, session, cycle): what may never be on both sides of a split."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Consecutive samples of one gesture. A gap ends a segment, so a cycle may have several."""

    user: str
    session: str
    cycle: int
    """Which repetition of the gesture in its session this is, from 0."""
    gesture: str
    """What was done, or the task where targets tell it exactly; or UNLABELLED."""
    samples: Samples
    """(time, channel) float32; possibly memory-mapped and read-only"""
    spec: Spec
    targets: Targets | None = None
    """In step with the samples, where the truth is continuous."""
    order: int | None = None
    """Place of its session in time among those of its user, e.g. the day; sessions of one day
    share it. None where the set does not tell."""
    recording: str = ""
    """Which recording of its session it was cut from."""
    begin: int | None = None
    """Its first sample's place in that recording. None where files tell nothing of the time
    between them."""
    group: str = ""
    """A kind of user whose results are told apart, e.g. "amputee"; empty for the usual one."""
    marks: tuple[tuple[int, str], ...] = ()
    """(sample of the segment, word): events inside, as keys pressed."""

    def __post_init__(self) -> None:
        if self.targets is not None and len(self.targets.values) != len(self.samples):
            raise Refused(
                f"The segment {self.key} has {len(self.samples)} samples and "
                f"{len(self.targets.values)} rows of targets; it needs one for each."
            )

    @property
    def key(self) -> Key:
        return self.user, self.session, self.cycle


@dataclass(frozen=True)
class LeftOut:
    """Something of a data set that could not be used."""

    where: str
    """Relative to the set."""
    why: str
    """A sentence."""
    broken: bool = True
    """Whether it should have been usable; False for what is left out on purpose."""


Item = Union[Segment, LeftOut]  # noqa: UP007 - read at run time on Python 3.10 too


@dataclass(frozen=True)
class Selection:
    """A predicate over segments; None takes all."""

    users: tuple[str, ...] | None = None
    sessions: tuple[str, ...] | None = None
    cycles: tuple[int, ...] | None = None
    gestures: tuple[str, ...] | None = None
    unlabelled: bool = False
    """Also what nobody labelled, for learning without labels."""

    def user(self, name: str) -> bool:
        return self.users is None or name in self.users

    def session(self, name: str) -> bool:
        return self.sessions is None or name in self.sessions

    def gesture(self, name: str) -> bool:
        if name == UNLABELLED:
            return self.unlabelled
        return self.gestures is None or name in self.gestures

    def cycle(self, number: int) -> bool:
        return self.cycles is None or number in self.cycles

    def takes(self, segment: Segment) -> bool:
        return (
            self.user(segment.user)
            and self.session(segment.session)
            and self.cycle(segment.cycle)
            and self.gesture(segment.gesture)
        )


EVERYTHING = Selection()
Reader = Callable[[Path, Selection], Iterator[Item]]
"""Gives what the selection takes, file by file, and what could not be used. Files of which the
name already says that they are not taken stay closed. Refuses a folder that is not of its set."""


@dataclass(frozen=True, eq=False)
class Reading(Sequence[Segment]):
    """The segments of a data set, and what of it could not be used."""

    segments: tuple[Segment, ...]
    left_out: tuple[LeftOut, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.segments)

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Segment, ...]: ...
    def __getitem__(self, index: int | slice) -> Segment | tuple[Segment, ...]:
        return self.segments[index]

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def whole(self) -> tuple[Segment, ...]:
        """The segments. Refuses where something broken was left out."""
        broken = [item for item in self.left_out if item.broken]
        if broken:
            more = f" ({len(broken)} such)" if len(broken) > 1 else ""
            raise Refused(f"{broken[0].where}: {broken[0].why}{more}")
        return self.segments

    def told(self) -> dict[str, int]:
        """Why something was left out -> how often."""
        return dict(Counter(item.why for item in self.left_out).most_common())


def iterate(word: str, want: Selection = EVERYTHING) -> Iterator[Item]:
    """The items of `NAME:PATH`, e.g. "kanoga:data/kanoga", one after the other.

    One file is held at a time, so that a set may be larger than the memory.
    """
    name, _, path = word.partition(":")
    reader = cast("Reader", look_up(DATASETS, name, "data set"))
    for item in reader(Path(path), want):
        if isinstance(item, LeftOut) or want.takes(item):
            yield item


def read_dataset(word: str, want: Selection = EVERYTHING) -> Reading:
    """The segments of `NAME:PATH` that the selection takes, and what could not be used.

    Refuses where there is no segment at all.
    """
    reading = gathered(iterate(word, want))
    if not reading.segments:
        first = [f" {item.where}: {item.why}" for item in reading.left_out[:1]]
        raise Refused(f'"{word}" has no segment of what is wanted ({want}).{"".join(first)}')
    return reading


def gathered(items: Iterable[Item]) -> Reading:
    """The items of a reader, parted."""
    kept: list[Segment] = []
    out: list[LeftOut] = []
    for item in items:
        if isinstance(item, LeftOut):
            out.append(item)
        else:
            kept.append(item)
    return Reading(tuple(kept), tuple(out))


def read_myo_armband(root: Path, users: Collection[str] | None = None) -> tuple[Segment, ...]:
    """The segments of the MyoArmbandDataset at `root`: one per file. Refuses a broken file."""
    want = EVERYTHING if users is None else Selection(users=tuple(users))
    return read_dataset(f"myo_armband:{root}", want).whole()


def read_xdf(root: Path, gestures: Collection[str] = MYO_GESTURES) -> tuple[Segment, ...]:
    """The segments of recordings of ours, with gestures of one's own. See readers.own_xdf."""
    from training.readers.own_xdf import segments_of

    return gathered(segments_of(root, EVERYTHING, gestures)).whole()


def in_blocks(segments: Iterable[Segment], block_s: float) -> Iterator[Segment]:
    """Consecutive blocks of each segment as cycles of their own, so that a single long recording
    can be split in time. What is shorter than a block at the end belongs to the last one."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for segment in segments:
        step = max(1, round(block_s * segment.spec.rate_hz))
        blocks_n = max(1, len(segment.samples) // step)
        for i in range(blocks_n):
            begin, end = i * step, len(segment.samples) if i == blocks_n - 1 else (i + 1) * step
            name = (segment.user, segment.session, segment.gesture)
            yield cut(segment, begin, end, cycle=counted[name])
            counted[name] += 1


def cut(segment: Segment, begin: int, end: int, cycle: int | None = None) -> Segment:
    """The samples begin .. end - 1 of a segment, as one; nothing is copied."""
    return replace(
        segment,
        cycle=segment.cycle if cycle is None else cycle,
        samples=segment.samples[begin:end],
        targets=None if segment.targets is None else segment.targets.part(begin, end),
        begin=None if segment.begin is None else segment.begin + begin,
        marks=tuple((at - begin, word) for at, word in segment.marks if begin <= at < end),
    )

"""What the protocol "days" asks of each data set: who teaches, what calibrates, what is tested.

Nothing here was chosen by its result: features, head and adaptation are those of the protocol
"myo". Where a set is cut down, it is for time, and `cut` says how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from acquisition.myo_files import MYO_GESTURES
from training.datasets import Segment, Selection
from training.days_streams import Front
from training.readers.flexemg import GESTURES as FLEXEMG
from training.readers.kanoga import GESTURES as WRIST
from training.readers.unibo import GESTURES as GRIPS

REST = "rest"
COMMON = tuple(g for g in MYO_GESTURES if g in WRIST)
"""All that UCI's users made, and what all sets of an armband share."""
TAUGHT_DAYS = 6
"""Two days of each place of the armband."""
FIRST = 1
UNORDERED = ("kanoga",)
"""Sets whose files tell nothing of the order inside a session: cycle by cycle is taken for it."""
_UNIBO_DAYS = (1, 2, 5, 8)


@dataclass(frozen=True)
class Study:
    """One set, or several, under one question."""

    question: str
    test: str
    """name of the data set whose users are tested"""
    labels: tuple[str, ...]
    case: Callable[[Segment], str]
    """under which heading a session is tested; "" where it is not"""
    calibrates: Callable[[Segment], bool]
    """the session that the wearer's calibration is from, before all tested ones"""
    teaches: Callable[[Segment], bool]
    """sessions of other people that the priors are from"""
    front: Front = field(default_factory=Front)
    ring_n: int = 8
    want: Selection = field(default_factory=lambda: Selection(unlabelled=True))
    cycles: tuple[int, ...] | None = None
    """of the calibrating session; None: all"""
    teachers: Mapping[str, Selection] = field(default_factory=dict)
    """other sets that the priors are from; without any, the same set's other users"""
    cut: str = ""
    """what was left out for time"""


def _place(part: Segment) -> str:
    if part.order == FIRST:
        return ""
    return "placed as on day 1" if part.session.endswith("N") else "placed elsewhere"


def _posture(part: Segment) -> str:
    if part.order == FIRST:
        return ""
    same = part.session.endswith("posture1")
    return "later days, posture as calibrated" if same else "later days, other postures"


def _array(part: Segment) -> str:
    return "" if part.order == FIRST else f"session {part.order}"


def _first(part: Segment) -> bool:
    return part.order == FIRST


_CROSS: Mapping[str, Selection] = {
    "kanoga": Selection(sessions=("day01 N", "day02 I", "day03 O")),
    "francic": Selection(sessions=("session1",), cycles=(0, 1, 2)),
    "uci_gestures": Selection(sessions=("series1",)),
}
_ARMBAND = Front(highpass_hz=20.0)
"""As high as kanoga's makers filtered theirs, so that all sets look alike."""


def _myo_test(part: Segment) -> str:
    tested = part.user.startswith("evaluation/") and part.session != "training0"
    return "MyoArmbandDataset" if tested else ""


def _cross(teachers: Mapping[str, Selection], question: str) -> Study:
    return Study(
        question,
        "myo_armband",
        COMMON,
        _myo_test,
        lambda s: s.user.startswith("evaluation/") and s.session == "training0",
        lambda s: s.user.startswith("pretraining/") if not teachers else "/" not in s.user,
        _ARMBAND,
        cycles=(0,),
        teachers=teachers,
        cut="rest and the 5 gestures that all these sets have",
    )


STUDIES: dict[str, Study] = {
    "kanoga": Study(
        "30 days, the armband in three places; calibrated on day 1",
        "kanoga",
        WRIST,
        _place,
        _first,
        lambda s: (s.order or 0) <= TAUGHT_DAYS,
        cut=f"others teach by their first {TAUGHT_DAYS} days",
    ),
    "francic": Study(
        "three sessions; calibrated on the first",
        "francic",
        WRIST,
        lambda s: "" if s.order == FIRST else "later sessions",
        _first,
        _first,
        want=Selection(cycles=(0, 1, 2), unlabelled=True),
        cut="the first 3 of 6 repetitions",
    ),
    "unibo": Study(
        "8 days, 4 postures of the arm, 4 envelopes; calibrated on day 1, posture 1",
        "unibo",
        GRIPS,
        _posture,
        lambda s: s.session == "day1_posture1",
        _first,
        Front(None, 13, 5, covariances=False, rounded=False),
        0,
        Selection(
            sessions=tuple(f"day{d}_posture{p}" for d in _UNIBO_DAYS for p in range(1, 5)),
            cycles=tuple(range(5)),
            unlabelled=True,
        ),
        cut="days 1, 2, 5 and 8, the first 5 of 10 repetitions",
    ),
    "flexemg": Study(
        "64 electrodes, applied anew for each session; calibrated on session 1",
        "flexemg",
        FLEXEMG,
        _array,
        lambda s: s.session == "Session1Train",
        lambda s: True,
        Front(20.0, 200, 50, covariances=False, dimensions_n=24, rounded=False),
        0,
    ),
    "uci_gestures": Study(
        "two series in one sitting; calibrated on the first",
        "uci_gestures",
        COMMON,
        lambda s: "" if s.order == FIRST else "series 2",
        _first,
        _first,
    ),
    "cross": _cross(_CROSS, "taught by kanoga, francic and UCI's gestures, which may ship"),
    "cross_own": _cross({}, "the same, taught by the set's own pre-training users"),
}
"""name -> study"""

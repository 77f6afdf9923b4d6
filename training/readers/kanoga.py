"""The 30-day set of Kanoga: data/sub1/day1/D1M1T1.csv is day, motion and trial.

github.com/Suguru55/Wearable_Sensor_Long-term_sEMG_Dataset: 1.5 s of a Myo at 200 Hz, high-passed
near 15 Hz by its makers. On each day the armband sat in one of three places: N, I or O
(code/set_config.m; presumably neutral, rotated inward and outward).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acquisition.myo_files import MYO_SPEC
from acquisition.stream import Refused, Samples
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.labels import natural
from training.readers.packed import one_form, recordings

COUNTS = 128.0
"""The makers state no unit. MATLAB's driver of the armband, MyoMex, divides its counts by this
(issue 19 of github.com/mark-toma/MyoMex), and times it rest comes to 1.7 and a hold to some 50, as
on every other armband. The filter leaves no whole numbers, and some beyond 127."""
PLACES = "NIONIIOONNONNOOIIINOOIOIINNINO"
"""The place on day 1, 2, ..., 30."""
GESTURES = (
    "rest",
    "wrist_flexion",
    "wrist_extension",
    "radial_deviation",
    "ulnar_deviation",
    "pronation",
    "supination",
    "hand_close",
)
"""By their numbers from 1; the others, up to 22, are not named here."""

_NAME = re.compile(r"D(\d+)M(\d+)T(\d+)\.csv")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each trial. Users are called "sub1", sessions "day01 N": day and place."""
    plain = sorted(root.rglob("D*M*T*.csv"), key=lambda path: natural(path.relative_to(root)))
    packed = sorted(root.rglob("sub[0-9].npz"), key=natural)
    if not plain and not packed:
        raise Refused(f"{root} holds no D1M1T1.csv; give the folder of the 30-day set.")
    plain, told = one_form(root, plain, packed)
    yield from told
    for path in plain:
        match = _NAME.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no day, motion and trial.", broken=False)
            continue
        day, motion, trial = (int(word) for word in match.groups())
        user = next((name for name in path.parts[::-1] if name.startswith("sub")), path.parent.name)
        if not _wanted(want, user, day, motion, trial):
            continue
        try:
            samples = _rows(path)
        except Refused as error:
            yield LeftOut(path.relative_to(root).as_posix(), str(error))
            continue
        yield _segment(user, day, motion, trial, samples)
    for path in packed:
        if not want.user(path.stem):
            continue
        try:
            for one in recordings(path):
                day, motion, trial = (int(one.fields[k]) for k in ("day", "motion", "trial"))
                if _wanted(want, path.stem, day, motion, trial):
                    yield _segment(path.stem, day, motion, trial, one.samples)
        except Refused as error:
            yield LeftOut(path.name, str(error))


def _wanted(want: Selection, user: str, day: int, motion: int, trial: int) -> bool:
    return (
        want.user(user)
        and want.session(_session(day))
        and want.gesture(_gesture(motion))
        and want.cycle(trial - 1)
    )


def _session(day: int) -> str:
    return f"day{day:02d} {PLACES[day - 1] if day <= len(PLACES) else '?'}"


def _gesture(motion: int) -> str:
    return GESTURES[motion - 1] if 1 <= motion <= len(GESTURES) else f"motion_{motion}"


def _segment(user: str, day: int, motion: int, trial: int, samples: Samples) -> Segment:
    name = f"D{day}M{motion}T{trial}"
    return Segment(
        user,
        _session(day),
        trial - 1,
        _gesture(motion),
        samples * np.float32(COUNTS),
        MYO_SPEC,
        order=day,
        recording=name,
    )


def _rows(path: Path) -> Samples:
    try:
        rows = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise Refused(f"{path.name} is no whole table; copy it again ({error}).") from None
    if rows.shape[1] != len(MYO_SPEC.channels):
        raise Refused(f"{path.name} has {rows.shape[1]} columns, and a Myo has 8 channels.")
    return rows.astype(np.float32)

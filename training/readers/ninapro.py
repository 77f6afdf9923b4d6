"""NinaPro DB1, 2, 3, 4, 5 and 7: a MATLAB file for each subject and exercise.

ninapro.hevs.ch/instructions: `emg`, `restimulus` (what was done, its borders refined afterwards)
and `rerepetition`, a row for each sample. Subject and exercise are taken from the file's name, as
the scalars inside disagree in some files; the exercises of a subject are one session, recorded in
one sitting. Their numbers begin anew in some databases and go on in others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection
from training.readers.labels import carried, found, runs
from training.readers.mat import variables
from training.readers.ninapro_names import FINGERS, FORCES, GRASPS, HANDS, REST
from training.targets import Targets

VOLT = 1e6
"""The wireless amplifiers' files hold volts: their noise is some 1e-6."""
SESSION = "session1"
LONGEST_SHORTFALL = 0.01
"""Labels may end this share of a recording before the signal does; real files lack up to 0.3 %."""

_NAME = re.compile(r"[Ss](\d+)_(?:A(?P<a>\d+)_)?E(?P<e>\d+)(?:_A\d+)?\.mat")


@dataclass(frozen=True)
class Database:
    """What differs between them."""

    number: int
    rate_hz: float
    channels_n: int
    to_uv: float | None
    """factor to microvolts; None where the unit is not known"""
    exercises: tuple[tuple[str, ...], ...]
    """the movements of exercise 1, 2, ..."""
    goes_on: bool
    """whether the numbers of one exercise go on behind those of the one before"""
    amputees: range = range(0)


DB1 = Database(1, 100.0, 10, None, (FINGERS, HANDS, GRASPS), goes_on=False)
"""Smoothed, rectified envelopes (Otto Bock 13E200), as a prosthesis' electrodes give them."""
DB2 = Database(2, 2000.0, 12, VOLT, (HANDS, GRASPS, FORCES), goes_on=True)
DB3 = Database(3, 2000.0, 12, VOLT, (HANDS, GRASPS, FORCES), goes_on=True, amputees=range(1, 12))
DB4 = Database(4, 2000.0, 12, None, (FINGERS, HANDS, GRASPS), goes_on=False)
"""The unit of its files is not stated."""
DB5 = Database(5, 200.0, 16, None, (FINGERS, HANDS, GRASPS), goes_on=False)
"""Two armbands, one behind the other, in counts."""
DB7 = Database(7, 2000.0, 12, VOLT, (HANDS, GRASPS), goes_on=True, amputees=range(21, 23))


def read(database: Database, root: Path, want: Selection) -> Iterator[Item]:
    """The segments of each file: movements, and the rest between them.

    Rest belongs to the repetition that it follows. Users are called "s1", "s2"; all of them have
    one session. Refuses a folder without such files.
    """
    paths = found(root, "[Ss]*_*.mat", f"NinaPro DB{database.number}, unpacked")
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no subject and exercise.", broken=False)
            continue
        user, exercise = f"s{int(match[1])}", int(match["e"])
        if not want.user(user) or not want.session(SESSION):
            continue
        try:
            yield from _of_file(database, path, user, int(match[1]), exercise, want)
        except Refused as error:
            yield LeftOut(path.name, str(error))


def _of_file(
    database: Database, path: Path, user: str, subject: int, exercise: int, want: Selection
) -> Iterator[Item]:
    names = ("emg", "restimulus", "rerepetition", "force", "frequency")
    held = variables(path, names)
    emg, spec = signal(path, held, database.rate_hz, database.channels_n, database.to_uv)
    stimulus, repetition, short = labels_of(path, held, len(emg))
    if short:
        why = f"The last {short} samples have no label." if short > 0 else "Labels without samples."
        yield LeftOut(path.name, why, broken=False)
    known, before = _movements(database, exercise)
    force = held.get("force") if known is FORCES else None
    cycles = carried(repetition)
    group = "amputee" if subject in database.amputees else ""
    for begin, end in runs(stimulus, cycles):
        gesture = gesture_of(int(stimulus[begin]), known, before)
        segment = Segment(
            user,
            SESSION,
            max(0, int(cycles[begin]) - 1),
            gesture,
            emg[begin:end],
            spec,
            targets=_forces(force, begin, end, spec.rate_hz),
            order=1,
            recording=path.stem,
            begin=begin,
            group=group,
        )
        if want.takes(segment):
            yield segment


def signal(
    path: Path, held: dict[str, NDArray[Any]], rate_hz: float, channels_n: int, to_uv: float | None
) -> tuple[NDArray[np.float32], Spec]:
    """(samples, spec) of a file's `emg`. Refuses another width or rate than the database has."""
    emg = held.get("emg")
    if emg is None or emg.ndim != 2 or not len(emg):
        raise Refused(f"{path.name} holds no emg; it is a file of another kind.")
    said = held.get("frequency")
    if said is not None and said.size == 1 and abs(float(said.item()) / rate_hz - 1) > 1e-3:
        raise Refused(
            f"{path.name} was taken at {float(said.item()):g} Hz as it says itself, and this "
            f"database at {rate_hz:g} Hz; name the right one."
        )
    if emg.shape[1] > channels_n:
        raise Refused(
            f"{path.name} has {emg.shape[1]} channels and this database {channels_n}; name the "
            "right one."
        )
    unit = "raw" if to_uv is None else "uV"
    spec = Spec(rate_hz, tuple(f"emg{i + 1}" for i in range(emg.shape[1])), unit)
    return (emg * (to_uv or 1.0)).astype(np.float32), spec


def labels_of(
    path: Path, held: dict[str, NDArray[Any]], samples_n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """(movement, repetition, samples without a label), where there are labels.

    Refuses a file without labels, and one of which they end much too early.
    """
    columns = [held[name].ravel() for name in ("restimulus", "rerepetition") if name in held]
    if len(columns) != 2:
        raise Refused(f"{path.name} has no restimulus and rerepetition, so nothing is labelled.")
    n = min(samples_n, *(len(column) for column in columns))
    if samples_n - n > LONGEST_SHORTFALL * samples_n:
        raise Refused(f"{path.name} has {samples_n} samples and {n} labels; copy the file again.")
    movement, repetition = (column[:n].astype(np.int64) for column in columns)
    return movement, repetition, samples_n - n


def gesture_of(number: int, known: tuple[str, ...], before: int = 0) -> str:
    """The movement of a number; one that the exercise does not have keeps its number."""
    if number == 0:
        return REST
    if number < 0:
        return UNLABELLED
    index = number - 1 - before
    return known[index] if 0 <= index < len(known) else f"movement_{number}"


def _movements(database: Database, exercise: int) -> tuple[tuple[str, ...], int]:
    """(movements of the exercise, how many numbers stand before them)."""
    if not 1 <= exercise <= len(database.exercises):
        raise Refused(
            f"DB{database.number} has exercises 1 to {len(database.exercises)}, not {exercise}."
        )
    before = sum(len(e) for e in database.exercises[: exercise - 1]) if database.goes_on else 0
    return database.exercises[exercise - 1], before


def _forces(force: NDArray[Any] | None, begin: int, end: int, rate_hz: float) -> Targets | None:
    """The finger forces of the last exercise, uncalibrated as they are in the file."""
    if force is None or force.ndim != 2 or len(force) < end:
        return None
    names = tuple(f"force{i + 1}" for i in range(force.shape[1]))
    values = force[begin:end].astype(np.float32)
    return Targets(values, names, ("raw",) * len(names), rate_hz)


read_db1 = partial(read, DB1)
read_db2 = partial(read, DB2)
read_db3 = partial(read, DB3)
read_db4 = partial(read, DB4)
read_db5 = partial(read, DB5)
read_db7 = partial(read, DB7)

"""NinaPro DB6, DB8 and DB10, which have days, data sets or pauses; and DB9, which has no muscles.

DB6: ninapro.hevs.ch/instructions/DB6.html. DB8: the same, and Krasoulis et al., Frontiers in
Neuroscience 13:891, 2019. DB10: Cognolato et al., Scientific Data 7:43, 2020 (MeganePro, MDS1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.labels import carried, found, runs
from training.readers.mat import variables
from training.readers.ninapro import VOLT, gesture_of, labels_of, signal
from training.targets import Targets

DB6_EMPTY = (8, 9)
"""Columns (from 0) of DB6 in which no electrode was: 14 electrodes in 16 columns."""
DB10_GRASPS = (
    "medium_wrap",
    "lateral",
    "parallel_extension",
    "tripod",
    "power_sphere",
    "precision_disk",
    "prismatic_pinch",
    "index_extension_grasp",
    "adducted_thumb",
    "prismatic_four_finger",
)
PAUSE = 1.5
"""A step of DB10's time axis longer than this many usual ones is a pause, and ends a segment."""
_DB6 = re.compile(r"[Ss](\d+)_D(\d+)_T(\d+)\.mat")
_DB8 = re.compile(r"[Ss](\d+)_E(\d+)_A(\d+)\.mat")
_DB10 = re.compile(r"S(\d{3})_ex1\.mat")


def read_db6(root: Path, want: Selection) -> Iterator[Item]:
    """A session for each morning (time 1) and afternoon (time 2): "day1_time2". The grasps keep
    the numbers of the file, "grasp_9"."""
    for path in found(root, "[Ss]*_D*_T*.mat", "NinaPro DB6, unpacked"):
        match = _DB6.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no subject, day and time.", broken=False)
            continue
        user, day, time = f"s{int(match[1])}", int(match[2]), int(match[3])
        session = f"day{day}_time{time}"
        if not (want.user(user) and want.session(session)):
            continue
        try:
            held = variables(path, ("emg", "restimulus", "rerepetition", "frequency"))
            if "emg" in held and held["emg"].ndim == 2 and held["emg"].shape[1] == 16:
                held["emg"] = np.delete(held["emg"], DB6_EMPTY, axis=1)
            emg, spec = signal(path, held, 2000.0, 14, VOLT)
            grasp, repetition, short = labels_of(path, held, len(emg))
        except Refused as error:
            yield LeftOut(path.name, str(error))
            continue
        if short:
            yield LeftOut(path.name, f"The last {short} samples have no label.", broken=False)
        cycles = carried(repetition)
        for begin, end in runs(grasp, cycles):
            number = int(grasp[begin])
            yield Segment(
                user,
                session,
                max(0, int(cycles[begin]) - 1),
                f"grasp_{number}" if number > 0 else gesture_of(number, ()),
                emg[begin:end],
                spec,
                order=2 * (day - 1) + time,
                recording=path.stem,
                begin=begin,
            )


def read_db8(root: Path, want: Selection) -> Iterator[Item]:
    """Sessions "A1", "A2" and "A3" (the makers test on the third). The target is the data glove
    of the other hand, uncalibrated; the linear map to five degrees of actuation is on its page."""
    for path in found(root, "[Ss]*_E*_A*.mat", "NinaPro DB8"):
        match = _DB8.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no subject and data set.", broken=False)
            continue
        user, part = f"s{int(match[1])}", int(match[3])
        if not (want.user(user) and want.session(f"A{part}")):
            continue
        try:
            held = variables(path, ("emg", "restimulus", "rerepetition", "glove", "frequency"))
            emg, spec = signal(path, held, 2000.0, 16, VOLT)
            movement, repetition, short = labels_of(path, held, len(emg))
        except Refused as error:
            yield LeftOut(path.name, str(error))
            continue
        if short:
            yield LeftOut(path.name, f"The last {short} samples have no label.", broken=False)
        glove = held.get("glove")
        cycles = carried(repetition)
        for begin, end in runs(movement, cycles):
            targets = None
            if glove is not None and glove.ndim == 2 and len(glove) >= end:
                names = tuple(f"glove{i + 1}" for i in range(glove.shape[1]))
                values = glove[begin:end].astype(np.float32)
                targets = Targets(values, names, ("raw",) * len(names), spec.rate_hz)
            yield Segment(
                user,
                f"A{part}",
                max(0, int(cycles[begin]) - 1),
                gesture_of(int(movement[begin]), ()),
                emg[begin:end],
                spec,
                targets=targets,
                order=part,
                recording=path.stem,
                begin=begin,
                group="amputee" if int(match[1]) > 10 else "",
            )


def read_db9(root: Path, want: Selection) -> Iterator[Item]:
    """Refuses: DB9 holds the motion of hands, and no muscle."""
    raise Refused(
        f"{root}: NinaPro DB9 holds the motion of hands and no muscle, so no decoder can be "
        "trained on it; take one of DB1 to DB8, or DB10."
    )


def read_db10(root: Path, want: Selection) -> Iterator[Item]:
    """MDS1 of MeganePro: one session for each person, cut at the pauses of its time axis. Users
    from "s101" on are amputees."""
    for path in found(root, "S*_ex1.mat", "MeganePro's MDS1"):
        match = _DB10.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no subject.", broken=False)
            continue
        user = f"s{int(match[1])}"
        if not (want.user(user) and want.session("session1")):
            continue
        try:
            held = variables(path, ("emg", "ts", "regrasp", "regrasprepetition"))
            for ours, theirs in (("restimulus", "regrasp"), ("rerepetition", "regrasprepetition")):
                if theirs in held:
                    held[ours] = held.pop(theirs)
            emg, spec = signal(path, held, 1926.0, 12, VOLT)
            grasp, repetition, short = labels_of(path, held, len(emg))
            pieces = _pieces(path, held.get("ts"), len(grasp))
        except Refused as error:
            yield LeftOut(path.name, str(error))
            continue
        if short:
            yield LeftOut(path.name, f"The last {short} samples have no label.", broken=False)
        cycles = carried(repetition)
        for begin, end in runs(grasp, cycles, pieces):
            yield Segment(
                user,
                "session1",
                max(0, int(cycles[begin]) - 1),
                gesture_of(int(grasp[begin]), DB10_GRASPS),
                emg[begin:end],
                spec,
                order=1,
                recording=f"{path.stem} piece {pieces[begin]}",
                begin=begin,
                group="amputee" if int(match[1]) > 100 else "",
            )


def _pieces(path: Path, times: NDArray[np.float64] | None, samples_n: int) -> NDArray[np.int64]:
    """The number of the stretch without a pause in which each sample lies."""
    if times is None or times.size < samples_n:
        raise Refused(f"{path.name} has no time for each sample; copy the file again.")
    steps = np.diff(times.ravel()[:samples_n].astype(np.float64))
    if len(steps) and steps.min() <= 0:
        raise Refused(f"{path.name} has a time that goes back; copy the file again.")
    usual = float(np.median(steps)) if len(steps) else 1.0
    pauses: NDArray[np.int64] = np.concatenate([[0], steps > PAUSE * usual]).astype(np.int64)
    return np.cumsum(pauses)

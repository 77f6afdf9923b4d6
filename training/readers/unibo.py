"""UniBo-INAIL: data/user_1_day_1_posture_1.mat, 7 people on 8 days in 4 postures of the arm.

github.com/pulp-bio/unibo-inail-semg-dataset: `emg` (time, 4) at 500 Hz are rectified and smoothed
envelopes of Ottobock electrodes, in no stated unit; `label`, `relabel` (each movement 0.1 s
shorter at both ends) and `gestureCounter`. The packed form holds every tenth sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acquisition.stream import Refused, Samples, Spec
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection
from training.readers.labels import Labels, natural, runs
from training.readers.mat import variables
from training.readers.packed import one_form, recordings

CHANNELS = (
    "extensor_carpi_ulnaris",
    "extensor_communis_digitorum",
    "flexor_carpi_radialis",
    "flexor_carpi_ulnaris",
)
"""In the order of the README; that the columns have the same order is not verified."""
GESTURES = ("rest", "power_grip", "pinch", "tripod", "point", "hand_open")
"""By their numbers from 1: rest is certain by its amplitude, the others follow the README."""
RATE_HZ = 500.0

_NAME = re.compile(r"user_(\d+)_day_(\d+)_posture_(\d+)\.mat")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The stretches of one label, the borders of movements unlabelled. Users are called "user1",
    sessions "day1_posture1"; rest belongs to the repetition that it follows."""
    plain = sorted(root.rglob("user_*_day_*_posture_*.mat"), key=natural)
    packed = sorted(root.rglob("user_[0-9].npz"), key=natural)
    if not plain and not packed:
        raise Refused(f"{root} holds no user_1_day_1_posture_1.mat; give the folder of the set.")
    plain, told = one_form(root, plain, packed)
    yield from told
    for path in plain:
        match = _NAME.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no user, day and posture.", broken=False)
            continue
        user, day, posture = f"user{match[1]}", int(match[2]), int(match[3])
        if not (want.user(user) and want.session(f"day{day}_posture{posture}")):
            continue
        try:
            held = variables(path, ("emg", "label", "relabel", "gestureCounter"))
            lacking = {"emg", "label", "relabel", "gestureCounter"} - set(held)
            if lacking:
                raise Refused(f"{path.name} lacks {', '.join(sorted(lacking))}; copy it again.")
        except Refused as error:
            yield LeftOut(path.name, str(error))
            continue
        columns = [held[k].ravel().astype(np.int64) for k in ("label", "relabel", "gestureCounter")]
        emg = held["emg"].astype(np.float32)
        yield from _segments(emg, columns, RATE_HZ, user, day, posture, want)
    for path in packed:
        user = path.stem.replace("_", "")
        if not want.user(user):
            continue
        try:
            for one in recordings(path):
                day, posture = int(one.fields["day"]), int(one.fields["posture"])
                if one.targets is not None and want.session(f"day{day}_posture{posture}"):
                    columns = list(one.targets.T.astype(np.int64))
                    rate = one.rate_hz
                    yield from _segments(one.samples, columns, rate, user, day, posture, want)
        except Refused as error:
            yield LeftOut(path.name, str(error))


def _segments(
    emg: Samples,
    columns: list[Labels],
    rate_hz: float,
    user: str,
    day: int,
    posture: int,
    want: Selection,
) -> Iterator[Item]:
    label, relabel, counter = columns
    for begin, end in runs(label, relabel, counter):
        number = int(label[begin])
        sure = number == int(relabel[begin])
        known = 1 <= number <= len(GESTURES)
        gesture = GESTURES[number - 1] if known else f"label_{number}"
        segment = Segment(
            user,
            f"day{day}_posture{posture}",
            max(0, int(counter[begin]) - 1),
            gesture if sure else UNLABELLED,
            emg[begin:end],
            Spec(rate_hz, CHANNELS, "raw"),
            order=day,
            recording=f"day{day}_posture{posture}",
            begin=begin,
        )
        if want.takes(segment):
            yield segment

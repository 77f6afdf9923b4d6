"""Small data sets in the layout in which their makers published them: MATLAB and text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

Row = tuple[str, str, int, str, int]
"""(user, session, cycle, gesture, samples) of a segment"""


def counts(samples_n: int, channels_n: int, first: int = 0) -> NDArray[np.float64]:
    """Whole numbers in which no two rows are equal."""
    x = np.arange(first, first + samples_n * channels_n, dtype=float)
    return x.reshape(samples_n, channels_n) % 251 - 125


def mat(path: Path, held: Mapping[str, Any], *, newer: bool = False) -> None:
    """A MATLAB file, of version 5 or (`newer`) 7.3."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not newer:
        savemat(path, dict(held), do_compression=True)
        return
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in held.items():
            file[name] = np.asarray(value).T
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512, b" "))


def ninapro_labels(spans: Sequence[tuple[int, int, int]]) -> dict[str, NDArray[np.int8]]:
    """restimulus and rerepetition of (movement, repetition, samples), with the refined ones'
    plain twins a little earlier."""
    movement = np.concatenate([np.full(n, m, np.int8) for m, _, n in spans])[:, None]
    repetition = np.concatenate([np.full(n, r, np.int8) for _, r, n in spans])[:, None]
    return {
        "restimulus": movement,
        "rerepetition": repetition,
        "stimulus": np.roll(movement, -3, axis=0),
        "repetition": np.roll(repetition, -3, axis=0),
    }


SPANS = [(0, 0, 40), (1, 1, 50), (0, 0, 30), (1, 2, 45), (0, 0, 35)]


def ninapro_rows(user: str, first: str, session: str = "session1") -> list[Row]:
    """What SPANS are: rest belongs to the repetition that it follows."""
    return [
        (user, session, 0, "rest", 40),
        (user, session, 0, first, 50),
        (user, session, 0, "rest", 30),
        (user, session, 1, first, 45),
        (user, session, 1, "rest", 35),
    ]


def write_ninapro_db1(root: Path) -> list[Row]:
    for subject in (1, 2):
        held = {"emg": counts(200, 10) / 100, "glove": counts(200, 22), "subject": [[9]]}
        mat(root / f"s{subject}" / f"S{subject}_A1_E2.mat", held | ninapro_labels(SPANS))
    return [*ninapro_rows("s1", "thumb_up"), *ninapro_rows("s2", "thumb_up")]


def write_ninapro_db2(root: Path) -> list[Row]:
    """The numbers of an exercise go on behind the one before: 18 is the first grasp."""
    for subject in (1, 2):
        folder = root / f"DB2_s{subject}"
        spans = [(18 * (m > 0), r, n) for m, r, n in SPANS]
        held = {"emg": (counts(200, 12) * 1e-6).astype("f4"), "exercise": [[7]]}
        mat(folder / f"S{subject}_E2_A1.mat", held | ninapro_labels(spans), newer=subject == 2)
    return [*ninapro_rows("s1", "large_diameter"), *ninapro_rows("s2", "large_diameter")]


def write_ninapro_db3(root: Path) -> list[Row]:
    """The last exercise has forces."""
    for subject in (1, 2):
        spans = [(41 * (m > 0), r, n) for m, r, n in SPANS]
        held = {"emg": (counts(200, 12) * 1e-6).astype("f4"), "force": counts(200, 6)}
        mat(root / f"DB3_s{subject}" / f"S{subject}_E3_A1.mat", held | ninapro_labels(spans))
    return [*ninapro_rows("s1", "force_1"), *ninapro_rows("s2", "force_1")]


def write_ninapro_db4(root: Path) -> list[Row]:
    for subject in (1, 2):
        held = {"emg": counts(200, 12), "frequency": [[2000]], "sensor": "Cometa"}
        mat(root / "db4" / f"s{subject}" / f"S{subject}_E3_A1.mat", held | ninapro_labels(SPANS))
    return [*ninapro_rows("s1", "large_diameter"), *ninapro_rows("s2", "large_diameter")]


def write_ninapro_db5(root: Path) -> list[Row]:
    for subject in (1, 2):
        held = {"emg": counts(200, 16), "frequency": [[200.0]], "sensor": "Double Myo"}
        mat(root / "DB5" / f"s{subject}" / f"S{subject}_E1_A1.mat", held | ninapro_labels(SPANS))
    return [*ninapro_rows("s1", "index_flexion"), *ninapro_rows("s2", "index_flexion")]


def write_ninapro_db6(root: Path) -> list[Row]:
    """Fourteen electrodes in sixteen columns."""
    rows = []
    for subject, day, time in ((1, 1, 1), (1, 1, 2), (2, 5, 1)):
        emg = (counts(200, 16) * 1e-6).astype("f4")
        emg[:, 8:10] = 0
        mat(root / f"S{subject}_D{day}_T{time}.mat", {"emg": emg} | ninapro_labels(SPANS))
        rows += ninapro_rows(f"s{subject}", "grasp_1", f"day{day}_time{time}")
    return rows


def write_ninapro_db7(root: Path) -> list[Row]:
    for subject in (1, 21):
        held = {"emg": (counts(200, 12) * 1e-6).astype("f4"), "subject": [[1]]}
        folder = root / "db7" / f"Subject_{subject}"
        mat(folder / f"S{subject}_E1_A1.mat", held | ninapro_labels(SPANS))
    return [*ninapro_rows("s1", "thumb_up"), *ninapro_rows("s21", "thumb_up")]


def write_ninapro_db8(root: Path) -> list[Row]:
    rows = []
    for subject, part in ((1, 1), (1, 3), (11, 1)):
        held = {"emg": (counts(200, 16) * 1e-6).astype("f4"), "glove": counts(200, 18)}
        mat(root / "DB8" / f"S{subject}_E1_A{part}.mat", held | ninapro_labels(SPANS))
        rows += ninapro_rows(f"s{subject}", "movement_1", f"A{part}")
    return rows


def write_ninapro_db10(root: Path) -> list[Row]:
    """A pause of a minute in the first hold, and the makers' names for the labels."""
    for subject in (10, 108):
        labels = ninapro_labels(SPANS)
        times = np.arange(200) / 1926.0 + 60.0 * (np.arange(200) >= 60)
        held = {
            "emg": (counts(200, 8 if subject == 108 else 12) * 1e-6).astype("f4"),
            "ts": times[:, None],
            "regrasp": labels["restimulus"],
            "regrasprepetition": labels["rerepetition"],
        }
        mat(root / "MDS1" / f"S{subject:03d}_ex1.mat", held)
    rows: list[Row] = []
    for user in ("s10", "s108"):
        whole = ninapro_rows(user, "medium_wrap")
        parts = [(user, "session1", 0, "medium_wrap", n) for n in (20, 30)]
        rows += [whole[0], *parts, *whole[2:]]
    return rows


def write_capgmyo(root: Path) -> list[Row]:
    """In DB-b, subject 2 is the second day of subject 1."""
    rows = []
    for subject, user, session in ((1, "b1", "session1"), (2, "b1", "session2"), (3, "b3", "")):
        for gesture, name in ((1, "thumb_up"), (6, "hand_close"), (100, "strongest_100")):
            held = {"data": counts(30, 128) / 250, "gesture": gesture, "subject": subject}
            path = root / f"dbb-s{subject}" / f"{subject:03d}-{gesture:03d}-002.mat"
            mat(path, {**held, "trial": 2})
            rows.append((user, session or "session1", 1, name, 30))
    return rows


def write_unibo(root: Path) -> list[Row]:
    rows = []
    for user in (1, 2):
        spans = [(1, 1, 0, 40), (6, 1, 1, 5), (6, 6, 1, 50), (6, 1, 1, 5), (1, 1, 1, 30)]
        columns = np.concatenate([np.tile(s[:3], (s[3], 1)) for s in spans]).astype("f4")
        held = {"emg": np.abs(counts(130, 4)).astype("f4")}
        held |= dict(
            zip(("label", "relabel", "gestureCounter"), np.split(columns, 3, 1), strict=True)
        )
        mat(root / "data" / f"user_{user}_day_2_posture_3.mat", held)
        name, session = f"user{user}", "day2_posture3"
        rows += [
            (name, session, 0, "rest", 40),
            (name, session, 0, "", 5),
            (name, session, 0, "hand_open", 50),
            (name, session, 0, "", 5),
            (name, session, 0, "rest", 30),
        ]
    return rows


def write_flexemg(root: Path) -> list[Row]:
    rows: list[Row] = []
    names = np.array(["Fist", "Raise", "Lower", "Open"], object)
    p = {"lsbmV": 0.0030517578125, "labelnames": names, "numlabels": 4, "reps": 1}
    p |= {"sequence": np.array([3, 4, 2, 1], "u1"), "timegest": 50, "timerest": 50}
    order = ("rest", "wrist_flexion", "hand_open", "wrist_extension", "hand_close")
    for user, session, trial in (("001", "Session1Train", 2), ("002", "Session3Test", 1)):
        raw = (counts(280, 96) + 300).astype("u2")
        mat(root / "data" / f"{user}-{session}" / f"{user}-{trial:03d}.mat", {"raw": raw, "p": p})
        rows += [(user, session, trial - 1, gesture, 50) for gesture in order]
        rows.append((user, session, trial - 1, "", 30))
    return rows


def write_epn612(root: Path) -> list[Row]:
    rows: list[Row] = []

    def trial(name: str | None, span: tuple[int, int] | None) -> dict[str, Any]:
        x = counts(100, 8).astype(int).tolist()
        row: dict[str, Any] = {"emg": {f"ch{i + 1}": [r[i] for r in x] for i in range(8)}}
        row |= {"startPointforGestureExecution": 20, "quaternion": {"w": [1.0]}}
        if name is not None:
            row["gestureName"] = name
        if span is not None:
            row["groundTruthIndex"] = list(span)
        return row

    for part, user in (("trainingJSON", "training/user1"), ("testingJSON", "testing/user1")):
        first = [("noGesture", None), ("waveIn", (31, 80)), ("waveIn", (11, 30))]
        trials = {f"idx_{i}": trial(*one) for i, one in enumerate(first, 1)}
        unknown = part == "testingJSON"
        tests = {"idx_1": trial(None if unknown else "fist", None if unknown else (1, 100))}
        about = {"generalInfo": {"samplingFrequencyInHertz": 200, "deviceModel": "Myo Armband"}}
        path = root / part / "user1" / "user1.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({**about, "trainingSamples": trials, "testingSamples": tests}))
        rows += [
            (user, "trainingSamples", 0, "rest", 100),
            (user, "trainingSamples", 0, "wrist_flexion", 50),
            (user, "trainingSamples", 1, "wrist_flexion", 20),
            (user, "testingSamples", 0, "" if unknown else "hand_close", 100),
        ]
    return rows

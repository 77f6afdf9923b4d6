"""Two kinds of text that the UCI repository holds, and that others write as well.

"EMG data for gestures" (Lobov et al. 2018): a table of time in ms, the eight channels of a Myo
armband in steps of 1e-5, and a class. "EMG dataset in Lower Limb" (Sanchez and Sotelo): exports
of Biometrics DataLOG, with a goniometer beside the muscles.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from acquisition.session import Session, assemble, told_rate
from acquisition.stream import Refused, Spec
from acquisition.text_rows import Rows, columns_of, counted, lines_of, steps_of, text_of

GESTURES = {
    0: "unmarked",
    1: "rest",
    2: "hand_close",
    3: "wrist_flexion",
    4: "wrist_extension",
    5: "radial_deviation",
    6: "ulnar_deviation",
    7: "hand_open",
}
"""Class -> gesture, as the data set's description has them."""

COUNT = 1e-5
"""Size of one count of the armband in the files, found from their values."""

TO_UV = {"v": 1e6, "mv": 1e3, "uv": 1.0, "µv": 1.0, "volts": 1e6}
"""Unit of voltage -> microvolts in it."""

_FIRST = re.compile(r"time\tchannel1\t.*\tclass\s*")
_CHANNEL = re.compile(
    r"Channel (?P<n>\d+): '(?P<name>.*?)', (?P<values>\d+) values, "
    r"engineering units: (?P<unit>[^,]+),(?P<rest>.*)"
)


def read_gestures(path: Path, head: bytes, rate_hz: float | None) -> Session | None:
    """A table of the gestures set: counts of the armband, a marker where the class changes.

    Its rows come every millisecond and repeat the armband's 200 Hz samples; a millisecond
    without a row counts as lost. Refuses a table without rows.
    """
    if not _FIRST.fullmatch(text_of(head).partition("\n")[0].rstrip("\r")):
        return None
    split = [line.split("\t") for line in lines_of(path)[1:] if line.strip()]
    table = columns_of([row if len(row) == 10 else [] for row in split], range(10))
    whole = table[np.isfinite(table).all(axis=1)]
    if len(whole) < 2:
        raise Refused(f"{path} has no rows of numbers below its header; copy it again.")
    step_ms, lost, stuck = steps_of(path, whole[:, 0])
    rate = told_rate(path, 1000.0 / step_ms, rate_hz)
    counts = whole[:, 1:9] / COUNT
    if np.abs(counts - np.rint(counts)).max() < 0.01:
        counts = np.rint(counts)
    classes = whole[:, 9].astype(np.int64)
    changes = [0, *(np.flatnonzero(np.diff(classes)) + 1)]
    marks = [(int(i), GESTURES.get(int(classes[i]), f"class_{classes[i]}")) for i in changes]
    spec = Spec(rate, tuple(f"emg{i}" for i in range(1, 9)), "raw", 1.0, 127.0)
    notes = counted(len(table) - len(whole), "Rows without numbers, left out")
    notes += counted(stuck, "Rows whose time does not advance")
    return assemble(spec, counts, lost=lost, marks=marks, notes=notes)


def read_datalog(path: Path, head: bytes, rate_hz: float | None) -> Session | None:
    """An export of DataLOG: voltages in microvolts, everything else as the second stream.

    The header tells the rate only where a channel was extrapolated to it. Refuses a file
    without a voltage, without rows, and one whose rate nobody gave.
    """
    if not text_of(head).startswith("File Name:") or b"engineering units:" not in head:
        return None
    lines = lines_of(path)
    channels = [match for line in lines[:64] if (match := _CHANNEL.match(line))]
    body = [line.split("\t") for line in lines if _is_row(line)]
    table = _trimmed(columns_of(body, range(len(channels))))
    emg = [i for i, c in enumerate(channels) if c["unit"].strip().lower() in TO_UV]
    if not emg or not len(table):
        raise Refused(f"{path} has no row of a voltage; copy it again.")
    rate = told_rate(path, _said_hz(channels), rate_hz)
    factors = [TO_UV[channels[i]["unit"].strip().lower()] for i in emg]
    rows = table[:, emg] * np.array(factors)
    ends = np.flatnonzero(np.isfinite(rows).any(axis=1))
    if not len(ends):
        raise Refused(f"{path} has no row of a voltage; copy it again.")
    rows = rows[: ends[-1] + 1]
    broken = int((~np.isfinite(rows).all(axis=1)).sum())
    notes = counted(broken, "Rows without numbers, counted as lost")
    promised = int(channels[emg[0]]["values"])
    if promised != len(rows):
        notes += (f"The header speaks of {promised} values, and {len(rows)} are there.",)
    spec = Spec(rate, tuple(channels[i]["name"] for i in emg), "uV")
    others = [i for i in range(len(channels)) if i not in emg]
    motion = None
    if others:
        names = tuple(f"{channels[i]['name']}_{channels[i]['unit'].strip()}" for i in others)
        motion = assemble(Spec(rate, names, "named"), _trimmed(table[:, others]))
    return assemble(spec, rows, motion=motion, notes=notes)


def _is_row(line: str) -> bool:
    return bool(re.match(r"\s*-?[\d.]", line)) or line.startswith("\t")


def _trimmed(rows: Rows) -> Rows:
    """Without the rows at the end that hold nothing."""
    ends = np.flatnonzero(np.isfinite(rows).any(axis=1))
    return rows[: ends[-1] + 1] if len(ends) else rows[:0]


def _said_hz(channels: list[re.Match[str]]) -> float | None:
    for channel in channels:
        said = re.search(r"to (\d+(?:\.\d+)?) samples per second", channel["rest"])
        if said:
            return float(said[1])
    return None

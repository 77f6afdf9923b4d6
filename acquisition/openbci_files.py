"""Text that the OpenBCI GUI records: comment lines that begin with %, then a row per sample.

Version 5 and 6 name their columns and write "%OpenBCI Raw EXG Data"; versions before write
"%OpenBCI Raw EEG Data" and no names (DataWriterODF of github.com/OpenBCI/OpenBCI_GUI).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.session import Session, assemble, told_rate
from acquisition.stream import Refused, Spec
from acquisition.text_rows import Rows, columns_of, counted, lines_of, text_of

CYTON_UV = 4.5e6 / (2**23 - 1) / 24
"""One count of a Cyton at gain 24 (ADS1299 data sheet; reference of 4.5 V)."""
COUNTER = 256
"""The sample index is one byte: 255 is followed by 0."""
OLD_CHANNELS = (16, 8, 4)
"""What an old file without names may hold, before three columns of the accelerometer."""


def read_session(path: Path, head: bytes, rate_hz: float | None) -> Session | None:
    """A file of the GUI: microvolts, the accelerometer as second stream, markers as they are.

    Losses come from the sample index, which counts by two where a Daisy is on the board, and
    from the time where more than a whole turn of it is missing. Refuses a file without rows.
    """
    text = text_of(head)
    if not text.startswith("%") or "OpenBCI" not in text[:400]:
        return None
    lines = lines_of(path)
    header = [line for line in lines if line.startswith("%")]
    body = [line for line in lines if line.strip() and not line.startswith("%")]
    names = _split(body[0]) if body and body[0].lower().startswith("sample index") else []
    split = [_split(line) for line in body[bool(names) :]]
    wide = _channels(names, header, split)
    table = columns_of(split, [0, *wide], comma=_comma(body[-1:]))
    whole = np.isfinite(table).all(axis=1)
    if not whole.any():
        raise Refused(f"{path} has no row of a sample; record it again, or copy it again.")
    kept = [row for row, good in zip(split, whole, strict=True) if good]
    rows, index = table[whole][:, 1:], table[whole][:, 0].astype(np.int64)
    seconds = _seconds(kept, names)
    rate = told_rate(path, _said_hz(header), rate_hz)
    lost, again, told = _lost(index, rows, seconds, rate)
    good = ~again
    kept = [row for row, fresh in zip(kept, good, strict=True) if fresh]
    spec = Spec(rate, tuple(f"emg{i + 1}" for i in range(len(wide))), "uV", _scale(rows))
    notes = counted(int((~whole).sum()), "Rows without numbers, left out")
    notes += counted(int(again.sum()), "Rows that came twice, left out") + told
    return assemble(
        spec,
        rows[good],
        lost=lost[good],
        marks=_marks(kept, names),
        motion=_motion(kept, names, rate, lost[good]),
        wall_s=None if seconds is None else float(seconds[0]),
        notes=notes,
    )


def _split(line: str) -> list[str]:
    """Cells; in old files of some countries a comma without a space is a decimal sign."""
    return [cell.strip() for cell in line.split(", " if ", " in line else ",")]


def _comma(lines: Sequence[str]) -> bool:
    return any(", " in line and re.search(r"\d,\d", line) is not None for line in lines)


def _said_hz(header: Sequence[str]) -> float | None:
    found = re.search(r"%\s*Sample Rate\s*=\s*([\d.]+)", "\n".join(header))
    return float(found[1]) if found else None


def _channels(names: Sequence[str], header: Sequence[str], split: Sequence[list[str]]) -> list[int]:
    """The columns of the signal."""
    named = [i for i, name in enumerate(names) if name.startswith("EXG Channel")]
    if named:
        return named
    found = re.search(r"%\s*Number of channels\s*=\s*(\d+)", "\n".join(header))
    cells = len(split[0]) if split else 0
    fits = [n for n in OLD_CHANNELS if 1 + n + 3 <= cells]
    n = int(found[1]) if found else fits[0] if fits else cells - 1
    return list(range(1, n + 1))


def _seconds(kept: Sequence[list[str]], names: Sequence[str]) -> NDArray[np.float64] | None:
    """Seconds since 1970 of every row, where the file has them."""
    if "Timestamp" not in names:
        return None
    at = columns_of(kept, [list(names).index("Timestamp")])[:, 0]
    # Some versions wrote milliseconds.
    return None if not np.isfinite(at).all() else at / 1000 if at[0] > 1e11 else at


def _lost(
    index: NDArray[np.int64], rows: Rows, seconds: NDArray[np.float64] | None, rate_hz: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_], tuple[str, ...]]:
    """(samples lost before each row, rows that are the one before again, what to tell)."""
    lost, again = np.zeros(len(index), np.int64), np.zeros(len(index), np.bool_)
    ahead = np.diff(index) % COUNTER
    if not len(ahead):
        return lost, again, ()
    kinds, times = np.unique(ahead, return_counts=True)
    step = int(kinds[times.argmax()])
    if step not in (1, 2) or index.max() >= COUNTER:
        return lost, again, ("Its sample index is no byte that counts, so losses are not known.",)
    again[1:] = (ahead == 0) & (rows[1:] == rows[:-1]).all(axis=1)
    ahead[(ahead == 0) & ~again[1:]] = COUNTER
    if seconds is not None:
        # The clock is the computer's and jitters, by much less than a turn of the index.
        turn_s = COUNTER / step / rate_hz
        turns = np.rint((np.diff(seconds) - ahead / step / rate_hz) / turn_s).astype(np.int64)
        ahead = ahead + COUNTER * np.maximum(turns, 0)
    lost[1:] = np.where(again[1:], 0, np.maximum(ahead // step - 1, 0))
    odd = int((ahead % step).astype(bool).sum())
    if odd:
        return lost, again, counted(odd, "Changes of the index between odd and even")
    return lost, again, ()


def _scale(rows: Rows) -> float:
    """The board's count, where every value is a whole number of them; the file does not say."""
    counts = rows / CYTON_UV
    near = np.abs(counts - np.rint(counts)) <= 0.01 + np.abs(counts) * 1e-6
    return CYTON_UV if near.all() and rows.any() else 1.0


def _marks(kept: Sequence[list[str]], names: Sequence[str]) -> list[tuple[int, str]]:
    if "Marker Channel" not in names:
        return []
    values = columns_of(kept, [list(names).index("Marker Channel")])[:, 0]
    set_at = np.flatnonzero(np.isfinite(values) & (values != 0))
    return [(int(i), f"marker {values[i]:g}") for i in set_at]


def _motion(
    kept: Sequence[list[str]], names: Sequence[str], rate_hz: float, lost: NDArray[np.int64]
) -> Session | None:
    """The accelerometer, in every row as the GUI repeats it."""
    where = [i for i, name in enumerate(names) if name.startswith("Accel Channel")]
    if len(where) != 3:
        return None
    spec = Spec(rate_hz, ("accel_x_g", "accel_y_g", "accel_z_g"), "named")
    rows = columns_of(kept, where)
    return assemble(spec, rows, lost=lost) if np.isfinite(rows).all(axis=1).any() else None

"""Tables that Delsys programs export: EMGworks (several header styles) and Trigno Discover.

Each signal has a rate and a time column of its own, or shares one to its left; slower signals
end earlier in the file. EMGworks writes "X[s]" above times, and before the table may say
"Label: ... Sampling frequency: ..." per signal; Discover writes "EMG 1 Time Series (s)", the
sensor's name two rows above and the rate below.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.session import Session, assemble, told_rate
from acquisition.stream import Refused, Spec
from acquisition.text_rows import cells_of, columns_of, counted, lines_of, steps_of, text_of
from acquisition.uci_files import TO_UV

_TIME = re.compile(r'(?:^|[,;\t"])(?:X ?\[s\]|[^,;\t"]*Time Series \(s\))')
_UNIT = re.compile(r"(?P<name>.*?)\s*(?:\[(?P<a>[^\]]*)\]|\((?P<b>[^()]*)\))\s*$")
_LABEL = re.compile(
    r"Label: (?P<name>.+?) Sampling frequency: (?P<hz>\S+) .*?Unit: (?P<unit>\S+) Domain Unit"
)
MOTION_UNITS = {"°/s": "deg_s", "deg/s": "deg_s", "deg/sec": "deg_s", "utesla": "ut", "µt": "ut"}
"""How an export writes a unit -> how the name of a channel ends."""


@dataclass(frozen=True)
class Column:
    """One signal of an export."""

    at: int
    time_at: int
    name: str
    unit: str
    rate_hz: float | None
    """as the file says it"""

    @property
    def is_emg(self) -> bool:
        return re.search(r"\bEMG", self.name) is not None


def read_session(path: Path, head: bytes, rate_hz: float | None) -> Session | None:
    """The muscles of an export as one stream, other signals of one rate as the second.

    Refuses an export without a muscle, and muscles of different rates.
    """
    text = text_of(head)
    if not _TIME.search(text):
        return None
    lines = lines_of(path)
    top = next((i for i, line in enumerate(lines[:5000]) if _TIME.search(line)), None)
    if top is None:
        return None
    separator = max(";\t,", key=lines[top].count)
    rows = [cells_of(line, separator) for line in lines[top:]]
    above = [cells_of(line, separator) for line in lines[max(0, top - 3) : top]]
    columns = _columns(rows, above, {m["name"]: m for m in map(_LABEL.match, lines[:top]) if m})
    body = [row for row in rows[1:] if any(row) and not any(_is_heading(cell) for cell in row)]
    emg = [column for column in columns if column.is_emg]
    if not emg or not body:
        raise Refused(f"{path} has no row of a muscle; export the EMG channels too.")
    comma = separator != "," and any("," in cell for cell in body[0])
    signal = _stream(path, emg, body, comma, rate_hz)
    others = _of_one_rate([column for column in columns if not column.is_emg])
    motion = _stream(path, others, body, comma, None) if others else None
    left_out = len(columns) - len(emg) - len(others)
    notes = signal.notes
    if left_out:
        notes += (f"{left_out} signals of other rates are left out.",)
    return Session(signal.spec, signal.samples, (), signal.gaps, motion, notes=notes)


def _is_heading(cell: str) -> bool:
    """What stands between the names and the numbers: rates and periods."""
    return bool(re.fullmatch(r"\s*[\d.]+ ?(?:Hz|s)\s*", cell))


def _columns(
    rows: list[list[str]], above: list[list[str]], labels: dict[str, re.Match[str]]
) -> list[Column]:
    """The signals, each with the nearest time column to its left."""
    names, rates = rows[0], rows[1] if len(rows) > 1 else []
    # Discover: sensors two rows above, modes between.
    sensors = above[-2] if len(above) > 1 and "Time Series" in "".join(names) else []
    out, time_at, sensor = [], -1, ""
    for at, cell in enumerate(names):
        sensor = (sensors[at].strip() if at < len(sensors) else "") or sensor
        if _TIME.match(cell):
            time_at = at
        elif cell.strip() and time_at >= 0:
            found = _UNIT.match(cell)
            name = (found["name"] if found else cell).strip()
            unit = (found["a"] or found["b"] or "") if found else ""
            label = labels.get(name)
            said = re.match(r"\s*([\d.]+) ?Hz", rates[at]) if at < len(rates) else None
            hz = float(said[1]) if said else float(label["hz"]) if label else None
            full = f"{sensor} {name}".strip()
            out.append(Column(at, time_at, full, unit or (label["unit"] if label else ""), hz))
    return out


def _of_one_rate(columns: Sequence[Column]) -> list[Column]:
    """The columns of the commonest rate: one second stream has one."""
    if not columns:
        return []
    rates = Counter(column.rate_hz for column in columns)
    usual = rates.most_common(1)[0][0]
    return [column for column in columns if column.rate_hz == usual]


def _stream(
    path: Path,
    columns: Sequence[Column],
    body: list[list[str]],
    comma: bool,
    given_hz: float | None,
) -> Session:
    said = {column.rate_hz for column in columns}
    if len(said) > 1:
        raise Refused(
            f"{path} has muscles at {' and '.join(f'{hz:g}' for hz in sorted(filter(None, said)))} "
            "Hz; export those of one rate."
        )
    values = columns_of(body, [column.at for column in columns], comma)
    times = columns_of(body, [columns[0].time_at], comma)[:, 0]
    ends = [np.flatnonzero(np.isfinite(column)) for column in values.T]
    if not all(len(end) for end in ends):
        raise Refused(f"{path} has a signal without a single value; leave it out of the export.")
    n = min(int(end[-1]) for end in ends) + 1
    cut = max(int(end[-1]) for end in ends) + 1 - n
    values, times = values[:n], times[:n]
    rate, lost, stuck = _timed(path, times, columns[0].rate_hz, given_hz)
    units = [column.unit.strip() for column in columns]
    motion = not columns[0].is_emg
    spec = _spec(rate, columns, units, motion=motion)
    factors = [1.0 if motion or spec.unit == "raw" else TO_UV[unit.lower()] for unit in units]
    broken = int((~np.isfinite(values).all(axis=1)).sum())
    notes = counted(broken, "Rows without numbers, counted as lost")
    notes += counted(cut, "Rows at the end without a value of every signal, left out")
    notes += counted(stuck, "Rows whose time does not advance")
    return assemble(spec, values * np.array(factors), lost=lost, notes=notes)


def _timed(
    path: Path, times: NDArray[np.float64], said_hz: float | None, given_hz: float | None
) -> tuple[float, NDArray[np.int64], int]:
    """(rate, lost before each row, rows whose time stands still), as far as times tell."""
    lost = np.zeros(len(times), np.int64)
    known = np.isfinite(times)
    if known.sum() < 2:
        return told_rate(path, said_hz, given_hz), lost, 0
    step_s, gaps, stuck = steps_of(path, times[known])
    rows = np.flatnonzero(known)
    # Rows without a time stand in their place all the same.
    gaps[1:] = np.maximum(gaps[1:] - (np.diff(rows) - 1), 0)
    lost[known] = gaps
    return told_rate(path, said_hz or 1 / step_s, given_hz), lost, stuck


def _spec(rate_hz: float, columns: Sequence[Column], units: list[str], *, motion: bool) -> Spec:
    seen: Counter[str] = Counter()
    names = []
    for column, unit in zip(columns, units, strict=True):
        name = column.name
        if motion:
            ending = MOTION_UNITS.get(unit.lower(), unit.lower()) or "raw"
            name = f"{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}_{ending}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    known = all(unit.lower() in TO_UV for unit in units)
    return Spec(rate_hz, tuple(names), "named" if motion else "uV" if known else "raw")

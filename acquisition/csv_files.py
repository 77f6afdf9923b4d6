"""A session as comma-separated text, for people and spreadsheets."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from acquisition.recording import open_new
from acquisition.session import Session
from acquisition.stream import Refused

BLOCK = 4096
"""Rows that are written at once."""


def write_csv(path: Path, session: Session) -> list[Path]:
    """Writes a new file, and one beside it where there is motion; gives their paths.

    Columns: time_s (from the first sample, lost ones counted), one per channel with its unit,
    lost (samples missing before the row) and marker. Nine digits keep every value as it was.
    Refuses files that are there.
    """
    paths = [path]
    if session.motion is not None:
        beside = path.with_name(f"{path.stem}.motion{path.suffix}")
        if beside.exists():
            raise Refused(f"{beside} exists, and nothing is overwritten; name another.")
        paths.append(beside)
    _write(path, session)
    if session.motion is not None:
        _write(paths[1], session.motion)
    return paths


def _write(path: Path, session: Session) -> None:
    spec = session.spec
    unit = "" if spec.unit == "named" else f" [{spec.unit}]"
    head = ["time_s", *(_cell(f"{name}{unit}") for name in spec.channels), "lost", "marker"]
    marks: dict[int, list[str]] = defaultdict(list)
    for index, text in session.markers:
        marks[index].append(text)
    gaps, lost_n = dict(session.gaps), 0
    with open_new(path) as out:
        out.write((",".join(head) + "\n").encode())
        for first in range(0, len(session.samples), BLOCK):
            rows = []
            for i, values in enumerate(session.samples[first : first + BLOCK].tolist(), first):
                lost = gaps.get(i, 0)
                lost_n += lost
                at_s = session.begin_s + (i + lost_n) / spec.rate_hz
                numbers = ",".join(f"{value:.9g}" for value in values)
                rows.append(f"{at_s:.6f},{numbers},{lost},{_cell('; '.join(marks.get(i, ())))}\n")
            out.write("".join(rows).encode())


def _cell(text: str) -> str:
    """Quoted where a reader would stumble."""
    if any(c in text for c in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text

"""What tests came to, day after day: one JSON object on each line of a file of the device's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from acquisition.stream import Refused

PLOTTED = (
    "completion",
    "throughput_bit_s",
    "time_s",
    "completion_s",
    "path_efficiency",
    "overshoots_per_trial",
    "overshoots_per_posture",
)
"""Figures that are drawn over the days"""
FIELDS = ("at", "kind", "source", "artifact", "figures")


def keep(
    path: Path,
    kind: str,
    source: str,
    artifact: str,
    figures: Mapping[str, Any],
    wall_clock: Callable[[], float] = time.time,
    *,
    wearer: str = "",
) -> dict[str, Any]:
    """Adds the figures of one test. Refuses where the file cannot be written."""
    row = dict(zip(FIELDS, (wall_clock(), kind, source, artifact, dict(figures)), strict=True))
    row["wearer"] = wearer
    try:
        with path.open("ab") as file:
            file.write(json.dumps(row).encode() + b"\n")
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; free some space.") from None
    return row


def kept(path: Path) -> list[dict[str, Any]]:
    """All tests, from old to new; what a power cut tore is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and set(FIELDS) <= set(row):
            rows.append(row)
    return rows


def days(rows: list[dict[str, Any]], kind: str, wearer: str) -> list[dict[str, Any]]:
    """One row for each day on which this wearer did this test, from old to new: {"day", "tests"}
    and the mean of every figure of PLOTTED that its tests have."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["kind"] == kind and row.get("wearer", "") == wearer:
            day = time.strftime("%Y-%m-%d", time.localtime(row["at"]))
            found.setdefault(day, []).append(row["figures"])
    return [
        {"day": day, "tests": len(figures)}
        | {name: round(_mean(figures, name), 4) for name in PLOTTED if _has(figures, name)}
        for day, figures in sorted(found.items())
    ]


def _has(figures: list[Mapping[str, Any]], name: str) -> bool:
    return any(isinstance(each.get(name), (int, float)) for each in figures)


def _mean(figures: list[Mapping[str, Any]], name: str) -> float:
    return fmean(v for each in figures if isinstance(v := each.get(name), (int, float)))


def report_pdf(rows: list[dict[str, Any]]) -> bytes:
    """The tests as a document, the newest first. Refuses when there are none."""
    from fpdf import FPDF

    if not rows:
        raise Refused("There is no test to report yet: do one first.")
    page = FPDF()
    page.set_title("Flexor: tests of control")
    page.add_page()
    page.set_font("Helvetica", "B", 18)
    page.cell(0, 12, "Tests of control", new_x="LMARGIN", new_y="NEXT")
    for row in reversed(rows):
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(row["at"]))
        page.set_font("Helvetica", "B", 12)
        who = row.get("wearer", "")
        title = f"{at}   {row['kind']}   {who}   {row['source']}   {row['artifact']}"
        page.cell(0, 9, _latin(title), new_x="LMARGIN", new_y="NEXT")
        page.set_font("Helvetica", "", 10)
        for name, value in row["figures"].items():
            text = f"{value:.3f}" if isinstance(value, float) else str(value)
            page.cell(60, 6, _latin(name.replace("_", " ")))
            page.cell(0, 6, _latin(text), new_x="LMARGIN", new_y="NEXT")
        page.ln(3)
    return bytes(page.output())


def _latin(text: str) -> str:
    """As the document's own font has it; other letters become question marks."""
    return text.encode("latin-1", "replace").decode("latin-1")

"""`flexor faults`: injects every fault of the table end to end and tells how it went."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from flexor.fault_flow import loss_curve
from flexor.fault_table import FAULTS, Outcome, run_fault

LOST = 6
"""With this one goes what lost packets cost, from none to a fifth."""


def run_faults(only: str = "") -> dict[str, Any]:
    """{"rows": one per fault, "passed": how many, "ok": whether all, and what loss costs}.

    `only` is "1,7,20" or "1-19"; all of them without it. Refuses numbers that are not there.
    """
    begun_s = time.monotonic()
    numbers = numbers_of(only)
    rows = [row(number) for number in numbers]
    passed_n = sum(r["ok"] for r in rows)
    return {
        "rows": rows,
        **({"lost_packets": loss_curve()} if LOST in numbers else {}),
        "passed": f"{passed_n} of {len(rows)}",
        "ok": passed_n == len(rows),
        "seconds": round(time.monotonic() - begun_s, 1),
    }


def numbers_of(only: str) -> Sequence[int]:
    """The numbers of "1,7,20" or "1-19", all of an empty text."""
    if not only:
        return sorted(FAULTS)
    wanted: list[int] = []
    for part in only.split(","):
        first, _, last = part.partition("-")
        if not (first.strip().isdigit() and (last or first).strip().isdigit()):
            raise Refused(f'Faults are numbers, as in "1,7,20" or "1-19", not "{only}".')
        wanted += range(int(first), int(last or first) + 1)
    unknown = [number for number in wanted if number not in FAULTS]
    if unknown or not wanted:
        raise Refused(f"There is no fault {unknown or only}; they are {sorted(FAULTS)}.")
    return wanted


def row(number: int) -> dict[str, Any]:
    """One fault, by itself: whatever goes wrong in it is its own failure and no other's."""
    fault = FAULTS[number]
    try:
        outcome = run_fault(number)
    except Exception as error:
        outcome = Outcome(False, None, f"not carried out ({type(error).__name__}: {error})")
    safe_ms = outcome.time_to_safe_ms
    in_time = safe_ms is None or safe_ms <= fault.budget_ms
    return {
        "fault": number,
        "name": fault.name,
        "ok": bool(outcome.ok and in_time),
        "time_to_safe_ms": None if safe_ms is None else round(safe_ms, 1),
        "budget_ms": fault.budget_ms,
        "message": _without_places(outcome.message),
    }


def _without_places(text: str) -> str:
    """The text without the folders of this machine that it names: they tell nothing elsewhere."""
    inside = rf"{re.escape(tempfile.gettempdir())}/[\w.-]+/|{re.escape(str(Path.cwd()))}/"
    return re.sub(inside, "", text)

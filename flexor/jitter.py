"""How evenly the control loop keeps its beat while other programs want the processors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from acquisition.stream import Refused

HOG = "while True: pass"
FLEXOR = (sys.executable, "-c", "from flexor.cli import main; main()")
RUN = ("run", "--arm", "--no-view", "--source", "synthetic:armband", "--hand", "simulated")
ROUNDS = 3
"""Plain and real-time runs, in turns, so that a busy machine is busy for both."""
GOAL_MS = 1.0


def measure_jitter(seconds: float, hogs_n: int = 2) -> dict[str, Any]:
    """The live loop on the simulated arm, plain and with the real-time set-up, beside `hogs_n`
    programs that never rest.

    Jitter is how far the time from the newest sample that had come to the command is from its
    median, ms: what the machine adds, without what a window waits for its last sample. Each
    figure is the median of ROUNDS runs. Refuses less than 15 s.
    """
    if not 15.0 <= seconds <= 600.0:
        raise Refused(f"The latency is measured for 15 to 600 s each, not {seconds:g} s.")
    taken: dict[str, list[dict[str, Any]]] = {"plain": [], "real-time": []}
    with hogs(hogs_n):
        for _ in range(ROUNDS):
            for name, words in (("plain", ()), ("real-time", ("--realtime",))):
                taken[name].append(_run(seconds / ROUNDS, words))
    rows = [{"setup": name, **setup_row(reports)} for name, reports in taken.items()]
    return {
        "ok": rows[1]["jitter_p99_ms"] <= GOAL_MS,
        "hogs": hogs_n,
        "cores": len(os.sched_getaffinity(0)),
        "goal_ms": GOAL_MS,
        "rows": rows,
    }


@contextmanager
def hogs(n: int) -> Iterator[None]:
    """So many processes that never rest."""
    processes = [subprocess.Popen([sys.executable, "-c", HOG]) for _ in range(n)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _run(seconds: float, words: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(
        [*FLEXOR, *RUN, *words, "--seconds", f"{seconds:g}", "--json", "-"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise Refused(f"The control loop that was to be measured ended early: {last}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def setup_row(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The median of the runs, each figure by itself; what was counted is summed."""
    row: dict[str, Any] = {
        f"{what}_{part}_ms": median(report[f"{what}_ms"][part] for report in reports)
        for what in ("latency", "jitter")
        for part in ("p50", "p99", "max")
    }
    row["commands"] = sum(report["commands"] for report in reports)
    row["missed_deadlines"] = sum(report["missed_deadlines"] for report in reports)
    refused = {s["name"]: s["text"] for r in reports for s in r["realtime"] if not s["done"]}
    row["refused"] = "; ".join(f"{name}: {text}" for name, text in refused.items())
    return row

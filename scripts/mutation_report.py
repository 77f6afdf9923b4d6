"""What the mutation of the safety gate found, as rows: scripts/mutation calls it at its end.

scripts/mutation_report.py SESSION...            prints {"rows": [...], "survivors": [...], ...}

Survivors that change nothing that anybody could see are named in mutation_equal.json, each with the
reason; they are told apart, and the score leaves them out.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def changed(diff: str) -> list[str]:
    """The line as it was and as it is in the mutant."""
    lines = [
        line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    return [" ".join(line[1:].split()) for line in lines]


def results(session: Path) -> list[tuple[str, str, str, str]]:
    """(file, operator, outcome, diff) of each mutant; outcome "" for those not run yet."""
    with sqlite3.connect(session) as database:
        return database.execute(
            "select module_path, operator_name, coalesce(test_outcome, ''), coalesce(diff, '')"
            " from mutation_specs join work_items using (job_id)"
            " left join work_results using (job_id) where coalesce(worker_outcome, '') != 'SKIPPED'"
        ).fetchall()


def report(sessions: list[Path], equal: list[dict[str, str]]) -> dict[str, Any]:
    """One row for each file, then the survivors."""
    known = {(row["was"], row["is"]): row["reason"] for row in equal}
    counts: dict[str, Counter[str]] = {}
    survivors = []
    for path, operator, outcome, diff in (row for session in sessions for row in results(session)):
        count = counts.setdefault(path, Counter())
        if outcome == "SURVIVED":
            was, now = changed(diff)
            reason = known.get((was, now), "")
            count["equal" if reason else "survived"] += 1
            survivors.append({"file": path, "operator": operator.removeprefix("core/"), "was": was,
                              "is": now, "equal": reason})  # fmt: skip
        else:
            count[outcome.lower() or "not_run"] += 1
    counts["all"] = sum(counts.values(), Counter())
    rows = [
        {
            "file": path,
            "mutants": count.total() - count["not_run"],
            "killed": count["killed"],
            "equal": count["equal"],
            "survived": count["survived"],
            "not_run": count["not_run"],
            "score": round(count["killed"] / max(1, count["killed"] + count["survived"]), 4),
        }
        for path, count in counts.items()
    ]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    return {
        "rows": rows,
        "survivors": survivors,
        "command": "make mutation",
        "commit": commit.stdout.strip(),
    }


if __name__ == "__main__":
    named = json.loads((FOLDER / "mutation_equal.json").read_text())
    print(json.dumps(report([Path(word) for word in sys.argv[1:]], named), indent=1))

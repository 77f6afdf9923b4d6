"""Lines and branches of the firmware's core that its tests reach; fails below all of them.

scripts/firmware_coverage.py            (needs gcc with gcov; `make firmware-check` calls it)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TESTS = ("test_firmware.py", "test_firmware_same.py", "test_firmware_differential.py")


def main() -> None:
    """Builds the core so that it counts, runs its tests on it, and tells what they missed."""
    with tempfile.TemporaryDirectory() as folder:
        tests = [str(ROOT / "tests" / name) for name in TESTS]
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
            cwd=ROOT,
            env={**os.environ, "CI": "true", "FLEXOR_FIRMWARE_COVERAGE": folder},
            check=True,
        )
        rows = [measured(path) for path in counted(Path(folder))]
    missed = 0
    for name, lines, branches, where in rows:
        print(f"{name:18} lines {lines[0]}/{lines[1]}  branches {branches[0]}/{branches[1]}")
        for line in where:
            print(f"  missed: {name}:{line}")
        missed += lines[1] - lines[0] + branches[1] - branches[0]
    if missed or not rows:
        sys.exit(f"firmware_coverage: {missed} lines and branches are not reached by any test.")
    print("100 % of the lines and branches of the firmware's core.")


def counted(folder: Path) -> list[dict[str, Any]]:
    """What gcov knows of each source of the core."""
    notes = sorted(map(str, folder.glob("*.gcda")))
    words = ["gcov", "--json-format", "--stdout", "--branch-probabilities", *notes]
    done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
    files = [file for text in done.stdout.splitlines() for file in json.loads(text)["files"]]
    core = str(ROOT / "firmware" / "src")
    return [file for file in files if file["file"].startswith(core) and file["lines"]]


def measured(file: dict[str, Any]) -> tuple[str, tuple[int, int], tuple[int, int], list[int]]:
    """(name, (reached, all) lines, (reached, all) branches, lines with something missed)."""
    lines = file["lines"]
    branches = [branch["count"] for line in lines for branch in line["branches"]]
    where = [
        line["line_number"]
        for line in lines
        if not line["count"] or not all(branch["count"] for branch in line["branches"])
    ]
    reached = sum(1 for line in lines if line["count"])
    taken = sum(1 for count in branches if count)
    return Path(file["file"]).name, (reached, len(lines)), (taken, len(branches)), where


if __name__ == "__main__":
    main()

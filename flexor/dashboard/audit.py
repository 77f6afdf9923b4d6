"""The audit log: who armed, stopped or changed what, and when; one JSON object on each line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LARGEST_BYTES = 5_000_000
"""Then it is put aside once: the log never fills a card."""
TEXT_N = 300


class Audit:
    """Appends to a file of its owner's. A full disk loses lines, which are counted, never a run."""

    def __init__(self, path: Path, wall_clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.lost_n = 0
        self._clock = wall_clock

    def write(self, what: str, who: str, **more: Any) -> None:
        """One line: what was done, by which browser or key, and with what."""
        row = {"at": round(self._clock(), 3), "what": what, "who": who}
        row |= {key: str(value)[:TEXT_N] for key, value in more.items()}
        try:
            if self.path.exists() and self.path.stat().st_size > LARGEST_BYTES:
                self.path.replace(self.path.with_suffix(".old"))
            number = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(number, "ab") as file:
                file.write(json.dumps(row).encode() + b"\n")
        except OSError:
            self.lost_n += 1

    def rows(self, newest_n: int = 200) -> list[dict[str, Any]]:
        """The newest lines, oldest first; what a power cut tore is left out."""
        try:
            lines = self.path.read_bytes().splitlines()[-newest_n:]
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

"""Draws the README's pictures from a real run of the demo: the report, and the live view."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from acquisition.stream import Chunk
from flexor import report, run
from flexor.messages import CommandMessage, Kind, SamplesMessage
from flexor.view import Seen, draw, note

VIEW_AT_S = 13.0
"""Second of the demo at which the view is drawn: a gesture is held."""
WIDTH = 100


class Watcher:
    """A feed that keeps what the view would have been told."""

    process = None
    name = "picture"
    alive, missed = True, False
    dropped_n = refused_n = 0
    told: dict[str, Any] = {}  # noqa: RUF012 - a recorder would tell of itself

    def __init__(self, spec: Any) -> None:
        self.seen = Seen()
        self.began_s: float | None = None
        self.picture: Any = None
        note(Kind.SPEC, {"spec": spec.to_json()}, self.seen)

    def send(self, kind: Kind, value: Any) -> bool:
        if self.picture is None:
            note(kind, value, self.seen)
            late = kind is Kind.COMMAND and self._age(value) > VIEW_AT_S
            joints = self.seen.status.get("joints", [])
            if late and any(speed > 5 for _, _, speed in joints):
                self.picture = draw(self.seen)
        return True

    def send_chunk(self, chunk: Chunk) -> None:
        samples = chunk.samples.astype("<f4")
        self.began_s = self.began_s or chunk.clock_s
        message = SamplesMessage(chunk.clock_s, chunk.lost, *samples.shape, samples.tobytes())
        self.send(Kind.SAMPLES, message)
        for marker in chunk.markers:
            self.send_marker(chunk.clock_s, marker.text)

    def send_marker(self, clock_s: float, text: str) -> bool:
        return self.send(Kind.MARKER, {"clock_s": clock_s, "text": text})

    def poll(self) -> list[dict[str, Any]]:
        return []

    def _age(self, value: CommandMessage) -> float:
        return value.at_s - (self.began_s or value.at_s)


def main() -> None:
    """python scripts/pictures.py FOLDER"""
    folder = Path(sys.argv[1])
    watchers: list[Watcher] = []

    def watch(source: Any, *_: Any) -> list[Watcher]:
        watchers.append(Watcher(source.spec))
        return watchers

    run._feeds = watch  # type: ignore[assignment]
    figures = run.run_demo(seconds=20.0, seed=0, record=None, view=False)
    for name, title, draw_on in (
        ("view", "flexor demo", lambda console: console.print(watchers[0].picture)),
        ("demo", "make demo", lambda console: report.print_run(figures, console)),
    ):
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        draw_on(console)
        console.save_svg(str(folder / f"{name}.svg"), title=title)


if __name__ == "__main__":
    main()

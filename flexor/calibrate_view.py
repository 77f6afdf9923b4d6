"""What the wearer sees in a terminal while it is calibrated: drawn there, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flexor.calibration import Happened, Phase
from flexor.calibration_sitting import Sitting

if TYPE_CHECKING:
    from rich.console import RenderableType

DRAWN_EVERY_S = 0.1
BAR_WIDTH, PANEL_WIDTH = 50, 72
DOTS = " ▁▂▃▄▅▆▇█"


class View:
    """Lines of what happens; `live` draws in a terminal besides."""

    def __init__(self, live: Any = None) -> None:
        self._live = live
        self._drawn_s = 0.0

    def say(self, text: str) -> None:
        """One line that stays."""
        if self._live is not None:
            self._live.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def show(self, sitting: Sitting, events: Sequence[Happened]) -> None:
        """Whenever something was heard; cheap when called often."""
        for event in events:
            if event.take is not None:
                self.say(_judged(event))
            if self._live is None and event.phase is Phase.HOLD and event.task is not None:
                task = event.task
                self.say(f"{task.gesture} ({task.shape}, {task.position}) for {task.seconds:g} s")
        if self._live is not None and time.monotonic() - self._drawn_s >= DRAWN_EVERY_S:
            self._drawn_s = time.monotonic()
            self._live.update(draw(sitting), refresh=True)

    def table(self, sitting: Sitting) -> None:
        """Every gesture, how well it is told apart and what its shape is."""
        report = sitting.guide.report()
        if self._live is not None:
            self._live.update("", refresh=True)
        if report is None:
            return
        for gesture in sitting.guide.wanted.gestures:
            share = report.per_gesture.get(gesture)
            shape = "".join(DOTS[round(8 * v)] for v in report.spider.get(gesture, ()))
            right = "–" if share is None else f"{100 * share:.0f} %"
            wrong = ", ".join(f"{100 * s:.0f} % {b}" for a, b, s in report.confused if a == gesture)
            self.say(
                f"  {gesture:20} {right:>6}  |{shape}|  {'taken for ' + wrong if wrong else ''}"
            )
        if report.nearest is not None:
            one, other, apart = report.nearest
            self.say(f"  hardest to tell apart: {one} and {other} ({apart:g} deviations)")

    def result(self, sitting: Sitting) -> None:
        """What the fit came to."""
        fitted = sitting.fitted
        if fitted is None:
            return
        share = "–" if fitted.accuracy is None else f"{100 * fitted.accuracy:.1f} %"
        self.say(f"fitted in {fitted.seconds:.2f} s; right on the last repetition: {share}")


@contextmanager
def viewer(sitting: Sitting) -> Iterator[View]:
    """A view of this calibration for as long as it lasts."""
    if not sys.stderr.isatty():
        yield View()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield View(live)


def draw(sitting: Sitting) -> RenderableType:
    """The panel: what is asked for, the target, how long still, and how far it is."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    guide, task = sitting.guide, sitting.guide.task
    if task is None:
        return Panel(Text(guide.phase.value), width=PANEL_WIDTH)
    holds = guide.phase is Phase.HOLD
    whole_s = max(1e-9, (guide.end_n - guide.begin_n) / guide.spec.rate_hz)
    rows: list[RenderableType] = [
        Text(task.gesture.upper() if holds else f"rest, then: {task.gesture}", _style(holds)),
        Text(f"{task.shape}, arm {task.position}, repetition {task.repetition}", "dim"),
        ProgressBar(whole_s, guide.phase_s, BAR_WIDTH, complete_style="green" if holds else "cyan"),
        Text(f"{guide.left_s:4.1f} s"),
    ]
    if holds and task.shape != "hold":
        rows.insert(2, ProgressBar(1.0, guide.target, BAR_WIDTH, complete_style="magenta"))
    rows.append(Text(f"{guide.done_n} of {guide.all_n} contractions   Ctrl-C breaks off", "dim"))
    return Panel(Group(*rows), title="calibration", width=PANEL_WIDTH, padding=(1, 3))


def _style(holds: bool) -> str:
    return "bold green" if holds else "bold cyan"


def _judged(event: Happened) -> str:
    if event.take is None:
        return ""
    task, verdict = event.take.task, event.take.verdict
    head = f"  {task.gesture} {task.repetition}: {verdict}"
    reaction = verdict.reaction_s
    return head if reaction is None else f"{head}   ({reaction:.2f} s, {verdict.ratio:g} x rest)"

"""What the wearer sees in a terminal while it is calibrated: drawn there, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.stream import Samples
from flexor.calibration import Happened, Phase
from flexor.calibration_effort import EFFORT_SPAN_S, MOST, effort_now
from flexor.calibration_sitting import Sitting

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

DRAWN_EVERY_S = 0.1
BAR_WIDTH, PANEL_WIDTH = 50, 74
DOTS = " ▁▂▃▄▅▆▇█"


class View:
    """Lines of what happens; `live` draws in a terminal besides."""

    def __init__(self, live: Any = None) -> None:
        self._live = live
        self._drawn_s = 0.0
        self._newest: deque[Samples] = deque()
        self._held_n = 0

    def say(self, text: str) -> None:
        """One line that stays."""
        if self._live is not None:
            self._live.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def show(self, sitting: Sitting, events: Sequence[Happened], samples: Samples) -> None:
        """Whenever something was heard; cheap when called often."""
        self._keep(samples, round(EFFORT_SPAN_S * sitting.guide.spec.rate_hz))
        for event in events:
            if event.take is not None:
                self.say(_judged(event) + _apart(sitting, event))
            if self._live is None and event.phase is Phase.HOLD and event.task is not None:
                task = event.task
                self.say(f"{task.gesture} ({task.shape}, {task.position}) for {task.seconds:g} s")
        if self._live is not None and time.monotonic() - self._drawn_s >= DRAWN_EVERY_S:
            self._drawn_s = time.monotonic()
            newest = np.concatenate(self._newest)
            self._live.update(draw(sitting, effort_now(sitting.guide, newest)), refresh=True)

    def _keep(self, samples: Samples, most_n: int) -> None:
        """The newest samples, as many as the bar of the effort needs."""
        self._newest.append(samples)
        self._held_n += len(samples)
        while self._held_n - len(self._newest[0]) >= most_n:
            self._held_n -= len(self._newest.popleft())

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


def draw(sitting: Sitting, effort: float | None = None) -> RenderableType:
    """The panel: what is asked for, the target, the effort, how long still, and how far it is."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    guide, task = sitting.guide, sitting.guide.task
    if task is None:
        return Panel(Text(guide.phase.value), width=PANEL_WIDTH)
    holds = guide.phase is Phase.HOLD
    whole_s = max(1e-9, (guide.end_n - guide.begin_n) / guide.spec.rate_hz)
    gone = "━" * round(BAR_WIDTH * min(1.0, guide.phase_s / whole_s))
    rows: list[RenderableType] = [
        Text(task.gesture.upper() if holds else f"rest, then: {task.gesture}", _style(holds)),
        Text(f"{task.shape}, arm {task.position}, repetition {task.repetition}", "dim"),
        Text.assemble((f"{gone:{BAR_WIDTH}}", _style(holds)), f"  {guide.left_s:4.1f} s"),
        _effort(guide.target if holds else 0.0, effort),
        Text(f"{guide.done_n} of {guide.all_n} contractions   Ctrl-C breaks off", "dim"),
    ]
    return Panel(Group(*rows), title="calibration", width=PANEL_WIDTH, padding=(1, 3))


def _effort(target: float, effort: float | None) -> Text:
    """How firmly the wearer contracts, with a mark where it should be."""
    from rich.text import Text

    full = round(BAR_WIDTH / MOST)  # a comfortable contraction
    row = list("█" * round(full * (effort or 0.0)) + "·" * BAR_WIDTH)[:BAR_WIDTH]
    at = min(BAR_WIDTH - 1, round(full * target))
    text = Text("".join(row), "blue")
    if target > 0.0:
        text = Text.assemble(("".join(row[:at]), "blue"), ("┃", "bold green"),
                             ("".join(row[at + 1 :]), "blue"))  # fmt: skip
    return text.append("  effort" if effort is not None else "  effort?", "dim")


def _apart(sitting: Sitting, event: Happened) -> str:
    """How well this gesture is told apart by now, where there is something to tell it from."""
    report = sitting.guide.report()
    if report is None or event.take is None:
        return ""
    gesture = event.take.task.gesture
    share = report.per_gesture.get(gesture)
    shape = "".join(DOTS[round(8 * v)] for v in report.spider.get(gesture, ()))
    wrong = ", ".join(b for a, b, _ in report.confused if a == gesture)
    told = "" if share is None else f"   {100 * share:.0f} % right"
    return f"   |{shape}|{told}" + (f", taken for {wrong}" if wrong else "")


def _style(holds: bool) -> str:
    return "bold green" if holds else "bold cyan"


def _judged(event: Happened) -> str:
    if event.take is None:
        return ""
    task, verdict = event.take.task, event.take.verdict
    head = f"  {task.gesture} {task.repetition}: {verdict}"
    reaction = verdict.reaction_s
    return head if reaction is None else f"{head}   ({reaction:.2f} s, {verdict.ratio:g} x rest)"

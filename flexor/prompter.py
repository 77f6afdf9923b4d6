"""What a wearer sees while a recording runs: drawn in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flexor.protocol import Plan, Step

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.panel import Panel

DRAWN_EVERY_S = 0.1
GET_READY = "get ready"
BAR_WIDTH, PANEL_WIDTH = 50, 72


@dataclass(frozen=True)
class Progress:
    """How far a recording is."""

    at_s: float
    """of signal, lost samples counted"""
    samples: int
    lost: int


Show = Callable[[Progress], None]


@contextmanager
def prompter(plan: Plan, title: str) -> Iterator[Show]:
    """A function to call whenever there is progress, from one thread; cheap when called often."""
    if not sys.stderr.isatty():
        yield lines(plan, lambda line: print(line, file=sys.stderr, flush=True))
        return
    from rich.console import Console
    from rich.live import Live

    drawn_s = 0.0
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:

        def show(progress: Progress) -> None:
            nonlocal drawn_s
            if time.monotonic() - drawn_s >= DRAWN_EVERY_S:
                drawn_s = time.monotonic()
                live.update(draw(plan, progress, title), refresh=True)

        yield show


def lines(plan: Plan, tell: Callable[[str], None]) -> Show:
    """One line per step, when it begins."""
    told_n = 0

    def show(progress: Progress) -> None:
        nonlocal told_n
        begins = plan.begins_s
        while told_n < len(plan.steps) and progress.at_s >= begins[told_n]:
            tell(f"{time.strftime('%H:%M:%S')}  {_line(plan.steps[told_n])}")
            told_n += 1

    return show


def _line(step: Step) -> str:
    times = f" ({step.repetition} of {step.repetitions})" if step.repetitions > 1 else ""
    text = f": {step.text}" if step.text else ""
    return f"{step.label or GET_READY} for {step.seconds:g} s{times}{text}"


def draw(plan: Plan, progress: Progress, title: str) -> Panel:
    """The panel: what is asked for, how long still, what comes next, and what was kept."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    rows: list[RenderableType] = []
    begins = plan.begins_s
    i = bisect_right(begins, progress.at_s) - 1
    if 0 <= i < len(plan.steps):
        step = plan.steps[i]
        left_s = begins[i + 1] - progress.at_s
        style = "bold yellow" if not step.label else "cyan" if step.rests else "bold green"
        rows.append(Text((step.label or GET_READY).upper(), style))
        rows.append(Text(step.text, "italic"))
        countdown = Table.grid(padding=(0, 1))
        bar = ProgressBar(step.seconds, step.seconds - left_s, BAR_WIDTH, complete_style="green")
        countdown.add_row(bar, f"{left_s:4.1f} s")
        rows.append(countdown)
        following = plan.steps[i + 1].label if i + 1 < len(plan.steps) else "the end"
        times = f"repetition {step.repetition} of {step.repetitions}, " if step.repetitions else ""
        rows.append(Text(f"{times}next: {following}"))
    whole = f" of {begins[-1]:g}" if plan.steps else ""
    kept = f"{progress.at_s:.1f}{whole} s   {progress.samples} samples   "
    lost = Text(f"{progress.lost} lost", "bold red" if progress.lost else "dim")
    rows.append(Text(kept, "dim") + lost + Text("   Ctrl-C ends", "dim"))
    heading = f"{plan.name}  {title}" if plan.name else title
    return Panel(Group(*rows), title=heading, width=PANEL_WIDTH, padding=(1, 3))

"""A test of control in a terminal, on the run beside it: for a device reached over SSH."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from acquisition.stream import DeviceLost, Refused
from flexor.dashboard.hub import Hub
from flexor.exam_wearer import ExamWearer
from flexor.examination import Axes, Examination, examine
from flexor.fitts import Ring
from flexor.messages import Kind
from models.intent import Intent

USUAL: Axes = (("wrist_flexion", "wrist_extension"), ("hand_open", "hand_close"))
WIDTH, HEIGHT = 61, 25
"""Letters; a letter is about twice as high as it is wide."""
MARKS = {"o": "cyan", "@": "bold green", "█": "bold yellow", "·": "dim"}
"""Of the ring: the target, the target that is kept, the cursor, the others -> style"""
TURN_S = 0.05
WAIT_S = 3.0


def examine_live(
    kind: str,
    axes: Axes = USUAL,
    *,
    targets_n: int = Ring.targets_n,
    simulated: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Does a test on the newest run; gives its figures.

    targets_n: of the ring. simulated: the run's own virtual wearer does it, in its samples' time.
    Refuses when no run that decides is there. Raises DeviceLost when the run ends meanwhile.
    """
    hub = Hub()
    try:
        _join(hub, clock, sleep)
        intents: list[Intent] = []
        hub.listeners.append(lambda kind, value: _hear(kind, value, intents))
        if simulated and not hub.source.startswith("synthetic"):
            raise Refused(f'Who wears "{hub.source}" does the test: leave --simulated out.')
        labels, rest = hub.about["labels"], hub.about["rest"]
        now_s = hub.clock_s if simulated else clock()
        test = examine(kind, axes, labels, rest, now_s, targets_n)
        wearer = ExamWearer(test, hub) if simulated else None
        with Live(draw(test, now_s), auto_refresh=False, transient=True) as live:
            while not test.done:
                hub.poll()
                if not hub.alive:
                    raise DeviceLost("The run ended before the test did: begin both again.")
                if wearer is None:
                    test.turn(intents, clock())
                else:
                    wearer.turn(intents)
                intents.clear()
                live.update(draw(test, test.now_s), refresh=True)
                sleep(TURN_S)
        return {"test": kind, "source": hub.source, **test.figures()}
    finally:
        hub.leave()


def draw(test: Examination, now_s: float) -> RenderableType:
    """The whole picture."""
    picture = test.picture(now_s)
    head = f"{picture['left']} left" + (
        f", begins in {picture['wait_s']:.0f} s" if picture["wait_s"] > 0 else ""
    )
    ends = [end for axis in test.axes for end in axis] if test.kind != "motion" else []
    how = "   ".join(f"{mark} {end}" for mark, end in zip("→←↑↓", ends, strict=False))
    return Group(Text(head, "bold"), Text(how, "dim"), PICTURES[test.kind](picture))


def _ring(picture: dict[str, Any]) -> Text:
    """The ring: targets as o, the one to reach as @, the cursor as +."""
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]

    def put(at: Sequence[float], radius: float, mark: str) -> None:
        for y in range(HEIGHT):
            for x in range(WIDTH):
                dx = 2 * x / (WIDTH - 1) - 1 - at[0]
                dy = 1 - 2 * y / (HEIGHT - 1) - at[1]
                if dx * dx + dy * dy <= radius * radius:
                    rows[y][x] = mark

    for target in picture["targets"]:
        put(target, picture["width"] / 4, "·")
    if picture["target"] is not None:
        put(picture["target"], picture["width"] / 2, "@" if picture["dwell"] else "o")
    put(picture["at"], 0.05, "█")
    text = Text("\n".join("".join(row) for row in rows))
    for mark, style in MARKS.items():
        text.highlight_regex(f"{mark}+", style)
    return text


def _posture(picture: dict[str, Any]) -> Text:
    """One line for each degree of freedom: where it is to be, and where it stands."""
    text = Text()
    for k, at in enumerate(picture["at_deg"]):
        row = ["─"] * WIDTH
        if picture["target_deg"] is not None:
            for off in (-picture["tolerance_deg"], 0.0, picture["tolerance_deg"]):
                row[_column(picture["target_deg"][k] + off, picture["range_deg"])] = "░"
        row[_column(at, picture["range_deg"])] = "█"
        text.append("".join(row) + f"  {at:+.0f}°\n\n")
    return text


def _asked(picture: dict[str, Any]) -> Text:
    """The gesture to make, and how much of it was understood."""
    asked = (picture["asked"] or "").replace("_", " ") if picture["moving"] else "rest"
    bar = "█" * round(30 * picture["right"])
    return Text.assemble((f"\n   {asked}\n\n", "bold"), (f"   {bar:<30}", "green"))


def _column(deg: float, range_deg: float) -> int:
    return round(max(0.0, min(1.0, (deg + range_deg) / (2 * range_deg))) * (WIDTH - 1))


PICTURES: dict[str, Callable[[dict[str, Any]], Text]] = {
    "fitts": _ring,
    "tac": _posture,
    "motion": _asked,
}
"""kind of test -> its picture"""


def _hear(kind: Kind, value: Any, intents: list[Intent]) -> None:
    if kind is Kind.INTENT:
        intents.append(value.intent)


def _join(hub: Hub, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    until_s = clock() + WAIT_S
    while "labels" not in hub.about:
        if hub.attach():
            hub.poll()
        elif clock() > until_s - WAIT_S + 0.5:
            break
        if clock() > until_s:
            break
        sleep(TURN_S)
    if "labels" not in hub.about:
        raise Refused(
            "No run that decides is there: start flexor run in another terminal, then come back."
        )

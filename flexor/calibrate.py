"""The calibration in a terminal: the same prompts, verdicts and fit as on the page."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquisition.sources import open_source
from acquisition.stream import Chunk, DeviceLost, Refused, Source
from flexor.calibrate_view import View, viewer
from flexor.calibration import Phase, again
from flexor.calibration_fit import Report
from flexor.calibration_follow import followed
from flexor.calibration_plan import Wanted
from flexor.calibration_sitting import (
    EFFORT,
    Sitting,
    discard,
    do,
    finish,
    hear,
    keep_it,
    leave,
    mark,
    sit,
)
from flexor.reader import Reader, room_for
from models.artifact import open_artifact

INBOX_S = 10.0
POLL_S = 0.05
FRESH_S = 0.3
"""Older samples waited while a question was asked: they are of no contraction."""
TRIAL_SETTLE_S = 1.0
"""From a prompt of the trial until decisions count: reaction, rise and window."""
Ask = Callable[[str], str]


@dataclass(frozen=True)
class Choices:
    """What the command line chose, besides the calibration itself."""

    base: Path | None = None
    """an artifact whose head is fitted, where it has one for these gestures"""
    keep: bool | None = None
    """None asks, in a terminal, and keeps elsewhere"""
    trial_s: float = 2.5
    """of each gesture, to try the fit at once; 0 leaves it out"""
    continues: Path | None = None
    fast: bool = False
    """a simulated wearer in no time"""
    user: int = 0
    seed: int = 0


def run_calibrate(
    source_word: str, profile: Path, wanted: Wanted, choices: Choices, ask: Ask | None = None
) -> dict[str, Any]:
    """Calibrates, tries, and keeps or discards; gives the report.

    ask: answers a question, None where there is nobody to ask. Recording and artifact lie beside
    the profile. Refuses --fast, --user and --seed for what is not simulated.
    """
    source, perform = wearer(source_word, choices)
    base = open_artifact(choices.base) if choices.base else None
    sitting = sit(
        wanted,
        source.spec,
        source_word,
        profile.parent,
        base=base,
        perform=perform,
        continues=choices.continues,
    )
    tried: dict[str, Any] = {}
    kept = False
    try:
        with viewer(sitting) as view, closing(stream(source, choices.fast)) as chunks:
            clock = (lambda: -math.inf) if choices.fast else time.monotonic
            guided(sitting, chunks, view, ask, clock)
            finish(sitting)
            view.result(sitting)
            if choices.trial_s > 0:
                tried = trial(sitting, chunks, view, choices.trial_s)
        kept = decided(choices, ask)
        if kept:
            keep_it(sitting, profile)
        report = told(sitting, profile, tried, kept)
        if not kept:
            discard(sitting)
    except KeyboardInterrupt:
        where = sitting.recording
        raise Refused(f"Broken off; --continue {where} goes on from what was made.") from None
    finally:
        leave(sitting)
    return report


def wearer(word: str, choices: Choices) -> tuple[Source, Callable[[str, float], None] | None]:
    """(the source, what lets a simulated wearer do what is asked for)."""
    if word.partition(":")[0] != "synthetic":
        if choices.fast or choices.user or choices.seed:
            raise Refused(f'--fast, --user and --seed are for simulated muscles, not for "{word}".')
        return open_source(word), None
    from acquisition.simulator.will import Will
    from acquisition.synthetic import Synthetic

    options = {"user": choices.user, "seed": choices.seed, "fast": choices.fast}
    source = open_source(word, script=Will(), **options)
    return source, source.perform if isinstance(source, Synthetic) else None


def stream(source: Source, fast: bool) -> Generator[Chunk, None, None]:
    """What the source gives; raises DeviceError where it is lost."""
    if fast:  # no thread: the wearer must not run ahead of what it is asked for
        source.start()
        try:
            while (chunk := source.read(1.0)) is not None:
                yield chunk
        finally:
            source.stop()
        return
    inbox = room_for(source, INBOX_S)
    with Reader(source, inbox):
        while not inbox.ended:
            yield from inbox.take(POLL_S)
    if inbox.error is not None:
        raise inbox.error


def guided(
    sitting: Sitting,
    chunks: Iterator[Chunk],
    view: View,
    ask: Ask | None,
    clock: Callable[[], float],
) -> None:
    """Every contraction, and those again that the wearer wants to repeat."""
    while True:
        while sitting.guide.phase is not Phase.DONE:
            chunk = _next(chunks)
            view.show(sitting, hear(sitting, chunk), chunk.samples)
        view.table(sitting)
        if ask is None:
            return
        gesture = ask("Enter fits; the name of a gesture repeats it: ").strip()
        catch_up(sitting, chunks, clock)
        if not gesture:
            return
        if not again(sitting.guide, gesture):
            view.say(f'There is no "{gesture}" in {", ".join(sitting.guide.wanted.gestures)}.')


def catch_up(sitting: Sitting, chunks: Iterator[Chunk], clock: Callable[[], float]) -> None:
    """Hears what waited, so that the next contraction is judged by samples of its own time."""
    left_n = INBOX_S * sitting.guide.spec.rate_hz
    while left_n > 0:
        chunk = _next(chunks)
        hear(sitting, chunk)
        left_n -= len(chunk.samples) + chunk.lost
        if clock() - chunk.clock_s < FRESH_S:
            return


def trial(sitting: Sitting, chunks: Iterator[Chunk], view: View, seconds: float) -> dict[str, Any]:
    """Each gesture once, live: what was decided. The figures count what came after the wearer had
    a second to get there."""
    rate_hz = sitting.guide.spec.rate_hz
    right: dict[str, list[bool]] = {}
    for label in (*sitting.guide.labels, sitting.guide.wanted.rest):
        view.say(f"now: {label}")
        do(sitting, label, 0.0 if label == sitting.guide.wanted.rest else EFFORT)
        heard_n, newest = 0.0, -1
        while heard_n < seconds * rate_hz:
            chunk = _next(chunks)
            if heard_n == 0.0:
                mark(sitting, chunk.clock_s, label)
            heard_n += len(chunk.samples) + chunk.lost
            hear(sitting, chunk)
            intent = sitting.intent
            if intent is None or intent.decision_n == newest:
                continue
            newest = intent.decision_n
            if heard_n >= TRIAL_SETTLE_S * rate_hz:
                right.setdefault(label, []).append(intent.gesture == label)
    shares = {label: round(sum(rows) / len(rows), 4) for label, rows in right.items() if rows}
    mean = sum(shares.values()) / len(shares) if shares else None
    return {
        "decisions": sum(map(len, right.values())),
        "accuracy": None if mean is None else round(mean, 4),
        "per_gesture": shares,
    }


def decided(choices: Choices, ask: Ask | None) -> bool:
    """Whether the calibration is kept."""
    if choices.keep is not None or ask is None:
        return choices.keep is not False
    return ask("Keep this calibration? [Y/n] ").strip().lower() not in ("n", "no")


def told(sitting: Sitting, profile: Path, tried: dict[str, Any], kept: bool) -> dict[str, Any]:
    """The report, JSON-ready."""
    guide, fitted = sitting.guide, sitting.fitted
    if fitted is None:
        raise Refused("There is nothing to tell of: nothing was fitted.")
    report = guide.report()
    return {
        "kept": kept,
        "profile": str(profile) if kept else "",
        "artifact": str(sitting.path) if kept else "",
        "recording": str(sitting.recording),
        "source": sitting.source,
        "way": fitted.way,
        "signal_s": round(guide.at_n / guide.spec.rate_hz, 1),
        "fit_s": round(fitted.seconds, 4),
        "held_out_accuracy": fitted.accuracy,
        "held_out_windows": fitted.accuracy_n,
        "trial": tried,
        "separability": None if report is None else separability(report),
        "levels": {g: {"low": low, "high": high} for g, (low, high) in fitted.levels.items()},
        "weak": fitted.weak,
        "follows": followed(guide),
        "restarts": guide.restarts,
        "rows": rows(sitting),
    }


def separability(report: Report) -> dict[str, Any]:
    """How well the gestures are told apart, JSON-ready."""
    return {
        "accuracy": report.accuracy,
        "per_gesture": report.per_gesture,
        "confused": [list(row) for row in report.confused],
        "nearest": list(report.nearest) if report.nearest else None,
        "positions": {
            position: {"right": right, "worst": list(worst) if worst else None}
            for position, (right, worst) in report.positions.items()
        },
        "spider": {g: list(shape) for g, shape in report.spider.items()},
    }


def rows(sitting: Sitting) -> list[dict[str, Any]]:
    """One row for each contraction."""
    return [
        {
            "gesture": take.task.gesture,
            "shape": take.task.shape,
            "position": take.task.position,
            "repetition": take.task.repetition,
            "tries": take.task.retry + 1,
            "reason": take.verdict.reason,
            "said": str(take.verdict),
            "reaction_s": take.verdict.reaction_s,
            "ratio": take.verdict.ratio,
        }
        for take in sitting.guide.takes.values()
    ]


def _next(chunks: Iterator[Chunk]) -> Chunk:
    for chunk in chunks:
        return chunk
    raise DeviceLost("The source ended before the calibration did; what was made is recorded.")

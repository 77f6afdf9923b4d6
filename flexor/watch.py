"""Streams a source without deciding anything: for looking at electrodes and for calibration."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from acquisition.stream import Chunk, Source
from flexor.door import GUEST, Door
from flexor.feed import Feed, spawn
from flexor.messages import Kind
from flexor.perform import performed, told_source
from flexor.reader import Reader, room_for
from flexor.session_recording import progress, recording, wished
from flexor.tally import device_report, sensor_battery
from preprocessing.quality import MENDS, Finding, Quality

POLL_S = 0.01
STATUS_S = 0.1
INBOX_S = 1.0
CLOSE_S = 2.0
"""A view has so long to give the terminal back."""


@dataclass
class Watch:
    """Everything that one run without a hand holds."""

    quality: Quality
    source: Source
    door: Door | None = None
    feeds: list[Feed] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    state: Any = None
    findings: Sequence[Finding] = ()
    samples: int = 0
    lost: int = 0
    status_s: float = 0.0
    stopping: bool = False
    ignored_n: int = 0
    """words of guests that this source cannot follow"""
    error: str | None = None
    """why the source ended before its time"""


def run_watch(
    source_word: str, line_hz: float, seconds: float | None, *, view: bool = False
) -> dict[str, Any]:
    """Opens the source and a door to it, and streams until it ends, the time is over, a guest
    asks for the end, or Ctrl-C.

    A virtual wearer does what guests tell it: {"perform": {"gesture": ..., "effort": 0..1}}.
    view: draws the electrodes, where there is a terminal.
    """
    source = told_source(source_word)
    drawn = view and sys.stdout.isatty()
    feeds = [spawn("flexor.view", source.spec, source_word, keyboard=True)] if drawn else []
    with closing(Door(source.spec, source_word)) as door:
        watching = Watch(Quality(line_hz=line_hz), source, door, feeds)
        with suppress(KeyboardInterrupt):
            watch(watching, seconds)
    return {
        "source": source_word,
        "samples": watching.samples,
        "lost_samples": watching.lost,
        "ignored_words": watching.ignored_n,
        "error": watching.error,
        **device_report(source),
    }


def watch(watching: Watch, seconds: float | None = None) -> None:
    """Feeds guests until the source ends, the time is over or it is asked to stop."""
    inbox = room_for(watching.source, INBOX_S)
    watching.state = watching.quality.start(watching.source.spec)
    until_s = None if seconds is None else watching.clock() + seconds
    with Reader(watching.source, inbox):
        while not (watching.stopping or inbox.ended):
            if until_s is not None and watching.clock() >= until_s:
                break
            turn(watching, inbox.take(POLL_S))
    for feed in watching.feeds:
        feed.close(0.0 if feed.process is None else CLOSE_S)
    watching.error = None if inbox.error is None else str(inbox.error)


def turn(watching: Watch, chunks: Sequence[Chunk]) -> None:
    """What came in is looked at and told."""
    for chunk in chunks:
        watching.samples += len(chunk.samples)
        watching.lost += chunk.lost
        watching.findings, watching.state = watching.quality.step(chunk.samples, watching.state)
        for feed in watching.feeds:
            feed.send_chunk(chunk)
    for feed in watching.feeds:
        for word in feed.poll():
            _heed_recording(watching, feed, word)
            watching.stopping = watching.stopping or word.get("key") == "quit"
            if "perform" in word:
                watching.ignored_n += not performed(watching.source, word["perform"], hurry=True)
    now_s = watching.clock()
    if now_s - watching.status_s >= STATUS_S:
        watching.status_s = now_s
        _welcome(watching)
        status = describe(watching)
        for feed in watching.feeds:
            feed.send(Kind.STATUS, status)


def describe(watching: Watch) -> dict[str, Any]:
    """The state of things, for a page; as flexor.tell has it, as far as there is any."""
    return {
        "clock_s": watching.clock(),
        "state": "watching",
        "cause": "No hand is connected.",
        "joints": [],
        "findings": [
            {"channel": f.channel, "kind": f.kind, "fault": f.fault, "mend": MENDS[f.kind]}
            for f in watching.findings
        ],
        "latency_ms": None,
        "counts": {
            "samples": watching.samples,
            "lost samples": watching.lost,
            "ignored words": watching.ignored_n,
        },
        "battery": {"sensor": sensor_battery(watching.source), "hand": None},
        "recording": recording(watching.feeds),
        "event": "",
    }


def _heed_recording(watching: Watch, feed: Feed, word: dict[str, Any]) -> None:
    progress(feed, word)
    told = wished(watching.feeds, feed, word, watching.stopping)
    if told is not None:
        for other in watching.feeds:
            other.send_marker(watching.clock(), f"{told.kind}: {told.text}")


def _welcome(watching: Watch) -> None:
    stay = [feed for feed in watching.feeds if feed.alive]
    came = watching.door.enter([f for f in stay if f.name == GUEST]) if watching.door else None
    if came is not None:
        came.send(Kind.STATUS, {"about": {"line_hz": watching.quality.line_hz}})
        stay.append(came)
    for feed in watching.feeds:
        if not feed.alive:
            feed.close(0.0)
    watching.feeds = stay

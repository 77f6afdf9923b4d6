"""The live terminal view: a process of its own that draws what the control loop tells it.

It may be slow or dead without the hand noticing. Keys go back (flexor.view_keys): a held arms, d
disarms, e, space or Esc is the emergency stop, c held clears it, q ends.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from acquisition.stream import Refused
from flexor.door import runs, visit
from flexor.feed import say
from flexor.messages import MESSAGE_MAX, Kind, unpack
from flexor.view_keys import Pressing, keys, word_of

FRAMES_PER_S = 10
KEY_S = 0.1
"""How often the end is looked for while no key comes"""
BAR, WAVE = 20, 12
STRIP_N, EVENTS_N = 22, 4
"""Decisions in the strip, and sentences below, the newest of each."""
STATE_STYLE = {"armed": "bold green", "disarmed": "yellow", "hold": "yellow", "watching": "cyan"}
COLOURS = ("cyan", "magenta", "green", "blue", "yellow", "bright_red", "white")
KEYS_LINE = "hold a: arm · d disarm · space or Esc: EMERGENCY STOP · hold c: clear · q end"
WATCH_LINE = "q end"


@dataclass
class Seen:
    """The last that was heard of everything."""

    channels: list[str] = field(default_factory=list)
    full_scale: float = 1.0
    unit: str = ""
    levels: list[float] = field(default_factory=list)
    intent: Any = None
    command: Any = None
    prompt: str = ""
    status: dict[str, Any] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    rest: str = "rest"
    decisions: deque[tuple[str, bool]] = field(default_factory=lambda: deque(maxlen=STRIP_N))
    """(gesture, whether it was rejected), from old to new"""
    events: deque[str] = field(default_factory=lambda: deque(maxlen=EVENTS_N))
    pressing: Pressing = field(default_factory=Pressing)


def main() -> None:
    """The process: sys.argv has its socket."""
    with socket.socket(fileno=int(sys.argv[1])) as sock, keys() as key:
        show(sock, key)


def look_in() -> None:
    """Shows the newest run, whoever began it, until it ends or q is pressed; the run goes on.

    Refuses when there is none.
    """
    for path in runs():
        try:
            sock = visit(path)
        except OSError:
            continue
        with sock, keys() as key:
            show(sock, key, quits=False)
        return
    raise Refused("No run is there to look at: begin one with flexor run, watch or the service.")


def show(sock: socket.socket, key: Callable[[float], str], *, quits: bool = True) -> None:
    """Draws until the feed ends. Keys have a thread of their own: a picture takes 25 ms, and an
    emergency stop does not wait for one.

    quits: whether q ends the run; else it ends the view alone.
    """
    seen, done = Seen(), threading.Event()
    sock.setblocking(False)
    sys.setswitchinterval(0.0005)

    def press() -> None:
        pass_keys(sock, key, done, seen.pressing, quits)

    pressing = threading.Thread(target=press, daemon=True)
    pressing.start()
    with Live(draw(seen), auto_refresh=False, transient=True) as live:
        while hear(sock, seen) and not done.is_set():
            live.update(draw(seen), refresh=True)
            time.sleep(1 / FRAMES_PER_S)
    done.set()
    pressing.join()


def pass_keys(
    sock: socket.socket,
    key: Callable[[float], str],
    done: threading.Event,
    pressing: Pressing,
    quits: bool,
) -> None:
    """Tells the control loop of keys as they are pressed."""
    while not done.is_set():
        word = word_of(pressing, key(KEY_S), time.monotonic())
        if word == "quit" and not quits:
            done.set()
        elif word:
            say(sock, {"key": word})


def hear(sock: socket.socket, seen: Seen) -> bool:
    """Takes in all messages that wait; False when there will be no more."""
    while True:
        try:
            message = sock.recv(MESSAGE_MAX)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not message:
            return False
        kind, value = unpack(message)
        if kind is Kind.END:
            return False
        note(kind, value, seen)


def note(kind: Kind, value: Any, seen: Seen) -> None:
    """One message more."""
    if kind is Kind.SPEC:
        spec = value["spec"]
        seen.channels, seen.unit = spec["channels"], spec["unit"]
        seen.full_scale = spec["full_scale"] or 0.0
        seen.levels = [0.0] * len(seen.channels)
    elif kind is Kind.SAMPLES:
        numbers = struct.unpack(f"<{len(value.data) // 4}f", value.data)
        n = value.channels_n
        for i in range(n):
            power = sum([v * v for v in numbers[i::n]]) / max(1, value.samples_n)
            # Falls to a third in about 0.1 s of 10 ms chunks: the eye sees no flicker.
            seen.levels[i] = (0.9 * seen.levels[i] ** 2 + 0.1 * power) ** 0.5
    elif kind is Kind.INTENT:
        seen.intent = value.intent
        seen.decisions.append((value.intent.gesture, value.intent.rejected))
    elif kind is Kind.COMMAND:
        seen.command = value.command
    elif kind is Kind.MARKER and ": " in value["text"]:  # the loop's own words; prompts have none
        seen.events.append(value["text"])
    elif kind is Kind.MARKER:
        seen.prompt = value["text"]
    elif kind is Kind.STATUS and "about" in value:
        seen.labels = value["about"].get("labels", [])
        seen.rest = value["about"].get("rest", seen.rest)
    elif kind is Kind.STATUS:
        seen.status = value


def draw(seen: Seen) -> RenderableType:
    """The whole picture."""
    if seen.status.get("state") == "watching":
        return Group(_electrodes(seen), _footer(seen, WATCH_LINE))
    top = Table.grid(expand=True)
    top.add_column(ratio=4)
    top.add_column(ratio=5)
    top.add_row(_electrodes(seen), _hand(seen))
    return Group(top, _footer(seen, KEYS_LINE))


def _electrodes(seen: Seen) -> RenderableType:
    """A light for each channel, how loud it is, and what is wrong with the mend."""
    wrong = {f["channel"]: f for f in seen.status.get("findings", [])}
    largest = seen.full_scale / 2 or max([*seen.levels, 1e-9])
    grid = Table.grid(padding=(0, 1))
    for width in (None, None, WAVE, None):
        grid.add_column(no_wrap=True, width=width)
    grid.add_column()
    for name, level in zip(seen.channels, seen.levels, strict=True):
        finding = wrong.get(name)
        style = "green" if not finding else "red" if finding["fault"] else "yellow"
        says = f"{finding['kind']}: {finding['mend']}" if finding else ""
        light = "●" if not finding else "✖" if finding["fault"] else "▲"
        bar = "█" * min(WAVE, round(WAVE * level / largest))
        grid.add_row(Text(light, style), name, Text(bar, style), f"{level:5.1f}", Text(says, style))
    good = len(seen.channels) - len(wrong)
    title = f"electrodes ({seen.unit}): {good} of {len(seen.channels)} good"
    return Panel(grid, title=title, border_style="dim")


def _hand(seen: Seen) -> RenderableType:
    """State, intent, joints and latency, in 40 letters: a terminal over SSH has 80."""
    status, intent = seen.status, seen.intent
    state = status.get("state", "starting")
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_row("state", Text(state, STATE_STYLE.get(state, "bold red")))
    if seen.prompt:
        grid.add_row("asked for", seen.prompt)
    if intent is not None:
        word = "unsure" if intent.rejected else intent.gesture
        style = f"bold {_colour(seen, intent.gesture)}"
        sure = f" {100 * intent.confidence:.0f} %"
        grid.add_row("intent", Text.assemble((word, style), sure))
        grid.add_row("strength", "█" * round(BAR * intent.strength))
    for name, position, speed in status.get("joints", []):
        grid.add_row(name, f"{position:5.0f}°  {speed:+5.0f} °/s")
    latency = status.get("latency_ms")
    if latency:
        grid.add_row("latency", f"p50 {latency['p50']:.1f}, p99 {latency['p99']:.1f} ms")
    if seen.decisions:
        grid.add_row("decided", _strip(seen))
    return Panel(grid, title="hand", border_style="dim")


def _strip(seen: Seen) -> Text:
    """The newest decisions: a block in the gesture's colour, · at rest, ? where unsure."""
    strip = Text()
    for gesture, rejected in seen.decisions:
        mark = "?" if rejected else "·" if gesture == seen.rest else "█"
        strip.append(mark, "dim" if rejected else _colour(seen, gesture))
    return strip


def _colour(seen: Seen, gesture: str) -> str:
    """Always the same for a gesture of this run."""
    if gesture not in seen.labels:
        seen.labels.append(gesture)
    return COLOURS[seen.labels.index(gesture) % len(COLOURS)]


def _footer(seen: Seen, keys_line: str) -> RenderableType:
    """Why the gate is as it is, what happened, what was counted, and the keys."""
    status = seen.status
    counts = "  ".join(f"{name} {n}" for name, n in status.get("counts", {}).items())
    events = [Text(event, "yellow" if i == len(seen.events) - 1 else "dim", no_wrap=True)
              for i, event in enumerate(seen.events)]  # fmt: skip
    meant = Text(seen.pressing.text(), "bold")
    cause = Text(status.get("cause", ""), "bold")
    return Group(cause, *events, Text(counts, "dim"), meant, Text(keys_line, "dim"))

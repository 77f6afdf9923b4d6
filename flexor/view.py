"""The live terminal view: a process of its own that draws what the control loop tells it.

It may be slow or dead without the hand noticing. Keys go back: a arms, d disarms, e or space is
the emergency stop, c clears it, q ends.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from flexor.feed import say
from flexor.messages import MESSAGE_MAX, Kind, unpack

FRAMES_PER_S = 10
KEY_S = 0.1
"""How often the end is looked for while no key comes"""
KEYS = {"a": "arm", "d": "disarm", "e": "estop", " ": "estop", "c": "clear", "q": "quit"}
BAR = 20
STATE_STYLE = {"armed": "bold green", "disarmed": "yellow", "hold": "yellow"}


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


def main() -> None:
    """The process: sys.argv has its socket."""
    with socket.socket(fileno=int(sys.argv[1])) as sock, keys() as key:
        show(sock, key)


def show(sock: socket.socket, key: Callable[[float], str]) -> None:
    """Draws until the feed ends. Keys have a thread of their own: a picture takes 25 ms, and an
    emergency stop does not wait for one."""
    seen, done = Seen(), threading.Event()
    sock.setblocking(False)
    sys.setswitchinterval(0.0005)
    pressing = threading.Thread(target=pass_keys, args=(sock, key, done), daemon=True)
    pressing.start()
    with Live(draw(seen), auto_refresh=False, transient=True) as live:
        while hear(sock, seen):
            live.update(draw(seen), refresh=True)
            time.sleep(1 / FRAMES_PER_S)
    done.set()
    pressing.join()


def pass_keys(sock: socket.socket, key: Callable[[float], str], done: threading.Event) -> None:
    """Tells the control loop of keys as they are pressed."""
    while not done.is_set():
        word = KEYS.get(key(KEY_S))
        if word:
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
    elif kind is Kind.COMMAND:
        seen.command = value.command
    elif kind is Kind.MARKER:
        seen.prompt = value["text"]
    elif kind is Kind.STATUS:
        seen.status = value


def draw(seen: Seen) -> RenderableType:
    """The whole picture."""
    top = Table.grid(expand=True)
    top.add_column(ratio=4)
    top.add_column(ratio=5)
    top.add_row(_electrodes(seen), _hand(seen))
    return Group(top, _footer(seen))


def _electrodes(seen: Seen) -> RenderableType:
    wrong = {f["channel"]: f for f in seen.status.get("findings", [])}
    largest = seen.full_scale / 2 or max([*seen.levels, 1e-9])
    grid = Table.grid(padding=(0, 1))
    for name, level in zip(seen.channels, seen.levels, strict=True):
        finding = wrong.get(name)
        style = "green" if not finding else "red" if finding["fault"] else "yellow"
        says = f"{finding['kind']}: {finding['mend']}" if finding else ""
        bar = "█" * min(BAR, round(BAR * level / largest))
        grid.add_row(name, Text(f"{bar:<{BAR}}", style), f"{level:6.1f}", Text(says, style))
    return Panel(grid, title=f"electrodes ({seen.unit})", border_style="dim")


def _hand(seen: Seen) -> RenderableType:
    status, intent = seen.status, seen.intent
    state = status.get("state", "starting")
    grid = Table.grid(padding=(0, 2))
    for _ in range(3):
        grid.add_column(no_wrap=True)
    grid.add_row("state", Text(state, STATE_STYLE.get(state, "bold red")))
    if seen.prompt:
        grid.add_row("asked for", seen.prompt)
    if intent is not None:
        word = "unsure" if intent.rejected else intent.gesture
        grid.add_row("intent", Text(word, "bold"), f"{100 * intent.confidence:.0f} % sure")
        grid.add_row("strength", "█" * round(BAR * intent.strength))
    for name, position, speed in status.get("joints", []):
        grid.add_row(name, f"{position:5.0f}°", f"{speed:+5.0f} °/s")
    latency = status.get("latency_ms")
    if latency:
        grid.add_row("latency", f"p50 {latency['p50']:.1f} ms", f"p99 {latency['p99']:.1f} ms")
    return Panel(grid, title="hand", border_style="dim")


def _footer(seen: Seen) -> RenderableType:
    status = seen.status
    counts = "  ".join(f"{name} {n}" for name, n in status.get("counts", {}).items())
    cause, event = status.get("cause", ""), status.get("event", "")
    keys_line = "a arm · d disarm · space EMERGENCY STOP · c clear · q end"
    news = Text(event if event != cause else "", "yellow")
    return Group(Text(cause), news, Text(counts, "dim"), Text(keys_line, "dim"))


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """A function that waits for a key, for so long at most; the terminal is put back."""
    fd = sys.stdin.fileno() if sys.stdin is not None else -1
    if fd < 0 or not os.isatty(fd):
        yield _no_key
        return
    before = termios.tcgetattr(fd)

    def pressed(timeout_s: float) -> str:
        ready = select.select([fd], [], [], timeout_s)[0]
        return os.read(fd, 1).decode("ascii", "ignore") if ready else ""

    try:
        tty.setcbreak(fd)
        yield pressed
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _no_key(timeout_s: float) -> str:
    time.sleep(timeout_s)
    return ""

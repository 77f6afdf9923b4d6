"""What the page knows of the run beside it: one guest at its door, however many browsers look.

Everything here is bounded, and nothing of it can hold the control loop up.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Spec
from flexor.door import runs, visit
from flexor.feed import say
from flexor.messages import MESSAGE_MAX, CommandMessage, IntentMessage, Kind, SamplesMessage, unpack

SCOPE_S = 6.0
"""Signal that is kept to be drawn."""
EVENTS_N = 200
DECISIONS_N = 400
AHEAD_S = 0.1
"""How far the time of a simulated wearer goes beyond what its guest has heard of."""
MESSAGES_N = 2000
"""Messages taken at one call, at most: a flood waits in the kernel, which bounds it."""
Listener = Callable[[Kind, Any], None]


@dataclass
class Hub:
    """The page's view of one run; `alive` while there is one."""

    alive: bool = False
    spec: Spec | None = None
    source: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    heard_s: float = 0.0
    """monotonic second of the newest status"""
    scope: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(time, channel) ring: sample n of the stream is in row n modulo its length"""
    clock_s: float = 0.0
    """of the newest sample"""
    taken_n: int = 0
    """samples so far, lost ones counted"""
    lost_n: int = 0
    intent: IntentMessage | None = None
    command: CommandMessage | None = None
    decisions: deque[tuple[float, str, float, bool]] = field(
        default_factory=lambda: deque(maxlen=DECISIONS_N)
    )
    """(second, gesture, confidence, rejected), from old to new"""
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=DECISIONS_N))
    """from the newest sample to the command"""
    events: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=EVENTS_N))
    """(second, what happened)"""
    listeners: list[Listener] = field(default_factory=list)
    """are told every message: calibration, recording, tests"""
    door: Path | None = None
    """of the run that it is in at"""
    _sock: socket.socket | None = None

    def attach(self) -> bool:
        """Comes in at the newest run's door, unless it is in at one already."""
        if self._sock is not None:
            return True
        for path in runs():
            try:
                self._sock = visit(path)
            except OSError:
                continue
            self._forget()
            self.alive, self.door = True, path
            return True
        return False

    def poll(self) -> int:
        """Takes in what waits; gives how many messages that were."""
        for n in range(MESSAGES_N):
            if self._sock is None:
                return n
            try:
                message = self._sock.recv(MESSAGE_MAX)
            except BlockingIOError:
                return n
            except OSError:
                message = b""
            if not message:
                self.leave()
                return n
            kind, value = unpack(message)
            self.note(kind, value)
        return MESSAGES_N

    def say(self, key: str) -> bool:
        """Asks something of the run; False when there is none."""
        return self.tell({"key": key})

    def tell(self, word: dict[str, Any]) -> bool:
        """The same in words of one's own."""
        if self._sock is None:
            return False
        say(self._sock, word)
        return True

    def perform(
        self, gesture: str, effort: float, *, ahead_s: float = AHEAD_S, hurry: bool = False
    ) -> bool:
        """Tells a simulated wearer what to do, and how far its time may go until the next word."""
        asked = {"gesture": gesture, "effort": effort, "until_s": self.clock_s + ahead_s}
        return self.tell({"perform": asked | ({"hurry": True} if hurry else {})})

    def perform_freely(self, gesture: str, effort: float) -> bool:
        """The same for a wearer whose time waits for nobody."""
        return self.tell({"perform": {"gesture": gesture, "effort": effort}})

    def leave(self) -> None:
        """Goes out at the door; the run goes on."""
        if self._sock is not None:
            self._sock.close()
        self._sock, self.alive = None, False

    def note(self, kind: Kind, value: Any) -> None:
        """One message more."""
        if kind is Kind.SPEC:
            self.spec, self.source = Spec.from_json(value["spec"]), value["source"]
            shape = (round(SCOPE_S * self.spec.rate_hz), len(self.spec.channels))
            self.scope = np.zeros(shape, np.float32)
        elif kind is Kind.SAMPLES:
            self._keep(value)
        elif kind is Kind.INTENT:
            self.intent = value
            i = value.intent
            self.decisions.append((i.clock_s, i.gesture, i.confidence, i.rejected))
        elif kind is Kind.COMMAND:
            self.command = value
            self.latencies_ms.append(1e3 * (value.at_s - value.command.clock_s))
        elif kind is Kind.MARKER:
            self.events.append((value["clock_s"], value["text"]))
        elif kind is Kind.STATUS and "about" in value:
            self.about = value["about"]
        elif kind is Kind.STATUS:
            self.status, self.heard_s = value, time.monotonic()
        elif kind is Kind.END:
            self.leave()
        for listener in self.listeners:
            listener(kind, value)

    def newest(self, samples_n: int) -> NDArray[np.float32]:
        """(time, channel) of the newest samples, from old to new; fewer where there are fewer."""
        n = min(samples_n, self.taken_n, len(self.scope))
        rows = np.arange(self.taken_n - n, self.taken_n) % max(1, len(self.scope))
        newest: NDArray[np.float32] = self.scope[rows]
        return newest

    def _keep(self, message: SamplesMessage) -> None:
        if self.spec is None or not len(self.scope):
            return
        self.clock_s = message.clock_s + (message.samples_n - 1) / self.spec.rate_hz
        block = np.frombuffer(message.data, "<f4").reshape(-1, message.channels_n)
        self.lost_n += message.lost
        gap_n = min(message.lost, len(self.scope))
        if gap_n:
            rows = np.arange(self.taken_n + message.lost - gap_n, self.taken_n + message.lost)
            self.scope[rows % len(self.scope)] = np.nan
        self.taken_n += message.lost
        block = block[-len(self.scope) :]
        rows = np.arange(self.taken_n, self.taken_n + len(block)) % len(self.scope)
        self.scope[rows] = block
        self.taken_n += len(block)

    def _forget(self) -> None:
        fresh = Hub(listeners=self.listeners)
        for name in ("spec", "about", "status", "scope", "taken_n", "lost_n", "intent", "command"):
            setattr(self, name, getattr(fresh, name))
        for kept in (self.decisions, self.latencies_ms):
            kept.clear()

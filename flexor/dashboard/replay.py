"""A recording shown again on the page, as if it ran now. It has no way to a hand: it fills a view
of its own that nobody's door stands behind."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acquisition.recording import Recording, read_recording
from acquisition.stream import Refused
from firmware_bridge.command import Command, Mode
from flexor.dashboard.hub import SCOPE_S, Hub
from flexor.messages import CommandMessage, IntentMessage, Kind, SamplesMessage
from models.intent import Intent

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
LARGEST_BYTES = 300_000_000
"""It is held in memory; a longer one is downloaded and looked at elsewhere."""
JUMP_S = 0.5
"""A browser that looked away comes back to where it was."""
HAIR_S = 1e-6
"""The difference of two clocks is rounded."""
STATE = {"state": "", "cause": "", "joints": [], "findings": [], "counts": {}}
Item = tuple[float, Kind, Any]


@dataclass
class Player:
    """One recording before one browser."""

    name: str
    recording: Recording
    items: list[Item]
    """(second since the beginning, kind, value), in their order"""
    seconds: float
    clock: Callable[[], float] = time.monotonic
    hub: Hub = field(default_factory=Hub)
    position_s: float = 0.0
    playing: bool = True
    speed: float = 1.0
    turn_n: int = 0
    """grows with every jump: what was drawn before belongs to another time"""
    _next: int = 0
    _looked_s: float = 0.0

    def look(self) -> None:
        """Goes on to where it is now. Called when a browser asks, and by nothing else."""
        now_s = self.clock()
        passed_s, self._looked_s = min(JUMP_S, now_s - self._looked_s), now_s
        if self.playing:
            self.position_s = min(self.seconds, self.position_s + self.speed * passed_s)
            self._show_until(self.position_s)
            self.playing = self.position_s < self.seconds

    def play(self, playing: bool) -> None:
        """Goes on, from the beginning where it was at its end; or stands still."""
        if playing and self.position_s >= self.seconds:
            self.seek(0.0)
        self.playing, self._looked_s = playing, self.clock()

    def set_speed(self, speed: float) -> None:
        """One of SPEEDS. Refuses others."""
        if speed not in SPEEDS:
            raise Refused(f"A replay runs at {', '.join(map(str, SPEEDS))} times the speed.")
        self.speed = speed

    def seek(self, second: float) -> None:
        """Shows what was at that second, and the moments before it."""
        self.position_s = min(self.seconds, max(0.0, second))
        self.turn_n += 1
        self.hub = Hub(alive=True)
        told = {"spec": self.recording.spec.to_json(), "source": self.recording.source}
        self.hub.note(Kind.SPEC, told)
        begin = bisect_left(self.items, self.position_s - SCOPE_S, key=lambda item: item[0])
        for _, kind, value in _lasting(self.items[:begin]):
            self.hub.note(kind, value)
        self._next = begin
        self._show_until(self.position_s)

    def view(self) -> dict[str, Any]:
        """What the banner shows, as JSON takes it."""
        return {
            "name": self.name,
            "position_s": round(self.position_s, 2),
            "seconds": round(self.seconds, 2),
            "playing": self.playing,
            "speed": self.speed,
        }

    def _show_until(self, second: float) -> None:
        while self._next < len(self.items) and self.items[self._next][0] <= second + HAIR_S:
            _, kind, value = self.items[self._next]
            self._next += 1
            if kind is Kind.SAMPLES:
                samples_n, channels_n = value.samples.shape
                data = value.samples.tobytes()
                value = SamplesMessage(value.clock_s, value.lost, samples_n, channels_n, data)
            self.hub.note(kind, value)


def open_player(path: Path, clock: Callable[[], float] = time.monotonic) -> Player:
    """A recording from its beginning. Refuses one too large to hold, and what is none."""
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise Refused(
            f"{path.name} has {size / 1e6:.0f} MB, and {LARGEST_BYTES / 1e6:.0f} MB can be shown "
            "here: download it."
        )
    recording = read_recording(path)
    if not recording.chunks:
        raise Refused(f"{path.name} is a recording without a single sample.")
    first_s, last = recording.chunks[0].clock_s, recording.chunks[-1]
    seconds = last.clock_s - first_s + len(last.samples) / recording.spec.rate_hz
    try:
        items = items_of(recording)
    except (TypeError, KeyError, ValueError) as error:
        raise Refused(f"{path.name} holds decisions of another kind ({error}).") from None
    player = Player(path.name, recording, items, seconds, clock)
    player.seek(0.0)
    player.play(True)
    return player


def items_of(recording: Recording) -> list[Item]:
    """All that was recorded, in the order of its time."""
    begin_s = recording.chunks[0].clock_s
    items: list[Item] = [(c.clock_s, Kind.SAMPLES, c) for c in recording.chunks]
    items += [
        (m.clock_s, Kind.MARKER, {"clock_s": m.clock_s, "text": m.text}) for m in recording.markers
    ]
    for entry in recording.intents:
        fields = {**entry.fields, "targets": tuple(entry.fields.get("targets", ()))}
        items.append((entry.clock_s, Kind.INTENT, IntentMessage(entry.clock_s, Intent(**fields))))
    for entry in recording.commands:
        fields = {**entry.fields, "joints": tuple(entry.fields["joints"])}
        command = Command(**{**fields, "mode": Mode(fields["mode"])})
        items.append((entry.clock_s, Kind.COMMAND, CommandMessage(entry.clock_s, command)))
    for entry in recording.states:
        state = {**STATE, **entry.fields, "clock_s": entry.clock_s}
        value = entry.fields if "about" in entry.fields else state
        items.append((entry.clock_s, Kind.STATUS, value))
    ordered = sorted(items, key=lambda item: item[0])
    return [(clock_s - begin_s, kind, value) for clock_s, kind, value in ordered]


def _lasting(items: list[Item]) -> list[Item]:
    """Of what was before: what the run is, and how it stood last."""
    about = next((item for item in items if item[1] is Kind.STATUS and "about" in item[2]), None)
    states = (item for item in reversed(items) if item[1] is Kind.STATUS and "state" in item[2])
    state = next(states, None)
    return [item for item in (about, state) if item is not None]

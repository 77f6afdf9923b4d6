"""Streams of ours in the Lab Streaming Layer, for whoever listens."""

from __future__ import annotations

import time
from typing import Any

from acquisition.lsl import BUFFER_S
from acquisition.lsl_library import library
from acquisition.stream import Samples


class Outlet:
    """A stream of ours for others, until it is closed."""

    def __init__(
        self,
        name: str,
        kind: str,
        source_id: str,
        labels: tuple[str, ...] = ("text",),
        units: tuple[str, ...] = ("",),
        rate_hz: float = 0.0,
    ) -> None:
        """Numbers where it has a rate, and words where it has none."""
        self._pylsl, self._rate_hz = library(), rate_hz
        form = self._pylsl.cf_float32 if rate_hz else self._pylsl.cf_string
        info = self._pylsl.StreamInfo(name, kind, len(labels), rate_hz, form, source_id)
        info.set_channel_labels(list(labels))
        info.set_channel_units(list(units))
        info.set_channel_types(kind)
        info.desc().append_child_value("manufacturer", "Flexor")
        self._outlet: Any = self._pylsl.StreamOutlet(info, 0, BUFFER_S)

    def send(self, rows: Samples, clock_s: float) -> None:
        """(time, channel) rows, the first taken at `clock_s` of the monotonic clock."""
        if len(rows) and self._outlet is not None:
            last_s = clock_s + (len(rows) - 1) / self._rate_hz
            self._outlet.push_chunk(rows, last_s + self._theirs_s())

    def say(self, text: str, clock_s: float) -> None:
        """A word about a moment of the monotonic clock."""
        if self._outlet is not None:
            self._outlet.push_sample([text], clock_s + self._theirs_s())

    def close(self) -> None:
        self._outlet = None

    def _theirs_s(self) -> float:
        return float(self._pylsl.local_clock()) - time.monotonic()

"""A recording as one stream, whatever file it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples, Spec


@dataclass(frozen=True, eq=False)
class Session:
    """A recording as one stream."""

    spec: Spec
    samples: Samples
    """(time, channel)"""
    markers: tuple[tuple[int, str], ...]
    """(index of the sample, text), in the order of the indices"""
    gaps: tuple[tuple[int, int], ...] = ()
    """(index of the first sample behind the gap, samples lost in it)"""
    motion: Session | None = None
    """The second stream, where there is one."""
    begin_s: float = 0.0
    """Of a second stream: seconds from the signal's first sample to its own."""
    wall_s: float | None = None
    """Seconds since 1970 at the first sample, where the file says so."""
    notes: tuple[str, ...] = ()
    """What was counted, mended or left out when the file was read: sentences for a person."""

    @property
    def lost(self) -> int:
        """Samples that are missing."""
        return sum(n for _, n in self.gaps)

    def position(self, index: int) -> int:
        """The place of a sample in the stream, lost ones counted."""
        return index + sum(n for at, n in self.gaps if at <= index)


PROTOCOL = "protocol "
"""How the marker begins that says what a recording asks for."""


def protocol_marker(name: str, labels: Sequence[str]) -> str:
    """The marker at the start of a recording that follows a protocol: "protocol NAME: A, B"."""
    return f"{PROTOCOL}{name}: {', '.join(labels)}"


def protocol_labels(markers: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """The labels that such a marker names; none where there is no such marker."""
    for _, text in markers:
        if text.startswith(PROTOCOL) and ": " in text:
            return tuple(text.rpartition(": ")[2].split(", "))
    return ()


def assemble(
    spec: Spec,
    rows: NDArray[np.float64],
    *,
    lost: NDArray[np.int64] | None = None,
    marks: Sequence[tuple[int, str]] = (),
    **rest: Any,
) -> Session:
    """A session of rows (time, channel) as a text file has them.

    A row with a value that is no number is missing; `lost` counts what else is missing before
    each row. `marks` are (row, text). `rest` goes into the session as it is.
    """
    whole = np.isfinite(rows).all(axis=1)
    missing_to = np.cumsum(~whole) - ~whole + (0 if lost is None else np.cumsum(lost))
    kept = np.flatnonzero(whole)
    missing = missing_to[kept]
    # What is missing before the first sample is no gap.
    steps = np.diff(missing, prepend=missing[:1])
    gaps = tuple((int(i), int(steps[i])) for i in np.flatnonzero(steps > 0))
    places = np.searchsorted(kept, [row for row, _ in marks])
    markers = tuple(
        (min(int(place), len(kept) - 1), text)
        for place, (_, text) in zip(places, marks, strict=True)
    )
    samples = rows[kept].astype(np.float32)
    return Session(spec, samples, markers, gaps, **rest)


def told_rate(path: Path, said_hz: float | None, given_hz: float | None) -> float:
    """The rate of a file that says `said_hz`, if anything.

    Refuses a file that says nothing where nobody gave a rate, and one that says another.
    """
    if said_hz is None and given_hz is None:
        raise Refused(
            f"{path} does not say at what rate it was taken; "
            f"flexor convert {path} OUT.xdf --rate HZ keeps it with its rate."
        )
    if said_hz is not None and given_hz is not None and abs(given_hz / said_hz - 1) > 1e-3:
        raise Refused(
            f"{path} was taken at {said_hz:g} Hz as it says itself, and --rate says "
            f"{given_hz:g} Hz; leave --rate out."
        )
    return float(said_hz if said_hz is not None else given_hz or 0.0)

"""BIDS data sets of electromyography: sub-01/ses-01/emg/sub-01_ses-01_task-grips_emg.edf.

bids-specification.readthedocs.io (BIDS 1.11, BEP042): *_channels.tsv names type and unit of each
channel, *_events.tsv what was done when. Read with MNE, so any EDF or BDF will do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples, Spec
from models.score import TRIGGER
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection
from training.readers.labels import natural

TO_UV = {"v": 1e6, "mv": 1e3, "uv": 1.0, "µv": 1.0, "μv": 1.0}
"""Unit in *_channels.tsv -> microvolts"""
BAD = "BAD_"
"""How events begin that tell of what is no signal, as filled gaps; such stretches are cut out."""

_NAME = re.compile(r"sub-(?P<sub>[^_]+)(?:_ses-(?P<ses>[^_]+))?(?:_.*)?_emg\.(?:edf|bdf)")
_ONE_WORD = re.compile(r"[\w-]+")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The segments between events of one word; each lasts as long as the event says, or else
    until the next. Users are called "sub-01"; recordings of one session share it."""
    paths = sorted(
        (path for kind in ("edf", "bdf") for path in root.rglob(f"*_emg.{kind}")),
        key=lambda path: natural(path.relative_to(root)),
    )
    if not paths:
        raise Refused(f"{root} holds no *_emg.edf or *_emg.bdf; give the folder of a BIDS set.")
    held: Counter[tuple[str, str, str]] = Counter()
    for path in paths:
        where = path.relative_to(root).as_posix()
        match = _NAME.fullmatch(path.name)
        if match is None:
            yield LeftOut(where, "Its name tells no subject.", broken=False)
            continue
        user, session = f"sub-{match['sub']}", f"ses-{match['ses'] or '1'}"
        if not (want.user(user) and want.session(session)):
            continue
        try:
            samples, spec = _signal(path)
        except Refused as error:
            yield LeftOut(where, str(error))
            continue
        try:
            events = _table(path, "events")
        except Refused as error:
            yield LeftOut(where, f"Nothing in it is labelled: {error}", broken=False)
            events = []
        for begin, end, gesture in _spans(events, spec.rate_hz, len(samples)):
            cycle = held[user, session, gesture]
            held[user, session, gesture] += 1
            for first, last in _sound(begin, end, events, spec.rate_hz):
                if want.gesture(gesture) and want.cycle(cycle):
                    yield Segment(
                        user,
                        session,
                        cycle,
                        gesture,
                        samples[first:last],
                        spec,
                        recording=path.stem,
                        begin=first,
                    )


def _signal(path: Path) -> tuple[Samples, Spec]:
    """The channels of type EMG, in microvolts where all of them have a unit of voltage."""
    import mne

    rows = _table(path, "channels")
    names = [row["name"] for row in rows if row.get("type", "").upper() == "EMG"]
    if not names:
        raise Refused(f"{path.name} has no channel of type EMG in its *_channels.tsv.")
    read_raw = mne.io.read_raw_bdf if path.suffix == ".bdf" else mne.io.read_raw_edf
    try:
        raw = read_raw(path, include=names, preload=False, verbose="error")
        data = raw.get_data(verbose="error")
    except Exception as error:  # a dozen kinds, by what is broken
        raise Refused(f"{path.name} is no whole recording; copy it again ({error}).") from None
    order = [raw.ch_names.index(name) for name in names if name in raw.ch_names]
    if len(order) != len(names):
        raise Refused(f"{path.name} lacks channels that its *_channels.tsv names.")
    units = {row["name"]: row.get("units", "").strip().lower() for row in rows}
    volts = all(units[name] in TO_UV for name in names)
    # MNE gives volts for what the file says is in a unit of voltage, and other numbers as is.
    scale = 1e6 if volts else 1.0
    samples = np.ascontiguousarray(data[order].T * scale, np.float32)
    return samples, Spec(float(raw.info["sfreq"]), tuple(names), "uV" if volts else "raw")


def _table(path: Path, what: str) -> list[dict[str, str]]:
    """The rows of the table beside a recording. Refuses where it is not there."""
    beside = path.with_name(re.sub(r"_emg\.(edf|bdf)$", f"_{what}.tsv", path.name))
    try:
        lines = beside.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Refused(f"{beside.name} cannot be read: {error.strerror}.") from None
    if not lines:
        raise Refused(f"{beside.name} is empty.")
    head = lines[0].split("\t")
    return [dict(zip(head, line.split("\t"), strict=False)) for line in lines[1:] if line.strip()]


def _spans(
    events: list[dict[str, str]], rate_hz: float, samples_n: int
) -> Iterator[tuple[int, int, str]]:
    """(begin, end, gesture), what no event names unlabelled."""
    named = []
    for row in events:
        word = row.get("trial_type", "")
        onset = _seconds(row.get("onset", ""))
        one = _ONE_WORD.fullmatch(word) and word != TRIGGER and not word.startswith(BAD)
        if onset is not None and one:
            begin = round(onset * rate_hz)
            lasts = _seconds(row.get("duration", ""))
            named.append((begin, None if not lasts else begin + round(lasts * rate_hz), word))
    named.sort(key=lambda event: event[0])
    at = 0
    for (begin, end, word), after in pairwise([*named, (samples_n, None, "")]):
        if begin > at:
            yield at, begin, UNLABELLED
        at = min(samples_n, after[0] if end is None else min(end, after[0]))
        if at > begin:
            yield begin, at, word
    if at < samples_n:
        yield at, samples_n, UNLABELLED


def _sound(
    begin: int, end: int, events: list[dict[str, str]], rate_hz: float
) -> Iterator[tuple[int, int]]:
    """The parts of begin .. end - 1 in which nothing bad is annotated."""
    good: NDArray[Any] = np.ones(end - begin, bool)
    for row in events:
        onset = _seconds(row.get("onset", ""))
        if onset is not None and row.get("trial_type", "").startswith(BAD):
            first = round(onset * rate_hz) - begin
            last = first + max(1, round((_seconds(row.get("duration", "")) or 0.0) * rate_hz))
            good[max(0, first) : max(0, last)] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2).tolist():
        yield begin + first, begin + last


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

"""What must not be on both sides of a split, whatever it is called, and what may not look ahead."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples
from training.datasets import Segment

Marks = NDArray[np.uint64]
RUN_VALUES = 128
"""Numbers in the runs that are compared: 16 samples of 8 channels. By chance alone that many never
agree, not even counts of a quiet armband."""
_BASE, _MULTIPLIER = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
"""Odd and irregular, so that the hash spreads: the golden ratio and a known mixer's constant."""
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
_known: WeakKeyDictionary[Segment, Marks] = WeakKeyDictionary()


def refuse_overlap(parts: Mapping[str, Sequence[Segment]]) -> None:
    """Refuses parts that share anything: a repetition, a stretch of a recording, a person written
    in two ways, or samples, also under other names and only in part.

    Equal samples are found wherever two runs agree in as many samples as two times RUN_VALUES are
    values (31 of an armband, less than any window). Copies in another unit are not.
    """
    for (one, ours), (other, theirs) in combinations(parts.items(), 2):
        _refuse_keys(one, ours, other, theirs)
        _refuse_names(one, ours, other, theirs)
        _refuse_spans(one, ours, other, theirs)
    _refuse_samples(parts)


def refuse_future(past: Sequence[Segment], test: Sequence[Segment]) -> None:
    """Refuses material for adaptation that a wearer could not have given before the test.

    For each user: from an earlier session, or from the same one before the first sample that is
    tested there; where a session has no place in time, from an earlier cycle. Refuses what cannot
    be told.
    """
    for ours in past:
        for theirs in test:
            if ours.user == theirs.user and not _before(ours, theirs):
                raise Refused(
                    f"To adapt on cycle {ours.cycle} of {ours.user}, {ours.session}, is to look "
                    f"ahead of cycle {theirs.cycle} of {theirs.session}, or nobody knows that it "
                    "is not; adapt on what came before."
                )


def refuse_lookahead(
    decide: Callable[[Samples], Iterable[tuple[int, Any]]], samples: Samples, cuts: Iterable[int]
) -> None:
    """Refuses a decoder of which a decision changes when later samples are taken away.

    decide: samples (time, channel) -> (newest sample it rests on, decision) of each decision, from
    a fresh start. cuts: after how many samples the signal is ended, each tried by itself.
    """
    whole = list(decide(samples))
    for cut in cuts:
        early = list(decide(samples[:cut]))
        for with_future, without in zip(whole, early, strict=False):
            if with_future != without:
                raise Refused(
                    f"The decision at sample {without[0]} is {without[1]} when the signal ends at "
                    f"{cut}, and {with_future[1]} when it goes on: it looks ahead."
                )
        expected = sum(1 for at, _ in whole if at < cut)
        if len(early) < expected:
            raise Refused(
                f"There are {len(early)} decisions on the first {cut} samples, and {expected} of "
                "them when the signal goes on: the others wait for what comes later."
            )


def _before(ours: Segment, theirs: Segment) -> bool:
    if ours.session != theirs.session:
        known = ours.order is not None and theirs.order is not None
        return known and ours.order < theirs.order  # type: ignore[operator]
    if ours.begin is not None and theirs.begin is not None and ours.recording == theirs.recording:
        return ours.begin + len(ours.samples) <= theirs.begin
    return ours.cycle < theirs.cycle


def _refuse_keys(one: str, ours: Sequence[Segment], other: str, theirs: Sequence[Segment]) -> None:
    shared = sorted({s.key for s in ours} & {s.key for s in theirs})
    if shared:
        user, session, cycle = shared[0]
        raise Refused(
            f"The {one} and {other} parts share repetitions ({len(shared)}), e.g. cycle "
            f"{cycle} of {user}, {session}; split by user, session or cycle."
        )


def _refuse_names(one: str, ours: Sequence[Segment], other: str, theirs: Sequence[Segment]) -> None:
    """One person may be in both parts, but under one name."""
    names = {_plain(s.user): s.user for s in ours}
    for user in {s.user for s in theirs}:
        known = names.get(_plain(user), user)
        if known != user:
            raise Refused(
                f'The {one} part has a user "{known}" and the {other} part a user "{user}", '
                "which is one name written in two ways; write it in one."
            )


def _plain(name: str) -> str:
    """A name without case, spaces, signs and leading zeros; a slash still parts it."""
    name = unicodedata.normalize("NFKC", name).casefold()
    name = re.sub(r"(?<!\d)0+(?=\d)", "", name)
    return re.sub(r"[\s_.-]+", "", name)


def _refuse_spans(one: str, ours: Sequence[Segment], other: str, theirs: Sequence[Segment]) -> None:
    spans = _spans(ours)
    for place, found in _spans(theirs).items():
        mixed = sorted([(*s, 0) for s in spans.get(place, [])] + [(*s, 1) for s in found])
        reach = [-1, -1]
        for begin, end, side in mixed:
            if begin < reach[1 - side]:
                user, session, _ = place
                raise Refused(
                    f"The {one} and {other} parts both have sample {begin} of {user}, {session}: "
                    "their segments overlap; cut the recording once."
                )
            reach[side] = max(reach[side], end)


def _spans(segments: Sequence[Segment]) -> dict[tuple[str, str, str], list[tuple[int, int]]]:
    out: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for s in segments:
        if s.begin is not None:
            place = (s.user, s.session, s.recording)
            out.setdefault(place, []).append((s.begin, s.begin + len(s.samples)))
    return out


def _refuse_samples(parts: Mapping[str, Sequence[Segment]]) -> None:
    """Refuses equal runs of samples in two parts."""
    held = [(part, segment) for part, segments in parts.items() for segment in segments]
    marks = [_marks_of(segment) for _, segment in held]
    if not marks:
        return
    numbers = {part: i for i, part in enumerate(parts)}
    owners = np.repeat(np.arange(len(held)), [len(m) for m in marks])
    hashes = np.concatenate(marks)
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    part_of = np.array([numbers[part] for part, _ in held])[owners]
    twins = np.flatnonzero((hashes[1:] == hashes[:-1]) & (part_of[1:] != part_of[:-1]))
    if len(twins):
        (one, first), (other, second) = (held[owners[twins[0] + i]] for i in (0, 1))
        raise Refused(
            f"The {one} and {other} parts hold the same samples as {first.key} and as "
            f"{second.key}; leave one of the two out."
        )


def _marks_of(segment: Segment) -> Marks:
    marks = _known.get(segment)
    if marks is None:
        marks = _known[segment] = fingerprints_of(segment.samples)
    return marks


def fingerprints_of(samples: Samples) -> Marks:
    """Hashes of some of the runs of samples (time, channel), so chosen that any two signals that
    share a long enough stretch have one in common.

    Of each as many neighbouring runs as a run is long the least hash is kept (winnowing:
    Schleimer, Wilkerson and Aiken, SIGMOD 2003). Runs of which half the samples repeat the one
    before are passed over: dead channels are equal without being the same. What is shorter than
    a run counts as a whole.
    """
    if not len(samples) or not np.ptp(samples):
        return np.empty(0, np.uint64)
    bits = np.ascontiguousarray(samples + np.float32(0.0), "<f4").view("<u4")  # no -0.0
    length = max(8, math.ceil(RUN_VALUES / bits.shape[1]))
    if len(bits) < length:
        digest = hashlib.sha256(bits.tobytes()).digest()
        return np.frombuffer(digest[:8], "<u8").astype(np.uint64)
    runs = np.concatenate(list(_runs(bits, length)))
    if len(runs) > length:
        runs = np.lib.stride_tricks.sliding_window_view(runs, length).min(axis=1)
    kept: Marks = np.unique(runs)
    interesting: Marks = kept[kept != _NONE]
    return interesting


def _runs(bits: NDArray[np.uint32], length: int) -> Iterator[Marks]:
    """The hash of the run that begins at each sample; of dull ones, the largest number."""
    weights = np.array([pow(_MULTIPLIER, i + 1, 1 << 64) for i in range(bits.shape[1])], np.uint64)
    rows = np.zeros(len(bits), np.uint64)
    for channel in range(bits.shape[1]):
        rows += (bits[:, channel].astype(np.uint64) + np.uint64(1)) * weights[channel]
    rows ^= rows >> np.uint64(29)
    rows *= np.uint64(_MULTIPLIER)
    places_n = len(rows) - length + 1
    total = np.zeros(places_n, np.uint64)
    for i in range(length):
        total = total * np.uint64(_BASE) + rows[i : i + places_n]
    total ^= total >> np.uint64(32)
    fresh = np.concatenate([[0], np.cumsum(rows[1:] != rows[:-1])])
    changes = fresh[length - 1 :] - fresh[:places_n]
    total[2 * changes < length] = _NONE
    yield total

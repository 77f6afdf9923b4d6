"""What artifacts lose by damage to their signal: electrodes, band, packets, noise, the line.

Each damage is a function of a stream and nothing else, so that the same streams are heard with and
without it. What hears them is given: the live path, with its checks of the signal and what they
mend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from acquisition.session import Session
from acquisition.stream import Refused, Samples
from models.artifact import Artifact
from models.score import Decided, Score, score
from training.datasets import Segment
from training.evaluate import prompts

STRIKES_S = 5.0
"""An electrode is lost while the band is worn: until then it is heard."""
PREFACE_S = 0.7
"""Of each gesture before anything is scored: 5 s of use, in which no label is looked at."""
PACKET_SAMPLES = 2
"""A Myo sends two samples at a time."""
LOSSES = (0.01, 0.05, 0.1, 0.2)
NOISES = (1.0, 2.0, 4.0)
"""Times the level at rest."""
LINES = (1.0, 10.0)
LINE_HZ = 50.0
UNKNOWN = "unknown"
UNKNOWN_ORDER = (3, 6, 1, 4, 7, 2, 5, 0)
"""Of the electrodes of a ring: as no hand gives them (training.protocol_myo)."""
GOALS: dict[str, float] = {"lost electrode": 0.03, "turned band": 0.03}
"""damage -> points that it may cost at most"""
UNKNOWN_GOAL, KNOWN_GOAL, MOVED_GOAL = 0.9, 0.02, 0.005


@dataclass(frozen=True, eq=False)
class Heard:
    """What the live path made of one stream."""

    decided: tuple[Decided, ...]
    rejected: tuple[bool, ...]
    """of each decision"""
    strangeness: tuple[float, ...] = ()
    """of each decision's window, by what refuses unknown movements; empty where nothing does"""


Hear = Callable[[Artifact, Session], Heard]


@dataclass(frozen=True, eq=False)
class Damaged:
    """One stream under one damage."""

    damage: str
    amount: float
    unit: str
    stream: Session
    begin: int
    """samples before the first that counts"""


def stream_of(parts: Sequence[Segment], before: Sequence[Segment] = ()) -> tuple[Session, int]:
    """(segments end to end behind the last PREFACE_S of each of `before`, samples of that).

    before: of another cycle, so that what adapts has not seen what it is scored on.
    """
    shared = {part.key for part in parts} & {part.key for part in before}
    if shared:
        raise Refused(f"What is scored was used before: {sorted(shared)[0]}; take another cycle.")
    spec = parts[0].spec
    n = round(PREFACE_S * spec.rate_hz)
    first = [replace(part, samples=part.samples[-n:]) for part in before]
    whole = [*first, *parts]
    starts = np.cumsum([0, *(len(part.samples) for part in whole[:-1])])
    markers = tuple((int(at), part.gesture) for at, part in zip(starts, whole, strict=True))
    samples = np.concatenate([part.samples for part in whole])
    return Session(spec, samples, markers), sum(len(part.samples) for part in first)


def rest_level(stream: Session, rest: str) -> float:
    """Root mean square at rest, offsets taken off; in the stream's unit."""
    edges = [at for at, _ in stream.markers] + [len(stream.samples)]
    held = zip(stream.markers, edges[1:], strict=True)
    parts = [stream.samples[at:end] for (at, word), end in held if word == rest]
    if not parts:
        raise Refused(f"The stream has no {rest}, by which noise is measured.")
    return float(np.sqrt(np.mean([np.var(part, axis=0).mean() for part in parts])))


def damages(stream: Session, begin: int, rest: str, seed: int = 0) -> Iterator[Damaged]:
    """The stream whole, and under every damage. begin: samples before the first that counts."""
    rng, x, rate_hz = np.random.default_rng(seed), stream.samples, stream.spec.rate_hz
    channels_n, level = x.shape[1], rest_level(stream, rest)
    strike = round(STRIKES_S * rate_hz)
    later = max(begin, strike + round(rate_hz))

    def made(name: str, amount: float, unit: str, samples: Samples, at: int = begin) -> Damaged:
        return Damaged(name, amount, unit, replace(stream, samples=samples), at)

    yield made("none", 0, "", x)
    yield made("none", STRIKES_S, "s later", x, later)
    for channel in range(channels_n):
        yield made("lost electrode", 1, "", lost_electrodes(x, (channel,), strike), later)
    for first in range(0, channels_n - 1, 2):
        pair = lost_electrodes(x, (first, first + 1), strike)
        yield made("lost electrode", 2, "neighbours", pair, later)
    for places in (-1, 1):
        yield made("turned band", 1, "place", np.roll(x, places, axis=1))
    for share in LOSSES:
        kept = lose_packets(stream, share, rng)
        yield Damaged("lost packets", 100 * share, "%", kept, begin)
    full = stream.spec.full_scale
    for amount in NOISES:
        y = x + rng.normal(size=x.shape) * amount * level
        yield made("white noise", amount, "x rest", _clipped(y, full))
    for amount in LINES:
        y = x + line(len(x), channels_n, rate_hz, rng) * amount * level
        yield made("50 Hz line", amount, "x rest", _clipped(y, full))


def lost_electrodes(x: Samples, channels: Sequence[int], strike: int) -> Samples:
    """x with these channels at the value that they had, from sample `strike` on."""
    y = x.copy()
    y[strike:, list(channels)] = x[strike, list(channels)]
    return y


def lose_packets(stream: Session, share: float, rng: np.random.Generator) -> Session:
    """The stream without `share` of its packets, each drawn by itself."""
    n = len(stream.samples)
    packets_n = -(-n // PACKET_SAMPLES)
    gone = np.repeat(rng.random(packets_n) < share, PACKET_SAMPLES)[:n]
    gone[0] = False
    kept = np.flatnonzero(~gone)
    holes = np.diff(kept, append=n) - 1
    gaps = tuple((i + 1, int(holes[i])) for i in np.flatnonzero(holes) if i + 1 < len(kept))
    before = np.concatenate([[0], np.cumsum(~gone)])
    markers = tuple((int(before[at]), word) for at, word in stream.markers)
    return replace(stream, samples=stream.samples[kept], markers=markers, gaps=gaps)


def line(n: int, channels_n: int, rate_hz: float, rng: np.random.Generator) -> Any:
    """(time, channel) interference of the line with a root mean square of 1 on average: one phase,
    and another strength on each channel."""
    wave = np.sqrt(2) * np.sin(2 * np.pi * LINE_HZ * np.arange(n) / rate_hz + 0.5)
    return wave[:, None] * rng.uniform(0.5, 1.5, channels_n)


def unknown_stream(parts: Sequence[Segment], rest: str) -> Session:
    """Rest, then every movement with its electrodes in an order that no hand has."""
    order = list(UNKNOWN_ORDER)
    if parts[0].samples.shape[1] != len(order):
        raise Refused(f"Unknown movements are made for {len(order)} electrodes.")
    strange = [
        part
        if part.gesture == rest
        else replace(part, samples=part.samples[:, order], gesture=UNKNOWN)
        for part in parts
    ]
    return stream_of(strange)[0]


def shares(artifact: Artifact, heard: Heard, stream: Session, begin: int) -> dict[str, Any]:
    """What of the stream from sample `begin` on was right, moved at rest, and was rejected."""
    made = [d for d in heard.decided if d.sample_n >= begin]
    result = _score(artifact, made, stream)
    told = [r for d, r in zip(heard.decided, heard.rejected, strict=True) if d.sample_n >= begin]
    if result.accuracy is None:
        raise Refused("A damaged stream has no window that can be scored.")
    settled = _inside(artifact, heard, stream, begin, set(artifact.contract.labels))
    hops = (len(stream.samples) + sum(n for _, n in stream.gaps)) - begin
    hop_n = artifact.contract.windows.hop_samples
    return {
        "right": result.accuracy,
        "moved": result.rest_false_activation or 0.0,
        "rejected": float(np.mean(told)),
        "known_rejected": float(np.mean([heard.rejected[i] for i in settled])),
        "decided": len(made) / (hops / hop_n),
    }


def unknown_shares(artifact: Artifact, heard: Heard, stream: Session) -> dict[str, float]:
    """Of the windows inside unknown movements: rejected, and moving nothing."""
    inside = _inside(artifact, heard, stream, 0, {UNKNOWN})
    rest = artifact.contract.rest
    rejected = [heard.rejected[i] for i in inside]
    still = [heard.rejected[i] or heard.decided[i].gesture == rest for i in inside]
    return {"rejected": float(np.mean(rejected)), "still": float(np.mean(still))}


def told_apart(
    artifact: Artifact, known: tuple[Heard, Session], unknown: tuple[Heard, Session]
) -> float | None:
    """How well strangeness tells unknown windows from known ones (area under the ROC curve: 0.5
    by chance, 1 always); None where nothing is asked for it."""
    labels = set(artifact.contract.labels)
    pairs = ((*known, labels), (*unknown, {UNKNOWN}))
    groups = [
        [heard.strangeness[i] for i in _inside(artifact, heard, stream, 0, words)]
        for heard, stream, words in pairs
        if heard.strangeness
    ]
    if len(groups) < len(pairs):
        return None
    usual, strange = np.sort(groups[0]), np.array(groups[1])
    below = np.searchsorted(usual, strange, "left") + np.searchsorted(usual, strange, "right")
    return float(below.mean() / 2 / len(usual))


def rest_shares(artifact: Artifact, heard: Heard, stream: Session) -> dict[str, float]:
    """Of the windows inside rest, those that moved something; and how long that rest was."""
    rest, rate_hz = artifact.contract.rest, artifact.contract.spec.rate_hz
    inside = _inside(artifact, heard, stream, 0, {rest})
    moved = [heard.decided[i].gesture != rest and not heard.rejected[i] for i in inside]
    edges = [at for at, _ in stream.markers] + [len(stream.samples)]
    held = zip(stream.markers, edges[1:], strict=True)
    rested_n = sum(end - at for (at, word), end in held if word == rest)
    return {"moved": float(np.mean(moved)), "rest_s": rested_n / rate_hz}


def _inside(
    artifact: Artifact, heard: Heard, stream: Session, begin: int, words: set[str]
) -> list[int]:
    """Numbers of the decisions whose window lies wholly in one movement of these, after `begin`."""
    edges = [stream.position(at) for at, _ in stream.markers]
    length, out = artifact.contract.windows.length_samples, []
    for i, decision in enumerate(heard.decided):
        first = decision.sample_n - length + 1
        which = int(np.searchsorted(edges, decision.sample_n, side="right")) - 1
        if first >= max(begin, edges[which]) and stream.markers[which][1] in words:
            out.append(i)
    return out


def _score(artifact: Artifact, made: Sequence[Decided], stream: Session) -> Score:
    contract = artifact.contract
    return score(
        made,
        prompts(stream, contract.labels),
        rest=contract.rest,
        settle_s=0.0,
        window_samples=contract.windows.length_samples,
        rate_hz=contract.spec.rate_hz,
    )


def _clipped(x: Any, full_scale: float | None) -> Samples:
    y = x if full_scale is None else np.clip(x, -full_scale, full_scale)
    return np.asarray(y, np.float32)

"""From segments to training windows, through the same stages that run live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples, Spec
from acquisition.tables import refuse_unknown
from models.familiar import Familiar, familiar_from
from preprocessing.course import Course
from preprocessing.features import LogCovariance, TimeDomain, covariance, symmetric_log
from preprocessing.filters import Highpass
from preprocessing.recentre import Recentre
from preprocessing.stage import Chain, Stage, offline
from preprocessing.windows import Windows
from training.datasets import Segment
from training.recipe import Recentring, Recipe, Signal


@dataclass(frozen=True, eq=False)
class WindowSet:
    """Windows as places in one long stream, so that overlapping ones share their samples."""

    stream: Samples
    """(time, channel), behind the stages before the cut"""
    starts: NDArray[np.int64]
    """(window,)"""
    gestures: NDArray[np.int64]
    """(window,) index into the labels"""
    length_samples: int
    sessions: NDArray[np.int64]
    """(window,) which session it is from"""
    ends: NDArray[np.int64]
    """(session,) place in the stream behind its last sample"""
    features: Stage | None = None
    """what the network takes of a window, where that is not the window itself"""
    own: NDArray[np.float32] | None = None
    """(session, channel, channel): in its row, of length 1, what only that electrode tells of the
    re-centred channels. What the others do not tell of electrode i is along M^-1 x, i-th entry;
    behind x -> M^(-1/2) x that is the i-th column of M^(-1/2)."""

    def __len__(self) -> int:
        return len(self.starts)

    def windows(self, which: NDArray[np.int64], shifts: NDArray[np.int64] | int = 0) -> Samples:
        """(window, channel, time); each moved by its shift, but never out of its session."""
        session = self.sessions[which]
        first = np.concatenate([[0], self.ends[:-1]])[session]
        starts = self.starts[which] + shifts
        starts = np.clip(starts, first, self.ends[session] - self.length_samples)
        places = starts[:, None] + np.arange(self.length_samples)
        return np.ascontiguousarray(self.stream[places].transpose(0, 2, 1))

    def own_of(self, which: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """(window, channel, channel): `own` of each window's session."""
        return None if self.own is None else self.own[self.sessions[which]]

    def inputs(self, windows: Samples) -> Samples:
        """What the network takes of windows (window, channel, time): (window, channel, 1, time),
        or (window, feature)."""
        if self.features is None:
            return windows[:, :, None, :]
        return self.features.step(windows, self.features.start(any_spec(windows.shape[1]))[0])[0]


FEATURES: dict[str, Stage] = {
    "time_domain": TimeDomain(("log_mav", "log_wl", "zc", "ssc")),
    "log_covariance": LogCovariance(ridge=0.03),
    "course": Course(step_samples=5, steps_n=10),
}
"""name -> stage behind the windows. The ridge is in re-centred units, where a session's usual power
is 1: about one squared count of a Myo. The steps of a course are the recipe's hops."""


def features_stage(recipe: Recipe) -> Stage | None:
    """The stage that the recipe's features name. Refuses an unknown name."""
    if not recipe.features:
        return None
    refuse_unknown(recipe.features, FEATURES, "feature")
    stage, signal = FEATURES[recipe.features], recipe.signal
    if isinstance(stage, Course):
        steps_n = signal.window_samples // signal.hop_samples
        return replace(stage, step_samples=signal.hop_samples, steps_n=steps_n)
    return stage


def sessions(segments: Sequence[Segment]) -> list[list[Segment]]:
    """The segments of each (user, session), in their order."""
    ordered = sorted(segments, key=lambda s: (s.user, s.session))
    return [list(group) for _, group in groupby(ordered, key=lambda s: (s.user, s.session))]


def front(signal: Signal) -> tuple[Stage, ...]:
    """The stages before the re-centring."""
    return (Highpass(signal.highpass_hz, signal.highpass_order),)


def reference(parts: Sequence[Segment], recipe: Recipe) -> tuple[tuple[float, ...], ...]:
    """Mean covariance (log-Euclidean) of one session's segments, for Recentre."""
    how = recipe.recentring
    stream = offline(Chain(front(recipe.signal)), _joined(parts), parts[0].spec)
    logs = [symmetric_log(m) for m in _blocks(stream, parts, how)]
    if not logs:
        raise Refused(
            f"A segment of {parts[0].user} is shorter than one block of {how.block_samples} "
            f"samples; record longer contractions."
        )
    values, vectors = np.linalg.eigh(np.mean(logs, axis=0))
    mean = (vectors * np.exp(values)) @ vectors.T
    mean = (mean + mean.T) / 2
    return tuple(tuple(float(v) for v in row) for row in mean)


def deployed_chain(
    recipe: Recipe, centre: tuple[tuple[float, ...], ...], *, fixed: bool = False
) -> Chain:
    """The chain that rides in an artifact; `fixed` leaves the re-centring where it starts."""
    signal, how = recipe.signal, recipe.recentring
    return Chain(
        (
            *front(signal),
            Recentre(
                centre,
                0 if fixed else how.prior_blocks,
                how.block_samples,
                how.ridge,
                how.bound,
            ),
            Windows(signal.window_samples, signal.hop_samples),
            *((stage,) if (stage := features_stage(recipe)) else ()),
        )
    )


def window_set(
    groups: Sequence[Sequence[Segment]], recipe: Recipe, labels: Sequence[str], hop_samples: int
) -> WindowSet:
    """All windows that lie wholly inside one segment, each session centred on itself.

    labels: of what the windows are; without any, none is said to be of anything.
    hop_samples: distance of training windows; 1 uses every one there is.
    """
    length = recipe.signal.window_samples
    streams, starts, gestures, owners, own, at = [], [], [], [], [], 0
    ends: list[int] = []
    for parts in groups:
        chain = deployed_chain(recipe, reference(parts, recipe), fixed=True)
        cut = next(i for i, s in enumerate(chain.stages) if isinstance(s, Windows))
        before = Chain(chain.stages[:cut])
        own.append(own_rows(chain, parts[0].spec))
        streams.append(offline(before, _joined(parts), parts[0].spec))
        for part in parts:
            places = np.arange(at, at + len(part.samples) - length + 1, hop_samples)
            starts.append(places)
            gestures.append(np.full(len(places), labels.index(part.gesture) if labels else -1))
            owners.append(np.full(len(places), len(ends)))
            at += len(part.samples)
        ends.append(at)
    return WindowSet(
        np.concatenate(streams),
        np.concatenate(starts).astype(np.int64),
        np.concatenate(gestures).astype(np.int64),
        length,
        np.concatenate(owners).astype(np.int64),
        np.array(ends, np.int64),
        features_stage(recipe),
        np.stack(own),
    )


def own_rows(chain: Chain, spec: Spec) -> NDArray[np.float32]:
    """(channel, channel), see WindowSet.own."""
    centring = next(stage for stage in chain.stages if isinstance(stage, Recentre))
    columns = centring.start(spec)[0].matrix.T
    return np.asarray(columns / np.linalg.norm(columns, axis=1, keepdims=True), np.float32)


def levels(windows: WindowSet, labels: Sequence[str], rest: str) -> dict[str, float]:
    """Each gesture's strong level (90th percentile of the windows' RMS) and rest's upper one."""
    found: dict[str, float] = {}
    for i, label in enumerate(labels):
        x = windows.windows(np.flatnonzero(windows.gestures == i)[::5])
        rms = np.sqrt((x * x).mean(axis=(1, 2)))
        found[label] = float(np.percentile(rms, 90))
    floor = found[rest]
    return {
        label: level if label == rest else max(level, 1.05 * floor)
        for label, level in found.items()
    }


def familiar(windows: WindowSet, rest: int) -> Familiar:
    """What all windows of a calibration have in common; rest is a label's number."""
    some = np.arange(0, len(windows), 5)
    return familiar_from(windows.windows(some), windows.gestures[some], rest)


def spec_of(segments: Sequence[Segment]) -> Spec:
    """The spec that all segments share. Refuses a mixture."""
    specs = {segment.spec for segment in segments}
    if len(specs) != 1:
        raise Refused(f"The segments come from {len(specs)} kinds of streams; train on one.")
    return specs.pop()


def any_spec(channels_n: int) -> Spec:
    """Some spec of so many channels, for stages that ask for no more."""
    return Spec(1.0, tuple(f"c{i}" for i in range(channels_n)), "recentred")


def _joined(parts: Sequence[Segment]) -> Samples:
    return np.concatenate([part.samples for part in parts])


def _blocks(stream: Samples, parts: Sequence[Segment], how: Recentring) -> list[Any]:
    out, at = [], 0
    for part in parts:
        n = len(part.samples) // how.block_samples
        x = stream[at : at + n * how.block_samples].reshape(n, how.block_samples, -1)
        if n:
            out += list(covariance(x.transpose(0, 2, 1)) + how.ridge * np.eye(stream.shape[1]))
        at += len(part.samples)
    return out

"""From contractions to an artifact that decides, fitted on the device in well under a second."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples
from firmware_bridge.levels import levels_of
from flexor.calibration import Guide, Take, gestures_missing
from flexor.calibration_fit import (
    Floats,
    Labels,
    Windowed,
    discriminant,
    held_out,
    temperature,
    windowed,
)
from flexor.calibration_head import fit_head, head_eye, labels_of
from flexor.calibration_look import Eye
from models.artifact import Artifact
from models.contract import Contract, Provenance, Quantization, Tensor
from models.decision import Proportional, Ramp, Reject, Vote, levels_from
from models.familiar import Familiar, familiar_from
from models.foreign import Foreign
from models.linear_graph import INPUT, OUTPUT, linear_graph
from models.still import Still
from preprocessing.stage import Array

SCRATCH, HEAD = "from scratch", "head"
"""How it was fitted: a network of one linear layer; or the head of a trained artifact."""
STRONG = 90.0
"""Percentile of a gesture's levels that is strength 1, as in training.windows.levels."""
LEAST_RISE = 1.05
"""Of rest's upper level: what strength needs to be defined."""
MIN_CONFIDENCE, VOTES_N, RAMP_DECISIONS = 0.5, 3, 6
"""As in the artifact that ships (experiments/demo.toml)."""
PER_CHANNEL_N = 3
"""Windows of each label for each channel that `familiar` needs to know a gesture's spread."""
GOLDEN_HOPS_N = 20
"""Decisions in the golden recording: half a second around a prompt."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A calibration's result, not yet in a file."""

    way: str
    """SCRATCH or HEAD"""
    draft: Contract
    graph: bytes
    golden: Samples
    accuracy: float | None
    """share of the last repetition's windows that are decided rightly by what the others taught,
    the mean over gestures"""
    accuracy_n: int
    """those windows"""
    levels: dict[str, tuple[float, float]]
    """gesture -> (low, high) for the profile"""
    weak: dict[str, str]
    """gesture -> why it has no levels"""
    seconds: float
    """that the fit took"""


def fit(guide: Guide, name: str, base: Artifact | None = None) -> Fitted:
    """What the contractions so far teach.

    name: of the artifact. base: an artifact whose head is fitted, where `head_eye` gave the guide
    its eye. Refuses gestures with fewer than two good contractions.
    """
    began_s = time.perf_counter()
    takes = [take for take in guide.takes.values() if take.look in guide.looks]
    missing = gestures_missing(guide, [take.look for take in takes])
    if missing or guide.eye is None:
        raise Refused(
            f"There are fewer than two good contractions of {', '.join(missing)}: "
            "repeat them, or leave them out."
        )
    base = base if head_eye(base, guide.labels) is not None else None
    labels = labels_of(base, guide.labels) if base else guide.labels
    x = windowed([take.look for take in takes], labels)
    if labels[0] != guide.wanted.rest:
        x = _rest_named(x, labels.index(guide.wanted.rest))
    levels = _levels(x, labels, guide.wanted.rest)
    out, rest = _last(x), labels.index(guide.wanted.rest)
    refusing: Foreign | Familiar | None = None
    still: Still | None = None
    if base:
        draft, graph, decided, refusing, still = fit_head(base, x, labels, out)
    else:
        draft, graph, decided = _from_scratch(guide, x, out)
    accuracy = _share(decided, x.gestures[out])
    told = {} if accuracy is None else {"held-out repetition": round(accuracy, 4)}
    digest = hashlib.sha256(x.features.tobytes()).hexdigest()
    origin = Provenance("calibration on the device", digest, {"wearer": (name,)}, 0, "", told)
    if guide.wanted.refuses and refusing is None:
        refusing = _familiar(x, rest)
    first = (refusing if guide.wanted.refuses else None, still)
    decision = _decision(draft, levels, tuple(filter(None, first)))
    draft = replace(draft, name=name, decision=decision, provenance=origin)
    profile, weak = _profile_levels(x, levels, labels, guide.wanted.rest)
    golden = _golden(takes[0], guide.eye)
    seconds = time.perf_counter() - began_s
    way = HEAD if base else SCRATCH
    return Fitted(way, draft, graph, golden, accuracy, int(out.sum()), profile, weak, seconds)


def write(fitted: Fitted, path: Path) -> Artifact:
    """The artifact in a file at `path`, checked as at every start; whole or not at all."""
    from training.export import code_commit, write_artifact

    origin = replace(fitted.draft.provenance, commit=code_commit())
    return write_artifact(
        path, fitted.graph, replace(fitted.draft, provenance=origin), fitted.golden
    )


def _rest_named(x: Windowed, rest: int) -> Windowed:
    """`windowed` calls rest 0; where it has another number, those windows get it."""
    even = x.repetitions % 2 == 0
    return replace(x, gestures=np.where(even, rest, x.gestures))


def _last(x: Windowed) -> NDArray[np.bool_]:
    """(window,) whether it is of the last repetition of all."""
    return np.asarray(x.group == x.group.max())


def _share(decided: Labels, asked: Labels) -> float | None:
    """The mean over gestures of what was decided rightly."""
    shares = [float((decided[asked == k] == k).mean()) for k in np.unique(asked)]
    return float(np.mean(shares)) if shares else None


def _from_scratch(
    guide: Guide, x: Windowed, out: NDArray[np.bool_]
) -> tuple[Contract, bytes, Labels]:
    """(contract, graph, what the windows of the last repetition are decided as by the others)"""
    labels, eye = guide.labels, guide.eye
    if eye is None:
        raise Refused("Nothing was seen of the wearer yet: make the contractions first.")
    taught = discriminant(x.features[~out], x.gestures[~out], len(labels))
    decided = taught.logits(x.features[out]).argmax(axis=1)
    found, told = held_out(x, len(labels))
    divisor = temperature(found[told], x.gestures[told])
    whole = discriminant(x.features, x.gestures, len(labels))
    graph = linear_graph(whole.weights / divisor, whole.offsets / divisor)
    from training.export import NO_GOLDEN

    draft = Contract(
        name="",
        spec=eye.spec,
        chain=eye.chain,
        decision=(),
        labels=labels,
        rest=labels[0],
        input=Tensor(INPUT, (1, x.features.shape[1]), "float32"),
        output=Tensor(OUTPUT, (1, len(labels)), "float32"),
        quantization=Quantization("none", "", 1.0, 0.0),
        golden=NO_GOLDEN,
        provenance=Provenance("", "", {}, 0, "", {}),
        digest="",
    )
    return draft, graph, decided


def _levels(x: Windowed, labels: Sequence[str], rest: str) -> dict[str, float]:
    """label -> the level of a strong contraction; rest's own upper one."""
    found = {
        label: float(np.percentile(x.levels[x.gestures == k], STRONG))
        for k, label in enumerate(labels)
    }
    least = LEAST_RISE * found[rest]
    return {k: v if k == rest else max(v, least) for k, v in found.items()}


def _decision(
    draft: Contract, levels: dict[str, float], first: tuple[object, ...]
) -> tuple[object, ...]:
    """The decision stages: those of the contract or else the usual ones, as this wearer's levels
    have them, behind what refuses movements that were never calibrated and keeps rest still."""
    own = Proportional(levels_from(levels))
    usual = Reject(MIN_CONFIDENCE), own, Vote(VOTES_N), Ramp(RAMP_DECISIONS)
    stages = tuple(own if isinstance(s, Proportional) else s for s in draft.decision) or usual
    return *first, *(s for s in stages if not isinstance(s, (Familiar, Foreign, Still)))


def _familiar(x: Windowed, rest: int) -> Familiar | None:
    """None where the windows are too few to tell how a gesture scatters."""
    counts = np.bincount(x.gestures)
    if counts[counts > 0].min() < PER_CHANNEL_N * x.power.shape[1]:
        return None
    return familiar_from(np.sqrt(x.power)[:, :, None], x.gestures, rest)


def _profile_levels(
    x: Windowed, levels: dict[str, float], labels: Sequence[str], rest: str
) -> tuple[dict[str, tuple[float, float]], dict[str, str]]:
    """(gesture -> (low, high), gesture -> why it has none)"""
    found: dict[str, tuple[float, float]] = {}
    weak: dict[str, str] = {}
    for k, label in enumerate(labels):
        if label == rest:
            continue
        strengths: Floats = (x.levels[x.gestures == k] - levels[rest]) / (
            levels[label] - levels[rest]
        )
        try:
            found |= levels_of({label: np.clip(strengths, 0.0, 1.0).tolist()})
        except Refused as error:
            weak[label] = str(error)
    return found, weak


def _golden(take: Take, eye: Eye) -> Array:
    """(time, channel): a change from rest to a gesture."""
    length = eye.windows.length_samples + GOLDEN_HOPS_N * eye.windows.hop_samples
    first = max(0, take.ready_n - length // 4)
    return take.samples[first : first + length]

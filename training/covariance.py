"""Hand-crafted features with a head: band covariances, projected in int8, decided on by means that
may follow the wearer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from acquisition.stream import Samples, Spec
from models.adapt import Adaptation
from models.artifact import Artifact
from models.calibrate import calibrated
from models.contract import Contract, Provenance, Quantization, Tensor
from models.first_turn import FirstTurn
from models.guessed import Guessed
from models.head import Head
from preprocessing.bands import BandCovariance
from preprocessing.filters import Highpass
from preprocessing.stage import Chain, offline
from preprocessing.windows import Windows
from training.datasets import Segment
from training.export import NO_GOLDEN, calibration_digest, write_artifact
from training.first_turn import first_turn_from
from training.guessed import guessed_from
from training.head import Session, fit_head
from training.quantize import INPUT, METHOD, OUTPUT, feeds_of, to_int8, to_onnx
from training.recipe import Signal
from training.windows import sessions, spec_of

BLOCK_S = 0.5
QUANTIZED_ON = 1024
"""Windows that the quantization is calibrated on."""


@dataclass(frozen=True, eq=False)
class Family:
    """What many users taught: the same graph for everybody, and the head of somebody new."""

    chain: Chain
    head: Head
    adaptation: Adaptation
    full: bytes
    small: bytes
    quantization: Quantization
    spec: Spec
    guessed: Guessed | None = None
    first_turn: FirstTurn | None = None


def chain_of(signal: Signal, spec: Spec) -> Chain:
    """The stages before the projection; the ridge is in the stream's unit squared."""
    return Chain(
        (
            Highpass(signal.highpass_hz, signal.highpass_order),
            Windows(signal.window_samples, signal.hop_samples),
            BandCovariance(),
        )
    )


def adaptation_for(signal: Signal, spec: Spec) -> Adaptation:
    """The adaptation with blocks of BLOCK_S."""
    return Adaptation(block_windows=round(BLOCK_S * spec.rate_hz / signal.hop_samples))


def fit_family(
    segments: Sequence[Segment], labels: Sequence[str], signal: Signal, ring_n: int
) -> Family:
    """From the sessions of many users; ring_n: see training.head.fit_head."""
    spec = spec_of(segments)
    chain, adaptation = chain_of(signal, spec), adaptation_for(signal, spec)
    users = [features(parts, chain, labels, signal) for parts in sessions(segments)]
    known = [Session(x, held) for x, held, _ in users]
    head = fit_head(known, len(labels), adaptation.block_windows, ring_n)
    every = np.concatenate([x for x, _, _ in users])
    every = every[np.linspace(0, len(every) - 1, QUANTIZED_ON).astype(int)]
    full = to_onnx(_projection(head), (1, every.shape[1]))
    small = to_int8(full, feeds_of(full, every, None), None)
    quantization = Quantization(METHOD, calibration_digest(every), 1.0, 0.0)
    family = Family(chain, head, adaptation, full, small, quantization, spec)
    turns = [_fitted(family, *found).turn if ring_n else 0 for found in users]
    people = list(zip(map(_one_cycle, sessions(segments)), turns, strict=True))
    first = first_turn_from(known, turns, head) if ring_n else None
    return replace(family, guessed=guessed_from(people, spec, chain, head), first_turn=first)


def _one_cycle(parts: Sequence[Segment]) -> Samples:
    return np.concatenate([part.samples for part in parts if part.cycle == parts[0].cycle])


def features(
    parts: Sequence[Segment], chain: Chain, labels: Sequence[str], signal: Signal
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """(features (window, feature), gestures (window,) or -1 where a window spans two, cycles) of
    one session's segments, filtered as one stream in their order."""
    x = np.concatenate([part.samples for part in parts])
    lengths = [len(part.samples) for part in parts]
    owner = np.repeat(np.arange(len(parts)), lengths)
    found = offline(chain, x, parts[0].spec)
    first = np.arange(len(found)) * signal.hop_samples
    one, last = owner[first], owner[first + signal.window_samples - 1]
    gestures = np.array([labels.index(part.gesture) for part in parts])
    cycles = np.array([part.cycle for part in parts])
    return found, np.where(one == last, gestures[one], -1), cycles[one]


def wearers_head(
    family: Family, own: Sequence[Segment], labels: Sequence[str], signal: Signal
) -> Head:
    """The head after a calibration: `own` are segments of one session of the wearer."""
    return _fitted(family, *features(own, family.chain, labels, signal))


def _fitted(
    family: Family, x: NDArray[np.float32], held: NDArray[np.int64], cycles: NDArray[np.int64]
) -> Head:
    """The head of one session; see `features`."""
    inside, how = held >= 0, family.adaptation
    windows = x[inside], held[inside], cycles[inside]
    return calibrated(family.head, *windows, how.block_windows, how.weight)


def deploy_head(
    path: Path,
    family: Family,
    head: Head,
    labels: tuple[str, ...],
    rest: str,
    origin: Provenance,
    golden: Samples,
    *,
    adaptive: bool,
    name: str,
    decision: tuple[object, ...] = (),
) -> tuple[Artifact, Artifact]:
    """(int8 artifact at `path`, float artifact beside it). decision: stages of the contract's."""
    features_n, dimensions_n = head.projection.shape
    draft = Contract(
        name=name,
        spec=family.spec,
        chain=family.chain,
        decision=decision,
        labels=labels,
        rest=rest,
        input=Tensor(INPUT, (1, features_n), "float32"),
        output=Tensor(OUTPUT, (1, dimensions_n), "float32"),
        quantization=family.quantization,
        golden=NO_GOLDEN,
        provenance=origin,
        digest="",
        head=head,
        adaptation=family.adaptation if adaptive else None,
        guessed=family.guessed,
        first_turn=family.first_turn if adaptive and not head.calibrated else None,
    )
    plain = replace(draft, quantization=Quantization("none", "", 1.0, 0.0))
    beside = path.with_name(f"{path.stem}.float.onnx")
    whole = write_artifact(beside, family.full, plain, golden)
    return write_artifact(path, family.small, draft, golden), whole


def _projection(head: Head) -> nn.Module:
    features_n, dimensions_n = head.projection.shape
    layer = nn.Linear(features_n, dimensions_n)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.projection.T.copy()))
        layer.bias.copy_(torch.from_numpy(head.offset.copy()))
    return layer.eval()

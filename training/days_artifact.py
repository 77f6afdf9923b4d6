"""The artifacts that the protocol "days" is decided by, and what they decide, live."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from acquisition.stream import Chunk, Samples, Spec
from models.adapt import Adaptation, Adapted
from models.artifact import Artifact
from models.contract import Contract, Provenance, Quantization, Tensor
from models.decoder import open_decoder
from models.head import Head, Matrix
from models.linear_graph import linear_graph
from training.covariance import Family, deploy_head
from training.days_streams import Stream
from training.days_studies import REST, Study
from training.export import NO_GOLDEN, calibration_digest, write_artifact
from training.quantize import INPUT, NOTHING, OUTPUT
from training.weights_int8 import METHOD, to_int8_weights

SHRINK = 0.02
"""As in the reference figures of the linear discriminant."""
PROOF_FLOATS = 800
"""Samples of all channels that an artifact proves itself on, where one window has not more."""
PIECE_S = 10.0
"""Any size gives the same decisions; this one keeps the windows in memory few."""


@dataclass(frozen=True)
class Pair:
    """One model for one wearer."""

    small: Artifact
    """int8 where the network is rounded"""
    full: Artifact
    """float"""


@dataclass(frozen=True, eq=False)
class Heard:
    """What one model decided of one session."""

    small: NDArray[np.int64]
    """(window,) index into the labels"""
    full: NDArray[np.int64]
    decision_us: float
    """of the int8 artifact, mean; with its share of the windows' preprocessing"""
    counts: Adapted
    """what its adaptation did"""


def family_of(
    study: Study, head: Head, adaptation: Adaptation, teachers: Sequence[Stream], spec: Spec
) -> Family:
    """The graphs of a head's projection, rounded on windows of those who taught it.

    spec: of the device that the artifacts are for.
    """
    every = np.concatenate([s.features for s in teachers])
    full = centred_graph(head.projection, head.offset, every.mean(axis=0, dtype=np.float64))
    small, quantization = full, Quantization(NOTHING, "", 1.0, 0.0)
    if study.front.rounded:
        small = to_int8_weights(full)
        quantization = Quantization(METHOD, calibration_digest(every), 1.0, 0.0)
    chain = study.front.chain(study.front.features)
    return Family(chain, head, adaptation, full, small, quantization, spec)


def head_pair(
    study: Study, family: Family, head: Head, place: tuple[Path, str, Stream], origin: Provenance
) -> Pair:
    """A head as artifacts. place: (folder, model, a session that it can prove itself on)."""
    folder, model, proof = place
    path, golden = folder / f"{model}.onnx", golden_of(study, proof)
    adaptive = family.adaptation if model.endswith("_adaptive") else None
    made = deploy_head(
        path, family, head, study.labels, REST, origin, golden,
        adaptive=adaptive is not None, name=model,
    )  # fmt: skip
    return Pair(*made)


def linear_pair(
    study: Study,
    line: tuple[Matrix, Matrix],
    spec: Spec,
    place: tuple[Path, str, Stream],
    origin: Provenance,
) -> Pair:
    """A linear discriminant as an artifact; its few weights stay float. place: as above."""
    folder, model, proof = place
    features_n, gestures_n = line[0].shape
    draft = Contract(
        name=model,
        spec=spec,
        chain=study.front.chain(study.front.plain),
        decision=(),
        labels=study.labels,
        rest=REST,
        input=Tensor(INPUT, (1, features_n), "float32"),
        output=Tensor(OUTPUT, (1, gestures_n), "float32"),
        quantization=Quantization(NOTHING, "", 1.0, 0.0),
        golden=NO_GOLDEN,
        provenance=origin,
        digest="",
    )
    graph = linear_graph(*line)
    whole = write_artifact(folder / f"{model}.onnx", graph, draft, golden_of(study, proof))
    return Pair(whole, whole)


def centred_graph(weights: Matrix, offsets: Matrix, middle: Matrix) -> bytes:
    """The float graph of x @ weights (feature, output) + offsets (output,), worked as
    (x - middle) @ weights and the rest of it: rounded weights err then by what moves alone."""
    model = onnx.load_from_string(linear_graph(weights, offsets + middle @ weights))
    model.graph.node[0].input[0] = "moved"
    model.graph.node.insert(0, helper.make_node("Sub", [INPUT, "middle"], ["moved"]))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(middle), "middle"))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def golden_of(study: Study, stream: Stream) -> Samples:
    """(time, channel) from where a session's second segment begins; one window at least."""
    parts = [part.samples for part in stream.parts]
    samples, begin = np.concatenate(parts), len(parts[0])
    window, hop = study.front.window_samples, study.front.hop_samples
    hops_n = max(0, PROOF_FLOATS // samples.shape[1] - window) // hop
    n = window + hops_n * hop
    begin = min(max(0, begin - n // 2), len(samples) - n)
    return samples[begin : begin + n]


def heard(pairs: Mapping[str, Pair], stream: Stream, labels: Sequence[str]) -> dict[str, Heard]:
    """Model -> what it decides of one session from its begin, window by window, as live.

    All models' chains are the same, and so are their windows: these are made once.
    """
    spec = stream.parts[0].spec
    decoders = {
        (name, form): open_decoder(getattr(pair, form), spec)
        for name, pair in pairs.items()
        for form in (("small",) if pair.small is pair.full else ("small", "full"))
    }
    states = {key: decoder.start() for key, decoder in decoders.items()}
    first = next(iter(decoders))
    number = {label: n for n, label in enumerate(labels)}
    told: dict[tuple[str, str], list[int]] = {key: [] for key in decoders}
    taken = dict.fromkeys(decoders, 0.0)
    pushed_s = 0.0
    for chunk in _pieces(stream):
        begin = time.perf_counter()
        windows = decoders[first].push(chunk, states[first])
        pushed_s += time.perf_counter() - begin
        for key, decoder in decoders.items():
            begin, state, out = time.perf_counter(), states[key], told[key]
            out += [number[decoder.decide(window, state).gesture] for window in windows]
            taken[key] += time.perf_counter() - begin
    return {
        name: Heard(
            np.array(told[name, "small"]),
            np.array(told.get((name, "full"), told[name, "small"])),
            1e6 * (pushed_s + taken[name, "small"]) / max(1, len(told[first])),
            counts_of(states[name, "small"].adaptive),
        )
        for name in pairs
    }


def counts_of(adaptive: Any) -> Adapted:
    """What happened in a decoder's state; nothing where nothing adapts."""
    return Adapted() if adaptive is None else adaptive.counts


def _pieces(stream: Stream) -> list[Chunk]:
    x, rate_hz = np.concatenate([p.samples for p in stream.parts]), stream.parts[0].spec.rate_hz
    edges = [*range(0, len(x), round(PIECE_S * rate_hz)), len(x)]
    return [Chunk(x[a:b], a / rate_hz) for a, b in pairwise(edges)]


def linear(
    features: NDArray[Any], gestures: NDArray[np.int64], gestures_n: int
) -> tuple[Matrix, Matrix]:
    """(weights (feature, gesture), offsets (gesture,)) of a linear discriminant with equal priors,
    the covariance shrunk by SHRINK; every gesture must be there."""
    x = features.astype(np.float64)
    means = np.stack([x[gestures == k].mean(axis=0) for k in range(gestures_n)])
    away = x - means[gestures]
    shared = away.T @ away / len(x)
    n = len(shared)
    shared = (1 - SHRINK) * shared + SHRINK * np.trace(shared) / n * np.eye(n)
    weights = np.linalg.solve(shared, means.T)
    return weights, -0.5 * np.einsum("kd,dk->k", means, weights)

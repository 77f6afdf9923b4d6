"""One wearer's scores on whole sessions, by the int8 and the float artifact in the live decoder."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.session import Session
from acquisition.stream import Refused
from models.artifact import Artifact
from models.decoder import open_decoder
from models.score import Decided, Score, score
from training.cost import counted, hop_us
from training.evaluate import pieces, prompts

COUNTED = ("refits", "held", "rollbacks", "turns")
"""What the adaptation counts: see models.adapt.Adapted."""


def scores_of(small: Artifact, full: Artifact, streams: Sequence[Session]) -> dict[str, Any]:
    """Shares of one user over the sessions, by the live decoder."""
    shares: dict[str, list[float]] = {"int8": [], "float": [], "agreement": [], "rest": []}
    confusion: dict[str, dict[str, int]] = {}
    counts = dict.fromkeys(COUNTED, 0)
    taken_s = decided_n = 0.0
    for stream in streams:
        ours, theirs, spent_s, happened = decided_by(small, full, stream)
        taken_s += spent_s
        decided_n += len(ours)
        for name in counts:
            counts[name] += getattr(happened, name, 0)
        equal = [a.gesture == b.gesture for a, b in zip(ours, theirs, strict=True)]
        shares["agreement"].append(float(np.mean(equal)))
        for name, made in (("int8", ours), ("float", theirs)):
            result = _score(small, made, stream)
            if result.accuracy is None:
                raise Refused("A session of the protocol has no window that can be scored.")
            shares[name].append(result.accuracy)
        result = _score(small, ours, stream)
        shares["rest"].append(result.rest_false_activation or 0.0)
        add(confusion, result.confusion)
    means: dict[str, Any] = {name: float(np.mean(values)) for name, values in shares.items()}
    parameters_n, macs_n = counted(Path(full.path).read_bytes())
    return means | {
        "confusion": confusion,
        "bytes": small.bytes_n,
        "us": hop_us(small),
        "decision_us": 1e6 * taken_s / decided_n,
        "params": parameters_n,
        "macs": macs_n,
        **counts,
    }


def decided_by(
    small: Artifact, full: Artifact, stream: Session
) -> tuple[list[Decided], list[Decided], float, Any]:
    """(decisions of the int8 artifact, of the float one on the same windows, seconds that the first
    took, windows and all; what adapted in it)."""
    ours, theirs = open_decoder(small, stream.spec), open_decoder(full, stream.spec)
    state, other = ours.start(), theirs.start()
    one: list[Decided] = []
    two: list[Decided] = []
    taken_s = 0.0
    for chunk in pieces(stream):
        begin = time.perf_counter()
        windows = ours.push(chunk, state)
        one += [Decided(w.sample_n, ours.decide(w, state).gesture) for w in windows]
        taken_s += time.perf_counter() - begin
        two += [Decided(w.sample_n, theirs.decide(w, other).gesture) for w in windows]
    return one, two, taken_s, state.adaptive and state.adaptive.counts


def _score(artifact: Artifact, made: Any, stream: Session) -> Score:
    contract = artifact.contract
    return score(
        made,
        prompts(stream, contract.labels),
        rest=contract.rest,
        settle_s=0.0,
        window_samples=contract.windows.length_samples,
        rate_hz=contract.spec.rate_hz,
    )


def add(whole: dict[str, dict[str, int]], part: Mapping[str, Mapping[str, int]]) -> None:
    for want, row in part.items():
        for got, n in row.items():
            whole.setdefault(want, {})[got] = whole.get(want, {}).get(got, 0) + n

"""The head of a trained artifact, fitted to a wearer who calibrated all of its gestures or some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from flexor.calibration_fit import Floats, Windowed
from flexor.calibration_look import Eye
from models import tflite_file
from models.adapt import Adaptation
from models.artifact import Artifact
from models.calibrate import calibrated
from models.contract import Contract
from models.decision import Decision
from models.foreign import Foreign, foreign_from, narrowed, own_limit
from models.head import Head, logits, start_means
from models.still import Still, still_from


class FittedHead(NamedTuple):
    draft: Contract
    graph: bytes
    decided: NDArray[np.int64]
    """(window,) of the last repetition, by what the others taught"""
    foreign: Foreign
    """what refuses other movements, with the wearer's own limit"""
    still: Still | None
    """what keeps rest still; None where a gesture is no stronger than rest"""


def head_eye(artifact: Artifact | None, labels: Sequence[str]) -> Eye | None:
    """What a calibration looks with whose artifact brings a head for these gestures; None where it
    brings none, does not know one of them, or follows a network's output, which is not what a
    calibration sees; then all is fitted from scratch. labels[0] is rest."""
    if artifact is None or artifact.contract.head is None or artifact.contract.follows_output:
        return None
    contract = artifact.contract
    if not set(labels) <= set(contract.labels) or contract.rest != labels[0]:
        return None
    return Eye(contract.chain, contract.spec)


def labels_of(artifact: Artifact, labels: Sequence[str]) -> tuple[str, ...]:
    """Those labels, in the artifact's order."""
    return tuple(label for label in artifact.contract.labels if label in labels)


def fit_head(
    base: Artifact, x: Windowed, labels: Sequence[str], last: NDArray[np.bool_]
) -> FittedHead:
    """labels: in the artifact's order, as x numbers them; last: (window,) whether it is of the
    last repetition. Refuses an artifact without a head."""
    contract = base.contract
    head, how = contract.head, contract.adaptation or Adaptation()
    if head is None:
        raise Refused(f"{base.path} has no head to fit: calibrate without it.")
    known = [contract.labels.index(label) for label in labels]
    some = narrowed(head, known)

    def fitted(which: NDArray[np.bool_]) -> tuple[Head, Foreign]:
        windows = x.features[which], x.gestures[which], x.repetitions[which]
        own = calibrated(some, *windows, how.block_windows, how.weight)
        return own, foreign_from(head, known, own, how.own)

    taught, stage = fitted(~last)
    embedded = taught.embed(x.features[last], taught.turn)
    means = start_means(taught, how.own)
    found = np.array([logits(taught, row, means) for row in embedded])
    limit = own_limit(_strangeness(stage, embedded, found, labels), stage.dimensions_n)
    whole, stage = fitted(np.ones(len(last), bool))
    data = Path(base.path).read_bytes()
    graph = tflite_file.read(data)[2] if base.path.endswith(".tflite") else data
    draft = replace(contract, head=whole, labels=tuple(labels), first_turn=None)
    still = still_from(x.power, x.gestures, labels.index(contract.rest))
    stage = replace(stage, limit=round(limit, 3))
    return FittedHead(draft, graph, found.argmax(axis=1), stage, still)


def _strangeness(stage: Foreign, embedded: Floats, found: Floats, labels: Sequence[str]) -> Floats:
    """(window,) of windows embedded (window, dimension) with log-densities (window, gesture)."""
    state = stage.start(tuple(labels), labels[0])
    plain = Decision(0, 1.0, 0.0, 1.0, False)
    pairs = zip(embedded, found.max(axis=1), strict=True)
    asked = (plain._replace(likely=float(top), embedding=row) for row, top in pairs)
    return np.array([stage.strangeness(one, state) for one in asked])

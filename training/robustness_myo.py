"""Who is heard of the MyoArmbandDataset in the protocol "robustness": the model of the protocol
"myo" after one cycle of training0, on Test0.

Three times with what keeps rest still (models.still): as it is; with the stage that refuses what is
strange to the calibration (models.foreign); and so with two of the six gestures never calibrated,
each pair in turn. And once without any calibration, as the band sits and turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from acquisition.myo_files import MYO_GESTURES
from acquisition.stream import Samples
from models.artifact import Artifact
from models.calibrate import calibrated
from models.contract import Provenance
from models.foreign import Foreign, foreign_from, narrowed
from models.head import Head
from models.still import Still, still_from
from preprocessing.stage import Chain, offline
from training.covariance import (
    Family,
    chain_of,
    deploy_head,
    features,
    fit_family,
    wearers_head,
)
from training.datasets import Segment, Selection, fingerprint, read_myo_armband
from training.golden import golden_of
from training.recipe import Signal
from training.robustness import UNKNOWN
from training.robustness_rows import BEFORE, REST, SCORED, Subject, subject_of
from training.splits import refuse_overlap, select
from training.train import provenance

MYO, MYO_FOREIGN = "covariance_adaptive", "covariance_adaptive, foreign"
MYO_NEW = "covariance_adaptive, nothing known"
RING_N = 8
PAIRS = ((1, 4), (2, 5), (3, 6))
"""Numbers of gestures left out together, each once."""
Subjects = dict[str, list[Subject]]


@dataclass(frozen=True, eq=False)
class Shared:
    """What all of them have in common."""

    family: Family
    signal: Signal
    origin: Provenance
    golden: Samples
    folder: Path

    def deployed(
        self, name: str, head: Head, labels: tuple[str, ...], decision: tuple[object, ...]
    ) -> Artifact:
        """An artifact with these stages in its decision."""
        path = self.folder / f"robustness-{name.replace('/', '-')}.onnx"
        whole = (path, self.family, head, labels, REST, self.origin, self.golden)
        return deploy_head(*whole, adaptive=True, name=MYO, decision=decision)[0]


def myo_subjects(root: Path, folder: Path, users_n: int = 9) -> tuple[Subjects, Subjects]:
    """(model -> subjects, the same with gestures left out), of the first users by name."""
    segments = read_myo_armband(root)
    users = sorted({s.user for s in segments if s.user.startswith("evaluation/")})[:users_n]
    others = tuple(sorted({s.user for s in segments if s.user.startswith("pretraining/")}))
    general, signal = select(segments, Selection(users=others)), Signal()
    family = fit_family(general, MYO_GESTURES, signal, RING_N)
    origin = provenance("MyoArmbandDataset", fingerprint(root), {"pretraining": others}, 0, {})
    golden = golden_of(general, signal)
    shared = Shared(family, signal, origin, golden, folder)
    unknown = shared.deployed("nobody", family.head, MYO_GESTURES, ())
    models: Subjects = {MYO: [], MYO_FOREIGN: [], MYO_NEW: []}
    left_out: Subjects = {MYO_FOREIGN: []}
    for user in users:
        own = select(segments, Selection((user,), ("training0",), (0,)))
        test = select(segments, Selection((user,), ("Test0",)))
        refuse_overlap({"pre-training": general, "calibration": own, "test": test})
        turned = replace(subject_of(user, unknown, test), only=("turned band",))
        models[MYO_NEW].append(turned)
        plain, refusing = _calibrated(shared, user, own)
        models[MYO].append(subject_of(user, plain, test))
        models[MYO_FOREIGN].append(subject_of(user, refusing, test))
        for left in PAIRS:
            artifact = _without_some(shared, user, own, left)
            left_out[MYO_FOREIGN].append(_without(user, artifact, test, left))
    return models, left_out


def _calibrated(shared: Shared, user: str, own: Sequence[Segment]) -> tuple[Artifact, Artifact]:
    """(as it is, with what refuses unknown movements)"""
    head = wearers_head(shared.family, own, MYO_GESTURES, shared.signal)
    still = _still(own, MYO_GESTURES, shared.signal)
    stage = Foreign(head.means.shape[1])
    return (
        shared.deployed(user, head, MYO_GESTURES, still),
        shared.deployed(f"{user}-foreign", head, MYO_GESTURES, (stage, *still)),
    )


def _without_some(
    shared: Shared, user: str, own: Sequence[Segment], left: Sequence[int]
) -> Artifact:
    """Of a wearer who never calibrated these gestures."""
    labels = tuple(g for k, g in enumerate(MYO_GESTURES) if k not in left)
    head, stage = _narrow(shared.family, own, left, shared.signal)
    still = _still([s for s in own if s.gesture in labels], labels, shared.signal)
    name = f"{user}{''.join(map(str, left))}-foreign"
    return shared.deployed(name, head, labels, (stage, *still))


def _still(own: Sequence[Segment], labels: Sequence[str], signal: Signal) -> tuple[Still, ...]:
    """What keeps the wearer's rest still, from the same calibration; nothing where a gesture is no
    stronger than rest."""
    cut = Chain(chain_of(signal, own[0].spec).stages[:2])
    windows = offline(cut, np.concatenate([s.samples for s in own]), own[0].spec)
    _, held, _ = features(own, cut, labels, signal)
    inside = held >= 0
    power = np.square(windows[inside], dtype=np.float64).mean(axis=2)
    found = still_from(power, held[inside], labels.index(REST))
    return () if found is None else (found,)


def _narrow(
    family: Family, own: Sequence[Segment], left: Sequence[int], signal: Signal
) -> tuple[Head, Foreign]:
    """(head of a wearer who calibrated all but these, what refuses the others)"""
    known = [k for k in range(len(MYO_GESTURES)) if k not in left]
    some = [s for s in own if MYO_GESTURES.index(s.gesture) in known]
    x, held, cycles = features(some, family.chain, [MYO_GESTURES[k] for k in known], signal)
    inside, how = held >= 0, family.adaptation
    windows = x[inside], held[inside], cycles[inside]
    head = calibrated(narrowed(family.head, known), *windows, how.block_windows, how.weight)
    return head, foreign_from(family.head, known, head, how.own)


def _without(
    user: str, artifact: Artifact, test: Sequence[Segment], left: Sequence[int]
) -> Subject:
    """Two cycles of the session, in which gestures come that were never calibrated."""
    strange = {MYO_GESTURES[k] for k in left}
    parts = tuple(
        replace(part, gesture=UNKNOWN) if part.gesture in strange else part
        for part in test
        if part.cycle in BEFORE + SCORED
    )
    return Subject(user, artifact, parts)

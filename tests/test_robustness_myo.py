"""People who make gestures that they never calibrated: who is heard, and that they are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.myo_files import MYO_GESTURES, MYO_SPEC
from flexor.robustness import hear
from models.foreign import Foreign
from models.still import Still
from training import robustness_myo
from training.datasets import Segment
from training.robustness import UNKNOWN, stream_of, told_apart, unknown_shares
from training.robustness_myo import MYO, MYO_FOREIGN, MYO_NEW, PAIRS, myo_subjects

HELD_N = 500
LOUD = np.exp(1.2 * np.random.default_rng(9).normal(size=(len(MYO_GESTURES), 8)))
PEOPLE = [*(f"pretraining/P{n}" for n in range(6)), "evaluation/E0"]


def session(user: str, name: str, cycles_n: int) -> list[Segment]:
    rng = np.random.default_rng([PEOPLE.index(user), len(name)])
    own = LOUD * np.exp(0.1 * rng.normal(size=LOUD.shape))
    own[0] = 0.2
    return [
        Segment(user, name, cycle, gesture, _noise(rng, own[k]), MYO_SPEC)
        for cycle in range(cycles_n)
        for k, gesture in enumerate(MYO_GESTURES)
    ]


def _noise(rng: Any, level: Any) -> Any:
    return np.round(6 * level * rng.normal(size=(HELD_N, 8))).clip(-127, 127).astype(np.float32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(models, with gestures left out) of one wearer, taught by six people."""
    segments = [s for p in PEOPLE for s in session(p, "training0", 2 - (p == PEOPLE[-1]))]
    segments += session(PEOPLE[-1], "Test0", 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(robustness_myo, "read_myo_armband", lambda root: segments)
        patch.setattr(robustness_myo, "fingerprint", lambda root: "0" * 64)
        return myo_subjects(Path(), tmp_path_factory.mktemp("myo"), 1)


def test_each_pair_of_gestures_is_left_out_of_one_calibration(made: Any) -> None:
    models, left_out = made
    assert (len(models[MYO]), len(models[MYO_FOREIGN])) == (1, 1)
    assert [len(s.artifact.contract.labels) for s in left_out[MYO_FOREIGN]] == [5] * len(PAIRS)
    gone = [set(MYO_GESTURES) - set(s.artifact.contract.labels) for s in left_out[MYO_FOREIGN]]
    assert set.union(*gone) == set(MYO_GESTURES[1:])
    for subject in left_out[MYO_FOREIGN]:
        assert {p.gesture for p in subject.parts} == {*subject.artifact.contract.labels, UNKNOWN}
        assert subject.artifact.bytes_n < 150_000


def test_what_was_left_out_is_refused_and_what_was_calibrated_is_not(made: Any) -> None:
    subject = made[1][MYO_FOREIGN][0]
    stream, _ = stream_of(subject.parts)
    heard = hear(subject.artifact, stream)
    apart = told_apart(subject.artifact, (heard, stream), (heard, stream))
    assert apart is not None
    assert apart > 0.95
    assert unknown_shares(subject.artifact, heard, stream)["rejected"] > 0.8


def test_one_artifact_is_of_nobody_and_tells_early_how_the_ring_is_worn(made: Any) -> None:
    contract = made[0][MYO_NEW][0].artifact.contract
    assert not contract.head.calibrated
    assert contract.first_turn is not None
    assert made[0][MYO][0].artifact.contract.first_turn is None


def test_only_the_model_that_says_so_refuses(made: Any) -> None:
    models, _ = made
    assert [type(s) for s in models[MYO][0].artifact.contract.decision] == [Still]
    assert models[MYO_NEW][0].artifact.contract.decision == ()
    assert [type(s) for s in models[MYO_FOREIGN][0].artifact.contract.decision] == [Foreign, Still]

"""A virtual wearer who moves several degrees of freedom at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.pursuit import HAND, Freedom, Pursuit
from acquisition.simulator.simulation import Simulation
from acquisition.simulator.wearer import Manner
from acquisition.stream import Refused
from acquisition.synthetic import open_synthetic

pytestmark = pytest.mark.edge
SECONDS = np.arange(0, 20, 0.01)


def test_both_degrees_of_freedom_move_together_and_not_alike() -> None:
    aims = Pursuit().aims(SECONDS)
    assert aims.shape == (2000, 2)
    assert (np.abs(aims).max(axis=0) > 0.5).all()
    assert ((np.abs(aims) > 0.2).all(axis=1)).mean() > 0.3
    assert abs(np.corrcoef(aims.T)[0, 1]) < 0.7


def test_the_wearer_follows_an_aim_after_reaction_and_ramp() -> None:
    pursuit, manner = Pursuit(), Manner()
    aims, followed = pursuit.aims(SECONDS), pursuit.followed(manner, SECONDS)
    late = [np.corrcoef(aims[: -k or None, 0], followed[k:, 0])[0, 1] for k in range(60)]
    assert 0.2 <= np.argmax(late) * 0.01 <= 0.45
    assert max(late) > 0.99


def test_what_is_followed_does_not_look_ahead() -> None:
    short = Pursuit().followed(Manner(), SECONDS[:900])
    np.testing.assert_array_equal(short, Pursuit().followed(Manner(), SECONDS)[:900])


def test_the_muscles_of_a_pursuit_work_as_hard_as_it_asks() -> None:
    arm, quiet = replace(ARMBAND, user=1), Pursuit(effort=0.05)
    loud = Simulation(arm, Pursuit(effort=0.6)).take(1000).samples.std()
    assert loud > 2 * Simulation(arm, quiet).take(1000).samples.std()


def test_a_pursuit_has_no_markers_and_is_the_same_from_a_source() -> None:
    arm, pursuit = replace(ARMBAND, user=2), Pursuit(HAND, seed=3)
    taken = Simulation(arm, pursuit).take(400)
    source = open_synthetic("armband", fast=True, seconds=2.0, user=2, script=pursuit)
    source.start()
    parts = []
    while (chunk := source.read(1.0)) is not None:
        parts.append(chunk.samples)
    source.stop()
    assert not taken.markers
    np.testing.assert_array_equal(np.concatenate(parts), taken.samples)


@pytest.mark.parametrize(
    "wrong", [{"effort": 0.0}, {"freedoms": (Freedom("wave", "rest"),)}, {"waves_hz": ()}]
)
def test_a_pursuit_that_no_wearer_can_follow_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Refused, match="A pursuit needs gestures"):
        Pursuit(**wrong)  # type: ignore[arg-type]

"""Tests of control: TAC and motion test by hand, and all of them on the virtual wearer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acquisition.simulator.arms import ARMS
from acquisition.simulator.simulation import Simulation
from acquisition.simulator.will import Will
from acquisition.stream import Refused
from flexor import fitts, motion_test, tac
from flexor.assess import calibrated, run_assessment
from flexor.closed_loop import assess, fitts_test, motions_test, tac_test, variants
from flexor.profile import DEMO_ARTIFACT
from flexor.virtual_wearer import Mind, Person, decide
from models.artifact import Artifact, open_artifact

STEP_S = 0.01


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return open_artifact(DEMO_ARTIFACT)


def test_a_posture_is_reached_when_it_was_kept_for_the_dwell() -> None:
    test = tac.Tac(freedoms_n=2, dwell_s=1.0)
    attempt = tac.begin(test, (40.0, -40.0))
    for velocity in [(40.0, 0.0)] * 100 + [(0.0, -40.0)] * 100 + [(0.0, 0.0)] * 200:
        attempt = tac.step(test, attempt, velocity, STEP_S)
    got = tac.outcome(attempt)
    assert got.reached
    assert got.time_s == pytest.approx(1.0 + 35 / 40, abs=0.02)
    assert got.path_efficiency == pytest.approx(1.0, abs=0.01)
    assert (got.overshoots_n, got.moved_n) == (0, 2)


def test_a_posture_that_is_left_in_time_was_overshot_and_not_reached() -> None:
    test = tac.Tac(freedoms_n=1, moved_n=(1,), dwell_s=1.0, timeout_s=3.0)
    attempt = tac.begin(test, (40.0,))
    for velocity in [(40.0,)] * 100 + [(0.0,)] * 50 + [(40.0,)] * 300:
        attempt = tac.step(test, attempt, velocity, STEP_S)
    got = tac.outcome(attempt)
    assert not got.reached
    assert got.overshoots_n == 1
    assert max(map(abs, attempt.at_deg)) <= test.range_deg


def test_the_postures_are_all_both_ways() -> None:
    assert len(tac.postures(tac.Tac(freedoms_n=3, moved_n=(1, 2)))) == 6 + 12


def test_a_motion_counts_from_the_first_movement_to_the_twentieth_right_decision() -> None:
    test = motion_test.MotionTest(right_n=3, timeout_s=5.0)
    motion = motion_test.Motion("hand_close")
    said = ["rest", "rest", "hand_open", "hand_close", "hand_close", "hand_open", "hand_close"]
    for k, gesture in enumerate(said):
        motion = motion_test.step(test, motion, gesture, "rest", 0.1 * k)
    figures = motion_test.summary([motion])
    assert figures["completion"] == 1.0
    assert figures["selection_s"] == pytest.approx(0.1)
    assert figures["completion_s"] == pytest.approx(0.4)
    assert figures["accuracy"] == pytest.approx(3 / 5)


def test_a_motion_that_takes_too_long_has_failed() -> None:
    test = motion_test.MotionTest(right_n=3, timeout_s=1.0)
    motion = motion_test.Motion("hand_close")
    for k in range(12):
        motion = motion_test.step(test, motion, "rest", "rest", 0.1 * k)
    assert motion_test.summary([motion])["completion"] == 0.0


def test_the_virtual_wearer_sees_late_and_lets_go_inside_the_target() -> None:
    person, mind = Person(), Mind()
    first = decide(person, mind, 0.0, (0.0, 0.0), (0.0, 0.0), (0.6, 0.0), 0.15)
    assert first == ("rest", 0.0)
    for k in range(1, 40):
        wanted = decide(person, mind, k * 0.01, (0.0, 0.0), (0.0, 0.0), (0.6, 0.0), 0.15)
    assert wanted == ("wrist_flexion", person.strong)
    for k in range(40, 80):
        wanted = decide(person, mind, k * 0.01, (0.55, 0.0), (0.0, 0.0), (0.6, 0.0), 0.15)
    assert wanted == ("rest", 0.0)


def test_a_will_reaches_the_muscles_within_a_block_and_the_same_again_is_bit_equal() -> None:
    def taken() -> tuple[float, float]:
        will = Will()
        arm = ARMS["armband"]
        arm = replace(arm, manner=replace(arm.manner, reaction_s=0.0))
        simulation = Simulation(arm, will)
        before = simulation.take(200).samples
        will.want("hand_close", 0.6)
        simulation.take(100)
        after = simulation.take(200)
        assert after.markers == ()
        return float(before.std()), float(after.samples.std())

    still, strong = taken()
    assert strong > 3 * still
    assert taken() == (still, strong)


def test_the_virtual_wearer_reaches_the_bars_of_the_ring(artifact: Artifact) -> None:
    figures = fitts.summary(fitts_test(artifact, fitts.Ring(), Person(), seed=1))
    assert figures["completion"] == 1.0
    assert figures["throughput_bit_s"] >= 0.8


def test_a_wearer_nobody_trained_for_reaches_every_target_after_a_calibration() -> None:
    own = calibrated(3, ("hand_close", "hand_open", "wrist_flexion", "wrist_extension"))
    figures = fitts.summary(fitts_test(own, fitts.Ring(targets_n=4), Person(), user=3, seed=1))
    assert figures["completion"] == 1.0
    assert figures["throughput_bit_s"] > 0.5


def test_a_decoder_that_moves_the_wrong_way_fails_the_ring(artifact: Artifact) -> None:
    axes = (("wrist_extension", "wrist_flexion"), ("hand_close", "hand_open"))
    ring = fitts.Ring(targets_n=3, timeout_s=4.0)
    wrong = Person(axes=axes)
    swapped = list(artifact.contract.labels)
    i, j = swapped.index("wrist_flexion"), swapped.index("hand_open")
    swapped[i], swapped[j] = swapped[j], swapped[i]
    confused = replace(artifact, contract=replace(artifact.contract, labels=tuple(swapped)))
    assert fitts.summary(fitts_test(confused, ring, wrong, seed=1))["completion"] < 1.0


def test_postures_and_motions_can_be_done_by_the_virtual_wearer(artifact: Artifact) -> None:
    test = tac.Tac(freedoms_n=1, moved_n=(1,))
    got = tac.summary(tac_test(artifact, test, Person(near=4.0), seed=1))
    assert got["completion"] == 1.0
    motions = motions_test(artifact, motion_test.MotionTest(), seed=1)
    assert motion_test.summary(motions)["completion"] == 1.0


def test_each_decision_stage_is_left_out_once(artifact: Artifact) -> None:
    names = list(variants(artifact))
    chosen = [type(s).__name__.lower() for s in artifact.contract.decision]
    left_out = [f"without {name}" for name in chosen if name != "proportional"]
    assert names == ["all stages", *left_out, "none of them"]
    assert len(left_out) >= 3
    rows = assess({0: artifact}, "motion", seeds=(1,))
    assert [row["decision"] for row in rows] == names


def test_what_cannot_be_is_refused_in_one_sentence() -> None:
    with pytest.raises(Refused, match="fitts"):
        run_assessment("fits", None, (0,), 1)
    with pytest.raises(Refused, match="1 to 200"):
        run_assessment("fitts", None, (0,), 0)
    with pytest.raises(Refused, match="leave --artifact out"):
        run_assessment("fitts", DEMO_ARTIFACT, (0,), 1, calibrate=True)
    with pytest.raises(Refused):
        tac.Tac(tolerance_deg=30.0)
    with pytest.raises(Refused):
        motion_test.MotionTest(right_n=0)

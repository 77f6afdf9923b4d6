"""The simulated wearer who does a test of control on a live run."""

from __future__ import annotations

import pytest

from acquisition.simulator.will import Will
from acquisition.synthetic import open_synthetic
from flexor.dashboard.hub import AHEAD_S
from flexor.exam_wearer import ExamWearer
from flexor.examination import examine
from flexor.profile import DEMO_ARTIFACT
from models.artifact import open_artifact
from models.decoder import Decoder

AXES = (("wrist_flexion", "wrist_extension"), ("hand_open", "hand_close"))


class Told:
    """A run that carries words out so much later than what they answer to."""

    def __init__(self, late_s: float, seed: int) -> None:
        self.late_s, self.now_s = late_s, 0.0
        self.source = open_synthetic(script=Will(), seed=seed, fast=True, clock=lambda: 0.0)
        self.orders: list[tuple[float, str, float]] = []
        self.free = 0

    def perform(self, gesture: str, effort: float) -> bool:
        self.orders.append((self.now_s + self.late_s, gesture, effort))
        return True

    def perform_freely(self, gesture: str, effort: float) -> bool:
        self.free += 1
        return self.perform(gesture, effort)

    def carry_out(self) -> None:
        while self.orders and self.orders[0][0] <= self.now_s:
            _, gesture, effort = self.orders.pop(0)
            self.source.perform(gesture, effort)


@pytest.mark.parametrize("late_s", [0.0, AHEAD_S])
def test_it_reaches_every_target_however_late_within_its_bound_the_page_answers(
    late_s: float,
) -> None:
    artifact = open_artifact(DEMO_ARTIFACT)
    contract, run = artifact.contract, Told(late_s, seed=1)
    decoder = Decoder(artifact)
    state = decoder.start()
    test = examine("fitts", AXES, contract.labels, contract.rest, 0.0, targets_n=4)
    wearer = ExamWearer(test, run)
    run.source.start()
    while not test.done and run.now_s < 120.0:
        chunk = run.source.read(0.0)
        assert chunk is not None
        run.now_s = chunk.clock_s
        wearer.turn(decoder.step(chunk, state))
        run.carry_out()
    figures = test.figures()
    assert figures["trials"] == 4
    assert figures["completion"] == 1.0
    assert figures["throughput_bit_s"] > 0.5
    assert run.free == 1


def test_its_time_is_the_samples_own_and_not_the_clock_on_the_wall() -> None:
    contract, run = open_artifact(DEMO_ARTIFACT).contract, Told(0.0, seed=0)
    test = examine("fitts", AXES, contract.labels, contract.rest, 500.0, targets_n=4)
    wearer = ExamWearer(test, run)
    wearer.turn([])
    assert test.now_s == 500.0
    assert run.orders == [(0.0, "rest", 0.0)]

"""The loop: the same result however often it is interrupted, and no longer than it helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from acquisition.stream import Refused
from tests.learning_rig import GESTURES, session
from tests.test_learning import share
from training.build import network_for
from training.fit import fit
from training.recipe import Fit, Recipe
from training.tasks import Gestures
from training.train import calibrate, pretrain
from training.windows import WindowSet, sessions, window_set

FIT = Fit(40, 32, 3e-3, warmup_steps=4, average=0.9, noise=0.03)
RECIPE = Recipe("r", FIT, FIT, width=8)


class Interrupted(Exception):
    pass


def windows() -> WindowSet:
    return window_set(sessions(session(0)), RECIPE, GESTURES, 1)


def fitted(folder: Path | None = None, stop_at: int = 0, how: Fit = FIT) -> dict[str, torch.Tensor]:
    def progress(done: int, _: int) -> None:
        steps.append(done)
        if done == stop_at:
            raise Interrupted

    steps: list[int] = []
    module = network_for(RECIPE, 8, len(GESTURES))
    task = Gestures(windows(), how)
    weights = fit(module, task, how, 0, progress, folder).state_dict()
    weights["first step"] = torch.tensor(steps[0])
    return weights


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a if name != "first step")


def test_a_fit_that_was_interrupted_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = fitted()
    with pytest.raises(Interrupted):
        fitted(tmp_path, stop_at=23)
    again = fitted(tmp_path)
    assert 10 < int(again["first step"]) < 24
    assert same(again, whole)
    assert not (tmp_path / "last.ckpt").exists()


def test_what_another_fit_left_is_not_gone_on_from(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        fitted(tmp_path, stop_at=23)
    other = replace(FIT, rate=1e-3)
    again = fitted(tmp_path, how=other)
    assert int(again["first step"]) == 1
    assert same(again, fitted(how=other))


def test_a_fit_with_a_folder_leaves_logs_for_tensorboard(tmp_path: Path) -> None:
    fitted(tmp_path)
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))


def test_a_fit_stops_when_held_out_data_gets_no_better() -> None:
    general = [*session(0), *session(1, 0, 61)]
    steps: list[int] = []
    long = replace(FIT, steps=4000, check_steps=10, patience_checks=2, rate=1e-2)
    recipe = replace(RECIPE, pretrain=long)
    weights = pretrain(recipe, general, GESTURES, lambda done, _: steps.append(done))
    assert steps[-1] < 2000
    module = network_for(recipe, 8, len(GESTURES))
    module.load_state_dict(dict(weights))
    assert share(module.eval(), recipe, session(0, 1, 51)) > 0.6


def test_there_must_be_something_to_hold_out() -> None:
    checked = replace(FIT, check_steps=10)
    recipe = replace(RECIPE, pretrain=checked)
    with pytest.raises(Refused, match="takes a second user to hold out"):
        pretrain(recipe, session(0), GESTURES)
    once = [s for s in session(0) if s.cycle == 0]
    with pytest.raises(Refused, match="takes a second repetition to hold out"):
        calibrate(
            replace(RECIPE, finetune=replace(FIT, check_steps=10)), None, once, GESTURES, "rest"
        )
    calibrate(
        replace(RECIPE, finetune=replace(FIT, check_steps=10)), None, session(0), GESTURES, "rest"
    )

"""A network learns from calibrations that are played with many users' repetitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from acquisition.stream import Refused
from tests.test_protocol_raw import SHORT
from tests.toy_people import myo_segments
from training.build import network_for
from training.datasets import Segment
from training.raw_episodes import DIMENSIONS, EACH, Distances, Episodes, _places, pretrain_episodes
from training.raw_makers import FAMILIES
from training.windows import sessions, window_set

LABELS = ("rest", "a", "b")


def people(cycles: int = 2) -> list[Segment]:
    found = [*myo_segments("a", "s", 1, cycles), *myo_segments("b", "s", 2, cycles)]
    names = sorted({part.gesture for part in found})[: len(LABELS)]
    return [
        replace(part, gesture=LABELS[names.index(part.gesture)])
        for part in found
        if part.gesture in names
    ]


def episodes(cycles: int = 2) -> Episodes:
    groups = sessions(people(cycles))
    windows = window_set(groups, SHORT, LABELS, hop_samples=1)
    how = replace(SHORT.pretrain, mix=0.0, gain=0.0, channel_gain=0.0, noise=0.0)
    task = Episodes(windows, _places(groups, windows, LABELS), how, len(LABELS))
    task.parts = Distances(48)
    return task


def test_a_step_draws_a_calibration_and_another_repetition_of_each_user() -> None:
    task = episodes()
    x, held = task.draw(np.random.default_rng(0))
    users_n, each = 2, len(LABELS) * EACH
    assert x.shape == (users_n * 2 * each, 8, 1, 52)
    assert held.tolist() == [k for k in range(len(LABELS)) for _ in range(EACH)] * users_n * 2
    # what is not moved by a session of its own is found among the windows of the one repetition
    for n, cycle in task.cycles.items():
        assert sorted(cycle) == [0, 1], n


def test_every_window_belongs_to_the_repetition_that_it_is_said_to_be_of() -> None:
    task = episodes()
    places = list(task.places.values())
    assert sorted(np.concatenate(places).tolist()) == list(range(len(task.windows)))
    for (_, _, gesture), which in task.places.items():
        assert set(task.windows.gestures[which].tolist()) == {gesture}


def test_distances_do_not_see_what_a_session_adds_to_all_gestures() -> None:
    torch.manual_seed(0)
    parts = Distances(6)
    embedded = torch.randn(2 * 2 * 3 * EACH, 6)
    moved = embedded.reshape(2, 2, 3 * EACH, 6).clone()
    moved[:, 1] += torch.randn(6)
    told = parts(embedded, 3)
    assert told.shape == (2 * 3 * EACH, 3)
    torch.testing.assert_close(parts(moved.reshape(-1, 6), 3), told, rtol=1e-4, atol=1e-4)
    assert parts.projection.out_features == DIMENSIONS


def test_it_learns_to_tell_the_gestures() -> None:
    recipe = replace(SHORT, pretrain=replace(SHORT.pretrain, steps=60))
    parts = people()
    weights = pretrain_episodes(recipe, parts, LABELS)
    network = network_for(recipe, 8, len(LABELS))
    network.load_state_dict(dict(weights))
    windows = window_set(sessions(parts), recipe, LABELS, hop_samples=20)
    x = torch.from_numpy(windows.inputs(windows.windows(np.arange(len(windows)))))
    with torch.no_grad():
        told = network.eval()(x).argmax(1).numpy()
    assert (told == windows.gestures).mean() > 0.6, "after 60 steps; by chance 0.33"


def test_a_single_repetition_cannot_play_a_calibration() -> None:
    with pytest.raises(Refused, match="two repetitions"):
        episodes(cycles=1)


def test_held_out_checks_are_refused() -> None:
    with pytest.raises(Refused, match="check_steps"):
        episodes().check(torch.nn.Identity())


def test_the_episodic_recipe_is_the_usual_one_otherwise() -> None:
    usual, played = FAMILIES["second_order"], FAMILIES["second_order_episodic"]
    assert (played.network, played.width) == (usual.network, usual.width)

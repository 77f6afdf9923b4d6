"""Continuous control: what is measured is causal, leaks nothing, and is what the artifact does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from acquisition.stream import Chunk, Refused
from models.decoder import open_decoder
from preprocessing.course import Course
from tests.continuous_rig import RECIPE, SPEC, TOY, centred, toy, toys
from training import continuous_people
from training.continuous import CONTRACTION, MODELS, UNSEEN, fold
from training.continuous_artifact import artifact_of, rows_of
from training.continuous_data import (
    STEPS_N,
    calibration_of,
    centre_of,
    folds,
    steps_of,
)
from training.continuous_fit import answers, told_by
from training.continuous_linear import Floats
from training.continuous_own import BETWEEN, CALIBRATED, calibrated, fitted
from training.continuous_people import PLAIN, fitted_shares, shares_of, taught_by
from training.continuous_score import Score, summary
from training.datasets import cut
from training.leaks import refuse_lookahead


def test_a_step_rests_on_its_own_samples_and_windows_are_runs_of_steps() -> None:
    take = toy(0)
    steps = steps_of(RECIPE, take.segment, centred(take), fixed=True)
    x = np.random.default_rng(0).normal(size=(1, 3, STEPS_N * 5)).astype(np.float32)
    whole = Course(5, STEPS_N).step(x, None)[0].reshape(9, STEPS_N)
    one = [Course(5, 1).step(x[:, :, i * 5 : i * 5 + 5], None)[0][0] for i in range(STEPS_N)]
    np.testing.assert_array_equal(whole, np.stack(one, 1))
    assert steps.features().shape == (len(steps.aims()), 9 * STEPS_N)
    np.testing.assert_array_equal(
        steps.features()[3].reshape(9, STEPS_N), steps.course[3 : 3 + STEPS_N].T
    )


@pytest.mark.parametrize("fixed", [True, False])
def test_future_samples_do_not_change_past_steps(fixed: bool) -> None:
    take = toy(1)
    centre = centred(toy(0))
    whole = steps_of(RECIPE, take.segment, centre, fixed=fixed)
    for n in (1001, 1500, 2003):
        early = steps_of(RECIPE, cut(take.segment, 0, n), centre, fixed=fixed)
        np.testing.assert_array_equal(early.course, whole.course[: len(early.course)])
        np.testing.assert_array_equal(early.truth, whole.truth[: len(early.truth)])


def test_the_truth_of_a_step_is_that_of_its_newest_sample() -> None:
    take = toy(0)
    steps = steps_of(RECIPE, take.segment, centred(take), fixed=True)
    assert take.segment.targets is not None
    assert steps.truth[7, 0] == take.segment.targets.values[7 * 5 + 4, 0]
    assert steps.aims()[0, 0] == steps.truth[STEPS_N - 1, 0]


def test_a_user_who_teaches_is_never_tested() -> None:
    found = toys()
    mine = [t for t in found if t.segment.user == "u0"]
    with pytest.raises(Refused, match="u0"):
        taught_by(RECIPE, mine, found)
    copied = replace(mine[0], segment=replace(mine[0].segment, user="u9", recording="other"))
    with pytest.raises(Refused):
        taught_by(RECIPE, mine, [copied, *found[1:]])


def test_every_user_is_left_out_once() -> None:
    for n in (2, 3, 100):
        groups = folds(replace(TOY, folds_n=n), toys())
        assert sorted(user for group in groups for user in group) == ["u0", "u1", "u2", "u3"]
        assert len(groups) == min(n, 4)
    with pytest.raises(Refused, match="must be two"):
        folds(TOY, [toy(0)])


def test_what_follows_the_calibration_teaches_nothing() -> None:
    """The truth behind the calibration is made nonsense; the network that comes out is the same."""
    found = toys()
    taught = taught_by(RECIPE, found[:1], found[1:])
    take = found[0]
    n = len(calibration_of(take).samples)
    targets = take.segment.targets
    assert targets is not None
    wrong = targets.values.copy()
    wrong[n:] = 1 - wrong[n:]
    cheat = replace(take, segment=replace(take.segment, targets=replace(targets, values=wrong)))
    honest, other = (calibrated(RECIPE, "toy", taught, t) for t in (take, cheat))
    for a, b in zip(honest[1].state_dict().values(), other[1].state_dict().values(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert honest[0][-1].r2 > 0.6 > other[0][-1].r2


def test_a_fold_scores_every_model_before_and_after_calibration() -> None:
    rows = [Score(**row) for row in fold(RECIPE, TOY, toys(), ("u2",))]
    assert [(r.setting, r.model) for r in rows] == [
        (setting, model)
        for setting in (UNSEEN, CALIBRATED, BETWEEN, CONTRACTION)
        for model in MODELS
    ]
    assert all(r.user == "u2" and r.unit == "deg" for r in rows)
    assert min(r.r2 for r in rows if r.model == "course") > 0.3
    table = summary(rows)
    assert len(table) == len(rows)
    assert table[0]["per_user"] == {"u2": table[0]["r2"]}


def test_the_artifact_tells_live_what_was_measured_offline(tmp_path: Path) -> None:
    found = toys()
    taught = taught_by(RECIPE, found[:1], found[1:])
    take = found[0]
    _, network = calibrated(RECIPE, "toy", taught, take)
    small, whole = artifact_of(RECIPE, network, take, tmp_path / "toy.onnx", ["u1"])
    assert small.bytes_n <= 150_000
    steps = steps_of(RECIPE, take.segment, centre_of(RECIPE, [calibration_of(take)]), fixed=True)
    offline = answers(network, steps)
    target = whole.contract.targets[0]
    decoder = open_decoder(whole, SPEC)
    state = decoder.start()
    live, cuts = [], [0, 3, 250, 251, 900, len(take.segment.samples)]
    for a, b in pairwise(cuts):
        chunk = Chunk(take.segment.samples[a:b], a / 200)
        live += [intent.targets for intent in decoder.step(chunk, state)]
    assert len(live) == len(offline)
    np.testing.assert_allclose(live, np.clip(offline, target.low, target.high), atol=2e-4)
    rows = rows_of("toy", take, small, whole, network)
    assert [row["form"] for row in rows] == ["int8", "float"]
    assert abs(rows[0]["r2"] - rows[1]["r2"]) <= 0.003
    assert rows[0]["int8_agreement"] >= 0.995
    assert rows[0]["int8_rmse_share"] <= 0.003
    assert rows[0]["bytes"] < 0.7 * rows[1]["bytes"]

    def told(samples: np.ndarray) -> list[tuple[int, tuple[float, ...]]]:  # type: ignore[type-arg]
        state = decoder.start()
        windows = decoder.push(Chunk(samples, 0.0), state)
        return [(w.sample_n, decoder.decide(w, state).targets) for w in windows]

    refuse_lookahead(told, take.segment.samples[:700], (450, 603))


def test_a_body_learns_nothing_from_the_people_it_is_asked_about() -> None:
    """Their truth is made nonsense; what the body says is the same."""
    found = [toy(user) for user in range(5)]
    honest = taught_by(RECIPE, found[:1], found[1:])
    targets = found[1].segment.targets
    assert targets is not None
    wrong = replace(targets, values=1 - targets.values)
    cheat = replace(found[1], segment=replace(found[1].segment, targets=wrong))
    other = taught_by(RECIPE, found[:1], [cheat, *found[2:]])
    steps = steps_of(RECIPE, found[0].segment, centred(found[2]), fixed=True)
    held = honest.examples["bend"][0].held_from
    for k in range(3):
        a, b = (told_by(RECIPE, taught.body, k, 0, steps) for taught in (honest, other))
        assert np.array_equal(a, b) == (k == held)


def test_shares_are_parts_of_one_and_go_to_who_knows() -> None:
    taught = taught_by(RECIPE, toys()[:1], toys()[1:])
    shares = shares_of(RECIPE, taught, "bend")
    assert shares.sum() == pytest.approx(1)
    assert shares.min() >= 0
    assert shares[-1] < 0.2, "the mean of the truth knows nothing of the signal"


def strangers(good: float, n: int = 6, seed: int = 0) -> list[tuple[int, Floats, Floats]]:
    """Recordings of which the body tells the share `good`, the baseline half, and others nothing,
    as much noise as there is."""
    rng = np.random.default_rng(seed)
    out = []
    for person in range(n):
        y = rng.random(80)
        noise = rng.random((80, 5))
        x = 0.5 * noise
        x[:, 0] = good * y + (1 - good) * noise[:, 0]
        x[:, PLAIN] = 0.5 * y + 0.5 * noise[:, PLAIN]
        out.append((person % 3, x, y))
    return out


def test_shares_leave_the_baseline_only_for_what_is_surely_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shares(parts: list[tuple[int, Floats, Floats]]) -> Floats:
        monkeypatch.setattr(continuous_people, "told_of_strangers", lambda *_: parts)
        return shares_of(RECIPE, None, "bend")  # type: ignore[arg-type]

    better = shares(strangers(0.95))
    assert better[0] > 0.8
    alike = [(k, np.repeat(x[:, PLAIN : PLAIN + 1], 5, 1), y) for k, x, y in strangers(0.0)]
    np.testing.assert_array_equal(shares(alike), np.eye(5)[PLAIN])
    lucky = strangers(0.0)
    lucky[0] = (0, lucky[0][1].copy(), lucky[0][2])
    lucky[0][1][:, 4] = lucky[0][2]
    assert shares(lucky)[PLAIN] > fitted_shares(lucky)[PLAIN], "one person's luck is no proof"


def test_no_estimate_goes_beyond_what_the_calibration_held() -> None:
    found = toys()
    taught = taught_by(RECIPE, found[:1], found[1:])
    steps = steps_of(RECIPE, found[0].segment, centred(found[0]), fixed=True)
    truth = steps.aims()[:, 0]
    known = np.flatnonzero(truth < 0.6)[:150]
    told, _ = fitted(RECIPE, taught, "bend", steps, known, np.arange(steps.windows_n()))
    assert set(told) == set(MODELS)
    for said in told.values():
        assert said.max() <= truth[known].max()
        assert said.min() >= truth[known].min()

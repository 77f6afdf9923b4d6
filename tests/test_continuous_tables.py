"""Continuous control: estimators, scores, and what the page tells are what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from acquisition.stream import Refused
from tests.continuous_rig import FIT, RECIPE, SPEC, TOY, centred, toy, toys
from training.continuous import MODELS, UNSEEN, WIDTH, Asked, run
from training.continuous_baseline import SPLITS, baseline_rows, followed_rows, lagged
from training.continuous_data import (
    FIELDS,
    STEPS_N,
    folds,
    in_shares,
    recipe_for,
    steps_of,
)
from training.continuous_fit import Lesson, Stretches
from training.continuous_linear import (
    Linear,
    envelope_columns,
    envelopes_among_lags,
    in_blocks,
    kernel,
    lag_columns,
    mixed,
    ridge,
)
from training.continuous_own import calibrated, parts_of
from training.continuous_people import taught_by
from training.continuous_score import Score, best_lag, pooled, scored, summary
from training.datasets import Segment
from training.networks.course import LAG_STEPS
from training.targets import Targets


def test_parts_of_a_recording_are_told_by_windows_that_share_no_step_with_them() -> None:
    for n in (150, 361):
        parts = parts_of(n)
        assert sorted(int(i) for _, asked in parts for i in asked) == list(range(n))
        for known, asked in parts:
            assert np.abs(known[:, None] - asked).min() >= STEPS_N


def test_the_split_alone_moves_the_baseline() -> None:
    rows = baseline_rows([toy(0), toy(1), toy(2)])
    r2 = {(r["filter"], r["lags"], r["split"]): r["median"] for r in rows}
    assert {split for _, _, split in r2} == set(SPLITS)
    assert r2["causal", "1 s", "itself"] >= r2["causal", "1 s", "shuffled"]
    assert r2["causal", "1 s", "shuffled"] > r2["causal", "1 s", "blocks"]
    np.testing.assert_array_equal(
        lagged(np.arange(4.0)[:, None], (0, 2)), [[0, 0], [1, 0], [2, 0], [3, 1]]
    )


def test_recordings_are_pooled_around_their_common_mean() -> None:
    rng = np.random.default_rng(0)
    parts = [(rng.normal(m, s, 50), rng.normal(m, 1, 50)) for m, s in ((0, 1), (3, 2))]
    scores = [
        replace(
            Score(
                "f", "t", "a", "", "u", UNSEEN, "m", 1 - ((p - y) ** 2).sum() / spread, 0, "", 0, 0
            ),
            n=len(y),
            mean=y.mean(),
            spread=spread,
        )
        for y, p in parts
        for spread, missed in [(((y - y.mean()) ** 2).sum(), ((p - y) ** 2).sum())]
    ]
    y, p = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    whole = 1 - ((p - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert pooled(scores) == pytest.approx(whole)


def test_people_who_may_be_one_are_left_out_together() -> None:
    found = [replace(toy(0), segment=replace(toy(0).segment, user=u)) for u in ("A1", "N1", "N2")]
    assert folds(replace(TOY, folds_n=2), found) == [("N1", "N2"), ("A1",)]


def test_an_estimate_that_is_late_is_found_and_loses() -> None:
    t = np.arange(400) / 40
    truth = np.sin(2 * np.pi * 0.5 * t) / 2 + 0.5
    assert best_lag(truth[4:], truth[:-4])[0] == 4
    assert best_lag(truth, truth)[0] == 0
    take = toy(0)
    right, late = (
        scored("toy", take, UNSEEN, "m", truth[4:, None], told[:, None])[0]
        for told in (truth[4:], truth[:-4])
    )
    assert right.r2 == 1
    assert late.r2 < 0.95
    assert (right.delay_ms, late.delay_ms) == (0, 100)


def test_a_target_that_stands_still_is_not_scored() -> None:
    still = np.ones((50, 1))
    assert scored("toy", toy(0), UNSEEN, "m", still, still) == []


def test_ridge_finds_a_line_and_a_kernel_what_no_line_is() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    line, bent = x @ [[1.0], [-2.0], [0.0]] + 3, np.sin(2 * x[:, :1])
    np.testing.assert_allclose(ridge(in_blocks(x, line), (2, 1))(x), line, atol=0.4)
    missed = [((f(x) - bent) ** 2).mean() for f in (ridge(in_blocks(x, bent), (3,)),)]
    assert ((kernel(in_blocks(x, bent), 0)[0](x) - bent) ** 2).mean() < 0.3 * missed[0]


def test_a_line_over_envelopes_is_the_same_one_among_the_lags() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(20, 9 * STEPS_N))
    line = Linear(rng.normal(size=(12, 2)), rng.normal(size=2))
    among = envelopes_among_lags(line, 9, STEPS_N // LAG_STEPS)
    np.testing.assert_allclose(
        among(lag_columns(features, STEPS_N, LAG_STEPS)),
        line(envelope_columns(features, STEPS_N, LAG_STEPS)),
    )


def test_a_mean_of_lines_trusts_those_that_missed_little() -> None:
    good, bad = (Linear(np.full((1, 1), v), np.zeros(1)) for v in (1.0, 5.0))
    assert mixed([(good, 1.0), (bad, 3.0)]).weight[0, 0] == pytest.approx(1.4)
    assert mixed([(good, 0.0), (bad, 3.0)]).weight[0, 0] == pytest.approx(1.0)


def test_recordings_that_are_too_short_are_refused() -> None:
    short = toy(5, seconds=2.0)
    with pytest.raises(Refused, match="steps; record longer"):
        Stretches([Lesson(steps_of(RECIPE, short.segment, centred(toy(0)), fixed=True), 0)], FIT, 1)
    taught = taught_by(RECIPE, toys()[:1], toys()[1:])
    with pytest.raises(Refused, match="too short to calibrate"):
        calibrated(RECIPE, "toy", taught, toy(5, seconds=2.5))


def test_angles_of_either_sign_bend_positive() -> None:
    values = np.linspace(-80, 5, 400, dtype=np.float32)[:, None]
    targets = Targets(values, ("knee",), ("deg",), 200.0)
    take = in_shares(Segment("N", "s", 0, "sit", np.zeros((400, 3), np.float32), SPEC, targets))
    assert take.segment.targets is not None
    shares = take.segment.targets.values
    assert shares[0, 0] > 1
    assert shares[-1, 0] < 0
    assert take.spans[0] == pytest.approx(0.96 * 85, rel=0.01)


def test_the_table_of_fields_names_what_it_reads() -> None:
    assert {f.name for f in FIELDS.values()} == set(FIELDS)
    for field in FIELDS.values():
        recipe = recipe_for(field, FIT, WIDTH, 0)
        assert recipe.signal.window_samples / field.rate_hz == 1.0


def test_a_folder_without_the_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="holds none of"):
        run(Asked(tmp_path, tmp_path / "out", fields=("knee", "force")))


def test_the_page_tells_where_the_network_is_beaten() -> None:
    page = run_path(str(Path(__file__).parents[1] / "scripts" / "benchmark_continuous.py"))
    rows = summary(
        [
            Score("toy", "bend", "angle", "", "u0", UNSEEN, model, r2, 1.0, "deg", 0.0, r2)
            for model, r2 in zip(MODELS, (0.2, 0.5, 0.9, 0.8), strict=True)
        ]
    )
    record = {"command": "c", "commit": "0" * 40, "machine": "m", "left_out": [], "rows": rows}
    pull = replace(toy(0), segment=replace(toy(0).segment, gesture="knee_flexion"))
    record["baseline"], record["followed"] = baseline_rows([toy(0), toy(1)]), followed_rows([pull])
    forms = [
        {"field": "toy", "task": "bend", "target": "angle", "user": "u0", "form": form, "r2": r2}
        | {"int8_agreement": 0.98, "int8_rmse_share": 0.004, "params": 1, "bytes": 1000, "us": 1.0}
        for form, r2 in (("int8", 0.95), ("float", 0.96))
    ]
    text = "\n".join(page["continuous_part"]("Title", {**record, "artifacts": forms}))
    lost = "- toy: int8 less float, R2, mean -0.0100, worst -0.0100, 0 of 1 lose at most 0.003"
    assert f"{lost}; equal at least 98.0 %, apart at most 0.40 % of the range" in text
    assert "- toy: bend, unseen: `kernel-log` 0.900, network 0.800" in text
    assert "baseline `ridge-envelope` in 1 of 1 groups" in text
    assert "| toy: bend |  | unseen | 0.80 | 0.20 |  |  |" in text
    assert "| causal | none | itself | 0." in text
    assert "| knee flexion | 1 | -" in text, "the muscle against it"


def test_the_page_tells_how_far_seeds_lie_apart_and_who_is_behind_the_baseline() -> None:
    page = run_path(str(Path(__file__).parents[1] / "scripts" / "benchmark_continuous.py"))
    rows = summary(
        [
            replace(
                Score("toy", "bend", "angle", "", "u0", UNSEEN, model, r2, 1.0, "deg", 0.0, r2),
                seed=seed,
            )
            for model in MODELS
            for seed, r2 in ((0, 0.5), (1, 0.6))
        ]
    )
    table = page["table"](rows)
    assert [line.endswith("| 0.050 |") for line in table[2:]] == [m == "course" for m in MODELS]
    assert "toy 0.100 (at most 0.100)" in page["_seeds"](rows)
    assert "- toy: bend, unseen: behind the baseline by 0.000" in page["beaten"](rows)

"""The protocol of other days, places and people: what it reports, and that nobody can cheat."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession

from acquisition.myo_files import MYO_SPEC
from acquisition.stream import Refused
from flexor.benchmark import run_benchmark
from models.adapt import Adapted
from scripts.benchmark_days import days_part, days_svg
from training.datasets import UNLABELLED, Segment
from training.days import FIRST, NOBODY, _pairs, _refuse_cheating, _taught, folds, run_days
from training.days_artifact import Heard, Pair, centred_graph, heard, linear
from training.days_rows import MODELS, Outcome, cost_of, outcome_of, rows_of
from training.days_streams import Front, Stream, streams
from training.days_studies import STUDIES, Study
from training.evaluate import decisions
from training.leaks import refuse_lookahead
from training.protocol_myo import _session

LABELS = ("rest", "hand_close", "wrist_flexion")
FRONT = Front()
STUDY = Study(
    "a question",
    "none",
    LABELS,
    lambda s: "later" if (s.order or 0) > 1 else "",
    lambda s: s.order == 1,
    lambda s: s.order == 1,
)


def segments(user: str, order: int, seed: int, turned: int = 0, cycles: int = 2) -> list[Segment]:
    """Gestures of which each has its own loud channels; `turned`: by so many electrodes."""
    rng = np.random.default_rng(seed)
    levels = 2 + 12 * np.random.default_rng(1).random((3, 8))
    levels[0] = 1.0
    levels = np.roll(levels, turned, axis=1)
    return [
        Segment(user, f"day{order}", c, g, x, MYO_SPEC, order=order, recording=f"{c}{g}")
        for c in range(cycles)
        for k, g in enumerate(LABELS)
        for x in [(rng.normal(size=(400, 8)) * levels[k]).astype(np.float32)]
    ]


@pytest.fixture(scope="module")
def every() -> list[Stream]:
    parts = [s for n in range(3) for day in (1, 2) for s in segments(f"user{n}", day, 10 * n + day)]
    return streams(parts, FRONT, LABELS)


@pytest.fixture(scope="module")
def pairs(every: list[Stream], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """Every model of somebody of whom nothing is known, taught by the others."""
    teachers, folder = [s for s in every if s.user != "user0"], tmp_path_factory.mktemp("artifacts")
    return _pairs(STUDY, _taught(STUDY, every, teachers), MODELS, teachers, None, folder)


def wide(stream: Stream) -> Stream:
    return replace(stream, parts=stream.parts * 6)


@pytest.mark.parametrize("model", MODELS)
def test_models_side_by_side_decide_as_each_artifact_does_alone(
    pairs: dict[str, Pair], every: list[Stream], model: str
) -> None:
    stream, plain = wide(every[0]), model == "lda"
    beside = {m: p for m, p in pairs.items() if (m == "lda") == plain}
    said = heard(beside, stream, LABELS)[model]
    for artifact, got in ((pairs[model].small, said.small), (pairs[model].full, said.full)):
        alone = decisions(artifact, _session(stream.parts))
        assert [LABELS[k] for k in got] == [decided.gesture for decided in alone]
    if model == "covariance_adaptive":
        assert said.counts.refits > 0


def test_what_is_heard_is_in_step_with_what_is_known(
    pairs: dict[str, Pair], every: list[Stream]
) -> None:
    said = heard({"covariance": pairs["covariance"]}, every[1], LABELS)["covariance"]
    assert len(said.small) == len(every[1].gestures)
    inside = every[1].gestures >= 0
    assert (said.small == every[1].gestures)[inside].mean() > 0.95
    assert said.decision_us > 0


def test_what_follows_the_wearer_sees_the_past_alone(
    pairs: dict[str, Pair], every: list[Stream]
) -> None:
    whole = np.concatenate([part.samples for part in wide(every[0]).parts])
    only = {"covariance_adaptive": pairs["covariance_adaptive"]}

    def decide(x: Any) -> list[tuple[int, int]]:
        stream = replace(every[0], parts=(replace(every[0].parts[0], samples=x),))
        told = heard(only, stream, LABELS)["covariance_adaptive"].small
        return [(51 + 10 * n, k) for n, k in enumerate(told.tolist())]

    refuse_lookahead(decide, whole, cuts=(2055, 6203, 11640))


def test_an_artifact_is_small_and_decides_as_the_float_one(
    pairs: dict[str, Pair], every: list[Stream]
) -> None:
    for model, pair in pairs.items():
        assert pair.small.bytes_n < 150_000
        said = heard({model: pair}, wide(every[0]), LABELS)[model]
        assert (said.small == said.full).mean() >= 0.995
    assert pairs["covariance"].small.contract.quantization.method.startswith("int8 weights")
    assert cost_of(pairs["covariance"]).parameters_n > cost_of(pairs["lda"]).parameters_n


def test_a_linear_graph_gives_the_product_wherever_its_middle_is() -> None:
    rng = np.random.default_rng(0)
    weights, offsets, x = (rng.normal(size=n) for n in ((5, 3), 3, (1, 5)))
    for middle in (0.0, 99.0):
        graph = centred_graph(weights, offsets, np.full(5, middle))
        session = InferenceSession(graph, providers=["CPUExecutionProvider"])
        got = session.run(None, {"x": x.astype(np.float32)})[0]
        np.testing.assert_allclose(got, x @ weights + offsets, atol=2e-4)


def test_deciding_by_the_mean_of_a_whole_session_is_caught(every: list[Stream]) -> None:
    def cheat(x: Any) -> list[tuple[int, bool]]:
        return list(enumerate((x[:, 0] > x[:, 0].mean()).tolist()))

    with pytest.raises(Refused, match="looks ahead"):
        refuse_lookahead(cheat, every[0].features, cuts=(55, 101, 130))


def test_nobody_is_tested_by_what_they_taught(every: list[Stream]) -> None:
    tested = []
    for users, teachers in folds(STUDY, every):
        assert not set(users) & {s.user for s in teachers}
        assert teachers
        tested += users
    assert sorted(tested) == ["user0", "user1", "user2"]


def test_a_session_that_lacks_a_gesture_teaches_nothing(every: list[Stream]) -> None:
    poor = replace(every[0], gestures=np.where(every[0].gestures == 2, -1, every[0].gestures))
    for _, teachers in folds(STUDY, [poor, *every[1:]]):
        assert "user0" not in {s.user for s in teachers}


def test_a_test_that_also_taught_is_refused(every: list[Stream]) -> None:
    with pytest.raises(Refused, match="share repetitions"):
        _refuse_cheating(STUDY, every[1:2], every[:1], every[1:2])


def test_a_calibration_from_after_the_test_is_refused(every: list[Stream]) -> None:
    with pytest.raises(Refused, match="look ahead"):
        _refuse_cheating(STUDY, every[2:], every[1:2], every[:1])


def test_windows_over_two_gestures_and_unlabelled_ones_have_no_gesture() -> None:
    parts = segments("u", 1, 3, cycles=1)
    parts[1] = replace(parts[1], gesture=UNLABELLED)
    (stream,) = streams(parts, FRONT, LABELS)
    owner = np.arange(len(stream.gestures)) * 10 // 400
    last = (np.arange(len(stream.gestures)) * 10 + 51) // 400
    assert (stream.gestures[owner != last] == -1).all()
    assert (stream.gestures[owner == 1] == -1).all()
    assert (stream.gestures[(owner == last) & (owner == 2)] == 2).all()


def test_unordered_files_are_taken_cycle_by_cycle() -> None:
    parts = sorted(segments("u", 1, 3), key=lambda s: s.gesture)
    (stream,) = streams(parts, FRONT, LABELS, by_cycle=True)
    assert [p.cycle for p in stream.parts] == [0, 0, 0, 1, 1, 1]


def test_the_linear_discriminant_tells_gestures_apart_and_not_noise(every: list[Stream]) -> None:
    first, later = every[0], every[1]
    known = first.gestures >= 0
    weights, offsets = linear(first.plain[known], first.gestures[known], 3)
    inside = later.gestures >= 0
    got = (later.plain @ weights + offsets).argmax(axis=1)
    assert (got == later.gestures)[inside].mean() > 0.95
    shuffled = np.random.default_rng(0).permutation(later.plain)
    chance = (shuffled @ weights + offsets).argmax(axis=1)
    assert (chance == later.gestures)[inside].mean() < 0.6


def test_an_outcome_counts_shares_recalls_moved_rest_and_equal_decisions() -> None:
    wanted = np.array([0, 0, 0, 0, 1, 1, -1, 2])
    got = np.array([0, 0, 0, 1, 1, 0, 2, 2])
    full = np.array([0, 0, 0, 0, 1, 0, 1, 2])
    outcome = outcome_of(Heard(got, full, 9.0, Adapted(held=3, rollbacks=2)), wanted, STUDY, 4)
    assert outcome.right == pytest.approx(5 / 7)
    assert outcome.full == pytest.approx(6 / 7)
    assert outcome.equal == pytest.approx(6 / 8)
    assert outcome.recall == pytest.approx((0.75 + 0.5 + 1) / 3)
    assert outcome.moved == pytest.approx(0.25)
    assert (outcome.windows_n, outcome.cycles, outcome.decision_us) == (7, 4, 9.0)
    assert (outcome.held, outcome.rollbacks) == (3, 2)
    with pytest.raises(Refused, match="no window"):
        outcome_of(Heard(got, full, 9.0, Adapted()), np.full(8, -1), STUDY, 0)


def outcome(right: float, moved: float = 0.0, equal: float = 1.0, rollbacks: int = 0) -> Outcome:
    return Outcome(right, right, equal, right, moved, 5, rollbacks=rollbacks)


def test_an_adaptive_row_tells_what_it_was_before_and_whom_it_cost_most() -> None:
    def shares(a: float, b: float) -> dict[str, list[Outcome]]:
        return {"a": [outcome(a, 0.1)], "b": [outcome(b, 0.3, 0.98, 1)]}

    found = {
        ("later", NOBODY, "covariance"): shares(0.9, 0.5),
        ("later", NOBODY, "covariance_adaptive"): shares(0.88, 0.8),
    }
    before, after = rows_of("set", STUDY, found)
    assert "before" not in before
    assert (after["mean"], after["worst"]) == pytest.approx((0.84, 0.8))
    assert after["before"] == pytest.approx(0.7)
    assert after["worst_change"] == pytest.approx(-0.02)
    assert after["rest_false_activation"] == pytest.approx(0.2)
    assert (after["int8_agreement"], after["int8_agreement_worst"]) == pytest.approx((0.99, 0.98))
    assert after["rollbacks"] == 1


def write_uci(root: Path) -> Path:
    """Three users, two series each, in the layout of UCI's gestures."""
    codes = {"rest": 1, "hand_close": 2, "wrist_flexion": 3, "wrist_extension": 4}
    codes |= {"radial_deviation": 5, "ulnar_deviation": 6}
    levels = 1 + 12 * np.random.default_rng(1).random((6, 8))
    levels[list(codes).index("rest")] = 1.0
    for user in range(3):
        for series in (1, 2):
            rng = np.random.default_rng(100 * user + series)
            lines, at = ["time\t" + "\t".join(f"channel{i}" for i in range(1, 9)) + "\tclass"], 0
            for k, code in enumerate(codes.values()):
                for row in (rng.normal(size=(300, 8)) * levels[k]).round():
                    words = "\t".join(f"{v * 1e-5:.5f}" for v in row)
                    lines.append(f"{at}\t{words}\t{code}")
                    at += 5
            where = root / "EMG_data_for_gestures-master" / f"{user + 1:02d}"
            where.mkdir(parents=True, exist_ok=True)
            name = f"{series}_raw_data_13-1{series}_22.03.16.txt"
            (where / name).write_text("\n".join(lines) + "\n", "utf-8")
    return root


def test_one_command_gives_the_rows_of_the_sets_that_are_there(tmp_path: Path) -> None:
    root = write_uci(tmp_path)
    report = run_benchmark("days", Path("none.toml"), root, "4", "", "", tmp_path)
    assert set(report["left_out"]) == set(STUDIES) - {"uci_gestures"}
    cells = {(row["calibration"], row["model"]): row for row in report["rows"]}
    assert set(cells) == {
        (c, m) for c in (NOBODY, FIRST) for m in ("lda", "covariance", "covariance_adaptive")
    }
    assert {row["cycles"] for row in cells.values()} == {0, 1}
    for row in cells.values():
        assert row["mean"] > 0.9
        assert abs(row["mean"] - row["float_mean"]) < 0.003
        assert row["int8_agreement"] >= 0.995
        assert 0 < row["bytes"] <= 150_000
        assert min(row[k] for k in ("params", "macs", "us", "decision_us")) > 0
        assert set(row["per_user"]) == {"01", "02", "03"}
    assert "before" in cells[FIRST, "covariance_adaptive"]


def test_a_folder_without_any_set_and_an_unknown_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="holds none of kanoga"):
        run_days({})
    with pytest.raises(Refused, match='Did you mean "covariance"'):
        run_benchmark("days", Path("none.toml"), tmp_path, "4", "covarianse", "", tmp_path)


def test_the_page_says_where_no_adaptation_or_the_linear_discriminant_wins() -> None:
    shares = {"lda": 0.6, "covariance": 0.9, "covariance_adaptive": 0.8}
    found = {("later", NOBODY, m): {"a": [outcome(v)]} for m, v in shares.items()}
    record = {"rows": rows_of("set", STUDY, found)}
    page = "\n".join(days_part(record))
    assert "Best later, calibrated by nobody: `covariance`." in page
    assert "-10.0" in page
    assert 'fill="#c40"' in days_svg(record)
    assert "at least 99.5 % equal decisions: 3 of 3 rows, 3 of them not rounded" in page
    assert "adaptation gains or costs nothing in the mean in 0 of 1 rows" in page
    better = {key: value for key, value in found.items() if key[2] != "covariance"}
    assert "Best" not in "\n".join(days_part({"rows": rows_of("set", STUDY, better)}))


def test_the_page_names_rows_that_int8_costs_too_much() -> None:
    found = {("later", FIRST, m): {"a": [outcome(0.9)]} for m in MODELS[:2]}
    good, bad = rows_of("set", STUDY, found)
    bad |= {"float_mean": 0.91, "int8_agreement": 0.99, "int8_agreement_worst": 0.98}
    page = "\n".join(days_part({"rows": [good, bad | {"bytes": 150_001}]}))
    for goal in ("equal decisions", "points of float", "at most 150 kB"):
        (line,) = [told for told in page.splitlines() if goal in told and told.startswith("- ")]
        assert "1 of 2 rows, 1 of them not rounded" in line
        assert line.endswith("; not set, later, first session, covariance")

"""Damage to a signal, what an artifact loses by it, and that each figure can fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.myo_files import MYO_SPEC
from acquisition.session import Session
from acquisition.stream import Refused
from flexor.benchmark import ARTIFACTS, run_benchmark
from flexor.robustness import hear
from models.artifact import Artifact, open_artifact
from models.score import Decided
from scripts.benchmark_pages import robustness_part, robustness_svg
from training.datasets import Segment
from training.evaluate import decisions
from training.robustness import (
    UNKNOWN,
    Heard,
    damages,
    line,
    lose_packets,
    lost_electrodes,
    rest_level,
    shares,
    stream_of,
    unknown_shares,
    unknown_stream,
)
from training.robustness_rows import Subject, rows_of, run_robustness

RNG = np.random.default_rng(3)
GESTURES = ("rest", "hand_close", "hand_open")


def parts(n: int = 600, cycle: int = 1) -> list[Segment]:
    levels = (1.0, 8.0, 12.0)
    return [
        Segment("u", "s", cycle, g, (RNG.normal(size=(n, 8)) * v).astype(np.float32), MYO_SPEC)
        for g, v in zip(GESTURES, levels, strict=True)
    ]


@pytest.fixture(scope="module")
def demo() -> Artifact:
    return open_artifact(ARTIFACTS / "demo.onnx")


def told(artifact: Artifact, stream: Session, right: float = 1.0, refused: float = 0.0) -> Heard:
    """What an artifact would say that is right in so many of ten windows."""
    edges = [at for at, _ in stream.markers]
    decided, rejected = [], []
    length = artifact.contract.windows.length_samples
    for i, n in enumerate(range(length - 1, len(stream.samples), 5)):
        word = stream.markers[int(np.searchsorted(edges, n, side="right")) - 1][1]
        wrong = (i % 10) >= round(10 * right)
        decided.append(Decided(n, "hand_open" if wrong and word != "hand_open" else word))
        rejected.append((i % 10) < round(10 * refused))
    return Heard(tuple(decided), tuple(rejected))


def test_an_undamaged_stream_is_heard_as_the_decoder_hears_it(demo: Artifact) -> None:
    from training.datasets import Selection, read_dataset

    want = Selection(users=("wearer0",), sessions=("seed1001",), cycles=(0,))
    whole = read_dataset("synthetic:armband", want).whole()[:4]
    stream, _ = stream_of([replace(p, samples=p.samples[:300]) for p in whole])
    assert list(hear(demo, stream).decided) == decisions(demo, stream)


def test_a_preface_shows_each_gesture_once_and_is_not_scored(demo: Artifact) -> None:
    stream, begin = stream_of(parts(), parts(cycle=0))
    assert begin == 3 * 140
    assert [word for _, word in stream.markers[:3]] == list(GESTURES)
    heard = told(demo, stream)
    wrong = tuple(
        Decided(d.sample_n, "hand_open") if d.sample_n < begin else d for d in heard.decided
    )
    assert shares(demo, replace(heard, decided=wrong), stream, begin)["right"] == 1.0
    assert shares(demo, replace(heard, decided=wrong), stream, 0)["right"] < 1.0


def test_use_before_the_score_may_not_be_what_is_scored() -> None:
    with pytest.raises(Refused, match="take another cycle"):
        stream_of(parts(), parts())


def test_shares_count_what_is_wrong_moves_rest_is_rejected_and_is_missing(demo: Artifact) -> None:
    stream, begin = stream_of(parts())
    whole = shares(demo, told(demo, stream), stream, begin)
    assert (whole["right"], whole["moved"], whole["rejected"]) == (1.0, 0.0, 0.0)
    worse = shares(demo, told(demo, stream, right=0.7, refused=0.2), stream, begin)
    assert 0.75 < worse["right"] < 0.85  # hand_open stays right
    assert worse["moved"] == pytest.approx(0.3, abs=0.05)
    assert worse["rejected"] == pytest.approx(0.2, abs=0.02)
    heard = told(demo, stream)
    half = Heard(heard.decided[::2], heard.rejected[::2])
    assert shares(demo, half, stream, begin)["decided"] == pytest.approx(0.5, abs=0.05)


def test_an_electrode_is_lost_from_a_moment_on_and_the_others_stay() -> None:
    x = RNG.normal(size=(50, 8)).astype(np.float32)
    y = lost_electrodes(x, (2,), 20)
    assert (y[:20] == x[:20]).all()
    assert np.ptp(y[20:, 2]) == 0
    assert (np.delete(y, 2, axis=1) == np.delete(x, 2, axis=1)).all()


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_lost_packets_leave_gaps_that_add_up_and_markers_in_place(share: float) -> None:
    stream, _ = stream_of(parts(2000))
    kept = lose_packets(stream, share, np.random.default_rng(0))
    assert len(kept.samples) + kept.lost == len(stream.samples)
    assert kept.lost / len(stream.samples) == pytest.approx(share, rel=0.25)
    for (at, word), (before, same) in zip(kept.markers, stream.markers, strict=True):
        assert word == same
        assert 0 <= kept.position(at) - before <= 20


def test_the_line_has_the_strength_and_the_frequency_that_are_said() -> None:
    wave = line(2000, 8, 200.0, np.random.default_rng(0))
    assert np.sqrt((wave**2).mean()) == pytest.approx(1.0, rel=0.15)
    power = np.abs(np.fft.rfft(wave[:, 0])) ** 2
    assert np.fft.rfftfreq(2000, 1 / 200)[power.argmax()] == 50.0


def test_noise_is_measured_by_rest_and_clipped_as_the_armband_does() -> None:
    stream, begin = stream_of(parts(), parts(cycle=0))
    assert rest_level(stream, "rest") == pytest.approx(1.0, rel=0.05)
    with pytest.raises(Refused, match="no rest"):
        rest_level(replace(stream, markers=((0, "hand_close"),)), "rest")
    for one in damages(stream, begin, "rest"):
        assert np.abs(one.stream.samples).max() <= (MYO_SPEC.full_scale or np.inf)
        assert one.begin >= begin


def test_each_electrode_is_lost_once_and_the_band_turned_both_ways() -> None:
    stream, begin = stream_of(parts())
    made = [one.damage for one in damages(stream, begin, "rest")]
    assert made.count("lost electrode") == 8
    assert made.count("turned band") == 2


def test_unknown_movements_are_no_known_ones_and_rest_stays_rest(demo: Artifact) -> None:
    known = parts()
    stream = unknown_stream(known, "rest")
    assert [word for _, word in stream.markers] == ["rest", UNKNOWN, UNKNOWN]
    assert (stream.samples[:600] == known[0].samples).all()
    assert not (stream.samples[600:1200] == known[1].samples).all(axis=1).any()
    plain = told(demo, stream)
    assert unknown_shares(demo, plain, stream)["rejected"] == 0.0
    some = unknown_shares(demo, told(demo, stream, refused=0.5), stream)
    assert some["rejected"] == pytest.approx(0.5, abs=0.05)


def rows(cost: float, refused: float = 0.95, known: float = 0.01, moved: float = 0.0) -> Any:
    def one(right: float) -> dict[str, float]:
        return {"right": right, "moved": moved, "rejected": known, "decided": 1.0}

    heard = {
        ("none", 0, ""): {"u": [one(0.99)]},
        ("none", 5.0, "s later"): {"u": [one(0.98)]},
        ("lost electrode", 1, ""): {"u": [one(0.98 - cost), one(0.98)]},
        ("turned band", 1, "place"): {"u": [one(0.99 - cost)]},
    }
    made = rows_of("a", heard, [{"rejected": refused, "still": refused}])
    return {row["damage"]: row for row in made}


def test_a_goal_is_met_or_missed_by_the_points_that_a_damage_costs() -> None:
    good, bad = rows(0.02), rows(0.08)
    assert good["lost electrode"]["cost"] == pytest.approx(0.01)
    assert good["lost electrode"]["worst_cost"] == pytest.approx(0.02)
    assert all(row["met"] for row in good.values())
    assert not bad["lost electrode"]["met"]
    assert not bad["turned band"]["met"]


@pytest.mark.parametrize("numbers", [{"refused": 0.8}, {"known": 0.03}])
def test_unknown_movements_let_through_or_known_ones_refused_miss_the_goal(
    numbers: dict[str, float],
) -> None:
    assert not rows(0.0, **numbers)["unknown movement"]["met"]


def test_rest_that_moves_misses_its_goal() -> None:
    assert not rows(0.0, moved=0.006)["none"]["met"]


def test_every_model_has_a_row_for_each_damage(demo: Artifact) -> None:
    subject = Subject("u", demo, tuple(parts()))
    report = run_robustness({"demo": [subject]}, told)
    found = {row["damage"] for row in report["rows"]}
    assert found == {
        "none",
        "lost electrode",
        "turned band",
        "lost packets",
        "white noise",
        "50 Hz line",
        "unknown movement",
    }
    with pytest.raises(Refused, match="no artifact"):
        run_robustness({}, hear)


def test_an_artifact_that_does_not_ship_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r'no artifact "demo\.onx"'):
        run_benchmark("robustness", Path("n.toml"), tmp_path, "4", "demo.onx", "", tmp_path)


def test_the_page_tells_goals_met_and_missed_and_draws_a_line_per_artifact() -> None:
    record = {"rows": list(rows(0.08).values())}
    page = "\n".join(robustness_part(record))
    assert "| a | turned band | 1 place | 91.0 |" in page
    assert page.count("**missed**") == 2
    assert page.count("| met |") == 2
    assert robustness_svg(record).count("<polyline") == 2

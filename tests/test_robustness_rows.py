"""The rows of the protocol on damage, which goals they meet, and their page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acquisition.session import Session
from acquisition.stream import Refused
from flexor.benchmark import ARTIFACTS, run_benchmark
from flexor.robustness import hear
from models.artifact import Artifact, open_artifact
from scripts.benchmark_pages import robustness_part, robustness_svg
from tests.test_robustness import demo, parts, told
from training.robustness import UNKNOWN, Heard
from training.robustness_rows import Subject, left_out_row, rows_of, run_robustness

__all__ = ["demo"]


def test_gestures_that_were_never_calibrated_have_a_row_of_their_own(demo: Artifact) -> None:
    mixed = [replace(p, gesture=UNKNOWN) if p.gesture == "hand_open" else p for p in parts()]

    def refuses(artifact: Artifact, stream: Session) -> Heard:
        made = told(artifact, stream)
        inside = tuple(d.gesture == UNKNOWN for d in made.decided)
        return Heard(made.decided, inside, tuple(map(float, inside)))

    whole = {"demo": [Subject("u", demo, tuple(parts()))]}
    left_out = {"demo": [Subject("u", demo, tuple(mixed))] * 2}
    row = run_robustness(whole, refuses, None, left_out)["rows"][-1]
    assert (row["damage"], row["per_user"]) == ("unknown gesture", {"u": 1.0})
    assert row["auroc"] > 0.99
    assert row["known_rejected"] == 0.0
    assert row["met"]


def rows(cost: float, refused: float = 0.95, known: float = 0.01, moved: float = 0.0) -> Any:
    def one(right: float) -> dict[str, float]:
        told = {"right": right, "moved": moved, "rejected": 2 * known, "decided": 1.0}
        return told | {"known_rejected": known}

    heard = {
        ("none", 0, ""): {"u": [one(0.99)]},
        ("none", 5.0, "s later"): {"u": [one(0.98)]},
        ("lost electrode", 1, ""): {"u": [one(0.98 - cost), one(0.98)]},
        ("turned band", 1, "place"): {"u": [one(0.99 - cost)]},
    }
    unknown = [{"rejected": refused, "still": refused}]
    made = rows_of("a", heard, unknown, [{"moved": moved, "rest_s": 60.0}])
    return {row["damage"]: row for row in made}


def test_a_goal_is_met_or_missed_by_the_points_that_a_damage_costs() -> None:
    good, bad = rows(0.02), rows(0.08)
    assert good["lost electrode"]["cost"] == pytest.approx(0.01)
    assert good["lost electrode"]["worst_cost"] == pytest.approx(0.02)
    assert all(row["met"] for row in good.values() if "met" in row)
    assert not bad["lost electrode"]["met"]
    assert not bad["turned band"]["met"]


@pytest.mark.parametrize("numbers", [{"refused": 0.8}, {"known": 0.03}])
def test_unknown_movements_let_through_or_known_ones_refused_miss_the_goal(
    numbers: dict[str, float],
) -> None:
    assert not rows(0.0, **numbers)["unknown movement"]["met"]


def test_rest_that_moves_misses_its_goal() -> None:
    assert not rows(0.0, moved=0.006)["long rest"]["met"]
    assert rows(0.0, moved=0.004)["long rest"]["met"]


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
        "long rest",
        "unknown movement",
    }
    with pytest.raises(Refused, match="no artifact"):
        run_robustness({}, hear)


def test_a_subject_may_be_heard_under_some_damages_alone(demo: Artifact) -> None:
    turned = Subject("u", demo, tuple(parts()), only=("turned band",))
    made = run_robustness({"demo": [turned]}, told)["rows"]
    damages = [row["damage"] for row in made]
    assert damages == ["none", "turned band", "long rest", "unknown movement"]


def test_an_artifact_that_does_not_ship_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r'no artifact "demo\.onx"'):
        run_benchmark("robustness", Path("n.toml"), tmp_path, "4", "demo.onx", "", tmp_path)


def test_the_page_tells_goals_met_and_missed_and_draws_a_line_per_artifact() -> None:
    spared = {"rejected": 0.937, "still": 1.0, "known_rejected": 0.011, "auroc": 0.988}
    left_out = left_out_row(
        "a", [Subject("u", open_artifact(ARTIFACTS / "demo.onnx"), ())], [spared]
    )
    record = {"rows": [*rows(0.08).values(), left_out]}
    page = "\n".join(robustness_part(record))
    assert "| a | turned band | 1 place | 91.0 |" in page
    assert page.count("**missed**") == 2
    assert page.count("| met |") == 3
    assert "| 93.7; 1.1 of known ones; AUROC 0.988 |" in page
    assert "| a | long rest | 60 s |" in page
    assert robustness_svg(record).count("<polyline") == 2

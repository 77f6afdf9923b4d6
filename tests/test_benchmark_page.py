"""The page of benchmarks begins with what its records say, and is what they render to."""

from __future__ import annotations

import json
from pathlib import Path

from scripts.benchmark_summary import BOTH, CRAFTED, RAW, summary
from scripts.benchmarks import BENCHMARKS, FOLDER, goals


def gestures(model: str, shares: tuple[float, ...]) -> dict[str, object]:
    rows = [
        {
            "model": model,
            "cycles": n,
            "mean": share,
            "worst": share - 0.1,
            "float_mean": share + 0.001,
            "int8_agreement": share,
            "bytes": 1000 * n + 500,
        }
        for n, share in zip((0, 1, 2, 4), shares, strict=True)
    ]
    return {"rows": rows}


def test_the_page_begins_with_who_is_ahead_and_by_how_much() -> None:
    records = {
        "benchmark-myo": gestures(CRAFTED, (0.9, 0.95, 0.96, 0.97)),
        "benchmark-myo-families": gestures(RAW, (0.8, 0.96, 0.955, 0.97)),
        "benchmark-myo-combined": gestures(BOTH, (0.9, 0.97, 0.97, 0.98)),
    }
    text = "\n".join(summary(records))
    assert f"`{RAW}` less `{CRAFTED}`: -10.00, +1.00, -0.50, +0.00 points." in text
    assert f"(`{BOTH}`) | 90.00 | 97.00 | 97.00 | 98.00 | 87.00 |" in text
    assert "over 12 rows: at least 80.00 % equal" in " ".join(text.split())
    assert "artifacts of at most 4 kB" in " ".join(text.split())


def test_a_row_that_was_not_measured_whole_is_left_out() -> None:
    whole = gestures(CRAFTED, (0.9, 0.95, 0.96, 0.97))
    part = {"rows": gestures(RAW, (0.8, 0.96, 0.955, 0.97))["rows"][1:2]}  # type: ignore[index]
    text = "\n".join(summary({"benchmark-myo": whole, "benchmark-myo-families": part}))
    assert f"(`{RAW}`)" not in text
    assert f"(`{CRAFTED}`)" in text


def test_the_page_that_is_published_begins_as_its_records_say() -> None:
    records = {
        name: json.loads(path.read_text())
        for name in BENCHMARKS
        if (path := FOLDER / f"{name}.json").exists()
    }
    page = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text()
    assert "\n".join(summary(records)) in page


def test_a_goal_that_is_missed_is_told_with_how_much() -> None:
    rows = [
        {**row, "per_user": {"a": 0.99}, "rest_false_activation": 0.006}
        for row in gestures(CRAFTED, (0.9, 0.95, 0.96, 0.97))["rows"]  # type: ignore[attr-defined]
    ]
    told = goals(rows, {"skewed": False, "window_samples": 52})
    assert "- 1 cycles, mean: at least 99.40, seen 95.00: missed by 4.40" in told
    assert any("rest" in line and "missed by 0.10" in line for line in told)

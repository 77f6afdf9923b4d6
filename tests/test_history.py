"""Tests of control, kept day after day."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from acquisition.stream import Refused
from flexor.dashboard.history import days, keep, kept, report_pdf

pytest.importorskip("fpdf", reason="fpdf2 comes with flexor[dashboard]")
FIGURES = {"completion": 0.875, "throughput_bit_s": 0.91, "trials": 8}


def test_what_was_kept_comes_back_in_order_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "tests.jsonl"
    keep(path, "fitts", "myo", "demo", FIGURES, lambda: 1.0)
    keep(path, "fitts", "myo", "demo", FIGURES, lambda: 2.0)
    with path.open("ab") as file:
        file.write(b'{"at": 3.0, "kin')
    rows = kept(path)
    assert [row["at"] for row in rows] == [1.0, 2.0]
    assert rows[0]["figures"] == FIGURES
    assert kept(tmp_path / "none") == []


def at(day: int, hour: int) -> float:
    return time.mktime((2026, 11, day, hour, 0, 0, 0, 0, -1))


def test_the_days_of_one_wearer_and_one_test_have_their_means(tmp_path: Path) -> None:
    path = tmp_path / "tests.jsonl"

    def add(day: int, hour: int, who: str, kind: str, **figures: float | None) -> None:
        keep(path, kind, "myo", "demo", figures, lambda: at(day, hour), wearer=who)

    add(21, 9, "Ada", "fitts", completion=0.5, throughput_bit_s=0.4)
    add(20, 9, "Ada", "fitts", completion=1.0, throughput_bit_s=1.0, path_efficiency=0.8)
    add(20, 18, "Ada", "fitts", completion=0.5, throughput_bit_s=0.5)
    add(20, 9, "Bea", "fitts", completion=0.0)
    add(20, 9, "Ada", "motion", completion=1.0, completion_s=None)
    assert days(kept(path), "fitts", "Ada") == [
        {
            "day": "2026-11-20",
            "tests": 2,
            "completion": 0.75,
            "throughput_bit_s": 0.75,
            "path_efficiency": 0.8,
        },
        {"day": "2026-11-21", "tests": 1, "completion": 0.5, "throughput_bit_s": 0.4},
    ]
    (motion,) = days(kept(path), "motion", "Ada")
    assert "completion_s" not in motion
    assert days(kept(path), "tac", "Ada") == []


def test_tests_of_before_wearers_were_kept_belong_to_nobody(tmp_path: Path) -> None:
    path = tmp_path / "tests.jsonl"
    row = {"at": 1.0, "kind": "fitts", "source": "myo", "artifact": "demo", "figures": FIGURES}
    path.write_text(json.dumps(row) + "\n")
    assert len(days(kept(path), "fitts", "")) == 1
    assert report_pdf(kept(path)).startswith(b"%PDF")


def test_a_report_is_a_document_with_every_figure(tmp_path: Path) -> None:
    row = keep(tmp_path / "t", "fitts", "myo", "دمو", FIGURES, lambda: 1.0)
    assert report_pdf([row]).startswith(b"%PDF")
    with pytest.raises(Refused, match="do one first"):
        report_pdf([])


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        keep(tmp_path, "fitts", "myo", "demo", FIGURES)

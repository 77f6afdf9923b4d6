"""Tests of control, kept day after day."""

from __future__ import annotations

from pathlib import Path

import pytest

from acquisition.stream import Refused
from flexor.dashboard.history import keep, kept, report_pdf

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


def test_a_report_is_a_document_with_every_figure(tmp_path: Path) -> None:
    row = keep(tmp_path / "t", "fitts", "myo", "دمو", FIGURES, lambda: 1.0)
    assert report_pdf([row]).startswith(b"%PDF")
    with pytest.raises(Refused, match="do one first"):
        report_pdf([])


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        keep(tmp_path, "fitts", "myo", "demo", FIGURES)

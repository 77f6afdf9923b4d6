"""From pairing to the report, in a real browser, with the simulated wearer."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from flexor.dashboard.audit import Audit
from flexor.wearers import Wearers
from tests.page_rig import browser, served
from tests.page_tour import WIDE, tour

pytestmark = pytest.mark.slow


def test_a_newcomer_comes_from_armband_to_report(tmp_path: Path) -> None:
    wrong: list[str] = []
    with served(tmp_path) as (url, _), browser() as chromium:
        page = chromium.new_context(viewport=WIDE).new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        figures = tour(page, url, lambda _page, _name: None)
    assert figures["completion"] == 100
    assert figures["throughput_bit_s"] > 0.5
    assert Wearers(tmp_path / "wearers").names() == ["me"]
    done = [row["what"] for row in Audit(tmp_path / "audit.jsonl").rows()]
    for what in ("pair", "begin watch", "wearer", "begin run", "arm", "estop", "clear"):
        assert what in done
    assert wrong == []

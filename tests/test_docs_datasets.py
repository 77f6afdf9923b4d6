"""The page on data sets names every set and its licence's verdict."""

from __future__ import annotations

import re
from pathlib import Path

from training.catalogue import CATALOGUE

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "datasets.md").read_text()


def test_the_page_names_every_set_with_what_the_catalogue_says() -> None:
    rows = {
        match[1]: match[2] == "yes"
        for match in re.finditer(r"^\| `(\w+)`.*\| (yes|no) \|$", PAGE, re.M)
    }
    rows |= {f"ninapro_db{i}": rows["ninapro_db1"] for i in (2, 3, 4, 5, 6, 7, 8, 10)}
    assert "`ninapro_db9`" in PAGE
    assert rows == {n: e.may_ship for n, e in CATALOGUE.items() if n != "ninapro_db9"}

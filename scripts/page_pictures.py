"""Takes the README's pictures of the page from a real run: scripts/page_pictures.py"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.page_rig import browser, served  # noqa: E402 - found from the root
from tests.page_tour import WIDE, tour  # noqa: E402

OUT = ROOT / "docs" / "page"
PHONE = {"width": 390, "height": 780}


def main() -> None:
    """Goes the tour, and keeps what was seen."""
    OUT.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as (url, _),
        browser() as chromium,
    ):
        print(tour(chromium.new_context(viewport=WIDE).new_page(), url, picture))


def picture(page: Any, name: str) -> None:
    """As a laptop shows it, and as a phone does."""
    page.screenshot(path=OUT / f"{name}.jpg", type="jpeg", quality=70)
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(400)
    page.screenshot(path=OUT / f"{name}-phone.jpg", type="jpeg", quality=60)
    page.set_viewport_size(WIDE)


if __name__ == "__main__":
    main()

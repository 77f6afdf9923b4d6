"""The pages: path -> (module, what its name is in WORDS). Each module has `draw(desk, visit)`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from fastapi import Request
from nicegui import ui

if TYPE_CHECKING:
    from flexor.dashboard.desk import Desk

PAGES: Mapping[str, tuple[str, str]] = {
    "/": ("flexor.dashboard.pages.electrodes", "electrodes"),
    "/calibrate": ("flexor.dashboard.pages.calibrate", "calibrate"),
    "/drive": ("flexor.dashboard.pages.drive", "drive"),
    "/test": ("flexor.dashboard.pages.test", "test"),
    "/recordings": ("flexor.dashboard.pages.recordings", "recordings"),
    "/profiles": ("flexor.dashboard.pages.profiles", "profiles"),
}
"""in the order of the menu"""


def register(desk: Desk) -> None:
    """Puts every page of PAGES up."""
    from flexor.dashboard.pages.frame import framed

    for path, (module, key) in PAGES.items():
        _put_up(desk, path, key, import_module(module).draw, framed)


def _put_up(desk: Desk, path: str, key: str, draw: object, framed: object) -> None:
    @ui.page(path)
    def show(request: Request) -> None:
        framed(desk, request, path, key, draw)  # type: ignore[operator]

"""MindRove armband (8 channels, 500 Hz) over its own Wi-Fi, through MindRove's library.

Facts: mindrove 5.3.0, whose package holds libraries for x86-64 and for arm64.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from typing import Any

from acquisition.board_rows import BoardPort, Library, Rows, prepare, rows_of, wiring_of
from acquisition.port import Port
from acquisition.stream import Device, DeviceRefused
from acquisition.wire import Lasting, Wired
from acquisition.words import refuse_choice, split_argument

BOARDS = {"armband": "MINDROVE_WIFI_BOARD", "synthetic": "SYNTHETIC_BOARD"}
"""Our name -> the library's. It finds the armband by itself, once this machine is in its Wi-Fi."""
SETTINGS: dict[str, Any] = {}


def library() -> Library:
    """MindRove's library, silenced. Refuses where it is not installed or not for this machine."""
    try:
        from mindrove import board_shim
        from mindrove.exit_codes import MindRoveError
    except ImportError as error:
        raise DeviceRefused(
            f"MindRove's library is not installed here ({error.name} is missing): pip install "
            f"'.[mindrove]' in Flexor's folder."
        ) from error
    try:
        board_shim.BoardShim.disable_board_logger()
    except OSError as error:
        raise DeviceRefused(
            f"MindRove's package holds no library for this machine ({platform.machine()}): use one "
            f"with x86-64 or arm64."
        ) from error
    return Library(
        "MindRove's library", board_shim.BoardShim, board_shim.MindRoveInputParams, MindRoveError
    )


def board_number(name: str) -> int:
    from mindrove.board_shim import BoardIds

    return int(BoardIds[BOARDS[name]])


def describe(name: str, mindrove: Library) -> Rows:
    """What a board's rows hold."""
    described = mindrove.board.get_board_descr(board_number(name))
    return rows_of(described, 1, f"MindRove's {name}")


def open_mindrove(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The armband; "synthetic" is the library's own stand-in. There are no settings.

    `port` opens something else than the library, as tests do. `start` refuses when no armband
    sends.
    """
    name, _ = split_argument(argument, SETTINGS, "mindrove")
    name = name or "armband"
    refuse_choice("the board of mindrove", name, tuple(BOARDS))
    mindrove = library()
    rows, what = describe(name, mindrove), f"the MindRove {name}"

    def open_board() -> Port:
        board = prepare(mindrove, board_number(name), {}, what)
        return BoardPort(board, rows, what, mindrove.error)

    return Lasting(Wired(wiring_of(rows, what, port or open_board)), clock, sleep)

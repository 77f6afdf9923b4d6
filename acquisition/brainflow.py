"""Any board that BrainFlow drives, by BrainFlow's own name for it: "brainflow:ganglion_native".

Facts: brainflow 5.23.0, run here. For Linux its package holds libraries for x86-64 alone.
"""

from __future__ import annotations

import importlib.resources
import platform
import time
from collections.abc import Callable
from typing import Any

from acquisition.board_rows import BoardPort, Library, Rows, prepare, rows_of, wiring_of
from acquisition.port import Port
from acquisition.stream import Device, DeviceRefused, Refused
from acquisition.tables import refuse_unknown
from acquisition.wire import Lasting, Wired
from acquisition.words import split_argument

SETTINGS: dict[str, Any] = {
    "serial_port": "",
    "mac_address": "",
    "ip_address": "",
    "ip_port": 0,
    "serial_number": "",
    "other_info": "",
    "timeout": 10,
}
COUNTER_STEPS = {"synthetic": 1, "cyton": 1, "cyton_daisy": 2, "cyton_wifi": 1}
"""Boards whose counter is known to us: by how much it rises, modulo 256. Others are watched by
their arrivals."""
NO_BOARDS = {"no", "playback_file", "streaming"}
"""names of BrainFlow's that are no hardware of its own"""


def library() -> Library:
    """BrainFlow, silenced. Refuses where it is not installed or not made for this machine."""
    try:
        from brainflow import board_shim
        from brainflow.exit_codes import BrainFlowError
    except ImportError as error:
        raise DeviceRefused(
            f"BrainFlow is not installed here ({error.name} is missing): pip install "
            f"'.[brainflow]' in Flexor's folder."
        ) from error
    # It looks for its library beside a module, which Python 3.10 and 3.11 refuse, and then by a
    # part of setuptools that is gone.
    board_shim.files = lambda _: importlib.resources.files("brainflow")
    try:
        board_shim.BoardShim.disable_board_logger()
    except OSError as error:
        raise DeviceRefused(
            f"BrainFlow's package holds no library for this machine ({platform.machine()}): build "
            f"BrainFlow from its source here, or use Flexor's own driver (cyton, ganglion)."
        ) from error
    return Library(
        "BrainFlow", board_shim.BoardShim, board_shim.BrainFlowInputParams, BrainFlowError
    )


def board_numbers() -> dict[str, int]:
    """Name of each board -> BrainFlow's number for it."""
    from brainflow.board_shim import BoardIds

    names = {board.name.lower().replace("_board", ""): int(board) for board in BoardIds}
    return {name: number for name, number in names.items() if name not in NO_BOARDS}


def describe(name: str, brainflow: Library) -> Rows:
    """What a board's rows hold. Refuses unknown names, and boards without a signal of use."""
    numbers = board_numbers()
    refuse_unknown(name, numbers, "BrainFlow board")
    described = brainflow.board.get_board_descr(numbers[name])
    return rows_of(described, COUNTER_STEPS.get(name, 0), f"The BrainFlow board {name}")


def open_brainflow(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The board at "NAME,serial_port=PORT" and the like; the settings are BrainFlow's own.

    `port` opens something else than the library, as tests do. Refuses unknown boards and settings;
    `start` refuses what BrainFlow cannot open, with its reason.
    """
    name, settings = split_argument(argument, SETTINGS, "brainflow")
    if not name:
        raise Refused(
            "BrainFlow drives many boards: name one, e.g. brainflow:cyton,serial_port=/dev/ttyUSB0 "
            "or brainflow:synthetic."
        )
    brainflow = library()
    rows, what = describe(name, brainflow), f"the BrainFlow board {name}"

    def open_board() -> Port:
        board = prepare(brainflow, board_numbers()[name], settings, what)
        return BoardPort(board, rows, what, brainflow.error)

    return Lasting(Wired(wiring_of(rows, what, port or open_board)), clock, sleep)

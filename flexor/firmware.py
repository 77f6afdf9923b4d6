"""The reference firmware at the command line: build it, let it run, write its header."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown
from firmware_bridge.c_header import c_header
from firmware_bridge.firmware_build import FOLDER, TARGETS, build
from firmware_bridge.firmware_hand import joints_of, start_board, start_firmware
from firmware_bridge.hands import EXO, HAND6
from firmware_bridge.interface import INTERFACE_HASH
from firmware_bridge.serial_link import crc_n_of

WORDS = ("build", "emulate", "header")


def firmware(
    what: str, target: str, out: Path | None, seconds: float | None, exo: bool = False
) -> dict[str, Any]:
    """Does one of WORDS; gives what came of it. With `exo` the joints of a leg are emulated.

    Refuses an unknown word or target, and a machine without the tools for it.
    """
    refuse_unknown(what, WORDS, "firmware command")
    refuse_unknown(target, TARGETS, "target")
    told = {"firmware": what, "target": target, "interface": f"{INTERFACE_HASH:08x}"}
    if what == "header":
        return {**told, "target": "all", "file": str(write_header(out))}
    if what == "emulate":
        return {**told, "seconds": round(emulate(target, out, seconds, exo), 1)}
    image = build(target, out)
    return {**told, "file": str(image), "bytes": image.stat().st_size}


def write_header(out: Path | None) -> Path:
    """The C header of the interface: beside the sources, or in `out`."""
    path = (out or FOLDER / "src") / "flexor_interface.h"
    try:
        path.write_text(c_header())
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; name a folder.") from error
    return path


def emulate(target: str, out: Path | None, seconds: float | None, exo: bool = False) -> float:
    """Lets the firmware run until `seconds`, Ctrl-C or SIGTERM; gives how long it did."""
    board = bool(TARGETS[target].emulator)
    if board and exo:
        raise Refused(f"A leg's joints are emulated on this machine, not on {target}.")
    stop, begun_s = threading.Event(), time.monotonic()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    spec = EXO if exo else HAND6
    try:
        with (
            start_board(target, out)
            if board
            else start_firmware(joints_of(spec), out, crc_n_of(spec)) as hand
        ):
            name = "serial_exo" if exo else "serial"
            print(f"The firmware runs. In another terminal: flexor run --hand {name}:{hand.url}")
            print("Ctrl-C ends it.", flush=True)
            stop.wait(seconds)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return time.monotonic() - begun_s

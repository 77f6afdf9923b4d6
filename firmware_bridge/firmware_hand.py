"""The firmware in C as a hand: on this machine behind a pseudo-terminal, or on a board in QEMU."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from acquisition.stream import DeviceTimeout, Refused
from firmware_bridge.firmware_build import TARGETS, build, need
from firmware_bridge.hands import EXO, HAND6, HandSpec
from firmware_bridge.serial_link import SerialLink, crc_n_of, open_serial
from firmware_bridge.simulated_hand import SimulatedHand, joints_of
from firmware_bridge.simulated_joints import Joints

__all__ = [
    "Emulator",
    "joints_of",
    "open_firmware",
    "open_firmware_exo",
    "start_board",
    "start_firmware",
]

START_S = 10.0
"""QEMU tells its terminal in 0.1 s; a loaded machine is given 100 times that."""
_SAID_N = 4096
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"
)
"""QEMU outlives nobody: PR_SET_PDEATHSIG of prctl(2) holds beyond exec."""


@dataclass(slots=True)
class Emulator:
    """A running QEMU with the firmware in it. `stop` it; its port is `url`."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends the process. Harmless when repeated."""
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start_firmware(
    joints: Joints | None = None, out: Path | None = None, crc_n: int = 2
) -> SimulatedHand:
    """The host build in a process of its own, as HAND6 or with those joints: built if need be.

    `crc_n` is 4 for exoskeletons. Takes the same faults as the simulated hand. Refuses a machine
    without a C compiler.
    """
    joints = joints or joints_of(HAND6)
    axes = joints.axes()[: len(joints.low_deg)]
    words = [*(",".join(map(str, axis)) for axis in axes), str(crc_n)]
    return SimulatedHand.launch([str(build("host", out)), *words])


def start_board(target: str, out: Path | None = None) -> Emulator:
    """QEMU with the firmware for that board. Refuses where a tool is missing."""
    words = TARGETS[target].emulator
    need(words[0], words[0])
    image = str(build(target, out))
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, *words, "-kernel", image],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    emulator = Emulator("", process)
    try:
        emulator.url = _terminal(process)
    except BaseException:
        emulator.stop()
        raise
    return emulator


def open_firmware(argument: str = "", **options: Any) -> SerialLink:
    """A link to the firmware in C: "" or "host" on this machine, or the name of a board.

    It is built if need be, started, and ends when the link is closed.
    """
    if argument not in ("", *TARGETS):
        raise Refused(
            f'The firmware runs as {", ".join(TARGETS)}, not as "{argument}"; on a real board it '
            "is serial:PORT."
        )
    on_board = bool(argument) and bool(TARGETS[argument].emulator)
    return _opened(start_board(argument) if on_board else start_firmware(), HAND6, options)


def open_firmware_exo(argument: str = "", **options: Any) -> SerialLink:
    """A link to the firmware in C with the joints of EXO, on this machine."""
    if argument not in ("", "host"):
        raise Refused(
            f'The firmware has a leg\'s joints on this machine, not as "{argument}"; on a real '
            "board it is serial_exo:PORT."
        )
    return _opened(start_firmware(joints_of(EXO), crc_n=crc_n_of(EXO)), EXO, options)


def _opened(hand: SimulatedHand | Emulator, spec: HandSpec, options: dict[str, Any]) -> SerialLink:
    try:
        return open_serial(hand.url, spec, on_close=hand.stop, **options)
    except BaseException:
        hand.stop()
        raise


def _terminal(process: subprocess.Popen[bytes]) -> str:
    """The path of its serial port, which QEMU tells on its output."""
    end_s, said = time.monotonic() + START_S, b""
    pipe = process.stdout
    while pipe is not None and time.monotonic() < end_s:
        if select.select([pipe], [], [], 0.1)[0]:
            data = os.read(pipe.fileno(), _SAID_N)
            said += data
            found = re.search(rb"redirected to (/dev/\S+)", said)
            if found:
                return found[1].decode()
            if not data:
                break
    words = said.decode(errors="replace").strip()
    raise DeviceTimeout(f"QEMU did not start: {words or 'it said nothing'}.")

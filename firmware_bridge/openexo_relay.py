"""Bluetooth in a process of its own: it goes on when the control loop stands still.

So the watchdog's process, which shares our end of the socket, can still stop the exoskeleton: by
itself it would keep its last torque. Nothing waits here behind something newer.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from acquisition.ble import BlePort, Kind
from acquisition.stream import DeviceError, DeviceLost, DeviceRefused
from firmware_bridge.hand_port import FilePort
from firmware_bridge.openexo_ble import ALIVE, DATA, ERROR, NUMBERS_N, writes_of
from firmware_bridge.watchdog import WatchdogProcess

UART = "6e40000{}-b5a3-f393-e0a9-e50e24dcca9e"
SERVICE, RECEIVE, SEND = (UART.format(number) for number in (1, 2, 3))
ERRORS = "33b65d43-611c-11ed-9b6a-0242ac120002"
KIND = Kind(
    what="OpenExo",
    source="openexo_ble",
    services=(SERVICE,),
    names=("EXOBLE",),
    notify=(SEND, ERRORS),
    write=(RECEIVE,),
    mend="switch it on, end its app, which would take it, and bring it nearer",
)
TURN_S = 0.005
ALIVE_S = 0.020
OPEN_S = 40.0
"""Longer than looking for it and connecting may take."""
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from firmware_bridge.openexo_relay import main; main(int(sys.argv[2]), sys.argv[3])"
)


def main(number: int, where: str) -> None:
    """The process: tells over its socket that it is connected, or why not, and relays."""
    with socket.socket(fileno=number) as link:
        try:
            port = BlePort(KIND, where)
        except DeviceError as error:
            link.send(b"-" + str(error).encode())
            return
        link.send(b"+")
        with suppress(DeviceLost, OSError):
            relay(port, link)
        with suppress(DeviceLost):
            port.close()


def relay(port: BlePort, link: socket.socket) -> None:
    """Until the socket ends. Raises DeviceLost when the connection does."""
    link.setblocking(False)
    told_s = float("-inf")
    while True:
        batches, ended = _heard(link)
        for batch in newest(batches):
            writes = writes_of(batch)
            for write in writes[:-1]:
                port.write(write, RECEIVE, quick=True)
            port.write(writes[-1], RECEIVE)  # answered: so nothing piles up below
        if ended:
            return
        for arrival in port.read(TURN_S):
            _say(link, (ERROR if arrival.line == ERRORS else DATA).encode() + arrival.data)
        if time.monotonic() - told_s >= ALIVE_S:
            told_s = time.monotonic()
            _say(link, ALIVE.encode())


def newest(batches: list[bytes]) -> list[bytes]:
    """What of it is still meant: parameters alone give way to whatever came behind them."""
    kept = [b for b in batches[:-1] if any(w in b"Exw" for w in _letters(b))]
    return kept + batches[-1:]


def _letters(batch: bytes) -> list[bytes]:
    letters, at = [], 0
    while at < len(batch):
        letters.append(batch[at : at + 1])
        at += 1 + 8 * NUMBERS_N.get(letters[-1], 0)
    return letters


def _heard(link: socket.socket) -> tuple[list[bytes], bool]:
    """(what was written, each by itself; whether there will be no more)."""
    batches: list[bytes] = []
    while True:
        try:
            batch = link.recv(4096)
        except BlockingIOError:
            return batches, False
        if not batch:
            return batches, True
        batches.append(batch)


def _say(link: socket.socket, line: bytes) -> None:
    with suppress(BlockingIOError):
        link.send(line.replace(b"\n", b" ") + b"\n")


def open_relay(where: str) -> tuple[FilePort, WatchdogProcess]:
    """The way to the OpenExo at `where`, and its watchdog. Raises DeviceRefused."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    root = str(Path(__file__).resolve().parent.parent)
    with theirs:
        # A session of its own: Ctrl-C must not end it before the exoskeleton is let go.
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, root, str(theirs.fileno()), where],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    ours.settimeout(OPEN_S)
    try:
        told = ours.recv(4096)
    except TimeoutError:
        told = b"-The OpenExo was not found in time: " + KIND.mend.encode() + b"."
    if told[:1] != b"+":
        ours.close()
        process.kill()
        process.wait()
        raise DeviceRefused(told[1:].decode() or "The Bluetooth process ended: try again.")
    ours.setblocking(False)
    return FilePort(where or "Bluetooth", _Owner(ours, process)), WatchdogProcess(ours.fileno())


class _Owner:
    """The socket and the process at its other end, which ends with it."""

    def __init__(self, ours: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self._ours, self._process = ours, process

    def fileno(self) -> int:
        return self._ours.fileno()

    def close(self) -> None:
        self._ours.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(3.0)

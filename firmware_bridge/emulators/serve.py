"""A hand's twin in real time, where its serial port or its network interface would be."""

from __future__ import annotations

import errno
import os
import pty
import select
import socket
import time
import tty
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from typing import cast

from acquisition.stream import Refused
from firmware_bridge.emulators.twin import HandTwin

READ_N = 4096
TURN_S = 0.002
"""How often the joints move."""

Ready = Callable[[str], None]
"""told once where the hand is to be found"""


def serve_hand(twin: HandTwin, link: str, stop: Event, ready: Ready) -> None:
    """Lets the hand be there until `stop`, behind a pseudo-terminal, under the name `link` where
    one is given. Refuses a name that is taken."""
    with ExitStack() as stack:
        master, slave = pty.openpty()
        # Our own hold on the slave keeps the master alive while nobody else has it open.
        stack.callback(os.close, slave)
        stack.callback(os.close, master)
        tty.setraw(slave)
        name = os.ttyname(slave)
        if link:
            try:
                Path(link).symlink_to(name)
            except OSError as error:
                raise Refused(
                    f'"{link}" cannot be made a link ({error.strerror}): give the path of a file '
                    f"that is not there yet, with --at."
                ) from None
            stack.callback(Path(link).unlink, missing_ok=True)
        ready(link or name)
        _live(twin, master, stop)


def serve_hand_at(twin: HandTwin, host: str, number: int, stop: Event, ready: Ready) -> None:
    """The same behind a TCP port, for one caller after the other. Refuses a port that is taken."""
    try:
        server = socket.create_server((host, number))
    except OSError as error:
        if (error.errno or 0) < 0 or error.errno == errno.EADDRNOTAVAIL:  # no name, or not ours
            raise Refused(
                f'"{host}" is no address of this computer: give one with --at, e.g. 127.0.0.1.'
            ) from None
        why = os.strerror(error.errno or 0)
        raise Refused(
            f"Port {number} of {host} cannot be listened at ({why}): end the other program that "
            f"holds it, or give another address with --at."
        ) from None
    with server:
        server.settimeout(TURN_S)
        ready(f"{host}:{server.getsockname()[1]}")
        while not stop.is_set():
            twin.advance(time.monotonic())
            try:
                call, _ = server.accept()
            except TimeoutError:
                continue
            with call:
                call.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _live(twin, call.fileno(), stop)


def serve_in_air(path: str, stop: Event, ready: Ready) -> None:
    """The same for the one hand behind Bluetooth, at a socket that stands in for the air. Refuses a
    path that is taken."""
    from acquisition.emulators.gatt import serve_gatt
    from acquisition.emulators.trouble import Injected, Trouble
    from acquisition.emulators.twin import Twin
    from firmware_bridge.emulators.openexo_air import OpenExoAir

    twin = cast("Twin", OpenExoAir())
    serve_gatt(twin, path, Trouble(), Injected(), stop, ready)


def _live(twin: HandTwin, number: int, stop: Event) -> None:
    """The hand hears, moves and speaks until `stop`, or until its caller hangs up."""
    os.set_blocking(number, False)
    poller = select.poll()
    poller.register(number, select.POLLIN)
    while not stop.is_set():
        heard = b""
        if poller.poll(1e3 * TURN_S):
            try:
                heard = os.read(number, READ_N)
            except OSError:
                return
            if not heard:
                return
        said = twin.advance(time.monotonic())
        if heard:
            said += twin.hear(heard, time.monotonic())
        with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            os.write(number, said)

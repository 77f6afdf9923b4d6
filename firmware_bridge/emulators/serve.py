"""A hand's twin in real time behind a pseudo-terminal, where its serial port would be."""

from __future__ import annotations

import os
import pty
import select
import time
import tty
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event

from acquisition.stream import Refused
from firmware_bridge.emulators.twin import HandTwin

READ_N = 4096
TURN_S = 0.002
"""How often the joints move."""


def serve_hand(twin: HandTwin, link: str, stop: Event, ready: Callable[[str], None]) -> None:
    """Lets the hand be there until `stop`, under the name `link` where one is given.

    `ready` is told once where. Refuses a name that is taken.
    """
    with ExitStack() as stack:
        master, slave = pty.openpty()
        # Our own hold on the slave keeps the master alive while nobody else has it open.
        stack.callback(os.close, slave)
        stack.callback(os.close, master)
        tty.setraw(slave)
        os.set_blocking(master, False)
        name = os.ttyname(slave)
        if link:
            try:
                Path(link).symlink_to(name)
            except OSError as error:
                raise Refused(f"{link} cannot be made a link ({error.strerror}).") from None
            stack.callback(Path(link).unlink, missing_ok=True)
        poller = select.poll()
        poller.register(master, select.POLLIN)
        ready(link or name)
        while not stop.is_set():
            data = os.read(master, READ_N) if poller.poll(1e3 * TURN_S) else b""
            said = twin.advance(time.monotonic())
            if data:
                said += twin.hear(data, time.monotonic())
            with suppress(BlockingIOError):
                os.write(master, said)

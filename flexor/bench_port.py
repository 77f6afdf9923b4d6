"""A pseudo-terminal that swallows what is written, for benches."""

from __future__ import annotations

import os
import pty
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from firmware_bridge.serial_link import SerialLink, open_serial
from firmware_bridge.session import LinkPhase


@contextmanager
def drained_link() -> Iterator[SerialLink]:
    """A link that is up, with nobody but a drain at its other end."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)

    def drain() -> None:
        with suppress(OSError):
            while os.read(ours, 65536):
                pass

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    link = open_serial(os.ttyname(theirs))
    link.session.phase = LinkPhase.UP
    try:
        yield link
    finally:
        link.port.close()
        os.close(theirs)
        thread.join(1.0)
        os.close(ours)

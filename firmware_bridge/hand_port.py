"""A way to a hand that never blocks: what has come is read, what does not go out at once is lost.

A setpoint that waits in a queue would move the hand later than anybody meant.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import Any, Protocol

from acquisition.serial_port import open_raw
from acquisition.stream import DeviceLost, DeviceRefused

_READ_N = 4096
WRITE_S = 0.005
DIAL_S = 3.0


class HandPort(Protocol):
    """What a link to a hand needs of its port."""

    def read(self) -> bytes:
        """What has come; b"" for nothing. Never waits. Raises DeviceLost."""
        ...

    def write(self, data: bytes, first: bool = False) -> bool:
        """Whether all of it went out. Never waits; the rest is thrown away. Raises DeviceLost.

        `first` for what stops the hand: where something may wait, it goes before, and for good.
        """
        ...

    def close(self) -> None:
        """Harmless when repeated."""
        ...


def read_now(owner: Any, poller: select.poll | None) -> bytes:
    """What has come; b"" for nothing. Raises OSError where the other end is gone.

    `owner` is a pyserial port or a socket; `poller` watches it, None where it has no file.
    """
    if poller is None:
        return bytes(owner.read(owner.in_waiting))
    if not poller.poll(0):
        return b""
    data = os.read(owner.fileno(), _READ_N)
    if not data:
        raise OSError("the other end is closed")
    return data


def write_now(owner: Any, poller: select.poll | None, data: bytes) -> bool:
    """Whether all of it went out at once. Raises OSError where the other end is gone."""
    try:
        # pyserial's own write spins for ever on a full buffer when told not to wait.
        written_n = owner.write(data) if poller is None else os.write(owner.fileno(), data)
    except BlockingIOError:
        return False
    return bool(written_n == len(data))


class FilePort:
    """A serial port or a TCP connection: whatever has a file behind it."""

    def __init__(self, what: str, owner: Any) -> None:
        """`what` it is, for sentences; `owner` has fileno() and close()."""
        self._what, self._owner = what, owner
        self._poller = select.poll()
        self._poller.register(owner.fileno(), select.POLLIN)

    def read(self) -> bytes:
        try:
            return read_now(self._owner, self._poller)
        except OSError as error:
            raise self._lost() from error

    def write(self, data: bytes, first: bool = False) -> bool:
        if not data:  # nothing would be the end of a socket of whole messages
            return True
        try:
            return write_now(self._owner, self._poller, data)
        except OSError as error:
            raise self._lost() from error

    def fileno(self) -> int:
        """For the watchdog, which writes the stop when this process cannot."""
        return int(self._owner.fileno())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._owner.close()

    def _lost(self) -> DeviceLost:
        return DeviceLost(f"The hand at {self._what} is gone: check its cable and its power.")


def open_serial_port(url: str, baud_hz: int) -> FilePort:
    """Raises DeviceRefused for a port that is missing, busy or not permitted."""
    return FilePort(url, open_raw(url, baud_hz, WRITE_S))


def open_tcp_port(host: str, number: int, what: str) -> FilePort:
    """Raises DeviceRefused where nobody listens."""
    try:
        connection = socket.create_connection((host, number), DIAL_S)
    except OSError as error:
        raise DeviceRefused(
            f"No {what} answers at {host}:{number} ({error.strerror or 'no answer'}): switch it "
            f"on, join its network and check the address."
        ) from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    return FilePort(f"{host}:{number}", connection)

"""What bytes come through: ports that never wait longer than they are told to."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, Protocol

from acquisition.stream import DeviceLost, DeviceRefused, DeviceTimeout

READ_N = 65536
"""Bytes taken at once at most."""
WRITE_S = 1.0
"""A command is a few bytes: a device that does not take them in this time is not there."""

HANG_UP_S = 0.3
"""For the device to take the stop command and end its side."""


class Arrival(NamedTuple):
    """Bytes, and when they came."""

    data: bytes
    at_s: float
    """monotonic seconds, read once per read"""
    line: str = ""
    """which of a device's channels: a socket's or a characteristic's name; "" if there is one"""
    dropped: int = 0
    """arrivals before this one that a full queue has dropped, the oldest first"""


class Port(Protocol):
    """An open way to a device."""

    def clock(self) -> float:
        """Monotonic seconds; virtual ones in tests."""
        ...

    def read(self, timeout_s: float) -> list[Arrival]:
        """What has come, waiting at most `timeout_s`; [] if nothing did. Raises DeviceLost."""
        ...

    def write(self, data: bytes, line: str = "") -> None:
        """Raises DeviceLost where it cannot go out."""
        ...

    def close(self) -> None:
        """Harmless when repeated."""
        ...


def read_until(port: Port, token: bytes, timeout_s: float, line: str = "") -> bytes | None:
    """What came on `line` up to and with `token`; None if it did not come in time.

    Bytes behind the token are dropped: ask before a stream is started, not after.
    """
    end_s, heard = port.clock() + timeout_s, b""
    while (left_s := end_s - port.clock()) > 0:
        heard += b"".join(a.data for a in port.read(left_s) if a.line == line)
        if token in heard:
            return heard[: heard.index(token) + len(token)]
        heard = heard[-READ_N:]
    return None


def drain(port: Port, seconds: float) -> None:
    """Throws away what comes for so long, as while a board restarts."""
    end_s = port.clock() + seconds
    while (left_s := end_s - port.clock()) > 0:
        port.read(left_s)


class Ahead:
    """A port whose first bytes can be looked at and are still there to be read."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._held: list[Arrival] = []

    def clock(self) -> float:
        return self._port.clock()

    def peek(self, timeout_s: float, line: str = "") -> bytes:
        """What newly came on `line`, waiting at most `timeout_s`."""
        arrivals = self._port.read(timeout_s)
        self._held += arrivals
        return b"".join(arrival.data for arrival in arrivals if arrival.line == line)

    def forget(self) -> None:
        """Drops what was looked at, as what an older stream has left."""
        self._held = []

    def read(self, timeout_s: float) -> list[Arrival]:
        held, self._held = self._held, []
        return held or self._port.read(timeout_s)

    def write(self, data: bytes, line: str = "") -> None:
        self._port.write(data, line)

    def close(self) -> None:
        self._port.close()


class SocketPort:
    """One TCP connection for each line of a device."""

    def __init__(self, sockets: Mapping[str, socket.socket], what: str) -> None:
        """`what`: the device, for sentences: "the Muovi at 192.168.14.2"."""
        self._sockets, self._what = dict(sockets), what
        self._poller = select.poll()
        self._lines: dict[int, str] = {}
        for line, connection in self._sockets.items():
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._poller.register(connection, select.POLLIN)
            self._lines[connection.fileno()] = line

    def clock(self) -> float:
        return time.monotonic()

    def read(self, timeout_s: float) -> list[Arrival]:
        out = []
        for number, _ in self._poller.poll(max(0.0, timeout_s) * 1e3):
            line = self._lines[number]
            try:
                data = self._sockets[line].recv(READ_N)
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._lost() from error
            if not data:
                raise self._lost()
            out.append(Arrival(data, self.clock(), line))
        return out

    def write(self, data: bytes, line: str = "") -> None:
        connection = self._sockets[line]
        try:
            connection.settimeout(WRITE_S)
            connection.sendall(data)
            connection.setblocking(False)
        except OSError as error:
            raise self._lost() from error

    def close(self) -> None:
        for connection in self._sockets.values():
            with suppress(OSError):
                _hang_up(connection)
            connection.close()

    def _lost(self) -> DeviceLost:
        return DeviceLost(
            f"The connection to {self._what} was closed: check that it is on and in reach."
        )


def _hang_up(connection: socket.socket) -> None:
    """Ends our side and hears the other out for a moment: closing on unread samples would reset the
    connection, and a reset may overtake the stop command that was sent last."""
    connection.shutdown(socket.SHUT_WR)
    end_s = time.monotonic() + HANG_UP_S
    while (left_s := end_s - time.monotonic()) > 0:
        connection.settimeout(left_s)
        if not connection.recv(READ_N):
            return


def dial(host: str, ports: Mapping[str, int], what: str, timeout_s: float = 3.0) -> SocketPort:
    """Connects every line's TCP port. Raises DeviceRefused, in a sentence with the mend."""
    sockets: dict[str, socket.socket] = {}
    try:
        for line, number in ports.items():
            sockets[line] = socket.create_connection((host, number), timeout_s)
    except OSError as error:
        for connection in sockets.values():
            connection.close()
        raise DeviceRefused(_why_not_dialled(host, number, what, error)) from error
    return SocketPort(sockets, what)


def _why_not_dialled(host: str, number: int, what: str, error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return (
            f"Nothing listens at {host}:{number}: start {what} (and its program, if it has one), "
            f"then try again."
        )
    if isinstance(error, socket.gaierror):
        return f'"{host}" is no host that can be found: give the address of {what}.'
    return (
        f"{what} cannot be reached at {host}:{number} ({error.strerror or 'no answer'}): join its "
        f"network and check the address."
    )


def await_call(
    number: int,
    what: str,
    host: str = "0.0.0.0",  # noqa: S104 - the device calls from its own Wi-Fi, address unknown
    timeout_s: float = 10.0,
) -> SocketPort:
    """Listens on a TCP port until the device calls. Raises DeviceRefused, DeviceTimeout."""
    try:
        with socket.create_server((host, number), backlog=1) as server:
            server.settimeout(timeout_s)
            connection, _ = server.accept()
    except TimeoutError:
        raise DeviceTimeout(
            f"No {what} called port {number} within {timeout_s:g} s: join its Wi-Fi, switch it on "
            f"and let nothing else listen."
        ) from None
    except OSError as error:
        raise DeviceRefused(
            f"Port {number} cannot be listened at ({error.strerror}): end the other program that "
            f"waits for the {what}."
        ) from error
    return SocketPort({"": connection}, f"the {what}")


Opener = Callable[[], Port]

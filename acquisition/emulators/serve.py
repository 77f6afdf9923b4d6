"""Twins in real time, where hardware would be: behind a pseudo-terminal, TCP or Bluetooth."""

from __future__ import annotations

import os
import pty
import select
import socket
import time
import tty
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import numpy as np

from acquisition.emulators.trouble import Injected, Trouble, pass_on
from acquisition.emulators.twin import Said, Twin
from acquisition.stream import Refused

READ_N = 4096
TURN_S = 0.05
"""Longest wait before `stop` is looked at, and between two calls of a device that calls."""

Ready = Callable[[str], None]
"""told once where the twin is to be found"""


def serve(
    twin: Twin, address: str, trouble: Trouble, done: Injected, stop: Event, ready: Ready
) -> None:
    """Lets the twin be there until `stop`. What befalls its frames is counted in `done`.

    `address` is a name for the pseudo-terminal (a link is made, if given), a host for TCP, a path
    for Bluetooth's stand-in socket. Refuses what is taken or cannot be made.
    """
    kind = twin.transport.kind
    if kind == "gatt":
        from acquisition.emulators.gatt import serve_gatt

        serve_gatt(twin, address, trouble, done, stop, ready)
        return
    if kind == "lsl":
        from acquisition.emulators.lsl import serve_lsl

        serve_lsl(twin, trouble, done, stop, ready)
        return
    if kind == "library":
        raise Refused(
            "A board behind a vendor's library has no bytes that could be emulated: its library "
            "has a board of its own for that, e.g. brainflow:synthetic or mindrove:synthetic."
        )
    with ExitStack() as stack:
        lines = _Lines(twin, stack)
        call: str | None = None
        if kind == "serial":
            ready(_terminal(lines, address, stack))
        elif kind == "listen":
            _listen(lines, address or "127.0.0.1")
            ready(address or "127.0.0.1")
        else:
            call = address or "127.0.0.1"
            ready(call)
        random = np.random.default_rng(trouble.seed)
        while not stop.is_set():
            if call is not None and not lines.open:
                _dial(lines, call, stop)
            said = lines.listen(min(max(0.0, twin.next_s - time.monotonic()), TURN_S))
            due = twin.due(time.monotonic())
            lines.say(said + pass_on(due, trouble, done, random, twin.vital), trouble, random)


class _Lines:
    """The open connections of one twin, and the doors through which more come."""

    def __init__(self, twin: Twin, stack: ExitStack) -> None:
        self.twin, self._stack = twin, stack
        self.open: dict[str, int] = {}
        self._calls: dict[str, socket.socket] = {}
        self._unsent: dict[str, bytes] = {}
        """the rest of what a host took half of"""
        self._doors: dict[int, tuple[str, socket.socket]] = {}
        self._poller = select.poll()
        stack.callback(self._close)

    def add(self, line: str, number: int) -> None:
        self.open[line] = number
        self._poller.register(number, select.POLLIN)
        self.say(self.twin.greet(time.monotonic(), line), Trouble(), np.random.default_rng(0))

    def add_call(self, line: str, call: socket.socket) -> None:
        """A newer call on a line takes the place of an older one."""
        self.drop(line)
        call.setblocking(False)
        call.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._calls[line] = call
        self.add(line, call.fileno())

    def add_door(self, line: str, server: socket.socket) -> None:
        self._doors[server.fileno()] = line, self._stack.enter_context(server)
        self._poller.register(server, select.POLLIN)

    def drop(self, line: str) -> None:
        self._unsent.pop(line, None)
        number = self.open.pop(line, None)
        if number is not None:
            self._poller.unregister(number)
        if line in self._calls:
            self._calls.pop(line).close()

    def listen(self, timeout_s: float) -> list[Said]:
        """Hears what the host says, and gives the twin's answers."""
        said: list[Said] = []
        for number, _ in self._poller.poll(1e3 * timeout_s):
            if number in self._doors:
                line, server = self._doors[number]
                self.add_call(line, server.accept()[0])
                continue
            heard = next((line for line, one in self.open.items() if one == number), None)
            if heard is None:
                continue
            try:
                data = os.read(number, READ_N)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                said += self.twin.hear(data, time.monotonic(), heard)
            else:
                self.drop(heard)
        return said

    def say(self, said: list[Said], trouble: Trouble, random: np.random.Generator) -> None:
        """What the host does not take is dropped, as a device drops it: whole, never half."""
        parts: dict[str, list[bytes]] = {line: [] for line in self._unsent}
        for one in said:
            parts.setdefault(one.line, []).append(one.data)
        if parts and trouble.delay_s:
            time.sleep(random.random() * trouble.delay_s)
        for line, pieces in parts.items():
            if line not in self.open:
                continue
            rest = self._unsent.pop(line, b"")
            # Behind the rest of what was begun nothing new is begun.
            data = rest or b"".join(pieces)
            cuts = sorted(random.integers(0, len(data), 2).tolist()) if trouble.split else []
            for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                sent_n = self._send(line, data[begin:end])
                if sent_n < end - begin:
                    if begin + sent_n:
                        self._unsent[line] = data[begin + sent_n :]
                    break

    def _send(self, line: str, data: bytes) -> int:
        """How many bytes went out."""
        try:
            return os.write(self.open[line], data) if line in self.open else 0
        except BlockingIOError:
            return 0
        except OSError:
            self.drop(line)
            return 0

    def _close(self) -> None:
        for line in list(self.open):
            self.drop(line)


def _terminal(lines: _Lines, link: str, stack: ExitStack) -> str:
    """Opens a pseudo-terminal and gives the name under which it is found."""
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
    lines.add("", master)
    return link or name


def _listen(lines: _Lines, host: str) -> None:
    for line, number in lines.twin.transport.ports.items():
        try:
            server = socket.create_server((host, number))
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise Refused(
                f"Port {number} of {host} cannot be listened at ({why}): end the other program "
                f"that holds it, or give another address with --at."
            ) from None
        lines.add_door(line, server)


def _dial(lines: _Lines, host: str, stop: Event) -> None:
    for line, number in lines.twin.transport.ports.items():
        try:
            lines.add_call(line, socket.create_connection((host, number), 1.0))
        except OSError:
            stop.wait(TURN_S)

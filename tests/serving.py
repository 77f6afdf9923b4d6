"""Twins behind real sockets of this machine, for as long as a test needs them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from acquisition.emulators.serve import serve
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import Said, Twin

TIMEOUT_S = 20.0


class Served:
    """A twin that is there, at free ports, and what it has heard."""

    def __init__(self, twin: Twin) -> None:
        self.twin, self.ports = twin, free_ports(list(twin.transport.ports))
        self.heard: list[tuple[str, bytes]] = []
        self._told = threading.Condition()
        hear = twin.hear

        def listen(data: bytes, now_s: float, line: str = "") -> list[Said]:
            said = hear(data, now_s, line)
            with self._told:
                self.heard.append((line, data))
                self._told.notify_all()
            return said

        either: Any = twin
        either.transport = twin.transport._replace(ports=self.ports)
        either.hear = listen

    def wait_for(self, data: bytes) -> bool:
        """Whether it hears these bytes in time."""
        with self._told:
            return self._told.wait_for(lambda: any(data in one for _, one in self.heard), TIMEOUT_S)


@contextmanager
def served(twin: Twin) -> Iterator[Served]:
    one, stop, there = Served(twin), threading.Event(), threading.Event()
    arguments = (twin, "127.0.0.1", Trouble(), Injected(), stop, lambda _: there.set())
    thread = threading.Thread(target=serve, args=arguments)
    thread.start()
    try:
        assert there.wait(TIMEOUT_S)
        yield one
    finally:
        stop.set()
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def free_ports(lines: list[str]) -> dict[str, int]:
    """A TCP port for each line at which nobody listens."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in lines]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return {line: one.getsockname()[1] for line, one in zip(lines, held, strict=True)}

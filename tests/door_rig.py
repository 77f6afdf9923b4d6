"""A guest at the door of a run."""

from __future__ import annotations

import socket
from typing import Any

from flexor.messages import MESSAGE_MAX, Kind, unpack


def heard(sock: socket.socket) -> list[tuple[Kind, Any]]:
    found: list[tuple[Kind, Any]] = []
    while True:
        try:
            message = sock.recv(MESSAGE_MAX)
        except BlockingIOError:
            return found
        if not message:
            return found
        found.append(unpack(message))

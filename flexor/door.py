"""A door to a running control loop: other processes of the same user may come, look and ask.

A socket of whole messages in the user's runtime folder. Who comes gets a feed like any other:
bounded, counted, and free to be slow or to die. Nothing here waits.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

from acquisition.stream import Refused, Spec
from firmware_bridge.sole_control import lock_folder
from flexor.feed import Feed

GUEST = "page"
"""What such a feed is called."""
GUESTS_N = 4
"""The page's process is one of them, however many browsers look at it."""
_PEER = struct.Struct("3i")
SUFFIX = ".sock"


class Door:
    """Where guests come in. Close it: its file goes with it."""

    def __init__(self, spec: Spec, source: str, motion_spec: Spec | None = None) -> None:
        self.refused_n = 0
        """Those who were one too many, or another user's."""
        self.path = lock_folder() / f"run-{os.getpid()}{SUFFIX}"
        self._told = (spec, source, motion_spec)
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sock.setblocking(False)
        self.path.unlink(missing_ok=True)
        try:
            self._sock.bind(str(self.path))
        except OSError as error:
            self._sock.close()
            raise Refused(
                f"{self.path} cannot be made ({error.strerror}): set XDG_RUNTIME_DIR."
            ) from None
        self.path.chmod(0o600)
        self._sock.listen(GUESTS_N)

    def enter(self, guests: list[Feed]) -> Feed | None:
        """The feed of one who has come since, if anybody has and there is room beside `guests`."""
        try:
            sock, _ = self._sock.accept()
        except OSError:
            return None
        uid = _PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[1]
        if len(guests) >= GUESTS_N or uid not in (0, os.getuid()):
            self.refused_n += 1
            sock.close()
            return None
        spec, source, motion_spec = self._told
        feed = Feed(sock, spec, source, None, motion_spec)
        feed.name = GUEST
        return feed

    def close(self) -> None:
        """Nobody comes in any more. Harmless when repeated."""
        self._sock.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def runs() -> list[Path]:
    """The doors of the runs that are there, the newest first; what dead ones left is removed."""
    found = []
    for path in lock_folder().glob(f"run-*{SUFFIX}"):
        pid = path.name.removeprefix("run-").removesuffix(SUFFIX)
        if pid.isdigit() and Path("/proc", pid).exists():
            found.append(path)
        else:
            path.unlink(missing_ok=True)
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def visit(path: Path) -> socket.socket:
    """The guest's end. Raises OSError where nobody opens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock

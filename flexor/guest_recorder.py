"""The recorder as a guest at the door of a run: `python -c "from flexor.guest_recorder import main;
main()" DOOR FILE KEEP_FREE_BYTES MOST_BYTES`.

Who wants a session recorded begins this process; the run grants it or refuses. It outlives the one
that began it, and ends with the run or when any guest asks for it.
"""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from acquisition.recording import open_new
from acquisition.stream import Refused
from flexor.door import visit
from flexor.feed import say
from flexor.messages import MESSAGE_MAX, Kind, unpack
from flexor.recorder import INBOX_MESSAGES, Item, receive, record
from flexor.session_recording import WISH

ANSWER_S = 3.0
"""A run lets guests in ten times a second."""
NAP_S = 0.01


def main() -> None:
    """Records until the end; what the run refuses is its last line, and leaves no file."""
    door, path, keep_free_bytes, most_bytes = sys.argv[1:5]
    try:
        attend(Path(door), Path(path), int(keep_free_bytes), int(most_bytes))
    except Refused as error:
        print(error)
        sys.exit(2)


def attend(door: Path, path: Path, keep_free_bytes: int, most_bytes: int) -> None:
    """Asks the run behind `door` to be recorded, and records it. Refuses what the run refuses."""
    with open_new(path) as file:
        try:
            sock = visit(door)
        except OSError:
            path.unlink()
            raise Refused("The run ended before it could be recorded: start it again.") from None
        with sock:
            say(sock, {WISH: path.name})
            inbox: queue.Queue[Item] = queue.Queue(INBOX_MESSAGES)
            try:
                for item in granted(sock):
                    inbox.put(item)
            except Refused:
                path.unlink()
                raise
            threading.Thread(target=receive, args=(sock, inbox), daemon=True).start()
            record(inbox, file, partial(say, sock), keep_free_bytes, most_bytes=most_bytes)


def granted(sock: socket.socket, timeout_s: float = ANSWER_S) -> list[Item]:
    """What was told before the run granted the wish. Refuses with the run's own sentence."""
    heard: list[Item] = []
    until_s = time.monotonic() + timeout_s
    while time.monotonic() < until_s:
        try:
            message = sock.recv(MESSAGE_MAX)
        except BlockingIOError:
            time.sleep(NAP_S)
            continue
        except OSError:
            continue
        if not message:
            raise Refused("The run lets nobody else in: close another page, and try again.")
        kind, value = unpack(message)
        answer: dict[str, Any] | None = value.get(WISH) if kind is Kind.STATUS else None
        if answer is None or ("refused" not in answer and "granted" not in answer):
            heard.append((kind, value))
        elif "refused" in answer:
            raise Refused(str(answer["refused"]))
        else:
            return heard
    raise Refused("The run did not answer: try again.")

"""A key is passed on while the picture is being drawn, and the view ends with its feed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flexor import view
from flexor.messages import MESSAGE_MAX, Kind, pack, unpack

pytestmark = pytest.mark.edge


@contextmanager
def shown(key: object) -> Iterator[socket.socket]:
    """The control loop's end of a view that shows itself."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        thread = threading.Thread(target=view.show, args=(theirs, key))
        thread.start()
        try:
            yield ours
        finally:
            ours.send(pack(Kind.END, None))
            thread.join(5.0)
            assert not thread.is_alive()


def test_an_emergency_stop_does_not_wait_for_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = threading.Event()
    pressed_s: list[float] = []

    def slow(_: view.Seen) -> str:
        drawing.set()
        time.sleep(0.5)
        return "a picture"

    def key(_: float) -> str:
        drawing.wait(5.0)
        if pressed_s:
            time.sleep(0.05)
            return ""
        pressed_s.append(time.monotonic())
        return " "

    monkeypatch.setattr(view, "draw", slow)
    with shown(key) as ours:
        ours.settimeout(5.0)
        kind, word = unpack(ours.recv(MESSAGE_MAX))
        assert time.monotonic() - pressed_s[0] < 0.25, "the picture takes longer"
        assert (kind, word) == (Kind.STATUS, {"key": "estop"})


def test_keys_that_mean_nothing_are_not_passed_on() -> None:
    typed = iter("zq")
    with shown(lambda wait_s: next(typed, "") or time.sleep(0.02) or "") as ours:
        ours.settimeout(5.0)
        assert unpack(ours.recv(MESSAGE_MAX)) == (Kind.STATUS, {"key": "quit"})

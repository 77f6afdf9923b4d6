"""A key is passed on while the picture is being drawn, and the view ends with its feed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from acquisition.stream import Refused
from flexor import view
from flexor.messages import MESSAGE_MAX, Kind, pack, unpack
from flexor.view_keys import AT_ONCE, LEAST_S, MEANT, MOST_S, Pressing, word_of

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


def words(presses: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """(second, word) of what a view passes on."""
    pressing = Pressing()
    told = [(at_s, word_of(pressing, key, at_s)) for at_s, key in presses]
    return [(at_s, word) for at_s, word in told if word]


@pytest.mark.parametrize(("key", "word"), AT_ONCE.items())
def test_what_stops_or_ends_acts_at_its_first_press(key: str, word: str) -> None:
    assert words([(0.0, key)]) == [(0.0, word)]


@pytest.mark.parametrize(("key", "word"), MEANT.items())
def test_what_lets_a_hand_move_is_held_for_a_second_or_pressed_again(key: str, word: str) -> None:
    repeats = [(0.0, key), *((0.5 + 0.03 * k, key) for k in range(30))]
    held = words(repeats)
    assert [found for _, found in held] == [word]
    assert held[0][0] == pytest.approx(LEAST_S, abs=0.031)
    assert words([(0.0, key), (0.1, key), (0.2, key)]) == []
    assert words([(0.0, key), (LEAST_S, key)]) == [(LEAST_S, word)]
    assert words([(0.0, key), (MOST_S + 0.1, key)]) == []


def test_another_key_between_takes_it_back_and_a_stop_is_never_waited_for() -> None:
    assert words([(0.0, "a"), (0.5, "x"), (1.2, "a")]) == []
    assert words([(0.0, "a"), (0.5, " "), (1.2, "a")]) == [(0.5, "estop")]
    assert words([(0.0, "a"), (0.5, "c"), (1.2, "a")]) == []


def test_the_picture_says_what_is_still_to_be_done() -> None:
    pressing = Pressing()
    word_of(pressing, "a", 0.0)
    assert pressing.text() == "hold a for a second: arm"
    word_of(pressing, "", MOST_S + 0.1)
    assert pressing.text() == ""


def test_who_looks_in_at_a_run_leaves_it_running() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    typed = iter("q")
    with ours, theirs:
        view.show(theirs, lambda wait_s: next(typed, ""), quits=False)
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(MESSAGE_MAX)


def test_without_a_run_there_is_nothing_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(Refused, match="begin one"):
        view.look_in()


def test_keys_that_mean_nothing_are_not_passed_on() -> None:
    typed = iter("zq")

    def key(_: float) -> str:
        time.sleep(0.02)
        return next(typed, "")

    with shown(key) as ours:
        ours.settimeout(5.0)
        assert unpack(ours.recv(MESSAGE_MAX)) == (Kind.STATUS, {"key": "quit"})

"""A line with turns: nothing speaks into an answer, and a stop waits for nobody."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from firmware_bridge.turn_port import STALE_S, WAITING_N, TurnPort, cut

pytestmark = pytest.mark.edge

TURN_S = 0.010
TURNS = cut(lambda data: 2, lambda frame: 3 if frame[:1] == b"?" else 0)
"""Frames of two bytes; those that begin with ? bring an answer of three."""


@dataclass
class Wire:
    sent: list[bytes] = field(default_factory=list)
    heard: bytes = b""
    closed: bool = False

    def read(self) -> bytes:
        data, self.heard = self.heard, b""
        return data

    def write(self, data: bytes, first: bool = False) -> bool:
        self.sent.append(data)
        return True

    def close(self) -> None:
        self.closed = True


class Rig:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.wire = Wire()
        self.port = TurnPort(self.wire, TURNS, TURN_S, lambda: self.now_s)


def test_what_brings_no_answer_goes_out_at_once() -> None:
    rig = Rig()
    assert rig.port.write(b"a1a2")
    assert rig.wire.sent == [b"a1", b"a2"]


def test_a_second_question_waits_for_the_first_answer() -> None:
    rig = Rig()
    rig.port.write(b"?1?2")
    assert rig.wire.sent == [b"?1"]
    rig.wire.heard = b"ab"
    assert rig.port.read() == b"ab"
    assert rig.wire.sent == [b"?1"], "the answer is not whole yet"
    rig.wire.heard = b"c"
    rig.port.read()
    assert rig.wire.sent == [b"?1", b"?2"]


def test_an_answer_that_never_comes_holds_the_line_for_one_turn_only() -> None:
    rig = Rig()
    rig.port.write(b"?1a1")
    rig.now_s = TURN_S
    rig.port.read()
    assert rig.wire.sent == [b"?1", b"a1"]


def test_a_stop_breaks_in_and_is_said_again_when_the_line_is_free() -> None:
    rig = Rig()
    rig.port.write(b"?1a1")
    rig.port.write(b"s1", first=True)
    assert rig.wire.sent == [b"?1", b"s1"]
    rig.now_s = 2 * STALE_S
    rig.port.read()
    assert rig.wire.sent == [b"?1", b"s1", b"s1"], "and what waited before it is gone"


def test_what_waited_too_long_is_never_sent() -> None:
    rig = Rig()
    rig.port.write(b"?1a1")
    rig.now_s = 2 * STALE_S
    rig.port.read()
    assert rig.wire.sent == [b"?1"]


def test_a_question_that_waits_already_is_not_put_twice_and_the_line_fills_no_further() -> None:
    rig = Rig()
    rig.port.write(b"?1")
    assert rig.port.write(b"?2")
    assert rig.port.write(b"?2")
    for number in range(WAITING_N - 1):
        assert rig.port.write(b"a%d" % number)
    assert not rig.port.write(b"b1")
    rig.wire.heard = b"abc"
    rig.port.read()
    assert rig.wire.sent == [b"?1", b"?2"]


def test_closing_lets_the_stop_out() -> None:
    rig = Rig()
    rig.port.write(b"?1")
    rig.port.write(b"?ss2", first=True)
    rig.port.close()
    assert rig.wire.sent == [b"?1", b"?ss2", b"?s", b"s2"]
    assert rig.wire.closed

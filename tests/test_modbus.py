"""Modbus: requests that another server understands, answers in any pieces, refusals counted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import modbus
from firmware_bridge.emulators.modbus import Unit
from firmware_bridge.modbus import RTU, TCP, Answers, Framing

pytestmark = pytest.mark.edge

BOTH = pytest.mark.parametrize("framing", [RTU, TCP], ids=["rtu", "tcp"])


def unit(framing: Framing, registers: dict[int, int]) -> Unit:
    return Unit(framing, 9, lambda a: registers.get(a, 0), registers.__setitem__)


def test_the_crc_is_the_published_one() -> None:
    assert modbus.crc16(b"123456789") == 0x4B37


@BOTH
def test_what_is_written_is_read_again(framing: Framing) -> None:
    there = unit(framing, {})
    written = there.hear(framing.wrap(9, modbus.write_registers(1000, (1, 65535, 7))))
    assert Answers(framing, 9).hear(written) == []
    read = there.hear(framing.wrap(9, modbus.read_registers(1000, 3)))
    assert Answers(framing, 9).hear(read) == [(1, 65535, 7)]


@BOTH
def test_an_answer_has_the_length_that_its_line_waits_for(framing: Framing) -> None:
    there = unit(framing, {})
    messages = [modbus.write_registers(1, (5,) * 6), modbus.read_registers(1, 6)]
    frames = [framing.wrap(9, message) for message in messages]
    turns = modbus.turns_of(framing, b"".join(frames))
    assert turns == [(frame, len(there.hear(frame))) for frame in frames]


@BOTH
@given(st.lists(st.integers(1, 30), min_size=1))
@settings(max_examples=50)
def test_answers_come_in_any_pieces(framing: Framing, cuts: list[int]) -> None:
    answers, heard = Answers(framing, 9), []
    stream = framing.wrap(9, b"\x03\x04\x00\x01\x00\x02") * 5
    for n in range(len(stream)):
        step = cuts[n % len(cuts)]
        heard += answers.hear(stream[:step])
        stream = stream[step:]
    assert heard == [(1, 2)] * 5
    assert answers.damaged_n == 0


@BOTH
def test_a_refusal_is_counted_and_another_unit_not_heard(framing: Framing) -> None:
    answers = Answers(framing, 9)
    assert answers.hear(framing.wrap(9, b"\x83\x02")) == []
    assert answers.refused_n == 1
    if framing is RTU:
        assert answers.hear(framing.wrap(8, b"\x03\x02\x00\x01")) == []

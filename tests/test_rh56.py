"""Inspire RH56: frames exact, the right registers, both ways to speak, errors that stop it."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import DeviceRefused, Refused
from firmware_bridge import modbus
from firmware_bridge.emulators.rh56 import Rh56ModbusTwin, Rh56Twin
from firmware_bridge.link import HandFlag
from firmware_bridge.modbus import RTU, TCP, Framing
from firmware_bridge.rh56 import (
    ANGLE_ACT,
    ANGLE_SET,
    ANGLES_N,
    CLEAR_ERROR,
    ERROR,
    FORCE_SET,
    REPLY_HEAD,
    SPEC,
    SPEED_SET,
    Rh56,
    SerialWords,
    errors_of,
    from_hand,
    open_rh56,
    to_hand,
)
from firmware_bridge.rh56_modbus import ModbusWords, open_rh56_modbus
from tests.ear_rig import closes_and_stops, survives_noise, vectors
from tests.modbus_peer import pymodbus_unit

pytestmark = pytest.mark.edge

HAND = Rh56(SerialWords())
OPPOSED = tuple(100.0 if name == "thumb_rotation" else 0.0 for name in SPEC.joint_names)
"""all open, rotator opposed: 1000 but for the last"""


def test_the_frames_are_those_of_the_published_class() -> None:
    of = vectors("inspire_rh56")
    assert (
        HAND.setpoint(OPPOSED).data == of["ANGLE_SET all open, rotation 0 (write 0x12 addr 1486)"]
    )
    assert HAND.greet() == of["read ANGLE_ACT (0x11 addr 1546 12 bytes)"]
    reply = bytes.fromhex("90eb010f110a06e80384032003bc025802ffffdc")
    (reading,) = HAND.ear().hear(reply)
    counts = (1000, 900, 800, 700, 600, -1)
    assert reading.position_deg == from_hand(counts)


def test_the_frames_of_modbus_are_exact() -> None:
    of = vectors("inspire_rh56_modbus")["FC16 write 6 regs from 1486"]
    assert Rh56(ModbusWords(1, RTU)).setpoint(OPPOSED).data == of


def test_the_registers_are_the_makers_and_not_those_of_copies() -> None:
    registers = (CLEAR_ERROR, ANGLE_SET, FORCE_SET, SPEED_SET, ANGLE_ACT, ERROR)
    assert registers == (1004, 1486, 1498, 1522, 1546, 1606)
    assert not {0x5EC, 0x5E8, 0x616} & set(registers)


@given(st.lists(st.floats(-20, 120), min_size=6, max_size=6))
@settings(max_examples=50)
def test_no_joint_is_ever_left_as_it_is_by_chance(joints: list[float]) -> None:
    """-1 would mean that; so counts stay from 0 to 1000."""
    counts = to_hand(tuple(joints))
    assert all(0 <= count <= 1000 for count in counts)
    inside = tuple(min(max(deg, 0.0), 100.0) for deg in joints)
    assert from_hand(counts) == pytest.approx(inside, abs=0.051)


def test_arming_sets_force_and_speed_and_moves_nothing() -> None:
    hand = Rh56(SerialWords(), speed=700, force_g=300)
    twin = Rh56Twin()
    twin.advance(0.0)
    twin.hear(hand.arm((0.0,) * 6), 0.0)
    twin.advance(0.5)
    assert [twin.words[SPEED_SET + n] for n in range(6)] == [700] * 6
    assert [twin.words[FORCE_SET + n] for n in range(6)] == [300] * 6
    assert not twin.body.moving


def test_each_frame_waits_for_the_answer_before_it() -> None:
    turns = HAND.words.turns(HAND.arm((0.0,) * 6) + HAND.greet())
    assert [answer_n for _, answer_n in turns] == [9, 9, 9, 9, 20]
    for frame, answer_n in turns:
        assert len(Rh56Twin().hear(frame, 0.0)) == answer_n


def test_errors_are_told_with_joint_and_reason() -> None:
    assert errors_of(bytes(6)).trip == ""
    flags = [errors_of(bytes([0, byte, 0, 0, 0, 0])).flags for byte in (1, 2, 4, 6)]
    assert flags == [0, HandFlag.OVER_TEMPERATURE, HandFlag.OVER_CURRENT, flags[1] | flags[2]]
    assert errors_of(bytes([0, 0, 0, 5, 0, 0])).trip == (
        "index reports a locked rotor and too much current"
    )
    assert "unknown" in errors_of(bytes([0x80, 0, 0, 0, 0, 0])).trip


def test_an_angle_that_cannot_be_is_not_believed() -> None:
    row = struct.pack("<BBBH6h", 1, 15, 0x11, ANGLE_ACT, 1000, 0, 0, 0, 0, 5000)
    ear = HAND.ear()
    assert ear.hear(REPLY_HEAD + row + bytes([sum(row) & 0xFF])) == []
    assert ear.damaged_n == 1


def test_a_hand_on_a_serial_line_of_modbus_does_the_same() -> None:
    closes_and_stops(open_rh56_modbus, "/dev/x", Rh56ModbusTwin())
    closes_and_stops(open_rh56_modbus, "/dev/x,id=3", Rh56ModbusTwin(unit=3))
    closes_and_stops(open_rh56, "/dev/x,id=3", Rh56Twin(3))


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("/dev/x,speed=2000", "speed of an RH56 is from 1 to 1000"),
        ("/dev/x,force_g=0", "force_g of an RH56 is from 1 to 1000"),
        ("/dev/x,id=0", "id of an RH56 is from 1 to 254"),
        ("/dev/x,forse_g=3", "force_g"),
        ("", "Name the port"),
    ],
)
def test_a_wrong_setting_is_refused(argument: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        open_rh56(argument)


def test_an_address_that_is_none_or_silent_is_refused() -> None:
    with pytest.raises(Refused, match="HOST:PORT"):
        open_rh56_modbus("127.0.0.1:http")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(DeviceRefused, match="No RH56 answers"):
            open_rh56_modbus(f"127.0.0.1:{port}")


@pytest.mark.parametrize("words", [SerialWords(), ModbusWords(1, RTU), ModbusWords(1, TCP)])
def test_noise_is_borne_and_the_next_answer_understood(words: SerialWords | ModbusWords) -> None:
    serial = isinstance(words, SerialWords)
    twin = Rh56Twin() if serial else Rh56ModbusTwin()
    good = twin.hear(words.read(ANGLE_ACT, ANGLES_N), 0.0)
    heads = REPLY_HEAD if serial else b"\x00\x01\x03\x10"
    assert survives_noise(words.ear(), good, heads)[-1].position_deg == (0.0,) * 6


@pytest.mark.parametrize("framing", [RTU, TCP], ids=["rtu", "tcp"])
def test_another_modbus_server_takes_our_angles_and_gives_them_back(framing: Framing) -> None:
    hand = Rh56(ModbusWords(1, framing))
    joints = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)
    with pymodbus_unit(framing, 1, [(ANGLE_SET, 6), (ANGLE_ACT, 6)]) as ask:
        ((frame, answer_n),) = hand.words.turns(hand.setpoint(joints).data)
        assert len(ask(frame, answer_n)) == answer_n
        ((frame, answer_n),) = hand.words.turns(hand.words.read(ANGLE_SET, ANGLES_N))
        (reading,) = hand.ear().hear(ask(frame, answer_n))
        assert reading.position_deg == joints
        refused = ask(framing.wrap(1, modbus.read_registers(40, 6)), framing.around_n + 2)
        ear = hand.ear()
        assert ear.hear(refused) == []
        assert ear.damaged_n == 1

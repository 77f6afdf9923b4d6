"""Dynamixel servos: packets exact and stuffed, the round of answers, the bus watchdog."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge import dynamixel_packet as wire
from firmware_bridge.dynamixel import (
    BUS_WATCHDOG,
    BUS_WATCHDOG_N,
    GOAL_POSITION,
    LEAP,
    PRESENT,
    PRESENT_N,
    TORQUE,
    Dynamixel,
    dynamixel_of,
    open_dynamixel,
)
from firmware_bridge.emulators.dynamixel import TRIPPED, DynamixelTwin
from tests.ear_rig import SdkPort, survives_noise, vectors

pytestmark = pytest.mark.edge

STILL = (0.0,) * 16
TWO = dynamixel_of("/dev/ttyUSB0,ids=1+2,baud_hz=1000000")[1]


def test_the_packets_are_those_of_the_makers_library() -> None:
    of = vectors("dynamixel2")
    assert wire.packed(1, wire.PING) == of["ping id 1"]
    assert wire.write(1, TORQUE, b"\x01") == of["write torque enable id 1 addr 64 = 1"]
    watchdog = wire.write(1, BUS_WATCHDOG, b"\x05")
    assert watchdog == of["write bus watchdog id 1 addr 98 = 5 (5*20 ms)"]
    goals = {1: struct.pack("<i", 150), 2: struct.pack("<i", 170)}
    assert (
        wire.sync_write(GOAL_POSITION, goals)
        == of["sync write goal position (116,4) id1=150 id2=170"]
    )
    stuffed = wire.write(1, GOAL_POSITION, bytes.fromhex("fffffd00"))
    assert stuffed == of["write id 1 addr 116 bytes FF FF FD 00, correctly stuffed"]
    assert wire.crc16(b"123456789") == 0xFEE8
    status = of["status id 1 err 0 params A6 00 00 00 (present position 166)"]
    assert wire.rows_of(wire.unpacked(status), 4) == [(1, 0, b"\xa6\x00\x00\x00")]


@given(st.lists(st.sampled_from([0xFF, 0xFD, 0x00, 0x55]), max_size=40).map(bytes))
@settings(max_examples=200)
def test_what_is_stuffed_comes_back_and_holds_no_second_head(params: bytes) -> None:
    packet = wire.packed(3, wire.WRITE, params)
    assert wire.length_of(packet) == len(packet)
    assert wire.right(packet)
    assert wire.unpacked(packet) == (3, wire.WRITE, params)
    assert wire.HEAD not in packet[7:-2]


def test_one_answer_of_each_servo_makes_a_reading() -> None:
    ear, twin = TWO.ear(), DynamixelTwin(TWO)
    answers = twin.hear(TWO.ask(), 0.0)
    assert ear.hear(answers[:40]) == []
    (reading,) = ear.hear(answers[40:])
    assert reading.position_deg == (0.0, 0.0)
    assert reading.temperature_c == (30.0, 30.0)


def test_a_servo_that_does_not_answer_leaves_no_reading() -> None:
    ear, twin = TWO.ear(), DynamixelTwin(TWO)
    only_one = twin.hear(wire.sync_read((1,), PRESENT, PRESENT_N), 0.0)
    assert ear.hear(only_one * 5) == []
    assert ear.damaged_n == 4


def test_servos_that_answer_in_one_packet_are_understood() -> None:
    fast = dynamixel_of("/dev/ttyUSB0,fast=yes")[1]
    (reading,) = fast.ear().hear(DynamixelTwin(fast).hear(fast.ask(), 0.0))
    assert reading.position_deg == STILL


def test_a_servo_with_an_error_trips_with_its_name() -> None:
    twin = DynamixelTwin(Dynamixel())
    twin.trip = True
    first = Dynamixel().ear().hear(twin.hear(Dynamixel().ask(), 0.0))[0]
    assert first.trip == "servo 0 (index_side) reports heat, overload or a wrong voltage"


def test_the_bus_watchdog_locks_the_goals_until_the_hand_is_armed_anew() -> None:
    leap = Dynamixel()
    twin = DynamixelTwin(leap)
    twin.advance(0.0)
    assert twin.hear(leap.arm(STILL), 0.0) == b"", "nothing but questions is answered"
    twin.advance(BUS_WATCHDOG_N * 0.020 - 0.001)
    assert twin.registers[0][BUS_WATCHDOG] == BUS_WATCHDOG_N
    twin.advance(BUS_WATCHDOG_N * 0.020 + 0.001)
    assert twin.registers[0][BUS_WATCHDOG] == TRIPPED
    closing = leap.setpoint((20.0,) * 16).data
    twin.hear(closing, 0.2)
    twin.advance(0.21)
    assert not twin.body.moving
    twin.hear(leap.arm(STILL) + closing, 0.22)
    twin.advance(0.23)
    assert twin.body.moving


def test_a_stop_without_known_positions_lets_go() -> None:
    assert Dynamixel().stop(()) == wire.write(wire.BROADCAST, TORQUE, b"\x00")


def test_only_the_question_is_waited_for() -> None:
    leap = Dynamixel()
    assert leap.turns(leap.arm(STILL) + leap.ask())[0][1] == leap.answer_n
    assert leap.turns(leap.stop(STILL))[0][1] == 0
    answer = DynamixelTwin(leap).hear(leap.ask(), 0.0)
    assert len(answer) == leap.answer_n


def test_the_setting_says_which_servos_there_are() -> None:
    url, bus = dynamixel_of("/dev/ttyUSB0,ids=7+3,low_deg=-45,high_deg=45,servo=xm430")
    assert (url, bus.ids, bus.baud_hz) == ("/dev/ttyUSB0", (7, 3), 57_600)
    assert bus.spec.joint_names == ("joint_7", "joint_3")
    assert bus.spec.joints[0].range_deg == (-45.0, 45.0)
    assert dynamixel_of("")[1].spec is LEAP


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("/dev/x,layout=allegro", "layout is one of leap"),
        ("/dev/x,ids=1+1", "different numbers"),
        ("/dev/x,ids=1+two", "different numbers"),
        ("/dev/x,ids=254", "from 0 to 252"),
        ("/dev/x,servo=ax12", "servo is one of xl330, xm430"),
        ("/dev/x,layut=leap", "layout"),
        ("/dev/x,baud_hz=57600", "cannot answer 20 times a second"),
        ("", "Name the port"),
    ],
)
def test_a_wrong_setting_is_refused(argument: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        open_dynamixel(argument)


def test_noise_is_borne_and_the_next_answer_understood() -> None:
    good = DynamixelTwin(TWO).hear(TWO.ask(), 0.0)
    assert survives_noise(TWO.ear(), good, wire.HEAD)[-1].position_deg == (0.0, 0.0)


@pytest.fixture
def sdk() -> Any:
    return pytest.importorskip("dynamixel_sdk", reason="the maker's library is not installed")


def test_the_makers_library_drives_and_reads_our_twin(sdk: Any) -> None:
    twin = DynamixelTwin(TWO)
    port, handler = SdkPort(twin), sdk.PacketHandler(2.0)
    twin.hear(TWO.arm((0.0, 0.0)), 0.0)
    write = sdk.GroupSyncWrite(port, handler, GOAL_POSITION, 4)
    for servo, goal in ((1, 2048 + 57), (2, 2048 + 114)):
        write.addParam(servo, list(struct.pack("<i", goal)))
    assert write.txPacket() == sdk.COMM_SUCCESS
    assert port.written == TWO.goals((57 * 360 / 4096, 114 * 360 / 4096))
    twin.advance(0.0)
    twin.advance(0.12)
    group = sdk.GroupSyncRead(port, handler, 132, 4)
    group.addParam(1)
    group.addParam(2)
    assert group.txRxPacket() == sdk.COMM_SUCCESS
    assert [group.getData(servo, 132, 4) for servo in (1, 2)] == [2048 + 57, 2048 + 114]
    model, result, error = handler.ping(port, 2)
    assert (model, result, error) == (1200, sdk.COMM_SUCCESS, 0)


def test_the_makers_parser_reads_our_stuffed_answers(sdk: Any) -> None:
    """One run to be stuffed in each: of two, the library's parser spoils the second."""
    port, handler, rng = SdkPort(), sdk.PacketHandler(2.0), random.Random(5)
    for _ in range(100):
        other = bytes(rng.randrange(0xF0) for _ in range(12))
        cut = rng.randrange(12)
        data = other[:cut] + wire.RUN + other[cut:]
        port.inside = wire.packed(9, wire.STATUS, b"\x00" + data)
        packet, result = handler.rxPacket(port, False)
        assert result == sdk.COMM_SUCCESS
        assert bytes(packet[9 : 9 + len(data)]) == data


def test_our_parser_reads_what_the_makers_library_sends_though_it_does_not_stuff(sdk: Any) -> None:
    port, handler = SdkPort(), sdk.PacketHandler(2.0)
    handler.write4ByteTxOnly(port, 1, GOAL_POSITION, 0x00FDFFFF)
    assert port.written.hex() == "fffffd00010900037400fffffd00c907"
    assert wire.unpacked(port.written) == (1, wire.WRITE, bytes.fromhex("7400fffffd00"))
    assert port.written != wire.write(1, GOAL_POSITION, bytes.fromhex("fffffd00"))

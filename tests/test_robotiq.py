"""Robotiq 2F: orders exact, activated once, stopped without rGTO, faults told and cleared."""

from __future__ import annotations

import pytest

from acquisition.stream import Refused
from firmware_bridge import modbus
from firmware_bridge.emulators.robotiq import RobotiqTwin
from firmware_bridge.modbus import RTU, Answers
from firmware_bridge.robotiq import (
    ACTIVATE,
    CLOSED_DEG,
    GO,
    STATUS_AT,
    WRITE_AT,
    Robotiq,
    open_robotiq,
    robotiq_of,
)
from tests.ear_rig import closes_and_stops, survives_noise, vectors
from tests.modbus_peer import pymodbus_unit

pytestmark = pytest.mark.edge

FULL = Robotiq(force=255)


def test_the_frames_are_the_published_examples() -> None:
    of = vectors("robotiq_2f85")

    assert FULL.setpoint((CLOSED_DEG,)).data == of["close full speed/force"]
    assert FULL.setpoint((0.0,)).data == of["open full speed/force"]
    status = RTU.wrap(9, modbus.read_registers(STATUS_AT, 1))
    assert status == of["read status 1 reg 0x07D0"]
    activate = RTU.wrap(9, modbus.write_registers(WRITE_AT, (0, 0, 0)))
    assert activate.hex() == "091003e80003060000000000007330"


def test_a_stop_leaves_it_active_and_going_nowhere() -> None:
    twin = RobotiqTwin()
    for order in (FULL.stop((12.0,)), FULL.stop(())):
        twin.hear(order, 0.0)
        assert twin.orders[0] & (ACTIVATE | GO) == ACTIVATE


def test_it_does_not_follow_before_it_is_active() -> None:
    twin = RobotiqTwin()
    twin.advance(0.0)
    twin.hear(FULL.order(GO, 255), 0.0)
    twin.advance(0.1)
    assert not twin.body.moving


def test_waiting_for_its_activation_is_no_fault() -> None:
    (reading,) = FULL.ear().hear(RobotiqTwin().hear(FULL.ask(), 0.0))
    assert reading.trip == ""
    assert reading.position_deg == (0.0,)


def test_only_a_major_fault_is_cleared_by_an_activation() -> None:
    gripper, twin = Robotiq(), RobotiqTwin()
    ear = gripper.ear()
    once = len(gripper.arm((0.0,)))
    twin.hear(gripper.arm((0.0,)), 0.0)
    twin.trip = True
    (reading,) = ear.hear(twin.hear(gripper.ask(), 0.0))
    assert reading.trip == "too much current"
    assert len(gripper.arm((0.0,))) == 2 * once
    twin.hear(gripper.arm((0.0,)), 0.0)
    (reading,) = ear.hear(twin.hear(gripper.ask(), 0.0))
    assert reading.trip == ""
    assert len(gripper.arm((0.0,))) == once


def test_heat_stops_it_and_needs_no_activation() -> None:
    gripper = Robotiq()
    hot = RTU.wrap(9, bytes([3, 6, 0x31, 0, 0x08, 0, 0x80, 0]))
    (reading,) = gripper.ear().hear(hot)
    assert reading.trip == "it is too hot"
    assert reading.position_deg[0] == pytest.approx(0x80 * CLOSED_DEG / 255)
    assert gripper.arm((0.0,)) == gripper.order(ACTIVATE, 0)


def test_another_unit_and_another_speed_do_the_same() -> None:
    closes_and_stops(open_robotiq, "/dev/x,id=4,speed=255,force=0", RobotiqTwin(4))


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("/dev/x,id=0", "id of a Robotiq gripper is from 1 to 247"),
        ("/dev/x,speed=256", "speed of a Robotiq gripper is from 0 to 255"),
        ("/dev/x,force=-1", "force of a Robotiq gripper is from 0 to 255"),
        ("/dev/x,forc=1", "forc"),
        ("", "Name the port"),
    ],
)
def test_a_wrong_setting_is_refused(argument: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        open_robotiq(argument)


def test_noise_is_borne_and_the_next_answer_understood() -> None:
    good = RobotiqTwin().hear(FULL.ask(), 0.0)
    ear = robotiq_of("/dev/x")[1].ear()
    assert survives_noise(ear, good, b"\x09\x03\x06\x10")[-1].position_deg == (0.0,)


def test_another_modbus_server_takes_our_orders() -> None:
    with pymodbus_unit(RTU, 9, [(WRITE_AT, 3), (STATUS_AT, 3)]) as ask:
        ((order, answer_n),) = FULL.turns(FULL.setpoint((CLOSED_DEG,)).data)
        assert len(ask(order, answer_n)) == answer_n
        ((question, answer_n),) = FULL.turns(FULL.ask())
        (reading,) = FULL.ear().hear(ask(question, answer_n))
        assert reading.position_deg == (0.0,)
        written = ask(RTU.wrap(9, modbus.read_registers(WRITE_AT, 3)), 11)
        assert Answers(RTU, 9).hear(written) == [(0x0900, 255, 0xFFFF)]

"""Torque, for exoskeletons: it comes and goes by its ramp, and never stays."""

from __future__ import annotations

from itertools import pairwise

import pytest

from firmware_bridge.link import FrameType
from firmware_bridge.simulated_joints import Joints
from tests.mcu_rig import FULL, armed
from tests.test_mcu_protection import telem, with_joints

pytestmark = pytest.mark.edge

EXO = Joints(torque_ramp=4, release_deg_s=0.0)


def test_a_joint_without_torque_takes_no_torque_setpoint() -> None:
    host = armed()
    host.setpoint(FULL, mode=3)
    host.wait(20)
    assert (host.speed, telem(host).range_err) == (0.0, 1)


def test_torque_comes_by_its_ramp() -> None:
    host = with_joints(EXO)
    for _ in range(5):
        host.setpoint((500,) * 6, mode=3)
        host.wait(20)
        assert max(host.mcu.torque) <= 500
    assert host.mcu.torque == [400] * 6
    host.drive((500,) * 6, ms=200, mode=3)
    assert host.mcu.torque == [500] * 6
    assert host.speed == pytest.approx(75.0)


@pytest.mark.parametrize("how", ["silence", "estop", "disarm"])
def test_torque_goes_to_zero_by_its_ramp_whatever_stops_it(how: str) -> None:
    host = with_joints(EXO)
    host.drive(ms=400, mode=3)
    assert host.mcu.torque == [1000] * 6
    if how != "silence":
        host.say(FrameType.ESTOP if how == "estop" else FrameType.DISARM)
    host.wait(60)
    torques = []
    while any(host.mcu.torque):
        host.wait(1)
        torques.append(host.mcu.torque[0])
        assert len(torques) <= 250
    assert {a - b for a, b in pairwise(torques)} == {4}
    host.wait(60)
    assert host.speed == 0.0


def test_torque_is_cut_when_a_motor_has_to_be_spared() -> None:
    host = with_joints(EXO)
    host.drive(ms=400, mode=3)
    host.mcu.over_current = True
    host.wait(1)
    assert host.mcu.torque == [0] * 6

"""Torque, for exoskeletons: it comes and goes by its ramp, and never stays."""

from __future__ import annotations

from itertools import pairwise

import pytest

from firmware_bridge import link
from firmware_bridge.link import AckCode, FrameType, HandFlag, HandState
from firmware_bridge.simulated_joints import Joints
from tests import mcu_rig
from tests.mcu_rig import FULL, SESSION, Host, armed
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


@pytest.mark.parametrize("how", ["silence", "hello", "disarm"])
def test_torque_goes_to_zero_by_its_ramp_whatever_stops_it(how: str) -> None:
    host = with_joints(EXO)
    host.drive(ms=400, mode=3)
    assert host.mcu.torque == [1000] * 6
    if how != "silence":
        host.say(FrameType.HELLO if how == "hello" else FrameType.DISARM)
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


def test_an_emergency_stop_takes_all_torque_away_in_the_same_millisecond() -> None:
    host = with_joints(EXO)
    host.drive(ms=400, mode=3)
    host.say(FrameType.ESTOP)
    host.wait(1)
    assert (host.mcu.torque, host.speed) == ([0] * 6, 0.0)


def measured(host: Host, deg: float) -> None:
    host.mcu.measured_udeg = dict.fromkeys(range(6), round(deg * 1e6))


@pytest.mark.parametrize(
    ("at_deg", "counts", "given"),
    [
        (94.9, 1000, 1000),
        (97.0, 1000, 600),
        (99.5, 1000, 100),
        (100.0, 1000, 0),
        (400.0, 1000, 0),
        (400.0, -1000, -1000),
        (1.0, -1000, -200),
        (0.0, -1000, 0),
        (-2000.0, -1000, 0),
        (-2000.0, 500, 500),
    ],
)
def test_torque_towards_a_ranges_end_fades_to_none(at_deg: float, counts: int, given: int) -> None:
    host = with_joints(EXO)
    measured(host, at_deg)
    host.drive((counts,) * 6, ms=400, mode=3)
    assert host.mcu.torque == [given] * 6


@pytest.mark.parametrize(
    ("sign", "deg_s", "given"),
    [(1, 149.0, 1000), (1, 155.0, 0), (1, -400.0, 1000), (-1, -155.0, 0), (-1, 155.0, -1000)],
)
def test_torque_that_makes_a_joint_too_fast_is_cut(sign: int, deg_s: float, given: int) -> None:
    host = with_joints(EXO)
    measured(host, 50.0)
    host.drive((sign * 1000,) * 6, ms=400, mode=3)
    for ms in range(64):
        measured(host, 50.0 + deg_s * ms / 1000)
        if ms % 20 == 0:
            host.setpoint((sign * 1000,) * 6, mode=3)
        host.wait(1)
    assert host.mcu.torque == [given] * 6


def test_torque_that_was_cut_comes_back_by_its_ramp() -> None:
    host = with_joints(EXO)
    measured(host, 100.0)
    host.drive(ms=400, mode=3)
    measured(host, 50.0)
    for ms in range(100):
        if ms % 20 == 0:
            host.setpoint(mode=3)
        before = host.mcu.torque[0]
        host.wait(1)
        assert 0 <= host.mcu.torque[0] - before <= 4


def test_what_is_given_is_told_before_each_telemetry() -> None:
    host = with_joints(EXO)
    measured(host, 50.0)
    host.drive((500, -500, 0, 0, 0, 0), ms=400, mode=3)
    torque, told = host.wait(20)
    assert [torque.type, told.type] == [FrameType.TORQUE, FrameType.TELEM]
    assert link.unpack_torque(torque.payload) == (500, -500, 0, 0, 0, 0)


def test_joints_without_torque_tell_none() -> None:
    assert {frame.type for frame in armed().wait(100)} == {FrameType.TELEM}


def test_a_hand_with_fewer_joints_than_the_link_carries_says_so() -> None:
    two = Joints((0.0, -10.0), (90.0, 50.0), (60.0, 60.0), torque_ramp=(4, 2))
    host = Host(mcu=mcu_rig.make(two))
    (frame,) = host.say(FrameType.HELLO)
    assert link.unpack_hello_ack(frame.payload).dof_n == 2
    assert [axis.torque_ramp for axis in two.axes()] == [4, 2, 2, 2, 2, 2]


def test_what_is_frozen_keeps_its_grip_with_limited_torque_until_it_moves_again() -> None:
    host = armed()
    for flags, limit in ((1, 300), (0, 1000), (255, 300)):
        host.seq += 1
        wire = link.pack_setpoint(SESSION, host.seq, 0, 2, 150, FULL, flags=flags)
        mcu_rig.model.receive(host.mcu, wire, host.now_ms)
        host.wait(1)
        assert host.torque_limit == limit
    host.say(FrameType.DISARM)
    host.ask(FrameType.ARM)
    host.wait(1)
    assert host.torque_limit == 1000


def test_a_supply_that_breaks_down_stops_the_hand_until_it_is_well_and_somebody_clears() -> None:
    host = with_joints(EXO)
    host.drive(ms=400, mode=3)
    host.mcu.brown_out = True
    host.wait(1)
    assert (host.state, host.mcu.torque) == (HandState.FAILSAFE, [0] * 6)
    assert telem(host).flags == HandFlag.BROWN_OUT
    assert host.ask(FrameType.ARM).code == host.ask(FrameType.CLEAR).code == AckCode.BUSY
    host.mcu.brown_out = False
    assert host.ask(FrameType.CLEAR).code == AckCode.OK
    assert host.ask(FrameType.ARM).code == AckCode.OK


def test_a_low_battery_is_told_and_stops_nothing() -> None:
    host = armed()
    host.mcu.low_battery = True
    host.drive(ms=200)
    assert telem(host).flags == HandFlag.LOW_BATTERY
    assert host.speed > 100.0

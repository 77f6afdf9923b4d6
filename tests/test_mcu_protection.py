"""What the hand does of its own accord: refusing strange hosts, sparing its motors, letting go."""

from __future__ import annotations

import pytest

from firmware_bridge import link
from firmware_bridge.link import AckCode, FrameType, HandFlag, HandState, Telem
from firmware_bridge.simulated_joints import Joints
from tests import mcu_rig
from tests.mcu_rig import Host, armed, idle

pytestmark = pytest.mark.edge

HEAVY = [1001, 0, 0, 0, 0, 0]
HOT = [0, 0, 0, 0, 0, 71]
NORMAL = [0] * 6


def telem(host: Host) -> Telem:
    (*_, frame) = host.say(FrameType.HEARTBEAT)
    return link.unpack_telem(frame.payload)


def with_joints(joints: Joints) -> Host:
    host = Host(mcu=mcu_rig.make(joints))
    host.say(FrameType.HELLO)
    assert host.ask(FrameType.ARM).code == AckCode.OK
    return host


@pytest.mark.parametrize("payload", [b"\1\2\3\4", bytes(4)])
def test_a_host_with_another_interface_is_told_ours_and_arms_nothing(payload: bytes) -> None:
    host = Host()
    (frame,) = host.say(FrameType.HELLO, payload)
    assert link.unpack_hello_ack(frame.payload).interface == link.INTERFACE_HASH
    assert host.state is HandState.BOOT
    for kind in (FrameType.ARM, FrameType.CLEAR, FrameType.DISARM):
        assert host.ask(kind).code == AckCode.WRONG_STATE
    assert host.ask(0x33).code == AckCode.UNKNOWN
    assert host.setpoint().state == HandState.BOOT
    assert host.ask(FrameType.ESTOP).code == AckCode.OK
    assert host.ask(FrameType.CLEAR).code == AckCode.WRONG_STATE
    assert host.state is HandState.ESTOP


def test_a_host_with_another_interface_stops_a_moving_hand() -> None:
    host = armed()
    host.drive()
    host.say(FrameType.HELLO, bytes(4))
    host.wait(50)
    assert (host.state, host.speed) == (HandState.BOOT, 0.0)


def test_a_current_over_its_limit_for_50_ms_stops_the_hand() -> None:
    host = armed()
    host.drive(ms=100)
    host.mcu.current_ma = HEAVY
    host.setpoint()
    host.wait(49)
    assert host.setpoint().state == HandState.ARMED
    host.wait(1)
    assert telem(host)[0::8] == (HandState.FAILSAFE, HandFlag.OVER_CURRENT)


def test_a_setpoint_in_the_very_millisecond_of_a_trip_is_not_executed() -> None:
    host = armed()
    host.mcu.over_current = True
    host.setpoint()
    assert host.mcu.counts == (0,) * 6


def test_a_current_that_falls_in_time_stops_nothing() -> None:
    host = armed()
    for _ in range(4):
        host.mcu.current_ma = HEAVY
        host.setpoint()
        host.wait(49)
        host.mcu.current_ma = NORMAL
        host.setpoint()
        host.wait(1)
    assert telem(host)[0::8] == (HandState.ARMED, 0)


def test_a_current_at_its_limit_stops_nothing() -> None:
    host = armed()
    host.mcu.current_ma = [1000] * 6
    host.drive()
    assert host.state is HandState.ARMED


@pytest.mark.parametrize("joint", range(6))
def test_a_trip_stays_until_it_is_cleared_and_the_current_has_fallen(joint: int) -> None:
    host = idle()
    host.mcu.current_ma = [1001 * (j == joint) for j in range(6)]
    host.wait(50)
    assert host.ask(FrameType.CLEAR).code == AckCode.BUSY
    host.mcu.current_ma = NORMAL
    host.wait(1)
    assert host.ask(FrameType.ARM).code == AckCode.BUSY
    assert telem(host).flags == HandFlag.OVER_CURRENT
    assert host.ask(FrameType.CLEAR).code == AckCode.OK
    assert host.ask(FrameType.ARM).code == AckCode.OK
    assert telem(host).flags == 0


def test_a_motor_over_its_temperature_stops_the_hand_until_it_has_cooled() -> None:
    host = armed()
    host.drive(ms=100)
    host.mcu.temperature_c = [70] * 6
    host.wait(1)
    assert host.state is HandState.ARMED
    host.mcu.temperature_c = HOT
    host.wait(1)
    assert telem(host)[0::8] == (HandState.FAILSAFE, HandFlag.OVER_TEMPERATURE)
    host.mcu.temperature_c = [61] * 6
    host.wait(1)
    assert host.ask(FrameType.ARM).code == AckCode.BUSY
    assert host.ask(FrameType.CLEAR).code == AckCode.BUSY
    host.mcu.temperature_c = [60] * 6
    host.wait(1)
    assert host.ask(FrameType.ARM).code == AckCode.OK


def closed_and_lost() -> Host:
    """A hand that has closed, and whose host is dead."""
    host = armed()
    host.drive(ms=600)
    host.wait(1000)
    assert (host.state, host.at_deg > 50.0) == (HandState.FAILSAFE, True)
    return host


def test_the_button_opens_a_hand_whose_host_is_dead() -> None:
    host = closed_and_lost()
    before = host.at_deg
    host.mcu.pressed = True
    host.wait(499)
    assert host.at_deg == before
    host.wait(200)
    assert host.speed == -30.0
    assert telem(host).flags == HandFlag.RELEASE
    host.wait(4000)
    assert (round(host.at_deg, 3), host.speed) == (0.0, 0.0)


def test_the_button_stops_opening_when_it_is_let_go() -> None:
    host = closed_and_lost()
    host.mcu.pressed = True
    host.wait(1000)
    host.mcu.pressed = False
    host.wait(11)
    before = host.at_deg
    host.wait(500)
    assert (host.at_deg, host.speed, host.at_deg > 10.0) == (before, 0.0, True)


def test_the_button_takes_the_hand_from_its_host() -> None:
    host = armed()
    host.mcu.pressed = True
    host.drive(ms=480)
    assert host.state is HandState.ARMED
    host.drive(ms=100)
    assert host.state is HandState.IDLE
    assert host.setpoint().age_ms <= 60
    assert host.ask(FrameType.ARM).code == AckCode.BUSY
    host.mcu.pressed = False
    host.wait(1)
    assert host.ask(FrameType.ARM).code == AckCode.OK


@pytest.mark.parametrize("state", [HandState.BOOT, HandState.ESTOP])
def test_the_button_opens_in_every_state_and_leaves_it(state: HandState) -> None:
    host = closed_and_lost()
    host.mcu.state = state
    before = host.at_deg
    host.mcu.pressed = True
    host.wait(1000)
    assert host.at_deg < before - 10.0
    assert host.state is state


def test_the_button_drives_no_motor_that_protects_itself() -> None:
    host = closed_and_lost()
    host.mcu.over_current = True
    before = host.at_deg
    host.mcu.pressed = True
    host.wait(1000)
    assert host.at_deg == before


def test_a_new_press_opens_again_after_the_current_was_too_high() -> None:
    host = closed_and_lost()
    host.mcu.pressed = True
    host.wait(600)
    host.mcu.current_ma = HEAVY
    host.wait(100)
    before = host.at_deg
    host.wait(500)
    assert (host.at_deg, host.speed) == (before, 0.0)
    host.mcu.current_ma = NORMAL
    host.wait(1000)
    assert host.at_deg == before  # it is still the same press
    host.mcu.pressed = False
    host.mcu.current_ma = HEAVY
    host.wait(50)
    host.mcu.pressed = True
    host.wait(1000)
    assert host.at_deg == before  # the current is still too high
    host.mcu.pressed = False
    host.mcu.current_ma = NORMAL
    host.wait(1)
    host.mcu.pressed = True
    host.wait(1000)
    assert host.at_deg < before - 10.0


def test_the_button_does_nothing_where_it_must_not() -> None:
    host = with_joints(Joints(release_deg_s=0.0))
    host.drive(ms=600)
    host.mcu.pressed = True
    host.wait(1000)
    before = host.at_deg
    host.wait(1000)
    assert (host.at_deg, before > 50.0) == (before, True)


@pytest.mark.parametrize(("range_deg", "open_deg"), [((-40.0, -10.0), -10.0), ((5.0, 60.0), 5.0)])
def test_open_is_the_end_of_the_range_that_is_nearest_to_zero(
    range_deg: tuple[float, float], open_deg: float
) -> None:
    low, high = ((edge,) * 6 for edge in range_deg)
    host = with_joints(Joints(low_deg=low, high_deg=high))
    host.drive((1000 if high[0] > 0 else -1000,) * 6, ms=600)
    host.mcu.pressed = True
    host.wait(4000)
    assert host.at_deg == pytest.approx(open_deg, abs=0.001)


def test_the_torque_is_limited_when_the_hand_only_keeps_its_grip() -> None:
    host = armed()
    host.drive(ms=200)
    assert host.torque_limit == 1000
    host.wait(100)
    assert (host.state, host.torque_limit) == (HandState.HOLD, 1000)
    host.wait(100)
    assert (host.state, host.torque_limit) == (HandState.FAILSAFE, 300)
    while host.mcu.still_ms < 4000:
        host.wait(1)
    assert host.torque_limit == 300
    host.wait(1)
    assert host.torque_limit == 100
    host.mcu.pressed = True
    host.wait(600)
    assert host.torque_limit == 1000


@pytest.mark.parametrize("mode", [1, 2])
def test_an_emergency_stop_takes_the_drive_away_in_the_same_millisecond(mode: int) -> None:
    host = armed()
    host.drive(ms=200, mode=mode)
    assert host.speed > 50.0
    at_deg = host.at_deg
    host.ask(FrameType.ESTOP)
    host.wait(1)
    assert (host.speed, host.at_deg) == (0.0, at_deg)
    host.wait(500)
    assert host.at_deg == at_deg


def test_a_motor_that_drew_too_much_current_has_no_torque_until_somebody_clears() -> None:
    host = armed()
    host.drive(ms=100)
    host.mcu.current_ma = HEAVY
    host.wait(51)
    assert (host.state, host.torque_limit, host.speed) == (HandState.FAILSAFE, 0, 0.0)
    host.mcu.current_ma = NORMAL
    host.wait(100)
    assert host.torque_limit == 0
    host.ask(FrameType.CLEAR)
    host.wait(1)
    assert host.torque_limit == 300

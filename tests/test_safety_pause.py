"""The safety gate and the 60 ms after which a hand that hears nothing lets go by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.limiter import limited, ramped, spared, torques
from firmware_bridge.link import HandState
from firmware_bridge.safety import FADE_S
from firmware_bridge.safety_move import PERIOD_S
from firmware_bridge.safety_observe import SPEED_S
from firmware_bridge.safety_state import Do, Limits, Output, Phase, Request
from tests.gate_rig import BAD_SIGNAL, CLOSE, EXO_LIMITS, LIMITS, WELL, Loop, N, moving, pushing

pytestmark = pytest.mark.edge

NO_SOURCE = replace(WELL, source_alive=False)


def bridged(limits: Limits, mode: Mode, joints: tuple[float, ...], pause_s: float = 0.06) -> Output:
    """What follows a setpoint of these joints 60 ms later, exactly, on a clock that began then."""
    loop = Loop(limits, now_s=-1.42)
    loop.relax(1.2)
    loop.tell(request=Request.ARM)
    loop.hand = HandState.ARMED
    loop.tell()
    for _ in range(8):
        loop.at_deg = tuple(at + 2.0 for at in loop.at_deg)
        loop.decide(joints, mode=mode)
    loop.now_s = 0.0
    assert any(loop.tell(loop.command(joints, mode=mode)).joints)
    loop.now_s = pause_s
    return loop.tell(loop.command(joints, mode=mode))


def test_a_pause_of_60_ms_is_one_that_the_hand_bridged() -> None:
    assert bridged(EXO_LIMITS, Mode.TORQUE, (10.0, 5.0)).joints == (10.0, 5.0)
    assert bridged(LIMITS, Mode.VELOCITY, CLOSE).joints == CLOSE


def test_a_pause_that_is_ever_so_little_longer_is_not() -> None:
    torque_nm = bridged(EXO_LIMITS, Mode.TORQUE, (10.0, 5.0), 0.06003).joints
    assert torque_nm == pytest.approx((4.0, 2.0))
    assert bridged(LIMITS, Mode.VELOCITY, CLOSE, 0.06003).joints == pytest.approx((75.0,) * N)


def test_torque_that_goes_goes_on_after_60_ms() -> None:
    loop = pushing()
    loop.state = loop.state._replace(
        seen=loop.state.seen._replace(now_s=0.0, heard_s=0.0, basis_s=0.0),
        motion=loop.state.motion._replace(sent_s=0.0),
    )
    loop.now_s = 0.06
    assert loop.tell(health=NO_SOURCE).joints[0] == pytest.approx(10.0 - 20.0 * 0.01 / 0.3)


def test_a_pause_of_60_ms_bridges_the_speed_of_positions_too() -> None:
    def step_deg(pause_s: float) -> float:
        loop = Loop(LIMITS, now_s=-1.32)
        loop.relax(1.2)
        loop.tell(request=Request.ARM)
        loop.hand = HandState.ARMED
        loop.tell()
        for _ in range(4):
            loop.at_deg = loop.decide((100.0,) * N, mode=Mode.POSITION).joints
        loop.now_s = 0.0
        loop.at_deg = loop.tell(loop.command((100.0,) * N, mode=Mode.POSITION)).joints
        loop.now_s = pause_s
        after = loop.tell(loop.command((100.0,) * N, mode=Mode.POSITION)).joints
        return after[0] - loop.at_deg[0]

    assert step_deg(0.06) == pytest.approx(150.0 * 0.050)
    assert step_deg(0.06003) == pytest.approx(75.0 * 0.050)


# Numbers that do not fit


def test_torque_may_come_before_any_speed_was_measured() -> None:
    loop = Loop(EXO_LIMITS)
    for _ in range(60):
        loop.now_s += 0.025
        loop.tell(loop.command(rest=True), telemetry=False)
    loop.tell(request=Request.ARM)
    loop.hand = HandState.ARMED
    loop.tell()
    loop.now_s += 0.01
    assert loop.state.seen.speed_deg_s == ()
    assert any(loop.tell(loop.command((10.0, 5.0), mode=Mode.TORQUE)).joints)


@pytest.mark.parametrize("mode", Mode)
def test_a_hand_that_tells_of_other_joints_is_an_error_and_not_half_a_movement(mode: Mode) -> None:
    loop = pushing()
    for _ in range(8):
        loop.decide((0.0, 0.0), mode=Mode.TORQUE)
    loop.at_deg = (50.0, 50.0, 50.0)
    with pytest.raises(ValueError, match="zip"):
        loop.decide((10.0, 5.0), mode=mode)


def test_a_moving_hand_that_tells_of_other_joints_is_an_error() -> None:
    loop = moving()
    loop.at_deg = (60.0,) * 7
    with pytest.raises(ValueError, match="zip"):
        loop.tell()


def test_a_hand_of_other_joints_is_not_opened_slowly() -> None:
    loop = Loop(replace(LIMITS, slow_open_after_s=0.02))
    loop.relax(1.2)
    loop.tell(request=Request.ARM)
    loop.hand = HandState.ARMED
    loop.tell()
    loop.now_s += 0.02
    loop.tell(health=NO_SOURCE)
    loop.at_deg = (50.0,) * 7
    loop.now_s += 0.03
    with pytest.raises(ValueError, match="zip"):
        loop.tell(health=NO_SOURCE)


def at_zero(loop: Loop) -> Loop:
    """As if the newest samples and the last setpoint were of the clock's zero."""
    seen = loop.state.seen._replace(now_s=0.0, heard_s=0.0, basis_s=0.0)
    motion = loop.state.motion._replace(sent_s=0.0)
    loop.state = loop.state._replace(seen=seen, motion=motion, since_s=0.0)
    loop.now_s = 0.0
    return loop


def test_torque_fades_after_50_ms_and_not_at_them() -> None:
    loop = at_zero(pushing())
    loop.now_s = FADE_S
    assert loop.tell().do is Do.NOTHING
    loop.now_s = FADE_S + 1e-6
    assert loop.tell().do is Do.SETPOINT


def test_torque_that_goes_is_none_when_the_pause_was_ever_so_little_longer() -> None:
    loop = at_zero(pushing())
    loop.now_s = 0.06003
    assert loop.tell(health=NO_SOURCE).joints == (0.0, 0.0)


def test_speed_is_measured_over_15_ms_and_no_longer() -> None:
    loop = at_zero(pushing())
    loop.state = loop.state._replace(seen=loop.state.seen._replace(place=(0.0, (50.0, 50.0))))
    loop.now_s, loop.at_deg = SPEED_S, (50.15, 50.0)
    loop.tell()
    assert loop.state.seen.speed_deg_s == pytest.approx((10.0, 0.0))


def test_decisions_that_come_just_in_time_are_rest_in_a_row() -> None:
    loop = Loop(replace(LIMITS, stale_s=0.0625))
    loop.now_s = 128.0
    for _ in range(18):
        loop.now_s += 0.0625
        loop.tell(loop.command(rest=True))
    assert loop.tell(request=Request.ARM).do is Do.ARM


def test_what_lets_go_is_sent_at_its_ten_milliseconds() -> None:
    loop = pushing()
    loop.tell(request=Request.DISARM)
    loop = at_zero(loop)
    loop.now_s = PERIOD_S
    assert loop.tell().do is Do.SETPOINT
    loop = pushing()
    loop.tell(health=BAD_SIGNAL)
    loop = at_zero(loop)
    loop.now_s = PERIOD_S
    assert loop.tell(health=BAD_SIGNAL).do is Do.SETPOINT


def test_torque_that_fades_is_sent_at_its_ten_milliseconds() -> None:
    loop = at_zero(pushing())
    loop.state = loop.state._replace(seen=loop.state.seen._replace(basis_s=-0.06))
    loop.now_s = PERIOD_S
    assert loop.tell().do is Do.SETPOINT


def test_arming_takes_a_decision_and_a_confirmation_that_are_just_in_time() -> None:
    limits = replace(LIMITS, stale_s=0.0625, confirm_s=0.125)
    loop = Loop(limits)
    loop.relax(1.2)
    loop.now_s = 256.0
    seen = loop.state.seen._replace(basis_s=256.0 - 0.0625, rest_since_s=254.0)
    loop.state = loop.state._replace(seen=seen)
    assert loop.tell(request=Request.ARM).do is Do.ARM
    loop.now_s += 0.125
    assert loop.tell().do is Do.NOTHING
    assert loop.phase is Phase.ARMING
    loop.now_s += 1 / 64
    assert loop.tell().do is Do.DISARM


def test_an_opening_that_goes_on_past_the_clocks_zero_is_given_up_as_always() -> None:
    loop = Loop(replace(LIMITS, slow_open_after_s=0.0625), now_s=-6.0)
    loop.relax(1.2)
    loop.tell(request=Request.ARM)
    loop.hand = HandState.ARMED
    loop.tell()
    begin_s = loop.now_s
    for n in range(1000):
        loop.now_s += 1 / 32
        loop.at_deg = (60.0 - n % 16,) * N
        loop.tell(health=NO_SOURCE)
        if loop.phase is Phase.DISARMED:
            break
    assert loop.now_s - begin_s == pytest.approx(20.1, abs=0.1)


def test_a_decision_may_be_as_far_ahead_as_a_clock_estimate_may() -> None:
    loop = at_zero(pushing())
    command = loop.command((10.0, 5.0), mode=Mode.TORQUE, late_s=-EXO_LIMITS.ahead_s)
    assert loop.tell(command).do is Do.SETPOINT


ONE, TWO = ((0.0, 90.0, 60.0, 600.0),), ((20.0, 80.0), (10.0, 40.0))


def test_bounds_for_another_number_of_joints_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        limited((1.0, 1.0), (1.0, 1.0), (1.0, 1.0), ONE, 0.1, 0.1, 1.0)
    with pytest.raises(ValueError, match="zip"):
        torques((1.0,), (1.0,), TWO, 1.0, 0.1)
    with pytest.raises(ValueError, match="zip"):
        ramped((1.0,), TWO, 0.1, 0.3)
    with pytest.raises(ValueError, match="zip"):
        spared((1.0,), (1.0,), (1.0,), ONE, TWO, 5.0)

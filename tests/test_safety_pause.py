"""The safety gate and the 60 ms after which a hand that hears nothing lets go by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.link import HOLD_MS, HandState
from firmware_bridge.safety_state import Limits, Output, Request
from tests.gate_rig import CLOSE, EXO_LIMITS, LIMITS, WELL, Loop, N, pushing

pytestmark = pytest.mark.edge

NO_SOURCE = replace(WELL, source_alive=False)


def bridged(limits: Limits, mode: Mode, joints: tuple[float, ...]) -> Output:
    """What follows a setpoint of these joints exactly 60 ms later, on a clock that began then."""
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
    loop.now_s = 0.06
    assert loop.now_s == HOLD_MS / 1e3
    return loop.tell(loop.command(joints, mode=mode))


def test_a_pause_of_60_ms_is_one_that_the_hand_bridged() -> None:
    assert bridged(EXO_LIMITS, Mode.TORQUE, (10.0, 5.0)).joints == (10.0, 5.0)
    assert bridged(LIMITS, Mode.VELOCITY, CLOSE).joints == CLOSE


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
    assert step_deg(0.0601) == pytest.approx(75.0 * 0.050)

"""A hand that was lost for a moment is there again when its wearer asks for it, not before."""

from __future__ import annotations

import pytest

from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Phase, Request
from firmware_bridge.serial_link import SerialLink
from flexor.listen import want
from flexor.live import GREET_S
from tests.virtual import MOVING_S, VirtualRun

pytestmark = pytest.mark.edge


@pytest.fixture
def lost() -> VirtualRun:
    """A run whose moving hand heard nothing for half a second, and can hear again."""
    run = VirtualRun().until(MOVING_S)
    assert run.moving
    run.port.meddle = lambda _: b""
    run.until(MOVING_S + 0.5)
    assert run.loop.gate_state.phase is Phase.DISARMED
    assert not run.loop.hand.up
    run.port.meddle = bytes
    return run


def test_a_lost_hand_stays_lost_until_somebody_asks(lost: VirtualRun) -> None:
    lost.until(MOVING_S + 5.0)
    assert not lost.loop.hand.up
    assert lost.loop.gate_state.phase is Phase.DISARMED
    assert lost.mcu.state is not HandState.ARMED


def test_it_is_taken_up_again_and_then_armed_as_any_other(lost: VirtualRun) -> None:
    want(lost.loop, Request.ARM)
    lost.until(MOVING_S + 1.0)
    assert lost.loop.hand.up
    assert lost.loop.gate_state.phase is Phase.DISARMED
    assert lost.mcu.state is not HandState.ARMED
    second = 1.0
    while lost.loop.gate_state.phase is not Phase.ARMED and second < 30.0:
        want(lost.loop, Request.ARM)
        second += 0.25
        lost.until(MOVING_S + second)
    assert lost.loop.gate_state.phase is Phase.ARMED
    assert lost.loop.tally.stale_commands_n == 0


def test_who_holds_the_button_asks_no_more_than_twice_a_second(lost: VirtualRun) -> None:
    lost.port.meddle = lambda _: b""
    for k in range(20):
        want(lost.loop, Request.ARM)
        lost.until(MOVING_S + 0.5 + 0.1 * k)
    assert 1 <= lost.loop.tally.counts["link asked"] <= 2.0 / GREET_S + 1


def test_an_emergency_stop_is_not_forgotten_for_a_handshake(lost: VirtualRun) -> None:
    lost.port.meddle = lambda _: b""
    want(lost.loop, Request.ESTOP)
    lost.until(MOVING_S + 0.7)
    assert lost.loop.gate_state.phase is Phase.ESTOP
    want(lost.loop, Request.CLEAR)
    lost.until(MOVING_S + 0.8)
    assert isinstance(lost.loop.hand, SerialLink)
    assert lost.loop.hand.stop_owed
    lost.port.meddle = bytes
    lost.until(MOVING_S + 1.5)
    assert lost.mcu.state is HandState.ESTOP


def test_a_stopped_hand_that_was_lost_is_taken_up_again_by_who_clears_it() -> None:
    run = VirtualRun().until(MOVING_S)
    want(run.loop, Request.ESTOP)
    run.until(MOVING_S + 0.3)
    assert run.mcu.state is HandState.ESTOP
    run.port.meddle = lambda _: b""
    run.until(MOVING_S + 1.0)
    assert not run.loop.hand.up
    run.port.meddle = bytes
    run.until(MOVING_S + 3.0)
    assert not run.loop.hand.up
    assert run.mcu.state is HandState.ESTOP
    second = 3.0
    while run.loop.gate_state.phase is Phase.ESTOP and second < 10.0:
        want(run.loop, Request.CLEAR)
        second += 1.0
        run.until(MOVING_S + second)
    assert run.loop.gate_state.phase is Phase.DISARMED
    assert second <= 6.0

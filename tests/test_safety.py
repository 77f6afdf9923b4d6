"""The safety gate: how it arms, how it stops for good, and who may let it go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_bridge.link import HandState
from firmware_bridge.safety_state import (
    Cause,
    Do,
    Health,
    Output,
    Phase,
    Request,
)
from tests.gate_rig import (
    BAD_SIGNAL,
    CLOSE,
    HOP_S,
    LIMITS,
    STILL,
    WELL,
    Loop,
    armed,
    faulty,
    moving,
    resting,
    stopped,
)

pytestmark = pytest.mark.edge


def test_a_gate_starts_disarmed_and_lets_nothing_through() -> None:
    loop = Loop()
    assert loop.decide(CLOSE) == Output(Do.NOTHING)
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.STARTED)


def test_a_second_of_rest_and_a_request_ask_the_hand_to_arm() -> None:
    loop = resting()
    assert loop.tell(request=Request.ARM) == Output(Do.ARM)
    assert (loop.phase, loop.cause) == (Phase.ARMING, Cause.ARM_ASKED)
    loop.hand = HandState.ARMED
    assert loop.tell() == Output(Do.NOTHING)
    assert (loop.phase, loop.cause) == (Phase.ARMED, Cause.ARMED)


def test_rest_alone_arms_nothing() -> None:
    loop = Loop()
    loop.relax(5.0)
    assert loop.phase is Phase.DISARMED


def test_nothing_moves_before_the_hand_confirms_that_it_is_armed() -> None:
    loop = resting()
    loop.tell(request=Request.ARM)
    assert loop.decide(CLOSE).do is Do.NOTHING


def test_a_hand_that_already_holds_counts_as_armed() -> None:
    loop = resting()
    loop.tell(request=Request.ARM)
    loop.hand = HandState.HOLD
    loop.tell()
    assert loop.phase is Phase.ARMED


def refused(loop: Loop, health: Health = WELL, telemetry: bool = True) -> Cause:
    assert loop.tell(request=Request.ARM, health=health, telemetry=telemetry).do is Do.NOTHING
    assert loop.phase is Phase.DISARMED
    return loop.cause


def test_arming_needs_a_whole_second_of_rest() -> None:
    loop = Loop()
    loop.relax(1.0)  # 40 decisions span 39 hops
    assert refused(loop) is Cause.ARM_NOT_AT_REST
    loop.relax(HOP_S * 2)
    assert loop.tell(request=Request.ARM).do is Do.ARM


def test_arming_needs_a_hand_that_has_been_heard() -> None:
    loop = Loop()
    for _ in range(50):
        loop.now_s += HOP_S
        loop.tell(loop.command(rest=True), telemetry=False)
    assert refused(loop, telemetry=False) is Cause.ARM_NO_HAND


def test_arming_needs_a_hand_that_is_still_heard() -> None:
    loop = resting()
    for _ in range(5):
        loop.now_s += HOP_S
        loop.tell(loop.command(rest=True), telemetry=False)
    assert refused(loop, telemetry=False) is Cause.ARM_NO_HAND


def test_a_hand_that_was_heard_just_in_time_is_armed() -> None:
    loop = Loop(replace(LIMITS, telemetry_s=0.0625))
    loop.relax(1.2)
    loop.now_s = 256.0
    loop.state = loop.state._replace(
        seen=loop.state.seen._replace(heard_s=256.0 - 0.0625, basis_s=256.0, rest_since_s=254.0)
    )
    assert loop.tell(request=Request.ARM, telemetry=False).do is Do.ARM


def test_arming_needs_a_link_that_is_up() -> None:
    assert refused(resting(), replace(WELL, link_up=False)) is Cause.ARM_NO_HAND


@pytest.mark.parametrize("state", [HandState.BOOT, HandState.ARMED, HandState.HOLD])
def test_arming_needs_an_idle_hand(state: HandState) -> None:
    loop = resting()
    loop.hand = state
    assert refused(loop) is Cause.ARM_HAND_BUSY


def test_a_hand_in_failsafe_may_be_armed_again() -> None:
    loop = resting()
    loop.hand = HandState.FAILSAFE
    assert loop.tell(request=Request.ARM).do is Do.ARM


def test_arming_needs_a_source() -> None:
    assert refused(resting(), replace(WELL, source_alive=False)) is Cause.ARM_NO_SOURCE


def test_arming_needs_a_good_signal() -> None:
    assert refused(resting(), BAD_SIGNAL) is Cause.ARM_BAD_SIGNAL


def test_a_poor_signal_begins_the_second_of_rest_anew() -> None:
    loop = resting()
    loop.decide(rest=True, health=BAD_SIGNAL)
    loop.decide(rest=True)
    assert refused(loop) is Cause.ARM_NOT_AT_REST


@pytest.mark.parametrize(
    "decision",
    [
        {"joints": CLOSE, "rest": False},
        {"joints": STILL, "rest": False},
        {"joints": CLOSE, "rest": True},
    ],
)
def test_any_decision_that_is_not_trusted_rest_begins_the_second_anew(decision: dict) -> None:
    loop = resting()
    loop.decide(**decision)
    loop.relax(0.9)
    assert refused(loop) is Cause.ARM_NOT_AT_REST


def test_a_gap_between_decisions_begins_the_second_of_rest_anew() -> None:
    loop = Loop()
    loop.relax(0.9)
    loop.now_s += 0.2
    loop.relax(0.5)
    assert refused(loop) is Cause.ARM_NOT_AT_REST


def test_rest_that_is_no_longer_decided_does_not_arm() -> None:
    loop = resting()
    loop.now_s += 0.11
    assert refused(loop) is Cause.ARM_NOT_AT_REST


def test_a_hand_that_does_not_confirm_is_told_to_disarm() -> None:
    loop = resting()
    loop.tell(request=Request.ARM)
    loop.now_s += 0.24
    assert loop.tell().do is Do.NOTHING
    loop.now_s += 0.02
    assert loop.tell(telemetry=False).do is Do.DISARM
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.ARM_UNANSWERED)


@pytest.mark.parametrize(
    ("health", "cause"),
    [
        (replace(WELL, link_up=False), Cause.ARM_NO_HAND),
        (replace(WELL, source_alive=False), Cause.ARM_NO_SOURCE),
        (BAD_SIGNAL, Cause.ARM_BAD_SIGNAL),
    ],
)
def test_arming_is_called_off_when_something_fails(health: Health, cause: Cause) -> None:
    loop = resting()
    loop.tell(request=Request.ARM)
    assert loop.tell(health=health).do is Do.DISARM
    assert (loop.phase, loop.cause) == (Phase.DISARMED, cause)


def test_arming_is_called_off_on_request() -> None:
    loop = resting()
    loop.tell(request=Request.ARM)
    assert loop.tell(request=Request.DISARM).do is Do.DISARM
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.DISARM_ASKED)


# After a fault


def test_a_fault_stays_until_it_is_cleared() -> None:
    loop = faulty()
    loop.relax()
    assert loop.tell(request=Request.ARM) == Output(Do.NOTHING)
    assert loop.phase is Phase.FAULT
    assert loop.tell(request=Request.CLEAR) == Output(Do.CLEAR)
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.CLEARED)
    assert loop.tell(request=Request.ARM).do is Do.ARM


def test_disarming_a_fault_does_not_clear_it() -> None:
    loop = faulty()
    assert loop.tell(request=Request.DISARM) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.FAULT, Cause.LINK_LOST)


@pytest.mark.parametrize("state", [HandState.ARMED, HandState.HOLD])
@pytest.mark.parametrize("begin", [resting, faulty])
def test_a_hand_that_thinks_it_is_armed_is_told_again(begin, state: HandState) -> None:  # type: ignore[no-untyped-def]
    loop = begin()
    loop.hand = state
    assert loop.tell() == Output(Do.DISARM)
    assert loop.tell(telemetry=False) == Output(Do.NOTHING)


def test_clearing_a_disarmed_gate_clears_the_hand() -> None:
    loop = resting()
    assert loop.tell(request=Request.CLEAR) == Output(Do.CLEAR)
    assert loop.phase is Phase.DISARMED


# Emergency stop


@pytest.mark.parametrize("begin", [Loop, resting, armed, moving, faulty])
def test_an_emergency_stop_is_passed_on_at_once_from_anywhere(begin) -> None:  # type: ignore[no-untyped-def]
    loop = begin()
    assert loop.tell(request=Request.ESTOP) == Output(Do.ESTOP)
    assert (loop.phase, loop.cause) == (Phase.ESTOP, Cause.ESTOP_ASKED)


@pytest.mark.parametrize("begin", [Loop, resting, armed, moving, faulty])
def test_the_button_on_the_hand_stops_the_gate_too(begin) -> None:  # type: ignore[no-untyped-def]
    loop = begin()
    loop.hand = HandState.ESTOP
    assert loop.tell() == Output(Do.ESTOP)
    assert (loop.phase, loop.cause) == (Phase.ESTOP, Cause.HAND_ESTOP)


def test_an_emergency_stop_is_left_by_nothing_but_clear() -> None:
    loop = stopped()
    loop.relax(2.0)
    for request_ in (Request.ARM, Request.DISARM, None):
        assert loop.tell(request=request_) == Output(Do.NOTHING)
    assert loop.phase is Phase.ESTOP


def test_a_hand_that_is_not_in_emergency_stop_is_told_again() -> None:
    loop = stopped()
    loop.hand = HandState.IDLE
    assert loop.tell() == Output(Do.ESTOP)
    assert loop.tell(telemetry=False) == Output(Do.NOTHING)


def test_clear_ends_the_emergency_stop_when_the_hand_confirms() -> None:
    loop = stopped()
    assert loop.tell(request=Request.CLEAR) == Output(Do.CLEAR)
    assert (loop.phase, loop.cause) == (Phase.ESTOP, Cause.CLEARING)
    assert loop.tell() == Output(Do.NOTHING)
    assert loop.tell(telemetry=False) == Output(Do.NOTHING)
    loop.hand = HandState.IDLE
    assert loop.tell() == Output(Do.NOTHING)
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.CLEARED)


def test_a_hand_that_does_not_confirm_stays_in_emergency_stop() -> None:
    loop = stopped()
    loop.tell(request=Request.CLEAR)
    loop.now_s += 0.25
    loop.tell()
    assert loop.cause is Cause.CLEARING
    loop.now_s += 0.01
    loop.hand = HandState.IDLE
    assert loop.tell() == Output(Do.NOTHING)
    assert (loop.phase, loop.cause) == (Phase.ESTOP, Cause.CLEAR_UNANSWERED)
    assert loop.tell() == Output(Do.ESTOP)


def test_pressing_again_takes_back_the_clearing() -> None:
    loop = stopped()
    loop.tell(request=Request.CLEAR)
    assert loop.tell(request=Request.ESTOP) == Output(Do.ESTOP)
    assert loop.cause is Cause.ESTOP_ASKED

"""The safety gate at the edges of its times, and at the zero of a clock that began long ago."""

from __future__ import annotations

import pytest

from firmware_bridge.link import ARM_TTL_MS, HandState
from firmware_bridge.safety_state import Cause, Do, Phase, Request
from tests.gate_rig import CLOSE, HOP_S, LIMITS, Loop

pytestmark = pytest.mark.edge


def resting_until(now_s: float) -> Loop:
    """Rested for 1.1 s when the clock shows that."""
    loop = Loop(now_s=now_s - 1.1)
    loop.relax()
    return loop


def armed_at(now_s: float) -> Loop:
    loop = resting_until(now_s)
    assert loop.tell(request=Request.ARM).do is Do.ARM
    loop.hand = HandState.ARMED
    loop.tell()
    assert loop.phase is Phase.ARMED
    return loop


def test_a_silent_hand_is_lost_while_the_clock_passes_zero() -> None:
    loop = armed_at(-0.05)
    loop.now_s += LIMITS.telemetry_s + 0.02
    loop.tell(loop.command(CLOSE), telemetry=False)
    assert loop.cause is Cause.LINK_LOST


def test_a_hand_that_does_not_confirm_is_given_up_while_the_clock_passes_zero() -> None:
    loop = resting_until(-0.1)
    loop.tell(request=Request.ARM)
    begun_s = loop.now_s
    while loop.phase is Phase.ARMING and loop.now_s < begun_s + 1.0:
        loop.decide(rest=True)
    assert loop.cause is Cause.ARM_UNANSWERED
    assert loop.now_s - begun_s == pytest.approx(LIMITS.confirm_s, abs=1.5 * HOP_S)


def test_a_stop_that_is_not_confirmed_is_told_while_the_clock_passes_zero() -> None:
    loop = armed_at(-0.1)
    loop.tell(request=Request.ESTOP)
    loop.hand = HandState.ESTOP
    loop.tell(request=Request.CLEAR)
    loop.now_s += LIMITS.confirm_s + 0.02
    loop.tell()
    assert loop.cause is Cause.CLEAR_UNANSWERED


def test_exactly_one_second_of_rest_is_enough() -> None:
    loop = Loop(now_s=64.0)
    step_s = 0.0625  # a power of two: the sum is exact
    for _ in range(17):
        loop.tell(loop.command(rest=True))
        loop.now_s += step_s
    loop.now_s -= step_s
    assert loop.now_s - 64.0 == LIMITS.rest_s
    assert loop.tell(request=Request.ARM).do is Do.ARM


def test_an_armed_hand_may_wait_for_its_first_setpoint_as_long_as_the_hand_itself_waits() -> None:
    assert armed_at(100.0).state.motion.ttl_s == ARM_TTL_MS / 1000


def test_the_clock_never_runs_back_for_the_gate() -> None:
    loop = armed_at(100.0)
    before_s = loop.state.seen.now_s
    loop.now_s -= 5.0
    loop.tell(telemetry=False)
    assert loop.state.seen.now_s == before_s


def test_no_decision_is_fresh_for_ever_while_the_clock_passes_zero() -> None:
    loop = armed_at(-0.04)
    loop.now_s += LIMITS.stale_s + 0.01
    loop.tell()
    assert loop.cause is Cause.STALE


def test_rest_that_ended_long_ago_arms_nothing_while_the_clock_passes_zero() -> None:
    loop = resting_until(-0.04)
    loop.now_s += LIMITS.stale_s + 0.02
    assert loop.tell(request=Request.ARM).do is Do.NOTHING
    assert loop.cause is Cause.ARM_NOT_AT_REST


def test_a_hand_that_was_silent_arms_nothing_while_the_clock_passes_zero() -> None:
    loop = resting_until(-0.04)
    loop.now_s += LIMITS.telemetry_s + 0.02
    command = loop.command(rest=True)
    assert loop.tell(command, telemetry=False, request=Request.ARM).do is Do.NOTHING
    assert loop.cause is Cause.ARM_NO_HAND


def test_an_older_decision_on_newer_samples_moves_nothing() -> None:
    loop = armed_at(100.0)
    loop.decide(CLOSE)
    loop.now_s += HOP_S
    loop.decision_n -= 5
    assert loop.tell(loop.command(CLOSE)).do is Do.NOTHING


def test_after_a_pause_a_joint_starts_from_standing_still_both_ways() -> None:
    low, high, _, acceleration = LIMITS.joints[0]
    for way in (1.0, -1.0):
        loop = armed_at(100.0)
        loop.at_deg = ((low + high) / 2,) * len(LIMITS.joints)
        loop.decide(CLOSE)
        for _ in range(3):  # no decision moves anything for longer than the hand holds
            loop.now_s += HOP_S
            loop.at_deg = tuple(deg + 1.0 for deg in loop.at_deg)
            loop.tell()
        loop.now_s += 0.005
        wanted = tuple(1000.0 * way for _ in CLOSE)
        sent = loop.tell(loop.command(wanted))
        assert sent.joints[0] == pytest.approx(way * acceleration * LIMITS.step_s)

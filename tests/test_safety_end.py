"""The safety gate: everything that ends motion, and its settings."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from acquisition.stream import Refused
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
    TTL_S,
    WELL,
    N,
    armed,
    moving,
    resting,
)

pytestmark = pytest.mark.edge


@pytest.mark.parametrize(
    ("health", "phase", "cause"),
    [
        (replace(WELL, source_alive=False), Phase.DISARMED, Cause.SOURCE_LOST),
        (replace(WELL, link_up=False), Phase.FAULT, Cause.LINK_LOST),
    ],
)
def test_a_lost_source_or_link_disarms_at_once(health: Health, phase: Phase, cause: Cause) -> None:
    loop = moving()
    assert loop.decide(CLOSE, health=health) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (phase, cause)


def test_a_silent_hand_is_a_lost_link() -> None:
    loop = moving()
    outputs = []
    for _ in range(5):
        loop.now_s += 0.021
        outputs.append(loop.tell(loop.command(CLOSE), telemetry=False).do)
    assert outputs == [Do.SETPOINT] * 4 + [Do.DISARM]
    assert (loop.phase, loop.cause) == (Phase.FAULT, Cause.LINK_LOST)


@pytest.mark.parametrize(
    ("state", "age_s", "phase", "cause"),
    [
        (HandState.FAILSAFE, TTL_S / 2, Phase.FAULT, Cause.HAND_FAULT),
        (HandState.FAILSAFE, TTL_S, Phase.FAULT, Cause.HAND_FAULT),
        (HandState.FAILSAFE, TTL_S + 0.001, Phase.DISARMED, Cause.HAND_TIMED_OUT),
        (HandState.IDLE, 0.0, Phase.DISARMED, Cause.HAND_LEFT),
        (HandState.BOOT, 0.0, Phase.DISARMED, Cause.HAND_LEFT),
    ],
)
def test_a_hand_that_stopped_by_itself_is_not_driven_on(
    state: HandState, age_s: float, phase: Phase, cause: Cause
) -> None:
    loop = moving()
    loop.hand, loop.age_s = state, age_s
    assert loop.decide(CLOSE) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (phase, cause)


@pytest.mark.parametrize(
    ("age_s", "cause"), [(0.150, Cause.HAND_FAULT), (0.151, Cause.HAND_TIMED_OUT)]
)
def test_before_the_first_setpoint_a_hand_stops_by_itself_150_ms_after_arming(
    age_s: float, cause: Cause
) -> None:
    loop = armed()
    loop.hand, loop.age_s = HandState.FAILSAFE, age_s
    loop.tell()
    assert loop.cause is cause


def test_a_hand_that_holds_by_itself_goes_on_with_the_next_decision() -> None:
    loop = moving()
    loop.hand = HandState.HOLD
    assert loop.decide(CLOSE).do is Do.SETPOINT


@pytest.mark.parametrize(
    "joints", [(math.nan, *STILL[1:]), (math.inf, *STILL[1:]), STILL[1:], (*STILL, 0.0)]
)
def test_a_command_that_is_no_number_or_does_not_fit_is_a_fault(joints: tuple[float, ...]) -> None:
    loop = moving()
    assert loop.decide(joints) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.FAULT, Cause.BAD_COMMAND)


@pytest.mark.parametrize(
    "times", [{"clock_s": math.nan}, {"ttl_s": math.nan}, {"clock_s": math.inf}]
)
def test_a_command_whose_times_are_no_numbers_is_a_fault(times: dict) -> None:
    loop = moving()
    loop.now_s += HOP_S
    assert loop.tell(replace(loop.command(CLOSE), **times)).do is Do.DISARM
    assert loop.cause is Cause.BAD_COMMAND


def test_a_bad_command_to_a_disarmed_hand_is_dropped() -> None:
    loop = resting()
    assert loop.decide((math.nan,) * N) == Output(Do.NOTHING)
    assert loop.tell(request=Request.ARM).do is Do.ARM


OPEN = tuple(-speed for speed in CLOSE)


def test_a_joint_that_is_driven_open_and_does_not_move_is_a_latched_fault() -> None:
    loop = armed()
    began_s = loop.now_s
    while loop.phase is Phase.ARMED and loop.now_s < began_s + 1.0:
        output = loop.decide(OPEN)
    assert output == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.FAULT, Cause.STALLED)
    assert loop.now_s - began_s <= 0.130


def test_one_stuck_joint_among_moving_ones_is_found() -> None:
    loop = armed()
    for i in range(10):
        loop.at_deg = (*((90.0 - 2 * i,) * (N - 1)), 50.0)
        loop.decide(OPEN)
    assert loop.cause is Cause.STALLED


def test_joints_that_move_are_not_stuck() -> None:
    loop = armed()
    for i in range(40):
        loop.at_deg = (10.0 + 1.5 * i,) * N
        loop.decide((60.0,) * N)
    assert loop.phase is Phase.ARMED
    assert loop.state.seen.blocked == ()


def test_a_slow_joint_is_given_the_time_to_show_that_it_moves() -> None:
    loop = armed()
    for _ in range(19):
        loop.decide((-2.0,) * N)
    assert loop.phase is Phase.ARMED
    for _ in range(3):
        loop.decide((-2.0,) * N)
    assert loop.cause is Cause.STALLED


def test_a_slow_joint_that_moved_gets_its_full_time_again() -> None:
    loop = armed()
    for i in range(12):
        loop.at_deg = (50.0 + min(i, 7),) * N
        loop.decide((6.0,) * N)
    assert loop.state.seen.blocked == ()


def test_time_without_telemetry_is_not_counted_as_being_stuck() -> None:
    loop = armed()
    loop.decide(CLOSE)
    loop.decide(CLOSE)
    for _ in range(3):
        loop.now_s += HOP_S
        loop.tell(loop.command(CLOSE), telemetry=False)
    loop.decide(CLOSE)  # 100 ms later, of which 50 count
    assert loop.state.seen.blocked == ()


def test_a_joint_that_rested_while_others_moved_gets_its_full_time() -> None:
    loop = armed()
    for i in range(23):
        loop.at_deg = (50.0, *((10.0 + 1.5 * i,) * (N - 1)))
        loop.decide((0.0 if i < 20 else 60.0, *((60.0,) * (N - 1))))
    assert loop.phase is Phase.ARMED
    assert loop.state.seen.blocked == ()


def test_a_hand_that_holds_by_itself_is_not_stuck() -> None:
    loop = armed()
    loop.decide(CLOSE)
    loop.hand = HandState.HOLD
    for _ in range(10):
        loop.decide(CLOSE)
    assert loop.phase is Phase.ARMED
    assert loop.state.seen.blocked == ()


def test_a_joint_at_rest_is_not_stuck() -> None:
    loop = armed()
    for _ in range(40):
        loop.decide(STILL)
    assert loop.phase is Phase.ARMED
    assert loop.state.seen.blocked == ()


def test_a_joint_driven_anew_gets_its_full_time_again() -> None:
    loop = armed()
    for _ in range(10):
        for _ in range(3):
            loop.decide(CLOSE)
        loop.decide(STILL)
        loop.decide(STILL)
    assert loop.phase is Phase.ARMED
    assert loop.state.seen.blocked == ()


def test_a_request_disarms_a_moving_hand() -> None:
    loop = moving()
    assert loop.tell(request=Request.DISARM) == Output(Do.DISARM)
    assert (loop.phase, loop.cause) == (Phase.DISARMED, Cause.DISARM_ASKED)
    loop.hand = HandState.IDLE
    assert loop.decide(CLOSE) == Output(Do.NOTHING)


@pytest.mark.parametrize("request_", [Request.ARM, Request.CLEAR])
def test_other_requests_change_nothing_while_armed(request_: Request) -> None:
    loop = moving()
    loop.now_s += HOP_S
    assert loop.tell(loop.command(CLOSE), request=request_).do is Do.SETPOINT
    assert loop.phase is Phase.ARMED


# Time and settings


@pytest.mark.parametrize("broken_s", [math.nan, -math.inf, 0.0])
def test_time_that_runs_back_changes_nothing(broken_s: float) -> None:
    loop = moving()
    before_s = loop.now_s
    loop.now_s = broken_s
    assert loop.tell().do is Do.NOTHING
    assert loop.state.seen.now_s == before_s


def test_a_cause_tells_when_it_began() -> None:
    loop = moving()
    armed_s = loop.state.since_s
    assert armed_s < loop.now_s
    loop.decide(CLOSE, health=BAD_SIGNAL)
    assert loop.state.since_s == loop.now_s


def test_the_limits_are_those_of_the_hand() -> None:
    assert LIMITS.joints == ((0.0, 100.0, 150.0, 1500.0),) * N


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"joints": ()}, "at least one joint"),
        ({"joints": ((10.0, 10.0, 1.0, 1.0),)}, "low < high"),
        ({"joints": ((0.0, 10.0, 0.0, 1.0),)}, "above 0"),
        ({"joints": ((0.0, 10.0, 1.0, 0.0),)}, "above 0"),
        ({"joints": ((0.0, 10.0, math.inf, 1.0),)}, "above 0"),
        ({"stale_s": 0.16}, "stale before they disarm"),
        ({"stale_s": 0.0}, "stale before they disarm"),
        ({"disarm_s": 0.3}, "within 200 ms"),
    ],
)
def test_limits_that_cannot_serve_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        replace(LIMITS, **changes)


def test_every_cause_tells_a_person_something_of_its_own() -> None:
    texts = [cause.value for cause in Cause]
    assert len(set(texts)) == len(texts)
    assert all(text.endswith(".") for text in texts)

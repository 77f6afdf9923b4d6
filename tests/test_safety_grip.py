"""The safety gate around an object: a finger that meets resistance is spared, not faulted."""

from __future__ import annotations

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.safety_state import Cause, Phase
from tests.gate_rig import CLOSE, HOP_S, LIMITS, STILL, Loop, N, armed

pytestmark = pytest.mark.edge

OPEN = tuple(-speed for speed in CLOSE)


def gripping() -> Loop:
    """All fingers close and the last one meets an object at 50 deg."""
    loop = armed()
    for i in range(10):
        loop.at_deg = (*((10.0 + 2 * i,) * (N - 1)), 50.0)
        output = loop.decide(CLOSE)
    assert loop.phase is Phase.ARMED
    assert all(output.joints[:-1])
    return loop


def test_a_joint_that_closes_on_something_is_driven_no_further_and_the_others_go_on() -> None:
    loop = gripping()
    assert loop.cause is Cause.BLOCKED
    assert loop.state.seen.blocked == ((N - 1, 50.0),)
    assert loop.decide(CLOSE).joints[-1] == 0.0


def test_a_grip_is_cut_off_as_soon_as_a_stuck_joint_would_be() -> None:
    loop = armed()
    began_s = loop.now_s
    while any(loop.decide(CLOSE).joints) and loop.now_s < began_s + 1.0:
        pass
    assert loop.now_s - began_s <= 0.130
    assert loop.phase is Phase.ARMED


def test_a_joint_that_met_resistance_may_always_open() -> None:
    loop = gripping()
    assert loop.decide(OPEN).joints[-1] < 0.0
    assert loop.cause is Cause.FREED


def test_an_object_that_gives_way_is_followed() -> None:
    loop = gripping()
    loop.at_deg = (*loop.at_deg[:-1], 50.0 + LIMITS.moved_deg)
    assert loop.decide(CLOSE).joints[-1] > 0.0
    assert loop.state.seen.blocked == ()


def test_an_object_that_is_pushed_away_is_followed_too() -> None:
    loop = gripping()
    loop.at_deg = (*loop.at_deg[:-1], 50.0 + 2.0 * LIMITS.moved_deg)
    assert loop.decide(CLOSE).joints[-1] > 0.0
    assert loop.state.seen.blocked == ()


def test_a_wearer_who_lets_go_and_closes_again_squeezes_once_more() -> None:
    loop = gripping()
    loop.decide(STILL)
    assert loop.state.seen.blocked == ()
    assert loop.decide(CLOSE).joints[-1] > 0.0


def test_positions_press_no_further_against_resistance_either() -> None:
    loop = gripping()
    loop.now_s += HOP_S
    further = loop.tell(loop.command((90.0,) * N, mode=Mode.POSITION))
    assert further.joints[-1] == 50.0
    loop.now_s += HOP_S
    back = loop.tell(loop.command((20.0,) * N, mode=Mode.POSITION))
    assert back.joints[-1] < 50.0
    assert loop.state.seen.blocked == ()


def test_a_finger_that_springs_back_a_little_is_still_around_the_object() -> None:
    loop = gripping()
    loop.at_deg = (*loop.at_deg[:-1], 50.0 - 0.6 * LIMITS.moved_deg)
    assert loop.decide(CLOSE).joints[-1] == 0.0


def test_trembling_back_is_no_movement() -> None:
    loop = armed()
    for i in range(10):
        loop.at_deg = (*((10.0 + 2 * i,) * (N - 1)), 50.0 - 0.04 * i)
        loop.decide(CLOSE)
    assert loop.cause is Cause.BLOCKED


def test_pressing_slowly_against_resistance_is_pressing() -> None:
    loop = gripping()
    slow = (*((10.0,) * (N - 1)), 0.4)
    assert loop.decide(slow).joints[-1] == 0.0


def test_a_joint_that_closes_slowly_on_something_is_no_fault() -> None:
    loop = armed()
    for _ in range(120):
        loop.decide((0.8,) * N)
    assert loop.phase is Phase.ARMED
    assert len(loop.state.seen.blocked) == N


def test_a_joint_that_has_just_moved_is_found_stuck_as_quickly() -> None:
    loop = armed()
    for i in range(8):
        loop.at_deg = (50.0 - 2 * i,) * N
        loop.decide(OPEN)
    began_s = loop.now_s
    while loop.phase is Phase.ARMED and loop.now_s < began_s + 2.0:
        loop.decide(OPEN)
    assert loop.now_s - began_s <= 0.130


def test_half_a_degree_is_just_enough_to_be_moving() -> None:
    loop = armed()
    loop.now_s = 128.0
    for n in range(10):
        loop.now_s += 1 / 64
        loop.at_deg = (50.0 if n < 5 else 50.0 + LIMITS.moved_deg,) * N
        loop.tell(loop.command(CLOSE))
    assert loop.state.seen.blocked == ()

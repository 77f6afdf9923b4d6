"""What the safety gate takes for a stuck joint where its target goes to and fro."""

from __future__ import annotations

import pytest

from firmware_bridge.safety_state import Cause
from tests.gate_rig import LIMITS, Loop, N, armed

pytestmark = pytest.mark.edge

TICK_S = 1 / 64


def swayed(loop: Loop, ticks_n: int, speed_deg_s: float) -> None:
    """Every joint driven there and back, a tick each way, and not seen to move."""
    loop.now_s = 128.0
    for i in range(ticks_n):
        loop.now_s += TICK_S
        speed = speed_deg_s if i % 2 else -speed_deg_s
        loop.state = loop.state._replace(
            motion=loop.state.motion._replace(velocity_deg_s=(speed,) * N)
        )
        loop.tell(loop.command((speed,) * N))


def test_a_joint_whose_target_sways_by_less_than_a_movement_is_not_stuck() -> None:
    loop = armed()
    swayed(loop, 200, 16.0)
    assert loop.cause is not Cause.STALLED
    assert loop.state.seen.blocked == ()
    assert abs(loop.state.seen.watched[0][1]) < 2.0 * LIMITS.moved_deg


def test_a_joint_whose_target_sways_by_more_than_a_movement_and_stands_is_stuck() -> None:
    loop = armed()
    swayed(loop, 200, 80.0)
    assert loop.cause is Cause.STALLED

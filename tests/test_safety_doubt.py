"""The safety gate under a decoder that doubts: nothing new moves, and doubt is no rest."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.safety_state import Cause, Do, Phase, Request
from tests.gate_rig import (
    BAD_SIGNAL,
    CLOSE,
    EXO_LIMITS,
    LIMITS,
    STILL,
    N,
    armed,
    moving,
    pushing,
    resting,
)

pytestmark = pytest.mark.edge

SURE = replace(LIMITS, confidence=0.7)


def test_nothing_new_moves_on_a_decision_that_is_not_sure() -> None:
    loop = moving(SURE)
    output = loop.decide(CLOSE, confidence=0.69)
    assert (output.mode, output.joints) == (Mode.VELOCITY, STILL)
    assert (loop.phase, loop.cause) == (Phase.ARMED, Cause.UNSURE)
    assert loop.decide(CLOSE, confidence=math.nan).joints == STILL
    assert loop.decide(CLOSE, confidence=0.7).joints == pytest.approx((37.5,) * N)


def test_a_position_that_is_not_sure_holds_where_the_hand_is() -> None:
    loop = moving(SURE)
    output = loop.decide((100.0,) * N, mode=Mode.POSITION, confidence=0.1)
    assert (output.mode, output.joints) == (Mode.VELOCITY, STILL)


def test_torque_that_is_not_sure_goes_by_its_rate() -> None:
    loop = pushing(replace(EXO_LIMITS, confidence=0.7))
    given = [
        loop.decide((20.0, 10.0), mode=Mode.TORQUE, confidence=0.5).joints[0] for _ in range(6)
    ]
    assert given == pytest.approx([8.0, 6.0, 4.0, 2.0, 0.0, 0.0])


def test_an_unsure_velocity_on_joints_that_may_take_torque_is_a_standstill() -> None:
    loop = armed(replace(EXO_LIMITS, confidence=0.7))
    output = loop.decide((50.0, 50.0), confidence=0.5)
    assert (output.mode, output.joints) == (Mode.VELOCITY, (0.0, 0.0))


def test_rest_that_is_not_sure_neither_arms_nor_resumes() -> None:
    loop = resting(SURE)
    loop.decide(rest=True, confidence=0.5)
    assert loop.tell(request=Request.ARM).do is Do.NOTHING
    assert loop.cause is Cause.ARM_NOT_AT_REST
    loop = moving(SURE)
    loop.decide(CLOSE, health=BAD_SIGNAL)
    loop.decide(rest=True, confidence=0.5)
    assert loop.phase is Phase.HOLD
    loop.decide(rest=True)
    assert loop.phase is Phase.ARMED


def test_doubt_is_told_for_a_second_however_often_the_decoder_changes_its_mind() -> None:
    loop = moving(SURE)
    causes = []
    for n in range(60):
        loop.decide(STILL, confidence=0.5 if n in (0, 3) else 1.0)
        causes.append(loop.cause)
    assert causes[0] is causes[39] is Cause.UNSURE
    assert causes[41] is causes[-1] is Cause.SURE

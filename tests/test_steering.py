"""What the loop asks for at one decision, when all is well and when the signal is in doubt."""

from __future__ import annotations

from typing import Any

import pytest

from firmware_bridge.assist import START
from firmware_bridge.assist_laws import Torque
from firmware_bridge.command import Mode
from firmware_bridge.hands import Telemetry
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Phase
from flexor.efforts import Site
from flexor.profile import AssistSettings, ControlSettings, Profile
from flexor.steering import commanded
from models.intent import Intent
from tests.virtual import VirtualRun

pytestmark = pytest.mark.edge

SITES = (Site("flexors", ("emg6",), 2.0, 30.0), Site("extensors", ("emg2",), 2.0, 22.0))
TWO_SITE = Profile(control=ControlSettings("two_site"), sites=SITES)
EXO = Profile(
    control=ControlSettings("assist"),
    sites=SITES,
    assist=AssistSettings(torque=(Torque("left_knee", "flexors", 4.0),)),
)


def closing(n: int = 9) -> Intent:
    return Intent("hand_close", 1.0, 0.9, 60.0 + 0.025 * n, n)


def asked(loop: Any, efforts: tuple[float, ...], moments: int, at_deg: tuple[float, ...]) -> Any:
    """The last command of so many decisions on those efforts."""
    telemetry = Telemetry(HandState.ARMED, at_deg, 0.0)
    for _ in range(moments):
        n = loop.state.counters.decisions = loop.state.counters.decisions + 1
        loop.efforts = efforts
        command = commanded(loop, closing(n), telemetry, 60.0 + 0.025 * n)
    return command


def test_many_holes_in_the_signal_halve_the_speed_and_doubt_stops_it() -> None:
    loop = VirtualRun().loop
    full = commanded(loop, closing(), None, 60.0)
    loop.thin = True
    half = commanded(loop, closing(), None, 60.0)
    assert half.joints == tuple(0.5 * v for v in full.joints)
    loop.doubtful = True
    none = commanded(loop, closing(), None, 60.0)
    assert (none.mode, none.joints) == (Mode.VELOCITY, (0.0,) * 6)
    assert (none.clock_s, none.decision_n) == (full.clock_s, full.decision_n)


def test_doubt_stops_two_sites_too() -> None:
    loop = VirtualRun(profile=TWO_SITE).loop
    asked(loop, (0.0, 0.0), 8, (0.0,) * 6)
    assert asked(loop, (0.8, 0.0), 8, (0.0,) * 6).joints[2] > 0.0
    loop.doubtful = True
    assert not any(asked(loop, (0.8, 0.0), 1, (0.0,) * 6).joints)


def test_a_switch_of_functions_is_told_where_the_wearer_can_hear_it() -> None:
    loop = VirtualRun(profile=TWO_SITE).loop
    asked(loop, (0.0, 0.0), 8, (0.0,) * 6)
    asked(loop, (0.8, 0.8), 8, (0.0,) * 6)
    assert loop.tally.counts["function"] == 1
    assert loop.last_event == "Both muscles together: they now move tripod."


def test_torque_is_asked_for_only_while_armed_and_free_of_doubt() -> None:
    loop = VirtualRun(profile=EXO, hand="openexo").loop
    seen = loop.gate_state.seen._replace(speed_deg_s=(0.0,))
    loop.gate_state = loop.gate_state._replace(seen=seen)
    assert asked(loop, (0.8, 0.0), 20, (10.0,)).joints == (0.0,)
    loop.gate_state = loop.gate_state._replace(phase=Phase.ARMED)
    pushing = asked(loop, (0.8, 0.0), 20, (10.0,))
    assert pushing.mode is Mode.TORQUE
    assert pushing.joints[0] > 1.0
    loop.doubtful = True
    doubted = asked(loop, (0.8, 0.0), 1, (10.0,))
    assert (doubted.mode, doubted.joints) == (Mode.TORQUE, (0.0,))
    assert loop.control_state == START, "the next torque grows from zero"


def test_a_channel_that_is_guessed_moves_nothing_as_a_muscle_of_its_own() -> None:
    loop = VirtualRun(profile=TWO_SITE).loop
    asked(loop, (0.0, 0.0), 8, (0.0,) * 6)
    loop.masking.mask.bad = (0,)
    assert asked(loop, (0.8, 0.0), 8, (0.0,) * 6).joints[2] > 0.0, "no site rests on emg1"
    loop.masking.mask.bad = (5,)
    assert not any(asked(loop, (0.8, 0.0), 8, (0.0,) * 6).joints)
    loop.masking.mask.bad = ()
    assert not any(asked(loop, (0.8, 0.0), 8, (0.0,) * 6).joints), "release it first"

"""What hands of other makers tell of their motors, on its way to the gate."""

from __future__ import annotations

import pytest

from firmware_bridge.dialect import UNTOLD, Reading, merged
from firmware_bridge.link import HandFlag, HandState
from firmware_bridge.safety_state import Do
from tests.hand_rig import Rig

pytestmark = pytest.mark.edge

HOT, HEAVY = HandFlag.OVER_TEMPERATURE, HandFlag.OVER_CURRENT


def test_what_a_reading_does_not_tell_stays_as_it_was() -> None:
    told = merged(UNTOLD, Reading((), (1.0, None), (None, 30.0)))
    assert (told.current_a, told.temperature_c) == ((1.0, None), (None, 30.0))
    told = merged(told, Reading((5.0, 5.0), (None, 2.0), flags=HOT))
    assert (told.current_a, told.temperature_c, told.flags) == ((1.0, 2.0), (None, 30.0), HOT)
    told = merged(told, Reading(temperature_c=(40.0, None), flags=HEAVY))
    assert (told.current_a, told.temperature_c) == ((1.0, 2.0), (40.0, 30.0))
    assert told.flags == HOT | HEAVY
    assert told.position_deg == ()


def test_currents_and_temperatures_reach_the_gate() -> None:
    rig = Rig("ability").armed().run(0.1, (0.0,) * 6)
    assert rig.telemetry is not None
    assert len(rig.telemetry.current_a) == 6
    rig = Rig("feetech").armed().run(0.1)
    assert rig.telemetry is not None
    assert all(celsius is not None for celsius in rig.telemetry.temperature_c)


def test_what_trips_a_motor_reaches_the_gate_until_it_is_cleared() -> None:
    rig = Rig("tmotor").armed()
    rig.twin.trip = True
    rig.run(0.05, rig.zeros)
    assert rig.telemetry is not None
    assert rig.link.state is HandState.FAILSAFE
    assert rig.telemetry.flags
    rig.twin.trip = False
    rig.do(Do.CLEAR).run(0.05)
    assert rig.telemetry.flags == 0

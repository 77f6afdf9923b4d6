"""ODrive axes on a CAN bus start at speed 0, stop at every fault, and tell their errors."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import DeviceRefused, Refused
from firmware_bridge.can_frames import CanFrames, pack
from firmware_bridge.dialect import Silence
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.emulators.odrive_can import WATCHDOG_EXPIRED, OdriveCanTwin
from firmware_bridge.emulators.twin import TwinPort
from firmware_bridge.link import HandState
from firmware_bridge.odrive_can import (
    CLEAR,
    CLOSED_LOOP,
    ENCODER,
    HEARTBEAT,
    IDLE,
    PASSTHROUGH,
    SET_MODES,
    SET_STATE,
    SET_TORQUE,
    SET_VELOCITY,
    TORQUE_CONTROL,
    VELOCITY_CONTROL,
    frame,
    open_odrive_can,
    set_state,
    set_velocity,
)
from tests.hand_rig import Rig

pytestmark = pytest.mark.edge

VECTORS = [
    row
    for row in json.loads((Path(__file__).parent / "actuator_vectors.json").read_text())
    if row["protocol"] == "odrive_can"
]


def link_of(argument: str = "") -> DialectLink:
    return open_odrive_can(argument, port=TwinPort(OdriveCanTwin(), lambda: 0.0))


def numbers(data: bytes) -> list[tuple[int, int]]:
    """(node, command) of each frame."""
    return [(told.number >> 5, told.number & 0x1F) for told in CanFrames().split(data)]


def test_the_vectors_are_ours() -> None:
    closed, position = set_state(1, CLOSED_LOOP), frame(0, 0x0C)
    rows = {row["fields"]["id"]: row["hex"] for row in VECTORS}
    assert rows[closed.number] == closed.data.hex()
    assert position.number in rows


def test_the_loop_is_closed_at_speed_0_and_after_everything_else() -> None:
    data = link_of(",nodes=2").dialect.arm((0.0,))
    assert numbers(data) == [(2, CLEAR), (2, SET_MODES), (2, SET_VELOCITY), (2, SET_STATE)]
    told = CanFrames().split(data)
    assert told[2].data == bytes(8)


@pytest.mark.parametrize(
    ("stop", "sends"), [("idle", [SET_VELOCITY, SET_STATE]), ("hold", [SET_VELOCITY])]
)
def test_a_stop_idles_or_holds_as_the_owner_says(stop: str, sends: list[int]) -> None:
    dialect = link_of(f",stop={stop}").dialect
    assert [command for _, command in numbers(dialect.stop(()) + dialect.disarm(()))] == sends


def test_an_axis_of_torques_begins_and_ends_with_torque_0_and_speed_0() -> None:
    dialect = link_of(",mode=torque").dialect
    armed = CanFrames().split(dialect.arm((0.0,)))
    commands = [told.number & 0x1F for told in armed]
    assert commands == [CLEAR, SET_MODES, SET_TORQUE, SET_VELOCITY, SET_STATE]
    assert struct.unpack("<II", armed[1].data) == (TORQUE_CONTROL, PASSTHROUGH)
    stop = CanFrames().split(dialect.stop(()) + dialect.disarm(()))
    assert [told.number & 0x1F for told in stop] == [SET_TORQUE, SET_VELOCITY, SET_STATE]
    assert [told.data for told in stop[:2]] == [bytes(4), bytes(8)]


@given(st.floats(-100, 100), st.floats(0.1, 60), st.sampled_from([-9.0, 1.0, 8.0]))
def test_a_torque_goes_through_the_gear_and_is_never_more_than_the_joint_may_give(
    asked_nm: float, most_nm: float, gear: float
) -> None:
    wanted = link_of(f",mode=torque,max_nm={most_nm},gear={gear}").dialect.setpoint((asked_nm,))
    (told,) = CanFrames().split(wanted.data)
    assert told.number == SET_TORQUE
    bounded = max(-most_nm, min(most_nm, asked_nm))
    assert wanted.joints == pytest.approx((bounded,))
    assert struct.unpack("<f", told.data)[0] * gear == pytest.approx(bounded, rel=1e-6, abs=1e-6)


@given(st.floats(-500, 500), st.sampled_from([-9.0, -1.0, 0.5, 8.0, 48.0]))
def test_degrees_go_through_the_gear_and_back(deg_s: float, gear: float) -> None:
    dialect = link_of(f",gear={gear}").dialect
    wanted = dialect.setpoint((deg_s,))
    (told,) = CanFrames().split(wanted.data)
    assert struct.unpack("<ff", told.data)[0] == pytest.approx(deg_s * gear / 360, rel=1e-6)
    assert wanted.joints == pytest.approx((deg_s,))
    at = pack(frame(0, ENCODER, struct.pack("<ff", deg_s * gear / 360, 0.0)))
    (reading,) = dialect.ear().hear(at)
    assert reading.position_deg == pytest.approx((deg_s,), rel=1e-5, abs=1e-5)


def test_several_axes_tell_each_its_own_joint() -> None:
    ear = link_of(",nodes=1+4,names=knee+ankle").dialect.ear()
    (reading,) = ear.hear(pack(frame(4, ENCODER, struct.pack("<ff", 0.25, 0.0))))
    assert reading.position_deg == (None, 90.0)
    assert ear.hear(pack(frame(2, ENCODER, bytes(8)))) == [], "another axis on the bus"


def test_a_position_that_is_no_number_is_damaged() -> None:
    ear = link_of().dialect.ear()
    told = [frame(0, ENCODER, struct.pack("<ff", float("nan"), 0.0)), frame(0, ENCODER, b"\0")]
    assert ear.hear(pack(*told)) == []
    assert ear.damaged_n == 2


def test_an_axis_that_leaves_its_loop_without_an_error_is_a_fault() -> None:
    rig = Rig("odrive_can").armed()
    assert isinstance(rig.twin, OdriveCanTwin)
    rig.run(0.1, rig.zeros)
    rig.twin.state = IDLE
    rig.run(0.05, rig.zeros)
    assert rig.link.state is HandState.FAILSAFE
    assert "left its closed loop" in rig.link.trip


def test_a_watchdog_that_is_set_up_lets_go_when_nothing_comes() -> None:
    rig = Rig("odrive_can")
    twin = OdriveCanTwin(watchdog_s=0.2)
    rig.twin = rig.port.twin = twin
    rig.armed().run(0.2, rig.closing())
    rig.port.deaf = True
    rig.run(0.25, rig.closing())
    assert twin.error == WATCHDOG_EXPIRED
    assert not twin.body.moving
    facts = link_of(",watchdog_s=0.2").dialect.facts
    assert (facts.on_silence, facts.native_timeout_s) == (Silence.LETS_GO, 0.2)


def test_an_error_names_the_axis() -> None:
    ear = link_of().dialect.ear()
    told = [frame(0, HEARTBEAT, struct.pack("<IB3x", error, IDLE)) for error in (0, 0x800)]
    assert ear.hear(pack(*told))[-1].trip == "axis 0 has the error 0x800"


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (",nodes=64", "from 0 to 63"),
        (",gear=0", "gear is the motor's turns"),
        (",gear=nan", "gear is the motor's turns"),
        (",stop=brake", "stop is one of idle, hold"),
        (",mode=torque,max_nm=-1", "max_nm is more than 0, not -1"),
        (",mode=position", "mode is one of velocity, torque"),
        (",watchdog_s=9", "watchdog_s is from 0 to 2 s"),
        (",node=1", "nodes"),
    ],
)
def test_settings_that_are_none_are_refused(argument: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        link_of(argument)


def test_an_interface_that_is_not_there_is_refused() -> None:
    pytest.importorskip("can", reason="python-can is not installed: that comes before")
    with pytest.raises(DeviceRefused, match="no CAN interface"):
        open_odrive_can("can77")


def test_the_makers_own_numbers_are_ours() -> None:
    enums = pytest.importorskip("odrive.enums", reason="the odrive package is not installed")
    assert int(enums.AxisState.IDLE) == IDLE
    assert int(enums.AxisState.CLOSED_LOOP_CONTROL) == CLOSED_LOOP
    assert int(enums.ControlMode.VELOCITY_CONTROL) == VELOCITY_CONTROL
    assert int(enums.ControlMode.TORQUE_CONTROL) == TORQUE_CONTROL
    assert int(enums.InputMode.PASSTHROUGH) == PASSTHROUGH
    assert set_velocity(3, 1.0).number == 0x6D

"""An ODrive axis on a serial line is guarded by its own watchdog, which only setpoints feed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.emulators.odrive import WATCHDOG_EXPIRED, OdriveTwin
from firmware_bridge.emulators.twin import TwinPort
from firmware_bridge.odrive import WATCHDOG_S, check_sum, line, open_odrive
from tests.hand_rig import Rig

pytestmark = pytest.mark.edge

VECTORS = {
    row["what"]: bytes.fromhex(row["hex"])
    for row in json.loads((Path(__file__).parent / "actuator_vectors.json").read_text())
    if row["protocol"] == "odrive_ascii"
}


def link_of(argument: str = "") -> DialectLink:
    return open_odrive(argument, port=TwinPort(OdriveTwin(), lambda: 0.0))


def reply(text: str) -> bytes:
    return f"{text}*{check_sum(text)}\r\n".encode("ascii")


def test_the_vectors_are_ours() -> None:
    assert line("r vbus_voltage") == VECTORS["read vbus with checksum"]
    assert line("p 0 -2 0 0") == VECTORS["position stream axis0 -2 turns with checksum"]


def test_the_watchdog_is_fed_and_on_before_the_loop_is_closed() -> None:
    lines = link_of().dialect.arm((0.0,)).decode().splitlines()
    commands = [text.partition(" *")[0] for text in lines]
    assert commands[-4:] == [
        "w axis0.config.watchdog_timeout 0.2",
        "u 0",
        "w axis0.config.enable_watchdog 1",
        "w axis0.requested_state 8",
    ]
    assert "v 0 0.000000 0" in commands


def commands_of(data: bytes) -> list[str]:
    return [text.partition(" *")[0] for text in data.decode().splitlines()]


def test_an_axis_of_torques_begins_and_ends_with_torque_0_and_speed_0() -> None:
    dialect = link_of(",mode=torque").dialect
    armed = commands_of(dialect.arm((0.0,)))
    assert armed[1] == "w axis0.controller.config.control_mode 1"
    assert armed[3:5] == ["c 0 0.000000", "v 0 0.000000 0"]
    stop = commands_of(dialect.stop(()) + dialect.disarm(()))
    assert stop[:3] == ["c 0 0.000000", "v 0 0.000000 0", "w axis0.requested_state 1"]


@given(st.floats(-100, 100), st.floats(0.1, 60), st.sampled_from([-9.0, 1.0, 8.0]))
def test_a_torque_goes_through_the_gear_and_is_never_more_than_the_joint_may_give(
    asked_nm: float, most_nm: float, gear: float
) -> None:
    wanted = link_of(f",mode=torque,max_nm={most_nm},gear={gear}").dialect.setpoint((asked_nm,))
    (text,) = commands_of(wanted.data)
    bounded = max(-most_nm, min(most_nm, asked_nm))
    assert wanted.joints == pytest.approx((bounded,), abs=1e-5)
    assert float(text.removeprefix("c 0 ")) * gear == pytest.approx(bounded, abs=1e-5)


def test_asking_feeds_no_watchdog() -> None:
    """Else a dead decoder's last velocity would live on."""
    rig = Rig("odrive").armed()
    twin = rig.twin
    assert isinstance(twin, OdriveTwin)
    rig.run(0.2, rig.closing())
    start_s = rig.now_s
    while rig.now_s < start_s + WATCHDOG_S + 0.05:
        rig.now_s += 0.005
        twin.hear(rig.link.dialect.ask(), rig.now_s)
        twin.advance(rig.now_s)
    assert twin.properties["axis0.error"] == WATCHDOG_EXPIRED
    assert not twin.body.moving


def test_a_stop_leaves_the_watchdog_off_so_that_idling_is_no_error() -> None:
    rig = Rig("odrive").armed()
    rig.link.close()
    rig.twin.advance(rig.now_s + 5.0)
    assert isinstance(rig.twin, OdriveTwin)
    assert rig.twin.properties["axis0.error"] == 0


def test_an_expired_watchdog_is_cleared_by_arming_again() -> None:
    rig = Rig("odrive").armed()
    rig.port.deaf = True
    rig.run(0.4, rig.zeros)
    rig.port.deaf = False
    rig.run(0.1)
    assert rig.armed().moves(rig.closing())


@given(st.floats(-500, 500), st.sampled_from([-9.0, -1.0, 8.0, 48.0]))
def test_degrees_go_through_the_gear_and_back(deg_s: float, gear: float) -> None:
    dialect = link_of(f",gear={gear}").dialect
    wanted = dialect.setpoint((deg_s,))
    assert wanted.joints == pytest.approx((deg_s,), abs=0.001)
    assert float(wanted.data.split()[2]) == pytest.approx(deg_s * gear / 360, abs=1e-6)
    (reading,) = dialect.ear().hear(reply(f"{deg_s * gear / 360:f} 0.000000"))
    assert reading.position_deg == pytest.approx((deg_s,), abs=0.001)


def test_replies_without_a_right_check_sum_are_damaged() -> None:
    ear = link_of().dialect.ear()
    assert ear.hear(b"0.250000 0.000000\r\n0.250000 0.000000*1\r\nnan 0.0*24\r\n") == []
    assert ear.hear(reply("invalid property") + reply("nan nan")) == []
    assert ear.damaged_n == 5


def test_an_error_is_told() -> None:
    ear = link_of().dialect.ear()
    trips = [reading.trip for reading in ear.hear(reply("0") + reply("2048"))]
    assert trips == ["", "the axis has the error 0x800"]


def test_an_error_of_before_arming_is_forgiven_but_not_for_long() -> None:
    ear = link_of().dialect.ear()
    trips = [reading.trip for reading in ear.hear(4 * reply("2048"))]
    assert trips == ["", "", "", "the axis has the error 0x800"]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (",axis=2", "axis is one of 0, 1"),
        (",gear=0", "gear is the motor's turns"),
        (",names=knee+ankle", "names are one for each of the 1 motors"),
    ],
)
def test_settings_that_are_none_are_refused(argument: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        link_of(argument)


def test_an_axis_without_a_port_is_refused_with_what_to_write() -> None:
    with pytest.raises(Refused, match="Name the port"):
        open_odrive("")

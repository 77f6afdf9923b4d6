"""AK motors hear the nearest count, and are left damped or let go as their owner says."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import DeviceRefused, Refused
from firmware_bridge.can_frames import CanFrame, CanFrames, pack
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.emulators.tmotor import TMotorTwin
from firmware_bridge.emulators.twin import TwinPort
from firmware_bridge.link import HandFlag
from firmware_bridge.tmotor import (
    ENTER,
    LEAVE,
    MODELS,
    ZERO,
    Aim,
    decode,
    encode,
    open_tmotor,
    read_state,
)
from tests.hand_rig import Rig

pytestmark = pytest.mark.edge

ROWS = json.loads((Path(__file__).parent / "actuator_vectors.json").read_text())
VECTORS = {row["what"]: bytes.fromhex(row["hex"]) for row in ROWS if "mit" in row["protocol"]}
AK80_9 = MODELS["AK80-9"]
WIDTHS = (16, 12, 12, 12, 12)


def counts(data: bytes) -> list[int]:
    """The five numbers of a frame."""
    word, numbers = int.from_bytes(data, "big"), []
    for width in reversed(WIDTHS):
        numbers.append(word & (1 << width) - 1)
        word >>= width
    return numbers[::-1]


def link_of(argument: str = "") -> DialectLink:
    return open_tmotor(argument, port=TwinPort(TMotorTwin(), lambda: 0.0))


def test_switching_on_and_off_and_setting_zero_are_the_vectors() -> None:
    assert VECTORS["enter/power on"] == ENTER
    assert VECTORS["exit/power off"] == LEAVE
    assert VECTORS["zero position"] == ZERO


def test_a_state_is_the_vector() -> None:
    row = next(row for row in ROWS if row["what"] == "state id1")
    state = read_state(bytes.fromhex(row["hex"]), AK80_9)
    assert state is not None
    told = row["fields"]
    assert state.p_rad == pytest.approx(told["position"])
    assert state.v_rad_s == pytest.approx(told["velocity"])
    assert state.t_nm == pytest.approx(told["torque"])
    assert (state.number, state.temperature_c, state.fault) == (1, 40, 0)


def test_numbers_are_the_vectors_but_rounded_and_not_cut() -> None:
    ours = counts(encode(Aim(1.5, -2.0, 50.0, 1.0, 3.0), AK80_9))
    cut = counts(VECTORS["(2^n-1) scaling with AK80-9 ranges V50 T18: p=1.5 v=-2 kp=50 kd=1 t=3"])
    assert all(count - low in (0, 1) for count, low in zip(ours, cut, strict=True))
    assert ours == [0x8F5C, 0x7AE, 0x19A, 0x333, 0x955]


def test_zero_is_the_count_next_to_it() -> None:
    data = encode(Aim(), AK80_9)
    assert data.hex() == "8000800000000800"
    aim = decode(data, AK80_9)
    assert (aim.kp, aim.kd) == (0.0, 0.0), "no gains: this relaxes, whatever the rest is"
    assert abs(aim.t_nm) < AK80_9.nm / 4095


@given(
    st.sampled_from(sorted(MODELS)),
    st.builds(
        Aim,
        st.floats(-12.5, 12.5),
        st.floats(-8.0, 8.0),
        st.floats(0.0, 500.0),
        st.floats(0.0, 5.0),
        st.floats(-12.0, 12.0),
    ),
)
def test_what_is_decoded_is_within_half_a_count(name: str, aim: Aim) -> None:
    model = MODELS[name]
    back = decode(encode(aim, model), model)
    for got, want, span, width in zip(
        back, aim, (25.0, 2 * model.rad_s, 500.0, 5.0, 2 * model.nm), WIDTHS, strict=True
    ):
        assert abs(got - want) <= 0.5001 * span / ((1 << width) - 1)


def test_what_is_beyond_the_range_is_its_end() -> None:
    assert counts(encode(Aim(1e9, -1e9, 1e9, -1.0, 1e9), AK80_9)) == [0xFFFF, 0, 0xFFF, 0, 0xFFF]


@pytest.mark.parametrize(("stop", "kd", "leaves"), [("damp", 1.0, False), ("free", 0.0, True)])
def test_a_stop_damps_or_lets_go_as_the_owner_says(stop: str, kd: float, leaves: bool) -> None:
    dialect = link_of(f",stop={stop},ids=1+5,names=knee+ankle").dialect
    frames = CanFrames().split(dialect.stop(()) + dialect.disarm(()))
    aims = [decode(frame.data, AK80_9) for frame in frames if frame.data != LEAVE]
    assert [aim.kp for aim in aims] == [0.0, 0.0]
    assert [aim.kd for aim in aims] == pytest.approx([kd, kd], abs=1e-3)
    assert all(abs(aim.v_rad_s) < 0.013 for aim in aims)
    assert [frame.number for frame in frames if frame.data == LEAVE] == ([1, 5] if leaves else [])


def test_asking_is_a_stop_and_so_is_done_only_while_nothing_is_to_move() -> None:
    dialect = link_of().dialect
    assert dialect.setpoint((20.0,)).joints[0] == pytest.approx(20.0, abs=0.7)
    assert dialect.ask() == dialect.stop(())
    assert dialect.arm(()) == pack(CanFrame(1, ENTER)) + dialect.ask()
    rig = Rig("tmotor").armed()
    rig.run(0.1, rig.closing())
    rig.port.written.clear()
    rig.run(0.2, rig.closing())
    assert dialect.ask() not in rig.port.written
    assert rig.link.up


@given(st.floats(-40, 40), st.floats(0.1, 18.0), st.floats(0.0, 5.0))
def test_a_torque_is_told_alone_and_never_more_than_the_joint_may_give(
    asked_nm: float, most_nm: float, kd: float
) -> None:
    dialect = link_of(f",mode=torque,max_nm={most_nm},torque_kd={kd}").dialect
    wanted = dialect.setpoint((asked_nm,))
    aim = decode(CanFrames().split(wanted.data)[0].data, AK80_9)
    step_nm = 36.0 / 4095
    assert wanted.joints == (aim.t_nm,)
    assert abs(aim.t_nm) <= most_nm + step_nm / 2
    assert aim.t_nm == pytest.approx(max(-most_nm, min(most_nm, asked_nm)), abs=step_nm)
    assert aim.kp == 0.0
    assert aim.kd == pytest.approx(kd, abs=1e-3)
    assert abs(aim.v_rad_s) < 0.013


def test_a_stop_is_the_same_for_motors_of_torque_and_of_velocity() -> None:
    for stop in ("damp", "free"):
        torque, velocity = (
            link_of(f",stop={stop},mode={mode}").dialect for mode in ("torque", "velocity")
        )
        assert torque.stop(()) == velocity.stop(())
        assert torque.disarm(()) == velocity.disarm(())


def reply(number: int, temperature_c: int = 30, fault: int = 0) -> bytes:
    data = bytes([number]) + bytes.fromhex("8f5b7d7943") + bytes([temperature_c, fault])
    return pack(CanFrame(0, data))


def test_several_motors_tell_each_its_own_joint() -> None:
    link = link_of(",ids=3+7,names=knee+ankle,high_deg=60")
    assert link.hand.joint_names == ("knee", "ankle")
    (reading,) = link.ear.hear(reply(7, 41))
    assert reading.position_deg == (None, pytest.approx(85.93, abs=0.01))
    assert reading.temperature_c == (None, 41)
    (reading,) = link.ear.hear(reply(3, 90, 1))
    assert reading.trip == "motor 3: too hot"
    assert reading.flags is HandFlag.OVER_TEMPERATURE
    assert link.ear.hear(reply(4)) == [], "another motor on the bus"


def test_a_reply_of_older_firmware_is_understood_and_a_torn_one_counted() -> None:
    ear = link_of().ear
    assert len(ear.hear(pack(CanFrame(0, bytes.fromhex("018f5b7d7943"))))) == 1
    assert ear.hear(pack(CanFrame(0, bytes.fromhex("018f5b7d")))) == []
    assert ear.damaged_n == 1


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (",model=AK90", "model is one of AK80-9"),
        (",model=AK60v3", "The AK60 V3 takes other frames .* than the motors that Flexor drives"),
        (",model=AK60-V3", "let an OpenExo drive it"),
        (",mode=current", "mode is one of velocity, torque"),
        (",mode=torque,max_nm=0", "max_nm is more than 0 and at most 18 Nm, as the motor has them"),
        (",mode=torque,max_nm=18.1", "not 18.1"),
        (",mode=torque,model=AK80-6,max_nm=nan", "at most 12 Nm"),
        (",mode=torque,torque_kd=6", "torque_kd is from 0 to 5"),
        (",stop=drop", "stop is one of damp, free"),
        (",kd=0", "kd is more than 0"),
        (",kd=nan", "kd is more than 0"),
        (",ids=0", "from 1 to 127"),
        (",ids=1+2,names=knee", "names are one for each of the 2 motors"),
        (",low_deg=90", "from low to high"),
        (",max_deg_s=0", "positive largest velocity"),
    ],
)
def test_settings_that_are_none_are_refused(argument: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        link_of(argument)


def test_an_interface_that_is_not_there_is_refused() -> None:
    pytest.importorskip("can", reason="python-can is not installed: that comes before")
    with pytest.raises(DeviceRefused, match="no CAN interface"):
        open_tmotor("can77")


@given(st.floats(-12, 12), st.floats(-7, 7), st.floats(0, 5))
def test_another_driver_reads_us_and_writes_what_we_read(p: float, v: float, kd: float) -> None:
    peer = pytest.importorskip(
        "TMotorCANControl.mit_can", reason="TMotorCANControl is not installed"
    )
    sent: list[bytes] = []
    host: Any = SimpleNamespace(
        debug=False, send_MIT_message=lambda number, data: sent.append(bytes(data))
    )
    peer.CAN_Manager.MIT_controller(host, 1, "AK80-9", p, v, 0.0, kd, 0.0)
    ours, theirs = counts(encode(Aim(p, v, 0.0, kd), AK80_9)), counts(sent[0])
    assert all(abs(a - b) <= 1 for a, b in zip(ours, theirs, strict=True))
    state = b"\x01" + sent[0][:4] + sent[0][7:] + b"\x1e\x00"
    told, read = (
        peer.CAN_Manager.parse_MIT_message(host, state, "AK80-9"),
        read_state(state, AK80_9),
    )
    assert read is not None
    assert (read.p_rad, read.v_rad_s, read.t_nm) == pytest.approx(told[:3])

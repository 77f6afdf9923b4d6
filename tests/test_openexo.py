"""An OpenExo gives the torques it is told, from 0 on, and Bluetooth outlives a stalled loop."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import DeviceRefused, Refused
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.emulators.openexo import CARD_NM, OpenExoBleTwin, OpenExoTwin
from firmware_bridge.emulators.serve import serve_in_air
from firmware_bridge.emulators.twin import TwinPort
from firmware_bridge.link import HandState
from firmware_bridge.openexo import (
    CONFIG,
    MOTORS,
    PARAMETERS,
    REAL_TIME,
    STATUS,
    Message,
    open_openexo,
    told,
    understood,
)
from firmware_bridge.openexo import answered as answer
from firmware_bridge.openexo_ble import open_openexo_ble, parameter, writes_of
from firmware_bridge.slip import LONGEST_N, Slip, slip
from tests.hand_rig import Rig

pytestmark = pytest.mark.edge

ROWS = json.loads((Path(__file__).parent / "actuator_vectors.json").read_text())
LEFT_KNEE, RIGHT_ANKLE = 66, 36


def link_of(argument: str = "") -> DialectLink:
    return open_openexo(argument, port=TwinPort(OpenExoTwin(), lambda: 0.0))


def air_of(argument: str = "") -> DialectLink:
    return open_openexo_ble(argument, port=TwinPort(OpenExoBleTwin(), lambda: 0.0))


def orders(data: bytes) -> list[tuple[int, int, tuple[float, ...]]]:
    """(command, joint, numbers) of each frame to the board."""
    contents = Slip().split(data)
    return [(c[0], c[1], struct.unpack_from(f"<{(len(c) - 2) // 4}f", c, 2)) for c in contents]


def test_what_the_board_says_is_the_vector() -> None:
    (row,) = [row for row in ROWS if row["protocol"] == "openexo_uart"]
    fields, data = row["fields"], bytes.fromhex(row["hex"])
    message = Message(fields["cmd"], fields["joint"], tuple(fields["data"]))
    assert answer(message) == data
    (content,) = Slip().split(data)
    assert understood(content) == message
    assert message.command == REAL_TIME


@given(st.binary(max_size=LONGEST_N), st.integers(1, 9), st.binary(max_size=20))
def test_what_is_framed_comes_back_whole_in_any_pieces_behind_noise(
    content: bytes, step: int, noise: bytes
) -> None:
    data, frames = noise.replace(b"\xdb", b"") + slip(content) + slip(b"end"), Slip()
    heard = [c for at in range(0, len(data), step) for c in frames.split(data[at : at + step])]
    assert heard[-1] == b"end"
    assert not content or heard[-2] == content


def test_wrong_escapes_and_frames_without_an_end_are_dropped_and_counted() -> None:
    frames = Slip()
    assert frames.split(b"\xc0\x01\xdb\x02\xc0") == []
    assert frames.split(b"\xc0\x01\xdb\xc0") == []
    assert frames.split(bytes(1000)) == []
    assert frames.split(b"\xc0" + bytes(LONGEST_N + 1) + b"\xc0") == []
    assert frames.damaged_n == 4
    assert frames.split(slip(b"well")) == [b"well"]


def test_it_is_armed_with_torque_0_before_and_behind_the_trials_beginning() -> None:
    dialect = link_of(",joints=left_knee+right_ankle").dialect
    still = [(20, LEFT_KNEE, (3.0, 0.0, 0.0)), (20, RIGHT_ANKLE, (5.0, 0.0, 0.0))]
    towards = [(20, LEFT_KNEE, (3.0, 1.0, 0.0)), (20, RIGHT_ANKLE, (5.0, 1.0, 0.0))]
    assert orders(dialect.arm(())) == [
        (MOTORS, 0, (0.0,)),
        *still,
        (STATUS, 0, (2.0,)),
        *still,
        *towards,
        (MOTORS, 0, (1.0,)),
    ]
    assert orders(dialect.stop(()) + dialect.disarm(())) == [*still, (MOTORS, 0, (0.0,))]


@pytest.mark.parametrize("name", ["openexo", "openexo_ble"])
def test_what_the_card_says_never_reaches_the_motors(name: str) -> None:
    rig = Rig(name)
    pushed: list[float] = []
    push = rig.twin.body.push
    rig.twin.body.push = lambda joint, nm: pushed.append(nm) or push(joint, nm)
    rig.armed().run(0.2, rig.zeros)
    assert CARD_NM > 0
    assert set(pushed) == {0.0}


@given(st.floats(-200, 200), st.floats(0.5, 100))
def test_a_torque_is_never_more_than_the_joint_may_give(asked_nm: float, most_nm: float) -> None:
    bounded = max(-most_nm, min(most_nm, asked_nm))
    wanted = link_of(f",max_nm={most_nm}").dialect.setpoint((asked_nm,))
    ((_, joint, numbers),) = orders(wanted.data)
    assert (joint, numbers[:2]) == (LEFT_KNEE, (3.0, 0.0))
    assert numbers[2] == pytest.approx(bounded, rel=1e-6)
    assert wanted.joints == pytest.approx((bounded,))
    aired = air_of(f",max_nm={most_nm}").dialect.setpoint((asked_nm,))
    assert aired.joints == (float(int(max(0.0, bounded))),)
    assert struct.unpack("<4d", aired.data[1:]) == (LEFT_KNEE, 3, 0, aired.joints[0])


def test_a_joint_that_runs_another_controller_is_a_fault() -> None:
    rig = Rig("openexo").armed()
    rig.run(0.1, rig.zeros)
    rig.twin.exo.controllers["left_knee"] = 4
    rig.twin.exo.set = lambda *_: None
    rig.run(0.06, rig.zeros)
    assert rig.link.state is HandState.FAILSAFE
    assert "joint 66 runs controller 4, not 3" in rig.link.trip


def test_a_trial_that_ends_by_itself_is_a_fault() -> None:
    rig = Rig("openexo").armed()
    rig.twin.exo.status = 1
    rig.run(0.06, rig.zeros)
    assert rig.link.state is HandState.FAILSAFE
    assert "it left its trial (status 1)" in rig.link.trip


def test_it_is_armed_only_when_it_says_that_its_trial_runs() -> None:
    rig = Rig("openexo").run(0.3)
    rig.twin.exo.begin = lambda: None
    dialect = rig.link.dialect
    rig.port.write(dialect.arm(()))
    ear = dialect.ear()
    assert ear.hear(answer(Message(STATUS, 0, (1.0,)))) == []
    assert len(ear.hear(answer(Message(STATUS, 0, (5.0,))))) == 1


def test_a_joint_without_a_motor_is_told_once_it_is_armed() -> None:
    dialect = link_of(",joints=right_hip").dialect
    ear = dialect.ear()
    ear.hear(answer(Message(CONFIG, 0, (3.0,) * 5 + (1.0,) + (3.0,) * 20)))
    (reading,) = ear.hear(answer(Message(PARAMETERS, 33, (4.0, 7.0))))
    assert reading.trip == "its configuration has no motor for right_hip"


def test_a_letter_and_each_number_is_a_write_of_its_own() -> None:
    writes = writes_of(b"E" + parameter(66, 3, 0, 7.0) + b"w")
    assert writes[0::5] == [b"E", struct.pack("<d", 7.0)]
    assert [len(write) for write in writes] == [1, 1, 8, 8, 8, 8, 1]
    assert writes[1] == b"f"
    assert writes[-1] == b"w"


def test_only_what_is_still_meant_is_sent_on() -> None:
    from firmware_bridge.openexo_relay import newest

    old, new, stop = (parameter(66, 3, 0, nm) for nm in (1.0, 2.0, 0.0))
    assert newest([old, new]) == [new]
    assert newest([old, stop + b"w", new]) == [stop + b"w", new]
    assert newest([]) == []


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (",joints=left_elbow", "left_elbow cannot be driven: an OpenExo's elbow has no controller"),
        (",joints=left_knie", "left_knee"),
        (",max_nm=0", "max_nm is more than 0 and at most 100 Nm, not 0"),
        (",max_nm=nan", "not nan"),
        (",joints=left_knee+left_knee", "distinct joint names"),
    ],
)
@pytest.mark.parametrize("open_it", [link_of, air_of])
def test_joints_and_torques_that_are_none_are_refused(
    open_it: type, argument: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        open_it(argument)


def test_one_without_a_port_is_refused_with_what_to_write() -> None:
    with pytest.raises(Refused, match="Name the port"):
        open_openexo("")


def test_what_is_not_in_the_air_is_refused_in_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("bleak", reason="bleak is not installed")
    with pytest.raises(DeviceRefused, match="No device is emulated at"):
        open_openexo_ble(f"unix:{tmp_path / 'nothing'}")


DRIVER = """
import sys, time
from firmware_bridge.command import Mode
from firmware_bridge.hands import open_hand
from firmware_bridge.safety_state import Do, Output

with open_hand("openexo_ble:unix:" + sys.argv[1]) as hand:
    hand.wait_connected()
    hand.send(Output(Do.ARM), time.monotonic())
    n = 0
    while True:
        n += 1
        hand.poll(time.monotonic())
        if n % 5 == 0:
            hand.send(Output(Do.SETPOINT, Mode.TORQUE, (4.0,), 0.15, n), time.monotonic())
        time.sleep(0.005)
"""


@pytest.mark.slow
def test_bluetooth_goes_on_to_stop_it_when_the_loop_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bleak", reason="bleak is not installed")
    from firmware_bridge.emulators import openexo_air

    made: list[OpenExoBleTwin] = []

    def kept() -> OpenExoBleTwin:
        made.append(OpenExoBleTwin())
        return made[0]

    monkeypatch.setattr(openexo_air, "OpenExoBleTwin", kept)
    stop, there, path = threading.Event(), Queue[str](), str(tmp_path / "exo")
    serving = threading.Thread(target=serve_in_air, args=(path, stop, there.put))
    serving.start()
    there.get(timeout=5.0)
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, path])
    try:
        _until(lambda: made[0].body.moving, 20.0)
        os.kill(driver.pid, signal.SIGSTOP)
        begin_s = time.monotonic()
        _until(lambda: not made[0].exo.motors_on, 5.0)
        assert time.monotonic() - begin_s < 1.0
        assert not made[0].body.moving
    finally:
        driver.kill()
        driver.wait()
        stop.set()
        serving.join()


def _until(true: object, limit_s: float) -> None:
    end_s = time.monotonic() + limit_s
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_numbers_to_the_board_are_floats() -> None:
    content = struct.pack("<BB3f", 0x14, 66, 3.0, 0.0, 1.5)
    assert Slip().split(told(0x14, 66, 3.0, 0.0, 1.5)) == [content]

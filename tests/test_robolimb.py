"""The robo-limb's fingers are stopped on every fault, and reckoned honestly in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import DeviceRefused, Refused
from firmware_bridge.can_frames import CanFrame, CanFrames, pack
from firmware_bridge.link import HandState
from firmware_bridge.robolimb import (
    CLOSE,
    CLOSING,
    OPEN,
    OPENING,
    STALLED_CLOSED,
    STALLED_OPEN,
    STOP,
    STOPPED,
    RoboLimb,
    open_robolimb,
    order,
)
from firmware_bridge.safety_state import Do
from tests.hand_rig import Rig

pytestmark = pytest.mark.edge

VECTORS = {
    row["what"]: row
    for row in json.loads((Path(__file__).parent / "actuator_vectors.json").read_text())
    if row["protocol"] == "robolimb_can"
}


def report(finger: int, status: int, current: int = 0) -> bytes:
    return pack(CanFrame(0x200 + finger, bytes([0, status]) + current.to_bytes(2, "big")))


def orders(data: bytes) -> dict[int, tuple[int, int]]:
    """finger -> (action, speed)"""
    frames = CanFrames().split(data)
    return {f.number & 0xF: (f.data[1], int.from_bytes(f.data[2:], "big")) for f in frames}


def test_the_vectors_are_ours() -> None:
    for what, frame in (
        ("close index at velocity 297", order(2, CLOSE, 297)),
        ("open rotator at 100", order(6, OPEN, 100)),
    ):
        assert frame.number == VECTORS[what]["fields"]["id"]
        assert frame.data.hex() == VECTORS[what]["hex"]


def test_a_stop_is_a_stop_for_all_six() -> None:
    assert orders(RoboLimb().stop(())) == dict.fromkeys(range(1, 7), (STOP, 297))


@given(st.tuples(*[st.floats(-1e4, 1e4)] * 6))
def test_every_finger_is_told_in_every_setpoint(joints: tuple[float, ...]) -> None:
    wanted = RoboLimb().setpoint(joints)
    told = orders(wanted.data)
    assert set(told) == set(range(1, 7))
    for finger, asked, sent in zip(range(1, 7), joints, wanted.joints, strict=True):
        action, speed = told[finger]
        assert 10 <= speed <= 297
        assert abs(sent) <= abs(asked), "never faster than asked"
        assert action == (STOP if sent == 0 else CLOSE if sent > 0 else OPEN)


@pytest.mark.parametrize("fault", ["mute", "quiet", "estop", "disarm", "close"])
def test_every_fault_ends_with_a_stop_for_all_six(fault: str) -> None:
    rig = Rig("robolimb").armed()
    rig.run(0.2, rig.closing())
    rig.port.written.clear()
    if fault == "mute":
        rig.port.mute = True
        rig.run(0.2, rig.closing())
    elif fault == "quiet":
        rig.run(0.3)
    elif fault == "close":
        rig.link.close()
    else:
        rig.do(Do.ESTOP if fault == "estop" else Do.DISARM)
    assert orders(rig.port.written[-1]) == dict.fromkeys(range(1, 7), (STOP, 297))


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_finger_is_reckoned_while_it_moves_and_set_right_at_its_ends() -> None:
    clock = Clock()
    hand = RoboLimb(clock)
    ear = hand.ear()

    def hear(status: int) -> float | None:
        return ear.hear(report(2, status))[-1].position_deg[1]

    assert hear(STOPPED) == 100.0, "nobody knows yet: it must be free to open"
    assert hear(STALLED_OPEN) == 0.0
    hand.setpoint((0.0, 30.0, 0.0, 0.0, 0.0, 0.0))
    hear(CLOSING)
    for _ in range(10):
        clock.now_s += 0.020
        at = hear(CLOSING)
    assert at == pytest.approx(6.0, abs=0.1)
    clock.now_s += 0.020
    assert hear(STALLED_CLOSED) == pytest.approx(6.6, abs=0.1)
    clock.now_s += 1.0
    assert hear(STALLED_CLOSED) == pytest.approx(6.6, abs=0.1)
    hand.setpoint((0.0, -100.0, 0.0, 0.0, 0.0, 0.0))
    hear(OPENING)
    clock.now_s += 0.050
    assert hear(OPENING) == pytest.approx(2.6, abs=0.1), "slower than told"
    assert hear(STALLED_OPEN) == 0.0


def test_a_slow_hands_speeds_are_counted_in_its_own_time() -> None:
    rows = [orders(RoboLimb(close_s=s).setpoint((50.0,) * 6).data)[1] for s in (1.0, 2.0)]
    assert rows == [(CLOSE, 148), (CLOSE, 297)]


@pytest.mark.parametrize("close_s", ["0.1", "9", "nan"])
def test_a_time_of_closing_that_cannot_be_is_refused(close_s: str) -> None:
    with pytest.raises(Refused, match=r"close_s is from 0\.3 to 5 s"):
        open_robolimb(f",close_s={close_s}", port=Rig("robolimb").port)


def test_a_hand_that_was_closed_at_the_start_opens_whole() -> None:
    rig = Rig("robolimb")
    rig.twin.body.position_deg = [80.0] * 6
    rig.armed().run(1.5, tuple(-speed for speed in rig.closing(1.0)))
    assert rig.twin.body.position_deg == [0.0] * 6
    assert rig.link.at_deg == (0.0,) * 6


def test_a_stuck_finger_stands_still_in_what_is_told() -> None:
    rig = Rig("robolimb").armed()
    rig.twin.body.stuck.add(1)
    rig.run(0.3, rig.closing())
    assert rig.link.at_deg[1] < 2.0
    assert rig.link.at_deg[2] > 5.0


def test_currents_are_in_amperes() -> None:
    (reading,) = RoboLimb().ear().hear(report(1, CLOSING, 22))
    assert reading.current_a[0] == pytest.approx(1.008, abs=0.001)


def test_other_devices_on_the_bus_are_passed_over_and_strange_reports_counted() -> None:
    ear = RoboLimb().ear()
    assert ear.hear(pack(CanFrame(0x207, b"\0\0\0\0"), CanFrame(0x201, b"\0\0\0\0", True))) == []
    assert ear.damaged_n == 0
    assert ear.hear(report(1, 9) + pack(CanFrame(0x201, b"\0\0"))) == []
    assert ear.damaged_n == 2


def test_reading_again_never_moves_what_was_stopped() -> None:
    rig = Rig("robolimb").armed()
    rig.run(0.2, rig.closing())
    rig.now_s += 0.140  # the program stood still, and the watchdog stopped the hand
    rig.twin.hear(RoboLimb().stop(()), rig.now_s)
    rig.port.written.clear()
    rig.run(0.005)
    assert rig.link.state is not HandState.ARMED
    told = [orders(data) for data in rig.port.written]
    assert told
    assert all(action == STOP for row in told for action, _ in row.values())


def test_nothing_is_asked_between_setpoints_for_asking_is_a_stop() -> None:
    rig = Rig("robolimb").armed()
    rig.run(0.1, rig.closing())
    rig.port.written.clear()
    rig.run(0.2, rig.closing())
    assert RoboLimb().ask() not in rig.port.written


def test_an_interface_that_is_not_there_is_refused() -> None:
    pytest.importorskip("can", reason="python-can is not installed: that comes before")
    with pytest.raises(DeviceRefused, match="no CAN interface"):
        open_robolimb("can77")

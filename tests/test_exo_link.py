"""A leg with our firmware in a process of its own, driven by torque in real time.

Not marked for the edge: under emulation, real time says nothing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from acquisition.stream import DeviceRefused, DeviceTimeout, Refused
from firmware_bridge.command import Mode
from firmware_bridge.firmware_hand import joints_of, start_firmware
from firmware_bridge.hands import EXO, HAND6, HandSpec, open_hand, torque_counts, torques_nm
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Do, Output
from firmware_bridge.serial_link import SerialLink, crc_n_of, open_serial
from firmware_bridge.simulated_hand import SimulatedHand, TraceRow
from tests.link_rig import push

KINDS = ("simulated", "firmware")


def start(kind: str) -> SimulatedHand:
    if kind == "simulated":
        return SimulatedHand.start(EXO)
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here: apt-get install gcc")
    return start_firmware(joints_of(EXO), crc_n=crc_n_of(EXO))


@pytest.fixture(params=KINDS)
def leg(request: pytest.FixtureRequest) -> Iterator[SimulatedHand]:
    with start(request.param) as running:
        yield running


@pytest.fixture
def port(leg: SimulatedHand) -> Iterator[SerialLink]:
    with open_serial(leg.url, EXO) as opened:
        opened.wait_connected()
        yield opened


def test_torques_go_out_and_what_is_given_comes_back(port: SerialLink) -> None:
    push(port, (6.0, -3.0))
    now_s = time.monotonic()
    sent = port.send(Output(Do.SETPOINT, Mode.TORQUE, (6.0, -3.001), 0.15, 2), now_s)
    assert sent is not None
    assert (sent.mode, sent.joints) == (Mode.TORQUE, pytest.approx((6.0, -3.0)))
    end_s, telem = now_s + 1.0, None
    while telem is None and time.monotonic() < end_s:
        time.sleep(0.005)
        telem, _ = port.poll(time.monotonic())
    assert telem is not None
    assert telem.state is HandState.ARMED
    assert len(telem.position_deg) == 2
    # The knee stands at its end, straight: it is not pushed beyond.
    assert telem.torque_nm == pytest.approx((6.0, 0.0))


def gone(rows: list[TraceRow]) -> list[int]:
    """Torques of the hip from its greatest on, in thousandths."""
    hip = [row.torque[0] for row in rows]
    return hip[hip.index(max(hip)) :]


def test_a_lost_link_lets_the_torque_go_by_its_ramp_and_never_rise(
    leg: SimulatedHand, port: SerialLink
) -> None:
    last_s = push(port, (12.0, 6.0))
    time.sleep(0.5)
    rows = leg.trace()
    hip = gone(rows)
    assert hip[0] == 1000
    assert all(0 <= a - b <= 40 for a, b in pairwise(hip))  # 4 for each ms of 5, and some
    zero_s = next(row.clock_s for row in rows if row.clock_s > last_s and row.torque[0] == 0)
    assert 0.25 <= zero_s - last_s <= 0.40
    assert rows[-1].state is HandState.FAILSAFE


def test_a_disarmed_leg_lets_the_torque_go_by_its_ramp(
    leg: SimulatedHand, port: SerialLink
) -> None:
    push(port, (12.0, 6.0))
    port.send(Output(Do.DISARM), time.monotonic())
    time.sleep(0.4)
    hip = gone(leg.trace())
    assert len(hip) > 30
    assert all(0 <= a - b <= 40 for a, b in pairwise(hip))
    assert hip[-1] == 0


def test_an_emergency_stop_leaves_no_torque(leg: SimulatedHand, port: SerialLink) -> None:
    push(port, (12.0, 6.0))
    pressed_s = time.monotonic()
    port.send(Output(Do.ESTOP), pressed_s)
    time.sleep(0.1)
    row = next(row for row in leg.trace() if row.clock_s > pressed_s and row.torque[0] == 0)
    assert row.clock_s - pressed_s <= 0.020 + 0.010  # a row of the trace, and a busy machine
    assert row.state is HandState.ESTOP


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_opens_a_leg_of_its_own(kind: str) -> None:
    if kind == "firmware" and shutil.which("gcc") is None:
        pytest.skip("no gcc here: apt-get install gcc")
    with open_hand(f"{kind}_exo") as opened:
        opened.wait_connected()
        assert (opened.hand, opened.up) == (EXO, True)


def test_a_leg_at_a_port_is_opened_by_its_name(leg: SimulatedHand) -> None:
    with open_hand(f"serial_exo:{leg.url}") as opened:
        opened.wait_connected()
        assert opened.up


def test_a_hand_is_not_taken_for_a_leg(leg: SimulatedHand) -> None:
    with open_serial(leg.url, HAND6) as opened, pytest.raises(DeviceTimeout):
        opened.wait_connected(0.3)
    three = replace(EXO, joints=(*EXO.joints, replace(EXO.joints[0], name="ankle")))
    with (
        open_serial(leg.url, three) as opened,
        pytest.raises(DeviceRefused, match="2 joints and 3 were expected"),
    ):
        opened.wait_connected()


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("simulated_exo:x", "takes no argument"),
        ("firmware_exo:mps2-an385", "serial_exo:PORT"),
        ("serial_exo", "Name the port"),
    ],
)
def test_wrong_arguments_are_refused(word: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        open_hand(word)


@pytest.mark.parametrize("rate_nm_s", [12.0, 120.0])
def test_torque_that_would_go_too_slowly_or_too_fast_is_refused(rate_nm_s: float) -> None:
    joint = replace(EXO.joints[0], max_torque_rate_nm_s=rate_nm_s)
    with pytest.raises(Refused, match=r"within 0\.2 to 0\.5 s, not in"):
        joints_of(HandSpec("odd", (joint,), (Mode.TORQUE,)))


def test_counts_of_torque_are_cut_towards_zero_and_bounded() -> None:
    assert torque_counts(EXO, (5.9999, -5.9999)) == (499, -499)
    assert torque_counts(EXO, (99.0, -99.0)) == (1000, -1000)
    assert torques_nm(EXO, (500, -1000)) == (6.0, -12.0)

"""Feetech servos: two orders of bytes, signs, fingers of two servos, one question at a time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge import feetech_packet as wire
from firmware_bridge.emulators.feetech import FeetechTwin
from firmware_bridge.feetech import GOAL, PRESENT, TORQUE, Feetech, feetech_of, open_feetech
from firmware_bridge.feetech_packet import Series
from firmware_bridge.link import HandFlag
from tests.ear_rig import SdkPort, closes_and_stops, survives_noise, vectors

pytestmark = pytest.mark.edge

STS, SCS = Series.STS, Series.SCS
TWO = "/dev/x,series=sts,ids=1+2"


def test_the_packets_are_those_of_the_published_libraries() -> None:
    of = vectors("feetech_sts")
    assert wire.read(1, PRESENT, 2) == of["read present position id1 addr 56 len 2"]
    row = b"\x32" + STS.word(2048) + STS.word(0) + STS.word(1000)
    what = "write pos id1 pos=2048 speed=1000 acc=50 (addr 41, 7 bytes, LE)"
    assert wire.write(1, 41, row) == of[what]
    back = b"\x00" + STS.word(-100) + bytes(4)
    assert wire.write(1, 41, back) == of["write pos id1 pos=-100 (sign bit 15)"]
    assert wire.write(1, TORQUE, b"\x00") == of["torque off id 1 (addr 40=0)"]
    rows = {
        1: b"\x0a" + STS.word(1000) + bytes(2) + STS.word(500),
        2: b"\x0a" + STS.word(3000) + bytes(2) + STS.word(500),
    }
    sync = "fffffe14832907010ae8030000f401020ab80b0000f4018b"
    assert wire.sync_write(41, rows).hex() == sync
    goal = SCS.word(511) + SCS.word(0) + SCS.word(300)
    what = "write pos id1 pos=511 time=0 speed=300 (addr 42, BIG endian words)"
    assert wire.write(1, GOAL, goal) == vectors("feetech_scs")[what]


@given(st.integers(-32767, 32767))
def test_words_of_sts_keep_their_sign(value: int) -> None:
    assert STS.number(STS.word(value)) == value


@given(st.integers(0, 0xFFFF))
def test_words_of_scs_are_the_other_way_round(value: int) -> None:
    assert SCS.number(SCS.word(value)) == value
    assert SCS.word(value) == value.to_bytes(2, "little")[::-1]


def test_an_open_finger_and_a_closed_one_stand_as_its_makers_say() -> None:
    hand = Feetech()
    open_hand = hand.steps((0.0,) * 8)
    assert open_hand[:2] == (511 + round(-35 * 1024 / 300), 511 + round(35 * 1024 / 300))
    closed = hand.steps((125.0, 0.0) * 4)
    assert closed[:2] == (511 + round(90 * 1024 / 300), 511 + round(-90 * 1024 / 300))


@given(
    st.lists(st.tuples(st.floats(0, 125), st.floats(-30, 30)), min_size=4, max_size=4).filter(
        lambda rows: all(abs(bend - 35) + abs(side) < 95 for bend, side in rows)
    )
)
@settings(max_examples=50)
def test_joints_survive_their_two_servos(rows: list[tuple[float, float]]) -> None:
    hand = Feetech(middles_deg=(3.0, 0.0, -5.0, -8.0, -2.0, 5.0, -12.0, 0.0))
    joints = tuple(deg for row in rows for deg in row)
    assert hand.joints(hand.steps(joints)) == pytest.approx(joints, abs=0.3)


def test_no_servo_is_driven_beyond_what_a_finger_bears() -> None:
    sent = Feetech().setpoint((125.0, 30.0) * 4)
    assert sent.joints[0] < 125.0
    assert max(Feetech().steps(sent.joints)) <= 511 + round(95 * 1024 / 300)


def test_a_finger_in_motion_is_told_where_it_is_by_now() -> None:
    """Eight servos answer one behind the other; all turn 4 steps from answer to answer."""
    ear = feetech_of("/dev/x,ids=1+2+3+4")[1].ear()
    at_deg: tuple[float | None, ...] = ()
    for n in range(40):
        steps = 511 + 4 * n
        row = bytes([1 + n % 4, 10, 0]) + SCS.word(steps) + bytes(6)
        for reading in ear.hear(wire.HEAD + row + bytes([~sum(row) & 0xFF])):
            at_deg = reading.position_deg
        if n > 8:
            assert at_deg == pytest.approx([4 * n * 300 / 1024] * 4, abs=0.01)


def test_a_servo_that_stays_away_silences_the_hand() -> None:
    bus = feetech_of(TWO)[1]
    ear, twin = bus.ear(), FeetechTwin(bus)
    assert ear.hear(twin.hear(bus.ask(), 0.0))[-1].position_deg == pytest.approx((0.0, 0.0))
    one = twin.hear(wire.sync_read((1,), PRESENT, 8), 0.0)
    assert [len(ear.hear(one)) for _ in range(8)] == [1, 1, 1, 1, 1, 1, 0, 0]


def test_an_impossible_position_is_not_believed() -> None:
    ear = feetech_of("/dev/x,ids=1")[1].ear()
    row = bytes([1, 10, 0]) + SCS.word(1024) + bytes(6)
    assert ear.hear(wire.HEAD + row + bytes([~sum(row) & 0xFF])) == []
    assert ear.damaged_n == 1


def test_a_servo_says_why_it_protects_itself() -> None:
    ear = feetech_of("/dev/x,ids=1")[1].ear()
    row = bytes([1, 10, 0x24]) + SCS.word(511) + bytes(6)
    (reading,) = ear.hear(wire.HEAD + row + bytes([~sum(row) & 0xFF]))
    assert reading.trip == "servo 1 reports heat and overload"
    assert reading.flags == HandFlag.OVER_TEMPERATURE | HandFlag.OVER_CURRENT


def test_a_stop_without_known_positions_lets_go() -> None:
    assert Feetech().stop(()) == wire.write(wire.BROADCAST, TORQUE, b"\x00")


def test_sts_servos_and_left_hands_do_the_same() -> None:
    for argument in (TWO, "/dev/x,left=yes"):
        closes_and_stops(open_feetech, argument, FeetechTwin(feetech_of(argument)[1]))


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("/dev/x,series=st3", "series is one of scs, sts"),
        ("/dev/x,ids=+", "different numbers"),
        ("/dev/x,ids=1+300", "from 0 to 253"),
        ("/dev/x,middles_deg=1+2", "one angle from -45 to 45 for each of the 8 servos"),
        ("/dev/x,middles_deg=a", "one angle"),
        ("/dev/x,torque_permille=2000", "from 1 to 1000"),
        ("/dev/x,idz=1", "idz"),
        ("", "Name the port"),
    ],
)
def test_a_wrong_setting_is_refused(argument: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        open_feetech(argument)


def test_noise_is_borne_and_the_next_answer_understood() -> None:
    bus = feetech_of(TWO)[1]
    good = FeetechTwin(bus).hear(bus.ask(), 0.0)
    assert survives_noise(bus.ear(), good, wire.HEAD)[-1].position_deg[0] == pytest.approx(0.0)


@pytest.mark.parametrize(("series", "end"), [("sts", 0), ("scs", 1)])
def test_the_published_library_drives_and_reads_our_twin(series: str, end: int) -> None:
    sdk = pytest.importorskip("scservo_sdk", reason="the published library is not installed")
    bus = feetech_of(f"/dev/x,series={series},ids=1+2")[1]
    twin = FeetechTwin(bus)
    port, handler = SdkPort(twin), sdk.PacketHandler(end)
    for servo in (1, 2):
        assert handler.write1ByteTxRx(port, servo, TORQUE, 1) == (sdk.COMM_SUCCESS, 0)
    goal = bus.steps((10.0, 20.0))
    for servo, steps in zip((1, 2), goal, strict=True):
        assert handler.write2ByteTxRx(port, servo, GOAL, steps) == (sdk.COMM_SUCCESS, 0)
    twin.advance(0.0)
    twin.advance(1.0)
    for servo, steps in zip((1, 2), goal, strict=True):
        assert handler.read2ByteTxRx(port, servo, PRESENT) == (steps, sdk.COMM_SUCCESS, 0)
    twin.trip = True
    _, _, error = handler.read2ByteTxRx(port, 1, PRESENT)
    assert "Overload" in handler.getRxPacketError(error) or error == 0x20
    group = sdk.GroupSyncWrite(port, handler, GOAL, 2)
    group.addParam(1, list(bus.series.word(goal[0])))
    assert group.txPacket() == sdk.COMM_SUCCESS
    assert port.written == wire.sync_write(GOAL, {1: bus.series.word(goal[0])})

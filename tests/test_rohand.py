"""ROHand: frames exact, ids swapped in answers, refusals told, motors started when armed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.emulators.rohand import RoHandTwin
from firmware_bridge.rohand import (
    ALL,
    CLOSED,
    CLOSED_DEG,
    HEAD,
    SPEC,
    START,
    STOP,
    RoHand,
    framed,
    from_hand,
    open_rohand,
    to_hand,
)
from tests.ear_rig import closes_and_stops, survives_noise, vectors

pytestmark = pytest.mark.edge

HAND = RoHand()


def test_the_frames_are_the_makers_example() -> None:
    of = vectors("oymotion_rohand")
    joints = from_hand((10_000,) * 6)
    assert HAND.setpoint(joints).data == of["SET_FINGER_POS_ALL 6 x (pos=10000, speed=255)"]
    assert framed(1, 2, 0x50) == of["ack of SET_FINGER_POS_ALL"]
    assert HAND.ear().hear(of["ack of SET_FINGER_POS_ALL"]) == []


def test_fingers_have_the_hands_own_numbers() -> None:
    only_thumb = tuple(100.0 if name == "thumb" else 0.0 for name in SPEC.joint_names)
    assert to_hand(only_thumb) == (CLOSED, 0, 0, 0, 0, 0)
    only_rotation = tuple(100.0 if n == "thumb_rotation" else 0.0 for n in SPEC.joint_names)
    assert to_hand(only_rotation) == (0, 0, 0, 0, 0, CLOSED)


@given(st.lists(st.floats(-10, 110), min_size=6, max_size=6))
@settings(max_examples=50)
def test_positions_survive_the_way_there_and_back(joints: list[float]) -> None:
    inside = tuple(min(max(deg, 0.0), CLOSED_DEG) for deg in joints)
    assert from_hand(to_hand(tuple(joints))) == pytest.approx(inside, abs=0.001)


def test_targets_in_an_answer_are_not_taken_for_positions() -> None:
    twin = RoHandTwin()
    twin.advance(0.0)
    twin.hear(HAND.setpoint((50.0,) * 6).data, 0.0)
    (reading,) = HAND.ear().hear(twin.hear(HAND.ask(), 0.0))
    assert reading.position_deg == (0.0,) * 6


def test_what_the_hand_refuses_is_told() -> None:
    for code, words in ((0x22, "not calibrated"), (0x23, "stuck"), (0x21, "starting")):
        (reading,) = HAND.ear().hear(framed(1, 2, 0x50 | 0x80, bytes([code])))
        assert words in reading.trip
    ear = HAND.ear()
    assert ear.hear(framed(1, 2, 0x50 | 0x80, b"\x01")) == []
    assert ear.damaged_n == 1, "our frame arrived damaged: that is no fault of the hand"


def test_answers_to_another_host_or_of_another_hand_are_not_heard() -> None:
    answer = RoHandTwin(5).hear(RoHand(5).ask(), 0.0)
    assert HAND.ear().hear(answer) == []
    assert len(RoHand(5).ear().hear(answer)) == 1


def test_a_stop_holds_and_disarming_stops_the_motors_until_they_are_armed() -> None:
    twin = RoHandTwin()
    twin.advance(0.0)
    halt = HAND.stop((0.0,) * 6) + HAND.disarm((0.0,) * 6)
    assert halt.endswith(framed(2, 1, STOP, bytes([ALL])))
    assert HAND.stop(()) == framed(2, 1, STOP, bytes([ALL]))
    twin.hear(halt + HAND.setpoint((50.0,) * 6).data, 0.0)
    twin.advance(0.1)
    assert not twin.body.moving
    arm = HAND.arm((0.0,) * 6)
    assert framed(2, 1, START, bytes([ALL])) in arm
    twin.hear(arm + HAND.setpoint((50.0,) * 6).data, 0.1)
    twin.advance(0.2)
    assert twin.body.moving


def test_each_frame_waits_for_its_answer() -> None:
    for frame, answer_n in HAND.turns(HAND.arm((0.0,) * 6) + HAND.ask()):
        assert len(RoHandTwin().hear(frame, 0.0)) == answer_n


def test_another_hand_at_another_speed_does_the_same() -> None:
    closes_and_stops(open_rohand, "/dev/x,id=7,speed=200", RoHandTwin(7))


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("/dev/x,id=1", "id of a ROHand is from 2 to 247"),
        ("/dev/x,speed=0", "speed of a ROHand is from 1 to 255"),
        ("/dev/x,sped=1", "sped"),
        ("", "Name the port"),
    ],
)
def test_a_wrong_setting_is_refused(argument: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        open_rohand(argument)


def test_noise_is_borne_and_the_next_answer_understood() -> None:
    good = RoHandTwin().hear(HAND.ask(), 0.0)
    assert survives_noise(HAND.ear(), good, HEAD)[-1].position_deg == (0.0,) * 6

"""The usual grips on every hand: all joints of a finger, no finger that is not there."""

from __future__ import annotations

import pytest

from acquisition.stream import Refused
from firmware_bridge.control import HAND6_GRIPS, control
from firmware_bridge.dynamixel import LEAP, dynamixel_of
from firmware_bridge.feetech import AMAZING
from firmware_bridge.grips import fitted
from firmware_bridge.hands import HAND6, HandSpec
from firmware_bridge.robotiq import SPEC as GRIPPER

pytestmark = pytest.mark.edge

GESTURES = ("rest", *(grip.gesture for grip in HAND6_GRIPS.grips))


def joints(hand: HandSpec, gesture: str) -> dict[str, float]:
    return next(dict(g.joints) for g in fitted(hand).grips if g.gesture == gesture)


def test_a_six_joint_hand_keeps_its_grips() -> None:
    assert fitted(HAND6) == HAND6_GRIPS


def test_all_joints_of_a_leap_finger_bend_together_and_none_goes_aside() -> None:
    close = joints(LEAP, "hand_close")
    assert {name for name in close if name.startswith("index")} == {
        "index",
        "index_pip",
        "index_dip",
    }
    assert not any("side" in name or "little" in name for name in close)
    assert joints(LEAP, "ulnar_deviation") == {"thumb_rotation": 1.0}


def test_a_hand_without_a_rotator_does_not_move_for_it() -> None:
    assert set(joints(AMAZING, "hand_close")) == {"thumb", "index", "middle", "ring"}
    assert joints(AMAZING, "ulnar_deviation") == {}


def test_a_gripper_closes_and_opens_with_the_hand() -> None:
    assert joints(GRIPPER, "hand_close") == {"fingers": 1.0}
    assert joints(GRIPPER, "hand_open") == {"fingers": -1.0}
    assert joints(GRIPPER, "radial_deviation") == {}


@pytest.mark.parametrize("hand", [HAND6, LEAP, AMAZING, GRIPPER], ids=lambda hand: hand.name)
def test_fitted_grips_drive_their_hand(hand: HandSpec) -> None:
    how = control(fitted(hand), hand, GESTURES, 40.0)
    speeds = how.drives["hand_close"].velocity_deg_s
    assert len(speeds) == len(hand.joints)
    assert max(speeds) > 0.0


def test_a_hand_with_joints_of_no_name_needs_grips_of_its_own() -> None:
    bus = dynamixel_of("/dev/x,ids=1+2,baud_hz=1000000")[1].spec
    with pytest.raises(Refused, match=r"joint_1.*\[\[grips\]\] into the profile"):
        fitted(bus)

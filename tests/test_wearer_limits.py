"""What a wearer's profile allows of a hand is narrower than the hand, and it holds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import cast

import pytest

from acquisition.stream import Refused
from firmware_bridge.control import Control
from firmware_bridge.hands import HAND6, Joint
from firmware_bridge.safety_state import limits_for
from firmware_bridge.wearer_limits import JointLimits, WearerLimits, limits_within, narrowed
from flexor.mapping import steering_for
from flexor.profile import DEMO_ARTIFACT, Profile, read_profile
from models.artifact import open_artifact
from tests.virtual import VirtualRun

pytestmark = pytest.mark.edge

INDEX = HAND6.joint_names.index("index")
OF_INDEX: Joint = HAND6.joints[INDEX]


def test_a_profile_without_limits_leaves_the_hand_as_it_is() -> None:
    assert narrowed(HAND6, WearerLimits()) == HAND6
    assert limits_within(HAND6, WearerLimits()) == limits_for(HAND6)


def test_a_profile_can_narrow_one_joint_and_the_gate(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "[limits]\nconfidence = 0.6\ngrip_a = 0.5\nlow_battery_opens = false\n"
        "[limits.joints.index]\nrange_deg = [0, 40]\nmax_velocity_deg_s = 50\n"
    )
    wearer = read_profile(path).limits
    limits = limits_within(HAND6, wearer)
    assert limits.joints[INDEX][:3] == (0.0, 40.0, 50.0)
    assert limits.joints[INDEX][3] == OF_INDEX.max_acceleration_deg_s2
    assert [row for i, row in enumerate(limits.joints) if i != INDEX] == [
        row for i, row in enumerate(limits_for(HAND6).joints) if i != INDEX
    ]
    assert (limits.confidence, limits.grip_a, limits.low_battery_opens) == (0.6, 0.5, False)


@pytest.mark.parametrize(
    ("wearer", "sides"),
    [
        (WearerLimits({"indx": JointLimits()}), ("indx", "index")),
        (WearerLimits({"index": JointLimits((0.0, 400.0))}), ("400", "100 deg")),
        (WearerLimits({"index": JointLimits((40.0, 0.0))}), ("[40.0, 0.0]", "lowest")),
        (WearerLimits({"index": JointLimits((40.0,))}), ("[40.0]", "lowest")),
        (WearerLimits({"index": JointLimits((math.nan, 10.0))}), ("nan", "lowest")),
        (WearerLimits({"index": JointLimits(max_velocity_deg_s=9999.0)}), ("9999", "at most")),
        (WearerLimits({"index": JointLimits(max_velocity_deg_s=0.0)}), ("0", "above 0")),
        (WearerLimits({"index": JointLimits(max_velocity_deg_s=math.nan)}), ("nan", "above 0")),
        (WearerLimits({"index": JointLimits(max_torque_nm=1.0)}), ("no torque", "leave")),
        (WearerLimits(temperature_c=95.0), ("95", "80")),
        (WearerLimits(low_battery_share=0.9), ("0.9", "0.5")),
        (WearerLimits(confidence=math.nan), ("confidence", "nan")),
        (WearerLimits(confidence=1.5), ("confidence", "at most 1")),
        (WearerLimits(slow_open_share=3.0), ("slow_open_share", "3")),
        (WearerLimits(grip_a=-1.0), ("grip_a", "-1")),
    ],
)
def test_limits_that_are_wider_than_the_hand_or_none_are_refused(
    wearer: WearerLimits, sides: tuple[str, str]
) -> None:
    with pytest.raises(Refused) as refused:
        limits_within(HAND6, wearer)
    assert all(side in str(refused.value) for side in sides)
    assert str(refused.value).count("\n") == 0


def fastest_and_furthest(profile: Profile, joint: int) -> tuple[float, float]:
    """deg/s and deg of a joint in a run that closes the hand for three and a half seconds."""
    run = VirtualRun(profile=profile)
    fastest = furthest = 0.0
    while run.second < 5.5:
        run.until(run.second + 0.01)
        fastest = max(fastest, run.mcu.velocity_deg_s[joint])
        furthest = max(furthest, run.mcu.position_deg[joint])
    return fastest, furthest


def test_a_joint_stays_within_what_its_wearer_allows_in_a_whole_run() -> None:
    usual = fastest_and_furthest(Profile(), INDEX)
    bounds = JointLimits((0.0, 40.0), max_velocity_deg_s=30.0)
    own = fastest_and_furthest(Profile(limits=WearerLimits({"index": bounds})), INDEX)
    assert usual[0] > 60.0
    assert usual[1] > 60.0
    assert 10.0 < own[0] <= 30.5
    assert 35.0 < own[1] <= 40.0


def test_a_slower_joint_is_still_proportional() -> None:
    """Its control takes shares of the wearer's speed: half an effort is half of it."""
    contract = open_artifact(DEMO_ARTIFACT).contract
    slow = WearerLimits({name: JointLimits(max_velocity_deg_s=30.0) for name in HAND6.joint_names})
    usual = cast("Control", steering_for(Profile(), contract, HAND6))
    own = cast("Control", steering_for(Profile(limits=slow), contract, narrowed(HAND6, slow)))
    for gesture, drive in own.drives.items():
        full = usual.drives[gesture].velocity_deg_s
        shares = [v / joint.max_velocity_deg_s for v, joint in zip(full, HAND6.joints, strict=True)]
        assert drive.velocity_deg_s == pytest.approx([30.0 * share for share in shares])

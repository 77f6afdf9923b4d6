"""The safety gate of joints that take torque: exoskeletons."""

from __future__ import annotations

import math

import pytest

from acquisition.stream import Refused
from firmware_bridge.command import Mode
from firmware_bridge.hands import HAND6, HandSpec, Joint

pytestmark = pytest.mark.edge


@pytest.mark.parametrize(
    ("torque_nm", "rate_nm_s"), [(10.0, 0.0), (0.0, 40.0), (-1.0, 40.0), (math.inf, 40.0)]
)
def test_a_joint_has_a_largest_torque_and_a_rate_or_neither(
    torque_nm: float, rate_nm_s: float
) -> None:
    with pytest.raises(Refused, match="a largest torque and a largest change"):
        Joint("knee", (0.0, 90.0), 60.0, 600.0, torque_nm, rate_nm_s)


def test_a_hand_takes_torques_only_where_every_joint_has_a_largest_one() -> None:
    assert Mode.TORQUE not in HAND6.modes
    with pytest.raises(Refused, match="no largest torque"):
        HandSpec("odd", HAND6.joints, tuple(Mode))

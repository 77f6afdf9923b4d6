"""A wearer's limits and gestures, changed: inside the hand's own, versioned, logged, or refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from acquisition.stream import Refused
from firmware_bridge.hands import EXO, HAND6
from firmware_bridge.wearer_limits import limits_within
from flexor.dashboard.access import Access
from flexor.dashboard.audit import Audit
from flexor.dashboard.desk import Desk
from flexor.dashboard.editing import (
    NOTHING,
    GestureChoice,
    Hands,
    choices,
    gestures_now,
    limits_now,
)
from flexor.dashboard.policy import Policy
from flexor.dashboard.supervisor import Supervisor
from flexor.profile import DEMO_ARTIFACT, read_profile
from tests.access_rig import HOST, TOKEN, Clock

TOML = """source = "synthetic:armband"
artifact = "artifact.onnx"
line_hz = 60.0

[limits]
confidence = 0.6

[limits.joints.index]
max_acceleration_deg_s2 = 700.0
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    access = Access(Policy((HOST,)), TOKEN, Clock())
    audit = Audit(tmp_path / "audit.jsonl")
    desk = Desk(access, audit, Supervisor(tmp_path / "run.log"), tmp_path)
    files = {"profile.toml": TOML.encode(), "artifact.onnx": DEMO_ARTIFACT.read_bytes()}
    desk.wearers.save("Ada", files, "first fitting")
    return desk


@pytest.fixture
def cookie(desk: Desk) -> str:
    made, _ = desk.access.pair("a", TOKEN)
    desk.choose_wearer(made, "Ada")
    return made


def now(desk: Desk) -> dict[str, dict[str, float]]:
    return limits_now(read_profile(desk.wearers.profile_path("Ada")), HAND6)


def test_limits_become_a_version_that_the_gate_enforces_and_the_log_names(
    desk: Desk, cookie: str
) -> None:
    wanted = now(desk)
    wanted["index"] |= {"high_deg": 60.0, "max_velocity_deg_s": 50.0}
    version = asyncio.run(desk.set_limits(cookie, wanted))
    assert (version.number, version.current, version.why) == (2, True, "limits")
    profile = read_profile(desk.wearers.profile_path("Ada"))
    limits = limits_within(HAND6, profile.limits)
    assert limits.joints[2] == (0.0, 60.0, 50.0, 700.0)
    assert limits.joints[3] == limits_within(HAND6, read_profile(None).limits).joints[3]
    assert (limits.confidence, profile.line_hz) == (0.6, 60.0)
    row = desk.audit.rows()[-1]
    assert (row["what"], row["name"], row["version"]) == ("limits", "Ada", "2")
    assert "'max_velocity_deg_s': 50.0" in row["limits"]
    assert asyncio.run(desk.set_limits(cookie, now(desk))).number == 3
    assert now(desk)["index"]["high_deg"] == 60.0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"max_velocity_deg_s": 151.0}, "the hand's own is 150"),
        ({"max_velocity_deg_s": 0.0}, "above 0"),
        ({"max_velocity_deg_s": float("nan")}, "the hand's own is 150"),
        ({"high_deg": 101.0}, "goes from 0 to 100 deg"),
        ({"low_deg": -1.0}, "goes from 0 to 100 deg"),
        ({"low_deg": 50.0, "high_deg": 40.0}, "goes from 0 to 100 deg"),
        ({"max_torque_nm": 3.0}, "takes no torque"),
    ],
)
def test_what_is_wider_than_the_hand_is_refused_and_leaves_no_version(
    desk: Desk, cookie: str, change: dict[str, float], why: str
) -> None:
    wanted = now(desk)
    wanted["index"] |= change
    with pytest.raises(Refused, match=why) as told:
        asyncio.run(desk.set_limits(cookie, wanted))
    assert str(told.value).count(". ") == 0
    assert len(desk.wearers.versions("Ada")) == 1
    assert "limits" not in [row["what"] for row in desk.audit.rows()]


def test_gestures_become_a_version_and_what_else_the_profile_says_stays(
    desk: Desk, cookie: str
) -> None:
    known = choices(HAND6)
    before = gestures_now(read_profile(desk.wearers.profile_path("Ada")), HAND6)
    assert [each.gesture for each in before if each.joints == known["hand_close"]] == ["hand_close"]
    wanted = [
        GestureChoice(each.gesture, known["index +"], 0.5)
        if each.gesture == "wrist_flexion"
        else GestureChoice(each.gesture, known[NOTHING], 1.0)
        if each.gesture == "wrist_extension"
        else each
        for each in before
    ]
    version = asyncio.run(desk.set_gestures(cookie, wanted))
    assert (version.number, version.why) == (2, "gestures")
    profile = read_profile(desk.wearers.profile_path("Ada"))
    assert gestures_now(profile, HAND6) == wanted
    assert profile.limits.confidence == 0.6
    assert desk.audit.rows()[-1]["what"] == "gestures"
    desk.roll_back(cookie, 1)
    assert gestures_now(read_profile(desk.wearers.profile_path("Ada")), HAND6) == before


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (GestureChoice("hand_close", {"tail": 1.0}, 1.0), "tail"),
        (GestureChoice("hand_close", {"index": 2.0}, 1.0), "shares from -1 to 1"),
        (GestureChoice("hand_close", {"index": 1.0}, 0.0), "maximum above 0"),
        (GestureChoice("wave", {"index": 1.0}, 1.0), "wave"),
    ],
)
def test_a_gesture_that_fits_neither_hand_nor_artifact_is_refused(
    desk: Desk, cookie: str, choice: GestureChoice, why: str
) -> None:
    before = gestures_now(read_profile(desk.wearers.profile_path("Ada")), HAND6)
    wanted = [each for each in before if each.gesture != choice.gesture] + [choice]
    with pytest.raises(Refused, match=why):
        asyncio.run(desk.set_gestures(cookie, wanted))
    assert len(desk.wearers.versions("Ada")) == 1


def test_who_does_not_control_changes_nothing(desk: Desk, cookie: str) -> None:
    other, _ = desk.access.pair("b", TOKEN)
    with pytest.raises(Refused, match="Somebody else"):
        asyncio.run(desk.set_limits(other, now(desk)))
    with pytest.raises(Refused, match="Somebody else"):
        asyncio.run(desk.set_gestures(other, []))
    assert len(desk.wearers.versions("Ada")) == 1


def test_a_leg_begins_with_nothing_and_each_of_its_joints_may_be_chosen(tmp_path: Path) -> None:
    profile = read_profile(None)
    assert all(each.joints == {} for each in gestures_now(profile, EXO))
    assert set(choices(EXO)) == {NOTHING, "hip +", "hip -", "knee +", "knee -"}


def test_a_foreign_hand_is_known_once_it_was_driven(tmp_path: Path) -> None:
    hands = Hands(tmp_path / "hands.json")
    with pytest.raises(Refused, match="drive it once"):
        hands.spec("mia:/dev/ttyUSB0")
    joint: dict[str, Any] = {"name": "index", "low_deg": 0.0, "high_deg": 90.0, "max_deg_s": 100.0}
    joint |= {"max_deg_s2": 900.0, "max_nm": 0.0, "max_nm_s": 0.0}
    hands.note("mia:/dev/ttyUSB0", {"hand": "mia", "hand_limits": [joint]})
    hands.note("mia:/dev/ttyUSB0", {})
    spec = Hands(tmp_path / "hands.json").spec("mia")
    assert (spec.name, spec.joints[0].range_deg) == ("mia", (0.0, 90.0))
    (tmp_path / "hands.json").write_text("[")
    with pytest.raises(Refused, match="drive it once"):
        Hands(tmp_path / "hands.json").spec("mia")

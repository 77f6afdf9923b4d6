"""The Ability Hand hears stuffed frames whose bytes sum up to 0, and so do its makers' own."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.ability_hand import (
    COUNTS_PER_A,
    FULL_COUNTS,
    FULL_DEG,
    FULL_DEG_S,
    LEAVE,
    POSITION,
    READ_ONLY,
    SPEC,
    VARIANT,
    VELOCITY,
    AbilityHand,
    command,
    framed,
    from_hand,
    stuff,
    to_hand,
    unstuff,
)
from firmware_bridge.emulators.ability_hand import AbilityHandTwin
from tests.ear_rig import VECTORS, vectors

pytestmark = pytest.mark.edge

ROWS = {row["what"]: row for row in VECTORS if row["protocol"] == "psyonic_ability_hand"}
REPLY = bytes.fromhex(
    "7e12e7271100622f2b00d5322600a131e1ff8c2bacffb2dcfbff650cee08a70124fa10f6c603004e7e"
)
"""A hand's own, from its makers' tests."""
REPLY_DEG = {
    "index": 46.76,
    "middle": 55.53,
    "ring": 59.57,
    "little": 58.16,
    "thumb": 51.03,
    "thumb_rotation": 41.37,
}


def test_positions_and_velocities_are_the_vectors() -> None:
    for what, row in ROWS.items():
        fields = row["fields"]
        for name, kind, full in (("deg", POSITION, FULL_DEG), ("deg_s", VELOCITY, FULL_DEG_S)):
            if name in fields and "needs byte stuffing" not in what:
                joints = (float(fields[name][0]),) * 6
                told = command(fields["header"], to_hand(joints, full))
                assert told.hex() == row["hex"], what
                assert fields["header"] & 0xF0 == kind


def test_what_has_flags_in_it_is_stuffed_as_the_vector() -> None:
    (row,) = [row for what, row in ROWS.items() if "needs byte stuffing" in what]
    frame = bytes.fromhex(row["fields"]["unstuffed"])
    assert stuff(frame).hex() == row["hex"]
    assert unstuff(stuff(frame)[1:-1]) == frame
    assert command(POSITION, to_hand((13.47,) * 6, FULL_DEG)).hex() == row["hex"]


def test_currents_duties_and_registers_are_the_vectors_too() -> None:
    """Flexor sends none of them: they hold its framing to account."""
    of = vectors("psyonic_ability_hand")
    current, half = int(0.2 * COUNTS_PER_A), 3546 // 2
    assert command(0x32, (*[current] * 5, -current)) == of["torque/current 0.2 A, variant 3"]
    assert command(0x40, (*[half] * 5, -half)) == of["voltage/duty 50 %, variant 1"]
    assert framed(0xC2) == of["upsample thumb rotator on (0xC2)"]
    asks = struct.pack("<BI", 0xDA, 0x3D)
    assert framed(*asks) == of["register read 0x3D (unique id word 1)"]
    writes = struct.pack("<BII", 0xDE, 1, 1000)
    assert framed(*writes) == of["register write 0x01=1000"]


def test_asking_and_leaving_are_the_vectors() -> None:
    of = vectors("psyonic_ability_hand")
    assert framed(READ_ONLY + VARIANT) == AbilityHand().ask() == of["read-only variant 3 (0xA2)"]
    assert framed(LEAVE) == AbilityHand().disarm(()) == of["exit API mode (0x7C)"]


def test_a_real_hands_reply_is_understood() -> None:
    (reading,) = AbilityHand().ear().hear(REPLY)
    wanted = [REPLY_DEG[name] for name in SPEC.joint_names]
    assert reading.position_deg == pytest.approx(wanted, abs=0.005)
    assert reading.trip == ""


@given(st.lists(st.floats(-150, 150), min_size=6, max_size=6), st.integers(1, 9))
def test_positions_survive_the_way_there_and_back_in_any_pieces(
    joints: list[float], step: int
) -> None:
    twin, ear = AbilityHandTwin(), AbilityHand().ear()
    twin.body.position_deg[:] = joints
    said = twin.hear(AbilityHand().ask(), 0.0)
    heard = [r for at in range(0, len(said), step) for r in ear.hear(said[at : at + step])]
    assert len(heard) == 1
    assert heard[0].position_deg == pytest.approx(joints, abs=0.005)


def test_a_limit_names_its_finger() -> None:
    frame = struct.pack("<B12h6hB", 0x22, *[0] * 18, 0b100001)
    (reading,) = AbilityHand().ear().hear(stuff(frame + bytes([-sum(frame) & 0xFF])))
    assert reading.trip == "torque or temperature limit at index, thumb_rotation"


PEER = """
import json, sys
from ah_wrapper import ah_api
from ah_wrapper.ah_parser import parse_packet
from ah_wrapper.ppp_stuffing import PPPUnstuff

given, peer = json.load(sys.stdin), PPPUnstuff()
replies = filter(None, map(peer.unstuff_byte, bytes.fromhex(given["reply"])))
json.dump({
    "velocity": bytes(ah_api.create_vel_msg(2, given["velocity"])).hex(),
    "position": bytes(ah_api.create_pos_msg(2, given["position"])).hex(),
    "ask": bytes(ah_api.create_misc_msg(0xA2)).hex(),
    "leave": bytes(ah_api.create_misc_msg(0x7C)).hex(),
    "told": [parse_packet(reply).pos for reply in replies],
}, open("said.json", "w"))
"""


def test_the_makers_own_library_says_the_same_and_understands_our_twin(tmp_path: Path) -> None:
    """In a process and a folder of its own: it writes a file where it is imported."""
    if find_spec("ah_wrapper") is None:
        pytest.skip("ability-hand is not installed")
    joints = (12.5, 30.0, 45.25, 60.0, 75.5, 90.0)
    speeds = (-20.0, 35.0, 50.0, -65.0, 80.0, 95.5)
    twin = AbilityHandTwin()
    twin.body.position_deg[:] = joints
    given = {
        "position": [n * FULL_DEG / FULL_COUNTS for n in to_hand(joints, FULL_DEG)],
        "velocity": [round(n * FULL_DEG_S / FULL_COUNTS, 6) for n in to_hand(speeds, FULL_DEG_S)],
        "reply": twin.hear(AbilityHand().ask(), 0.0).hex(),
    }
    subprocess.run(
        [sys.executable, "-c", PEER],
        input=json.dumps(given),
        text=True,
        check=True,
        cwd=tmp_path,
        capture_output=True,
    )
    said = json.loads((tmp_path / "said.json").read_text())
    assert said["ask"] == AbilityHand().ask().hex()
    assert said["leave"] == AbilityHand().disarm(()).hex()
    for name, kind, asked, full in (
        ("position", POSITION, joints, FULL_DEG),
        ("velocity", VELOCITY, speeds, FULL_DEG_S),
    ):
        theirs = struct.unpack_from("<6h", frame_of(said[name]), 2)
        assert frame_of(said[name])[1] == kind + 2
        assert all(abs(a - b) <= 1 for a, b in zip(theirs, to_hand(asked, full), strict=True))
    (told,) = said["told"]
    counts = tuple(round(deg * FULL_COUNTS / FULL_DEG) for deg in told)
    assert from_hand(counts, FULL_DEG) == pytest.approx(joints, abs=0.005)


def frame_of(stuffed: str) -> bytes:
    frame = unstuff(bytes.fromhex(stuffed)[1:-1])
    assert frame is not None
    assert sum(frame) & 0xFF == 0
    return frame

"""Faults 20 to 40: each row holds, and fails where what protects the wearer is taken away."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

if shutil.which("gcc") is None:
    pytest.skip("no gcc here: apt-get install gcc", allow_module_level=True)

from firmware_bridge import simulated_hand
from firmware_bridge.firmware_library import c_model
from firmware_bridge.hands import HandSpec
from firmware_bridge.safety_limits import Limits
from firmware_bridge.simulated_joints import Joints
from firmware_bridge.wearer_limits import WearerLimits, limits_within
from flexor.fault_table import FAULTS, SAFE_MS
from flexor.fault_web import NONSENSE
from flexor.faults import row
from flexor.messages import Kind, unpack

pytestmark = pytest.mark.slow

HOST = [number for number in FAULTS if number >= 20]
REAL_MS = {36: 20.0, 29: 50.0}


@pytest.mark.parametrize("number", HOST)
def test_the_hand_is_safe_in_time_and_the_wearer_is_told(number: int) -> None:
    found = row(number)
    assert found["ok"], found
    assert found["budget_ms"] == REAL_MS.get(number, SAFE_MS)
    assert found["message"].strip().endswith((".", "}", ")")), found["message"]


def ignoring(*_: Any, **__: Any) -> None:
    """Does nothing."""


def limited(**changes: Any) -> Any:
    """Runs whose gate has other limits."""

    def limits(hand: HandSpec, wearer: WearerLimits) -> Limits:
        return replace(limits_within(hand, wearer), **changes)

    return patch("flexor.fault_bench.limits_within", limits)


@contextmanager
def fed_watchdog() -> Iterator[None]:
    """A firmware whose watchdog is fed by nobody's word: its time since a setpoint stands still."""
    advance: Callable[[Any, int], bytes] = c_model.advance

    def fed(mcu: Any, now_ms: int) -> bytes:
        mcu.c.setpoint_ms = mcu.c.now_ms
        return advance(mcu, now_ms)

    with patch.object(c_model, "advance", fed):
        yield


def strong_motors(hand: HandSpec) -> Joints:
    """Joints whose motors may draw anything."""
    joints = simulated_hand.joints_of(hand)
    return replace(joints, current_limit_ma=10_000)


def half_written(path: Path, data: bytes) -> None:
    """As a program writes that has never lost its power."""
    path.write_bytes(data[: len(data) // 2])
    path.write_bytes(data)


def unjudged(message: bytes) -> Any:
    """Takes a consumer's word as it is."""
    return unpack(message)[1]


def followed(path: Path) -> bytes:
    """Whatever is there, wherever it is."""
    return path.read_bytes()


def unlocked(*_: Any) -> Any:
    """As many loops for one hand as there are."""
    return nullcontext()


def unsealed(data: bytes) -> bytes:
    """Whatever its seal says."""
    return data[:-75] + b"}"


def awake(_loop: Any, chunks: Any, _now_s: float) -> Any:
    """Has never slept."""
    return chunks


def swap(name: str, other: Any) -> Callable[[], Any]:
    return lambda: patch(name, other)


TAKEN: dict[str, tuple[int, Callable[[], Any]]] = {
    "old windows are caught up with": (20, swap("flexor.sense.LATE_S", 1e9)),
    "nothing is ever forgotten": (21, swap("flexor.tally.Tally.forget", ignoring)),
    "nobody hears that the disk is full": (22, swap("flexor.listen.heed", ignoring)),
    "a file is written in place": (23, swap("flexor.fault_files.replace_file", half_written)),
    "no seal is looked at": (24, swap("models.contract_json.unsealed", unsealed)),
    "no spec is compared": (25, swap("models.decoder.check_spec", ignoring)),
    "links are followed": (26, swap("models.artifact._bytes", followed)),
    "no port is explained": (27, swap("acquisition.serial_port.why_refused", lambda *_: "No.")),
    "requests are sent for ever": (28, swap("firmware_bridge.session.TRIES_N", 1000)),
    "no current is too much": (29, swap("flexor.fault_bench.joints_of", strong_motors)),
    "the hand's watchdog is fed": (30, fed_watchdog),
    "a low battery changes nothing": (31, lambda: limited(low_battery_share=1.0)),
    "the door lets everybody in": (32, swap("flexor.door.GUESTS_N", 99)),
    "a consumer's word is taken as it is": (33, swap("flexor.feed.said", unjudged)),
    "nobody has to rest": (34, lambda: limited(rest_s=0.0)),
    "no hand is locked": (35, swap("flexor.fault_process.sole_control", unlocked)),
    "nobody listens": (36, swap("flexor.live.listen", ignoring)),
    "nothing is ever taken back": (37, swap("models.adapt.Adapter.roll_back", ignoring)),
    "no sleep is noticed": (38, swap("flexor.live.woke", awake)),
    "the gate lets any torque pass": (39, lambda: limited(torque=((1e9, 1e9),) * 2)),
    "nobody is told that the recorder is gone": (40, swap("flexor.listen.note", ignoring)),
}
"""What is taken away -> (row that has to fail, how)."""


@pytest.mark.parametrize("what", TAKEN)
def test_a_row_fails_where(what: str) -> None:
    number, taken = TAKEN[what]
    with taken():
        found = row(number)
    assert not found["ok"], found


def test_every_row_of_the_host_has_something_that_can_be_taken_away() -> None:
    assert {number for number, _ in TAKEN.values()} == set(HOST) == set(range(20, 41))


def test_what_no_consumer_says_is_told_in_different_ways() -> None:
    assert len(set(NONSENSE)) == len(NONSENSE) > 10
    assert {message[0] for message in NONSENSE} > {Kind.STATUS, Kind.SAMPLES}

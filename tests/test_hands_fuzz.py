"""No bytes that can arrive upset a hand's listener, fill the memory, or make it deaf."""

from __future__ import annotations

import random
from typing import Any

import pytest

from firmware_bridge.hands import HANDS
from tests.hand_rig import OWN, Rig

pytestmark = pytest.mark.edge

CHUNK_N, CHUNKS_N = 500, 400
MOST_N = 8192
"""More bytes than any listener needs to keep"""


def kept_n(thing: Any, deep: int = 4) -> int:
    """Bytes that a listener and its parts hold."""
    if deep < 0:
        return 0
    if isinstance(thing, (bytes, bytearray, str)):
        return len(thing)
    if isinstance(thing, (list, tuple, set, dict)):
        values = thing.values() if isinstance(thing, dict) else thing
        return sum(kept_n(value, deep - 1) for value in values)
    slots = getattr(thing, "__dict__", {})
    return sum(kept_n(value, deep - 1) for value in slots.values())


@pytest.mark.parametrize("name", sorted(set(HANDS) - OWN))
def test_200_000_random_bytes_leave_a_listener_whole(name: str) -> None:
    rig = Rig(name)
    said: list[bytes] = []
    read = rig.port.read
    rig.port.read = lambda: said.append(read()) or said[-1]  # type: ignore[method-assign, func-returns-value]
    rig.run(0.5)
    ear, rng = rig.link.dialect.ear(), random.Random(4)
    for _ in range(CHUNKS_N):
        ear.hear(rng.randbytes(CHUNK_N))
        assert kept_n(ear) < MOST_N
    good = b"".join(said)
    assert any(reading.position_deg for reading in ear.hear(good) + ear.hear(good))

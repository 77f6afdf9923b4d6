"""What every hand has to bear and to do, beside the contract."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Reading
from firmware_bridge.emulators.twin import HandTwin, TwinPort
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Do, Output

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "actuator_vectors.json").read_text()
)
NOISE_N = 200_000
HELD_N = 2_000
"""An ear holds no more bytes and numbers than that."""


def vectors(protocol: str) -> dict[str, bytes]:
    """what -> bytes, of one protocol."""
    return {v["what"]: bytes.fromhex(v["hex"]) for v in VECTORS if v["protocol"] == protocol}


def held_n(thing: Any) -> int:
    """Bytes and other values that an object holds."""
    if isinstance(thing, (bytes, bytearray, str)):
        return len(thing)
    if isinstance(thing, dict):
        return sum(held_n(value) for value in thing.values())
    if isinstance(thing, (list, tuple, set)):
        return sum(held_n(value) for value in thing)
    return 1 if callable(thing) else sum(map(held_n, getattr(thing, "__dict__", {}).values())) + 1


def survives_noise(ear: Ear, good: bytes, heads: bytes) -> list[Reading]:
    """Lets the ear hear 200,000 random bytes, a tenth of them out of `heads`, in pieces of any
    size; gives what it understands of `good` behind them."""
    rng = random.Random(20)
    noise = bytes(
        rng.choice(heads) if rng.random() < 0.1 else rng.randrange(256) for _ in range(NOISE_N)
    )
    at = 0
    while at < NOISE_N:
        step = rng.choice((1, 7, 64, 500))
        ear.hear(noise[at : at + step])
        at += step
        if at % 50 == 0:
            assert held_n(ear) < HELD_N
    assert held_n(ear) < HELD_N
    return ear.hear(good)


def closes_and_stops(open_it: Callable[..., Any], argument: str, twin: HandTwin) -> None:
    """Connects, arms, closes for half a second at 30 deg/s, stops: the contract in short, for
    settings that the contract does not open."""
    now = [10.0]
    port = TwinPort(twin, lambda: now[0])
    link = open_it(argument, port=port, clock=lambda: now[0])
    link.hello(now[0])

    def run(seconds: float, speed: float | None) -> None:
        for n in range(round(seconds / 0.005)):
            now[0] += 0.005
            link.poll(now[0])
            if speed is not None and n % 5 == 0:
                joints = (speed,) * len(link.hand.joints)
                link.send(Output(Do.SETPOINT, Mode.VELOCITY, joints, 0.150, n), now[0])

    run(0.3, None)
    assert link.up
    link.send(Output(Do.ARM), now[0])
    run(0.1, 0.0)
    assert link.state is HandState.ARMED
    run(0.5, 30.0)
    assert twin.body.position_deg == pytest.approx([15.0] * len(twin.body.position_deg), abs=4.0)
    assert link.at_deg == pytest.approx(twin.body.position_deg, abs=3.0)
    link.send(Output(Do.ESTOP), now[0])
    run(0.025, None)
    assert not twin.body.moving
    link.close()


class SdkPort:
    """What the libraries of the servos' makers need of a port; our twin is behind it."""

    def __init__(self, twin: HandTwin | None = None) -> None:
        self.twin, self.written, self.inside, self.is_using = twin, b"", b"", False

    def clearPort(self) -> None:  # noqa: N802
        self.inside = b""

    def writePort(self, packet: Any) -> int:  # noqa: N802
        self.written = bytes(packet)
        self.inside += self.twin.hear(self.written, 0.0) if self.twin else b""
        return len(packet)

    def readPort(self, length: int) -> list[int]:  # noqa: N802
        data, self.inside = self.inside[:length], self.inside[length:]
        return list(data)

    def setPacketTimeout(self, length: int) -> None:  # noqa: N802
        """Nothing waits here."""

    def isPacketTimeout(self) -> bool:  # noqa: N802
        return not self.inside

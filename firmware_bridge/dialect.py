"""What differs between the hands that people own: pure functions from joints to bytes and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, NamedTuple, Protocol, TypeVar

from firmware_bridge.command import Mode
from firmware_bridge.hands import HandSpec
from firmware_bridge.link import HandFlag

T = TypeVar("T")


class Silence(Enum):
    """What a hand does by itself when nothing comes any more (protocols 0.5, C5)."""

    HOLDS = "holds the last target for ever"
    STOPS = "stops where it is"
    LETS_GO = "switches its motors off"
    LEAVES = "leaves its remote mode, perhaps with a movement of its own"


class Reading(NamedTuple):
    """What one reply told, in our units. What it did not tell stays as it was."""

    position_deg: tuple[float | None, ...] = ()
    """(joint,); None for joints that it does not tell of"""
    current_a: tuple[float | None, ...] = ()
    """(joint,)"""
    temperature_c: tuple[float | None, ...] = ()
    """(joint,)"""
    trip: str = ""
    """why the hand protects itself, for a person; "" while all is well"""
    flags: HandFlag = HandFlag(0)
    """the same for the gate, where the hand tells so much"""


UNTOLD = Reading()
"""Nothing is known of motors: at the start, and when the hand is armed or cleared."""


class Wanted(NamedTuple):
    """Bytes for the hand, and what they ask for after rounding to its counts."""

    data: bytes
    joints: tuple[float, ...]
    """(joint,) deg, deg/s or Nm, as the dialect's mode says"""


class Ear(Protocol):
    """Collects bytes and understands them. Never raises for what can arrive."""

    @property
    def damaged_n(self) -> int:
        """Frames whose check sum, length or content was wrong."""
        ...

    def hear(self, data: bytes) -> list[Reading]: ...


class Pieces(Protocol[T]):
    """Cuts bytes into lines or frames, and counts what is none."""

    damaged_n: int

    def split(self, data: bytes) -> list[T]: ...


class Damaged(Exception):
    """A whole line or frame that nobody can have meant."""


class PieceEar(Generic[T]):
    """An ear that cuts what comes and reads each piece: None for what is not for us."""

    def __init__(self, pieces: Pieces[T], read: Callable[[T], Reading | None]) -> None:
        """`read` raises Damaged."""
        self._pieces, self._read, self._wrong_n = pieces, read, 0

    @property
    def damaged_n(self) -> int:
        return self._pieces.damaged_n + self._wrong_n

    def hear(self, data: bytes) -> list[Reading]:
        readings = []
        for piece in self._pieces.split(data):
            try:
                reading = self._read(piece)
            except Damaged:
                self._wrong_n += 1
                continue
            if reading is not None:
                readings.append(reading)
        return readings


@dataclass(frozen=True)
class Facts:
    """What is known of a kind of hand before it is connected."""

    spec: HandSpec
    mode: Mode
    """what its setpoints are: a hand of positions sums velocities up, and only one of torques takes
    torques"""
    on_silence: Silence
    native_timeout_s: float | None
    """after which `on_silence` happens; None where the hand holds for ever"""
    max_rate_hz: float
    """setpoints that it takes per second"""
    holds_unpowered: bool = False
    """whether its fingers stay where they are without current, as worm drives do"""
    asks_hz: float = 50.0
    """how often it is asked for its state, where setpoints do not bring it"""
    setpoints_answer: bool = False
    """whether setpoints bring its state, and it is asked only while none are sent"""


class Dialect(Protocol):
    """How one kind of hand is spoken to. Bytes are made here and nowhere else."""

    @property
    def facts(self) -> Facts: ...

    def greet(self) -> bytes:
        """Asks who is there: any right answer makes the link."""
        ...

    def ask(self) -> bytes:
        """Asks for its state; b"" where it tells by itself."""
        ...

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """Makes it ready to follow, without a movement. It stands at `at_deg`."""
        ...

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        """(joint,) targets in deg, deg/s or Nm, within its limits."""
        ...

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        """Stops every joint where it stands (protocols B14). Sent first on any fault."""
        ...

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """What leaves it at rest and deaf to setpoints, where it can be; behind a stop."""
        ...

    def ear(self) -> Ear:
        """A fresh listener."""
        ...


def placed(before_deg: tuple[float, ...], told_deg: tuple[float | None, ...]) -> tuple[float, ...]:
    """(joint,) where the joints stand when some of them are told of anew; () until all were."""
    rows = zip(told_deg, before_deg or (None,) * len(told_deg), strict=True)
    merged = [old if new is None else new for new, old in rows]
    known = [deg for deg in merged if deg is not None]
    return tuple(known) if len(known) == len(merged) else before_deg


def merged(before: Reading, now: Reading) -> Reading:
    """Currents, temperatures and flags as they are known after another reading."""
    return Reading(
        (),
        _newest(before.current_a, now.current_a),
        _newest(before.temperature_c, now.temperature_c),
        "",
        before.flags | now.flags,
    )


def _newest(
    before: tuple[float | None, ...], now: tuple[float | None, ...]
) -> tuple[float | None, ...]:
    rows = zip(before, now, strict=False) if before else [(None, new) for new in now]
    return tuple(old if new is None else new for old, new in rows) or before

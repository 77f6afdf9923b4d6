"""Touch Bionics robo-limb (the i-limb for research) over CAN at 1 Mbit/s.

Facts: intellsensing/robolimb@41b30424. Its fingers know no positions: they run at a speed until
they are stopped or stall. So where they stand is reckoned from how long they said that they moved,
and set right when they report that they are open.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from acquisition.stream import Refused
from acquisition.words import Setting, split_argument
from firmware_bridge.can_frames import CanFrame, CanFrames, pack
from firmware_bridge.can_port import open_can_dialect
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Ear, Facts, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec, Joint

BITRATE_HZ = 1_000_000
NAMES = ("thumb", "index", "middle", "ring", "little", "thumb_rotation")
"""of the fingers 1 to 6"""
COMMAND_ID = 0x100
STOP, CLOSE, OPEN = range(3)
STOPPED, CLOSING, OPENING, STALLED_CLOSED, STALLED_OPEN = range(5)
"""what a finger says of itself"""
SLOWEST, FASTEST = 10, 297
FULL_DEG = 100.0
"""What we call a closed finger; the hand tells no angles."""
CLOSE_S = (0.3, 5.0)
"""Seconds of a full closing at full speed that can be true."""
SETTINGS: dict[str, Setting] = {"close_s": 1.0}
COUNTS_PER_A = 21.825
OPENING_SHARE = 0.8
"""Opening is reckoned slower than it is told: so a finger is open, and says so, before the
reckoning would end its movement. For the same reason it is taken to be closed at first."""
LONGEST_STEP_S = 0.100
"""Longest time between two reports that is reckoned with."""


def order(finger: int, action: int, speed: int = FASTEST) -> CanFrame:
    """One finger, 1 to 6, to close, open or stop."""
    return CanFrame(COMMAND_ID + finger, bytes([0, action]) + speed.to_bytes(2, "big"))


ALL_STOP = pack(*(order(finger, STOP) for finger in range(1, len(NAMES) + 1)))


def count_of(share: float) -> int:
    """The finger's speed, cut towards 0; 0 for what is slower than it can go."""
    count = int(min(abs(share), 1.0) * FASTEST)
    return count if count >= SLOWEST else 0


def facts_of(close_s: float) -> Facts:
    """What is known of a hand that closes in that time at full speed."""
    top = FULL_DEG / close_s
    return Facts(
        HandSpec("robo-limb", tuple(Joint(n, (0.0, FULL_DEG), top, 10 * top) for n in NAMES)),
        Mode.VELOCITY,
        Silence.HOLDS,
        None,
        max_rate_hz=50.0,
        holds_unpowered=True,
        setpoints_answer=True,
    )


class RoboLimb:
    """The dialect. A finger that is not told to move is told to stop, in every setpoint."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, close_s: float = 1.0) -> None:
        self.facts = facts_of(close_s)
        self.clock, self._top_deg_s = clock, FULL_DEG / close_s
        self.asked_deg_s = [0.0] * len(NAMES)
        """what each finger was last told, for the reckoning"""

    def greet(self) -> bytes:
        return ALL_STOP

    def ask(self) -> bytes:
        return ALL_STOP

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        return ALL_STOP

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        orders, speeds = [], []
        for finger, deg_s in enumerate(joints, 1):
            count = count_of(deg_s / self._top_deg_s)
            action = STOP if not count else CLOSE if deg_s > 0 else OPEN
            orders.append(order(finger, action, count or FASTEST))
            speed = count * self._top_deg_s / FASTEST
            speeds.append(speed if deg_s > 0 else -speed)
        self.asked_deg_s = speeds
        return Wanted(pack(*orders), tuple(speeds))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return ALL_STOP

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        return b""

    def ear(self) -> Ear:
        return _Ear(self)


class _Ear:
    """Reckons positions out of what the fingers say that they do."""

    def __init__(self, hand: RoboLimb) -> None:
        n = len(NAMES)
        self._hand, self._frames, self._wrong_n = hand, CanFrames(), 0
        self._at_deg: list[float | None] = [None] * n
        self._current_a: list[float | None] = [None] * n
        self._speed_deg_s = [0.0] * n
        self._since_s = [0.0] * n

    @property
    def damaged_n(self) -> int:
        return self._frames.damaged_n + self._wrong_n

    def hear(self, data: bytes) -> list[Reading]:
        now_s, heard = self._hand.clock(), False
        for frame in self._frames.split(data):
            heard = self._learn(frame, now_s) or heard
        return [Reading(tuple(self._at_deg), tuple(self._current_a))] if heard else []

    def _learn(self, frame: CanFrame, now_s: float) -> bool:
        """Whether it was a finger's report. Other devices on the bus are passed over."""
        finger = frame.number & 0xF
        if frame.extended or frame.remote or not 1 <= finger <= len(NAMES):
            return False
        if len(frame.data) != 4 or frame.number & 0xF0 or frame.data[1] > STALLED_OPEN:
            self._wrong_n += 1
            return False
        status, joint = frame.data[1], finger - 1
        self._current_a[joint] = int.from_bytes(frame.data[2:], "big") / COUNTS_PER_A
        self._at_deg[joint] = self._reckon(joint, status, now_s)
        moves = status in (CLOSING, OPENING)
        self._speed_deg_s[joint] = self._hand.asked_deg_s[joint] if moves else 0.0
        self._since_s[joint] = now_s
        return True

    def _reckon(self, joint: int, status: int, now_s: float) -> float:
        if status == STALLED_OPEN:
            return 0.0
        before = self._at_deg[joint]
        if before is None:
            return FULL_DEG
        step_s = min(now_s - self._since_s[joint], LONGEST_STEP_S)
        speed = self._speed_deg_s[joint] * (OPENING_SHARE if self._speed_deg_s[joint] < 0 else 1)
        return min(max(before + speed * step_s, 0.0), FULL_DEG)


def open_robolimb(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand at a CAN interface: "can0,close_s=1.2". `port` stands for it, as in tests.

    Refuses an interface that is missing, down or not permitted, and a time that cannot be.
    """
    channel, settings = split_argument(argument, SETTINGS, "robolimb")
    close_s = float(settings["close_s"])
    if not CLOSE_S[0] <= close_s <= CLOSE_S[1]:
        raise Refused(f"close_s is from {CLOSE_S[0]:g} to {CLOSE_S[1]:g} s, not {close_s:g}.")
    return open_can_dialect(RoboLimb(clock, close_s), channel, BITRATE_HZ, port, clock)

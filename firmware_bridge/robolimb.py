"""Touch Bionics robo-limb (the i-limb for research) over CAN at 1 Mbit/s.

Facts: intellsensing/robolimb@41b30424. Its fingers know no positions: they run at a speed until
they are stopped or stall. So where they stand is reckoned from how long they said that they moved,
and set right at each end that they report.
"""

from __future__ import annotations

import time
from collections.abc import Callable

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
FULL_DEG, TOP_DEG_S = 100.0, 100.0
"""Full closing in a second at full speed; the maker tells no angles."""
COUNTS_PER_A = 21.825
MIDDLE_DEG, NEAR_END_DEG = 50.0, 2.0
"""Where a finger is taken to be before it reached an end, and how near it comes to one by
reckoning alone: only the finger itself says that it has arrived."""
LONGEST_STEP_S = 0.100
"""Longest time between two reports that is reckoned with."""
SPEC = HandSpec(
    "robo-limb", tuple(Joint(name, (0.0, FULL_DEG), TOP_DEG_S, 1000.0) for name in NAMES)
)
FACTS = Facts(
    SPEC,
    Mode.VELOCITY,
    Silence.HOLDS,
    None,
    max_rate_hz=50.0,
    holds_unpowered=True,
    setpoints_answer=True,
)


def order(finger: int, action: int, speed: int = FASTEST) -> CanFrame:
    """One finger, 1 to 6, to close, open or stop."""
    return CanFrame(COMMAND_ID + finger, bytes([0, action]) + speed.to_bytes(2, "big"))


ALL_STOP = pack(*(order(finger, STOP) for finger in range(1, len(NAMES) + 1)))


def count_of(deg_s: float) -> int:
    """The finger's speed, cut towards 0; 0 for what is slower than it can go."""
    count = int(min(abs(deg_s) / TOP_DEG_S, 1.0) * FASTEST)
    return count if count >= SLOWEST else 0


class RoboLimb:
    """The dialect. A finger that is not told to move is told to stop, in every setpoint."""

    facts = FACTS

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
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
            count = count_of(deg_s)
            action = STOP if not count else CLOSE if deg_s > 0 else OPEN
            orders.append(order(finger, action, count or FASTEST))
            speed = count * TOP_DEG_S / FASTEST
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
            return MIDDLE_DEG
        step_s = min(now_s - self._since_s[joint], LONGEST_STEP_S)
        moved = before + self._speed_deg_s[joint] * step_s
        if status == STALLED_CLOSED:
            return moved  # on an object as often as at the end
        low = NEAR_END_DEG if self._speed_deg_s[joint] < 0 else 0.0
        high = FULL_DEG - NEAR_END_DEG if self._speed_deg_s[joint] > 0 else FULL_DEG
        return min(max(moved, min(low, before)), max(high, before))


def open_robolimb(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand at a CAN interface, e.g. "can0". `port` stands for it, as in tests.

    Refuses an interface that is missing, down or not permitted.
    """
    return open_can_dialect(RoboLimb(clock), argument, BITRATE_HZ, port, clock)

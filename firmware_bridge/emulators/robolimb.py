"""The robo-limb: fingers that run until they are stopped or stall, and report what they do."""

from __future__ import annotations

from firmware_bridge.can_frames import CanFrame, CanFrames, pack
from firmware_bridge.emulators.twin import Body
from firmware_bridge.robolimb import (
    CLOSE,
    CLOSING,
    COMMAND_ID,
    FASTEST,
    FULL_DEG,
    NAMES,
    OPENING,
    STALLED_CLOSED,
    STALLED_OPEN,
    STOPPED,
    facts_of,
)

CLOSE_S = 1.0

REPORT_ID = 0x200
REPORT_S = 0.020


class RoboLimbTwin:
    """One hand, open as when it was switched on. It tells of no protection: `trip` does nothing."""

    def __init__(self) -> None:
        self.body = Body(facts_of(CLOSE_S).spec)
        self.trip = False
        self._frames = CanFrames()
        self._driven = [0.0] * len(NAMES)
        self._next_s = 0.0

    def hear(self, data: bytes, now_s: float) -> bytes:
        answers = []
        for frame in self._frames.split(data):
            finger = frame.number - COMMAND_ID
            if 1 <= finger <= len(NAMES) and len(frame.data) == 4 and frame.data[1] <= 2:
                speed = int.from_bytes(frame.data[2:], "big") * FULL_DEG / CLOSE_S / FASTEST
                signs = {CLOSE: 1.0, 2: -1.0}
                self._driven[finger - 1] = speed * signs.get(frame.data[1], 0.0)
                self.body.drive_at(finger - 1, self._driven[finger - 1])
                answers.append(self._report(finger))
        return pack(*answers)

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        if now_s < self._next_s:
            return b""
        self._next_s = now_s + REPORT_S
        return pack(*(self._report(finger) for finger in range(1, len(NAMES) + 1)))

    def _report(self, finger: int) -> CanFrame:
        speed, at = self._driven[finger - 1], self.body.position_deg[finger - 1]
        status = STOPPED
        if at <= 0.0 and speed <= 0.0:
            status = STALLED_OPEN
        elif speed > 0.0:
            stuck = finger - 1 in self.body.stuck or at >= FULL_DEG
            status = STALLED_CLOSED if stuck else CLOSING
        elif speed < 0.0:
            status = OPENING
        return CanFrame(REPORT_ID + finger, bytes([0, status, 0, 22 if speed else 0]))

"""The Mia hand: positions, speeds, and its stream of positions at 50 Hz. It never times out."""

from __future__ import annotations

from firmware_bridge.emulators.twin import Body
from firmware_bridge.mia import COMMAND_N, FULL_DEG, FULL_N, MOTORS, SPEC, counts_of

STREAM_S = 0.020
_JOINTS = {motor: joint for joint, motor in enumerate(MOTORS.values())}


class MiaTwin:
    """One hand. Nothing in its protocol tells that it protects itself, so `trip` does nothing."""

    def __init__(self) -> None:
        self.body = Body(SPEC)
        self.trip = False
        self._rest = b""
        self._next_s: float | None = None

    def hear(self, data: bytes, now_s: float) -> bytes:
        *parts, self._rest = (self._rest + data).split(b"*\r")
        self._rest = self._rest[-COMMAND_N:]
        return b"".join(self._obey(part, now_s) for part in parts if len(part) == COMMAND_N)

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        if self._next_s is None or now_s < self._next_s:
            return b""
        self._next_s = now_s + STREAM_S
        thumb, index, rest = counts_of(tuple(self.body.position_deg))
        told = " ; ".join(f"+{n:05d}" for n in (thumb, rest, index, 0))
        return f"enc : {told}\n".encode("ascii")

    def _obey(self, part: bytes, now_s: float) -> bytes:
        if part == b"@?AreYouPlugged?":
            return b"<?YesIAm>\r\n"
        text = part.decode("latin-1")
        if text.startswith("@ADP"):
            self._next_s = now_s if text[4] == "1" else None
        elif text[0] == "@" and text[1] in "123":
            self._drive(_JOINTS[int(text[1])], text)
        return b""

    def _drive(self, joint: int, text: str) -> None:
        digits = {"P": text[4:8], "S": text[8:10]}.get(text[2], "")
        if not (digits.isdigit() and text[3] in "+-"):
            return
        value = float(text[3] + digits)
        if text[2] == "P":
            self.body.drive_to(joint, value * FULL_DEG / FULL_N)
        else:
            self.body.drive_at(joint, value / 99 * SPEC.joints[joint].max_velocity_deg_s)

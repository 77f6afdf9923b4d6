"""The Brunel hand: its lines, its echo, its toggles, and a halt that lasts until it is switched."""

from __future__ import annotations

from firmware_bridge.brunel import CLOSED_N, OPEN_N, SPEC, counts_of, degrees_of
from firmware_bridge.emulators.twin import Body

BUFFER_N = 64
ALLOWED = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz #,?")


class BrunelTwin:
    """One hand. `mode` and `motors` are kept in its memory when it is switched off."""

    def __init__(self, mode: str = "None", motors: bool = True) -> None:
        self.body = Body(SPEC)
        self.trip = False
        self.mode, self.motors = mode, motors
        self.toggles: list[str] = []
        """commands that changed what it keeps in memory"""
        self._line = bytearray()
        self._halted = False

    def hear(self, data: bytes, now_s: float) -> bytes:
        answers = []
        for byte in data:
            if self._halted:
                break
            if byte not in (10, 13):
                if byte in ALLOWED and len(self._line) < BUFFER_N:
                    self._line.append(byte)
            elif self._line:
                line, self._line = self._line.decode("ascii"), bytearray()
                answers.append(f"\n{line}\r\n" + self._obey(line))
        return "".join(answers).encode("ascii")

    def advance(self, now_s: float) -> bytes:
        self.body.advance(now_s)
        if not self.trip or self._halted:
            return b""
        self._halted = True
        self.body.let_go()
        return b"Fatal Error 008 - CPU has reached maximum temperature\n" + 5 * (
            b"******* Halting Program *******\r\n"
        )

    def _obey(self, line: str) -> str:
        if line == "#":
            motors = "ENABLED" if self.motors else "DISABLED"
            title = "     System Diagnostics\r\nErrors:\t\nMode:\t"
            return f"{title}{self.mode}\r\nMotors:\t{motors}\r\n"
        if line == "A6":
            told = counts_of(tuple(self.body.position_deg))
            return ",".join(map(str, told)) + ",\r\n"
        if line == "A4":
            self.toggles.append(line)
            self.mode = "None" if self.mode == "CSV" else "CSV"
            return f"CSV mode {'ENABLED' if self.mode == 'CSV' else 'DISABLED'}\r\n"
        if line == "X":
            self.toggles.append(line)
            self.mode = "None"
            return "Exit All Modes\r\n"
        if self.mode == "CSV" and self.motors and line[0].isdigit():
            self._drive(line.split(","))
        return ""

    def _drive(self, words: list[str]) -> None:
        counts = tuple(min(max(int(word), OPEN_N), CLOSED_N) for word in words if word.isdigit())
        if len(counts) == len(SPEC.joints):
            for joint, deg in enumerate(degrees_of(counts)):
                self.body.drive_to(joint, deg)

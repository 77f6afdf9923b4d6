"""Lines of text out of bytes that come in pieces, for hands that speak ASCII."""

from __future__ import annotations

LONGEST_N = 256
"""No hand's line is longer; what goes on without an end is noise."""


class Lines:
    """Splits at line ends. Empty lines are left out."""

    def __init__(self) -> None:
        self.damaged_n = 0
        """lines that were not ASCII, or never ended"""
        self._rest = b""

    def split(self, data: bytes) -> list[str]:
        """The whole lines that have come, without their ends and outer blanks."""
        *parts, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        if len(self._rest) > LONGEST_N:
            self._rest, self.damaged_n = b"", self.damaged_n + 1
        lines = []
        for part in filter(None, parts):
            if len(part) <= LONGEST_N and part.isascii():
                lines.append(part.decode("ascii").strip())
            else:
                self.damaged_n += 1
        return [line for line in lines if line]

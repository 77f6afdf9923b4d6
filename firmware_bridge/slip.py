"""SLIP frames (RFC 1055): an end byte before and behind, and no end byte within."""

from __future__ import annotations

END, ESCAPE, FOR_END, FOR_ESCAPE = 0xC0, 0xDB, 0xDC, 0xDD
LONGEST_N = 200
"""Bytes of a frame that OpenExo's board takes at most; what goes on is noise."""


def slip(content: bytes) -> bytes:
    """The frame, with an end byte before it too: that ends what noise began."""
    escaped = content.replace(bytes([ESCAPE]), bytes([ESCAPE, FOR_ESCAPE]))
    escaped = escaped.replace(bytes([END]), bytes([ESCAPE, FOR_END]))
    return bytes([END]) + escaped + bytes([END])


class Slip:
    """Collects bytes into frames. Wrong escapes and frames that are too long are counted."""

    def __init__(self) -> None:
        self.damaged_n = 0
        self._rest = b""

    def split(self, data: bytes) -> list[bytes]:
        """The contents that these bytes complete; empty frames are left out."""
        *parts, self._rest = (self._rest + data).split(bytes([END]))
        if len(self._rest) > 2 * LONGEST_N:
            self._rest, self.damaged_n = b"", self.damaged_n + 1
        contents = [_content(part) for part in filter(None, parts)]
        self.damaged_n += contents.count(None)
        return [content for content in contents if content is not None]


def _content(part: bytes) -> bytes | None:
    """What was escaped; None for what nobody has escaped so."""
    first, *escaped = part.split(bytes([ESCAPE]))
    if any(piece[:1] not in (bytes([FOR_END]), bytes([FOR_ESCAPE])) for piece in escaped):
        return None
    meant = {FOR_END: END, FOR_ESCAPE: ESCAPE}
    content = first + b"".join(bytes([meant[piece[0]]]) + piece[1:] for piece in escaped)
    return content if len(content) <= LONGEST_N else None

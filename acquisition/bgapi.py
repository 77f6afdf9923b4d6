"""Packets of Bluegiga's BGAPI, which a BLED112 dongle speaks over its serial port.

A packet is `type, length, class, command, payload`; integers are little endian. Nothing marks its
beginning and no checksum guards it, so a packet counts only if its kind is known and its length is
what that kind has. Facts: PerlinWarp/pyomyo@6c1728eb, dzhu/myo-raw@6873d04d.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from acquisition.stream import Counts

COMMAND, EVENT = 0x00, 0x80
"""A reply has the type of its command."""
HEADER_N = 4
DISCONNECT, DROPPED, STATUS = (3, 0), (3, 4), (3, 0)
READ, WRITE, DONE, VALUE = (4, 4), (4, 5), (4, 1), (4, 5)
DISCOVER, CONNECT, END, SCANNED = (6, 2), (6, 3), (6, 4), (6, 0)
"""(class, command) of what is asked, replied and told"""

REPLY_N = {DISCONNECT: 3, READ: 3, WRITE: 3, DISCOVER: 2, CONNECT: 3, END: 2}
EVENT_N = {STATUS: 16, (3, 1): 6, DROPPED: 3, DONE: 5, (4, 0): 3, (0, 0): 12}
"""bytes of payloads of one length; (3, 1) tells the other side's version, (4, 0) an indication,
(0, 0) a dongle that restarted"""
LENGTHS = {(COMMAND, *kind): n for kind, n in REPLY_N.items()} | {
    (EVENT, *kind): n for kind, n in EVENT_N.items()
}
VALUE_HEAD_N, VALUE_MOST_N = 5, 22
"""connection, attribute, type, length; an attribute's value fits a Bluetooth packet"""
SCANNED_HEAD_N, SCANNED_MOST_N = 11, 31
NOTIFIED = 1
"""type of a value that came by itself; 0 is one that was asked for"""

_BEGIN = re.compile(rb"[\x00\x80]")


class Packet(NamedTuple):
    """One reply or event."""

    event: bool
    kind: tuple[int, int]
    """(class, command)"""
    payload: bytes


def pack(kind: tuple[int, int], payload: bytes = b"") -> bytes:
    """The bytes of a command; a twin's replies look the same."""
    return bytes([COMMAND, len(payload), *kind]) + payload


def pack_event(kind: tuple[int, int], payload: bytes) -> bytes:
    return bytes([EVENT, len(payload), *kind]) + payload


def _packet_n(held: bytes, at: int) -> int:
    """Bytes of the packet that begins there; 0 if none does, -1 if too few are there to tell."""
    head = held[at : at + HEADER_N]
    if len(head) < HEADER_N:
        return -1 if head[0] in (COMMAND, EVENT) else 0
    kind = (head[0], head[2], head[3])
    known = LENGTHS.get(kind)
    if known is not None:
        return HEADER_N + known if head[1] == known else 0
    if kind == (EVENT, *VALUE):
        first_n, most_n = VALUE_HEAD_N, VALUE_MOST_N
    elif kind == (EVENT, *SCANNED):
        first_n, most_n = SCANNED_HEAD_N, SCANNED_MOST_N
    else:
        return 0
    inner_n = head[1] - first_n
    if not 0 <= inner_n <= most_n:
        return 0
    length_at = at + HEADER_N + first_n - 1
    if len(held) <= length_at:
        return -1
    return HEADER_N + head[1] if held[length_at] == inner_n else 0


class Packets:
    """Collects bytes and gives whole packets; what is none is skipped and counted."""

    def __init__(self, counts: Counts | None = None) -> None:
        self._counts = counts or Counts()
        self._rest = b""
        self._in_step = False

    def feed(self, data: bytes) -> list[Packet]:
        held, at = self._rest + data, 0
        found: list[Packet] = []
        while at < len(held):
            packet_n = _packet_n(held, at)
            if packet_n < 0 or packet_n > len(held) - at:
                break
            if packet_n:
                body = held[at : at + packet_n]
                found.append(Packet(body[0] == EVENT, (body[2], body[3]), body[HEADER_N:]))
                self._in_step = True
                at += packet_n
            else:
                at += self._skip(held, at)
        self._rest = held[at:]
        return found

    def _skip(self, held: bytes, at: int) -> int:
        """Bytes to the next one that a packet may begin with."""
        begin = _BEGIN.search(held, at + 1)
        step = (begin.start() if begin else len(held)) - at
        self._counts.resyncs += self._in_step
        self._counts.damaged_frames += self._in_step
        self._counts.garbage_bytes += step
        self._in_step = False
        return step

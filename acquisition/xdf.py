"""XDF 1.0 as bytes: how a recording grows on the disk, chunk by chunk.

No array library: the recorder is a process of its own, and numpy would more than double its memory.
Format: github.com/sccn/xdf/wiki/Specifications.
"""

from __future__ import annotations

import io
import json
import os
import re
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from enum import IntEnum
from typing import Any

MAGIC = b"XDF:"
BOUNDARY = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
"""By these 16 bytes (the format's) a reader finds its way again behind a damaged block."""


class Tag(IntEnum):
    """What a chunk of the file is."""

    FILE_HEADER = 1
    STREAM_HEADER = 2
    SAMPLES = 3
    CLOCK_OFFSET = 4
    BOUNDARY = 5
    STREAM_FOOTER = 6


class Stream(IntEnum):
    """The streams of a recording; the number is the stream's id in the file."""

    EMG = 1
    MARKERS = 2
    INTENTS = 3
    COMMANDS = 4
    LOST = 5
    MOTION = 6
    MOTION_LOST = 7
    STATES = 8


LOSS_OF = {Stream.EMG: Stream.LOST, Stream.MOTION: Stream.MOTION_LOST}
"""Stream of samples -> the stream that counts what is missing in it."""


def stream_name(stream: Stream) -> str:
    """By this name a reader knows a stream of ours, e.g. "flexor.emg"."""
    return f"flexor.{stream.name.lower()}"


def chunk(tag: Tag, content: bytes) -> bytes:
    """One chunk of the file. Its length counts the tag, and always takes four bytes."""
    return struct.pack("<BIH", 4, len(content) + 2, tag) + content


def samples(stream: Stream, clock_s: float, rows: bytes, row_bytes: int) -> bytes:
    """A Samples chunk of `rows`, `row_bytes` each; only the first row carries its stamp."""
    split = [rows[i : i + row_bytes] for i in range(0, len(rows), row_bytes)]
    head = struct.pack("<IBIBd", stream, 4, len(split), 8, clock_s)
    return chunk(Tag.SAMPLES, head + b"\x00".join(split))


def text_sample(stream: Stream, clock_s: float, text: str) -> bytes:
    """A Samples chunk of one stamped string."""
    data = text.encode("utf-8", "replace")
    head = struct.pack("<IBBBdBI", stream, 1, 1, 8, clock_s, 4, len(data))
    return chunk(Tag.SAMPLES, head + data)


def walk(data: memoryview) -> Iterator[tuple[int, memoryview, int]]:
    """(tag, content, end of the chunk in the file) of every whole chunk.

    Stops before the first that is cut short or whose length is not one: what a power cut
    leaves at the end of a file.
    """
    at = len(MAGIC)
    while at < len(data):
        size_bytes = data[at]
        begin = at + 1 + size_bytes
        if size_bytes not in (1, 4, 8) or begin > len(data):
            return
        end = begin + int.from_bytes(data[at + 1 : begin], "little")
        if end > len(data) or end < begin + 2:
            return
        yield int.from_bytes(data[begin : begin + 2], "little"), data[begin + 2 : end], end
        at = end


def stamp(content: memoryview) -> float:
    """Clock of the first sample of a Samples chunk's content. Raises ValueError without one."""
    at = 5 + content[4]
    if content[at] != 8:
        raise ValueError("The first sample has no stamp.")
    return float(struct.unpack("<d", content[at + 1 : at + 9])[0])


class Writer:
    """A recording that is being written: each call puts one whole chunk into the file.

    `file` is unbuffered, so that what a call wrote survives the end of this process; what is
    older than `sync_every_s` survives a power cut too. Every call may raise OSError (a full
    disk): the file then ends with the last whole chunk.
    """

    def __init__(
        self,
        file: io.FileIO,
        spec: Mapping[str, Any],
        source: str,
        motion: Mapping[str, Any] | None = None,
        *,
        sync_every_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.bytes_n = 0
        """Bytes of whole chunks in the file."""
        self.samples_n = 0
        """EMG samples written."""
        self._file = file
        self._specs = {Stream.EMG: spec}
        if motion is not None:
            self._specs[Stream.MOTION] = motion
        sparse = {Stream.MARKERS, Stream.INTENTS, Stream.COMMANDS, Stream.STATES}
        self._streams = sorted({*sparse, *self._specs, *(LOSS_OF[each] for each in self._specs)})
        self._spans: dict[Stream, tuple[float, float, int]] = {}
        self._sync_every_s = sync_every_s
        self._clock = clock
        self._synced_s = clock()
        wall_s = wall_clock()
        offset_s = wall_s - clock()
        self._append(MAGIC + chunk(Tag.FILE_HEADER, _file_header(wall_s, offset_s)))
        for stream in self._streams:
            header = _stream_header(stream, self._specs.get(stream), source)
            header = struct.pack("<I", stream) + header
            self._append(chunk(Tag.STREAM_HEADER, header))
        self.sync()

    def samples(self, clock_s: float, rows: bytes, lost: int = 0) -> None:
        """Writes EMG samples: float32 rows (time, channel); the first was taken at `clock_s`.

        `lost` counts the samples missing before them; it goes into the file before them, so
        that no cut can hide a gap.
        """
        self.samples_n += self._rows(Stream.EMG, clock_s, rows, lost)

    def motion(self, clock_s: float, rows: bytes, lost: int = 0) -> None:
        """The same of the second stream. Raises KeyError where the file began without one."""
        self._rows(Stream.MOTION, clock_s, rows, lost)

    def _rows(self, stream: Stream, clock_s: float, rows: bytes, lost: int) -> int:
        spec, data = self._specs[stream], b""
        row_bytes = 4 * len(spec["channels"])
        rows_n = len(rows) // row_bytes
        if lost:
            missing = struct.pack("<i", min(lost, 2**31 - 1))
            data += samples(LOSS_OF[stream], clock_s, missing, 4)
        if rows_n:
            data += samples(stream, clock_s, rows, row_bytes)
        self._append(data)
        if lost:
            self._count(LOSS_OF[stream], clock_s, clock_s, 1)
        if rows_n:
            self._count(stream, clock_s, clock_s + (rows_n - 1) / float(spec["rate_hz"]), rows_n)
        self.sync_if_due()
        return rows_n

    def text(self, stream: Stream, clock_s: float, text: str) -> None:
        """Writes one marker, or one intent, command or state as JSON."""
        self._append(text_sample(stream, clock_s, text))
        self._count(stream, clock_s, clock_s, 1)
        self.sync_if_due()

    def sync_if_due(self) -> None:
        """Makes the file safe from a power cut, if that was done too long ago."""
        if self._clock() - self._synced_s >= self._sync_every_s:
            self.sync()

    def sync(self) -> None:
        """Makes what was written so far safe from a power cut."""
        self._append(chunk(Tag.BOUNDARY, BOUNDARY))
        os.fsync(self._file.fileno())
        self._synced_s = self._clock()

    def close(self) -> None:
        """Writes the footers and closes the file, even if the disk is full."""
        try:
            for stream in self._streams:
                footer = struct.pack("<I", stream) + _footer(*self._spans.get(stream, (0, 0, 0)))
                self._append(chunk(Tag.STREAM_FOOTER, footer))
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with suppress(OSError):
                self._file.truncate(self.bytes_n)
                self._file.seek(self.bytes_n)
            raise
        self.bytes_n += len(data)

    def _count(self, stream: Stream, first_s: float, last_s: float, rows_n: int) -> None:
        begin_s, _, so_far_n = self._spans.get(stream, (first_s, last_s, 0))
        self._spans[stream] = (begin_s, last_s, so_far_n + rows_n)


_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml(text: str) -> str:
    """`text` as XML character data; what XML cannot carry becomes "?"."""
    clean = _NO_XML.sub("?", text)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _info(body: str) -> bytes:
    return f'<?xml version="1.0"?><info>{body}</info>'.encode()


def _file_header(wall_s: float, offset_s: float) -> bytes:
    """Stamps are monotonic seconds; add the offset to get seconds since 1970."""
    date = datetime.fromtimestamp(wall_s, timezone.utc).isoformat(timespec="seconds")
    return _info(
        f"<version>1.0</version><datetime>{date}</datetime>"
        f"<wall_minus_monotonic_s>{offset_s!r}</wall_minus_monotonic_s>"
    )


def _stream_header(stream: Stream, spec: Mapping[str, Any] | None, source: str) -> bytes:
    kind, channels_n, rate_hz, form, desc = "Markers", 1, 0.0, "string", ""
    if stream in LOSS_OF.values():
        kind, form = "Lost", "int32"
    if spec is not None:
        kind = "EMG" if stream is Stream.EMG else "MoCap"  # XDF's word for sensors of motion
        channels_n, form = len(spec["channels"]), "float32"
        rate_hz = float(spec["rate_hz"])
        # The names of units in XDF meta-data are words.
        unit = {"uV": "microvolts"}.get(spec["unit"], spec["unit"])
        rows = "".join(
            f"<channel><label>{_xml(name)}</label><unit>{_xml(unit)}</unit>"
            f"<type>{kind}</type></channel>"
            for name in spec["channels"]
        )
        desc = (
            f"<channels>{rows}</channels><source>{_xml(source)}</source>"
            f"<spec>{_xml(json.dumps(dict(spec)))}</spec>"
        )
    return _info(
        f"<name>{stream_name(stream)}</name><type>{kind}</type>"
        f"<channel_count>{channels_n}</channel_count><nominal_srate>{rate_hz!r}</nominal_srate>"
        f"<channel_format>{form}</channel_format><source_id>flexor</source_id>"
        f"<desc>{desc}</desc>"
    )


def _footer(first_s: float, last_s: float, rows_n: int) -> bytes:
    return _info(
        f"<first_timestamp>{first_s!r}</first_timestamp><last_timestamp>{last_s!r}"
        f"</last_timestamp><sample_count>{rows_n}</sample_count>"
    )

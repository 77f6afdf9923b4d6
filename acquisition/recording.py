"""A recording: EMG, motion, markers, intents and commands of one session in one XDF file."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from acquisition import xdf
from acquisition.stream import Chunk, Refused, Samples, Spec
from acquisition.xdf import Stream, Tag, Writer


@dataclass(frozen=True)
class TimedText:
    """A word about a moment in monotonic seconds."""

    clock_s: float
    text: str


@dataclass(frozen=True)
class TimedEntry:
    """An intent or a command as JSON has it, and when it was decided or sent."""

    clock_s: float
    fields: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Recording:
    """What an XDF file of ours holds; every clock is the monotonic clock of that machine."""

    spec: Spec
    source: str
    """Name of the source that was recorded."""
    chunks: tuple[Chunk, ...]
    """As they were recorded, with their clocks and what was lost before each."""
    markers: tuple[TimedText, ...]
    intents: tuple[TimedEntry, ...]
    commands: tuple[TimedEntry, ...]
    wall_offset_s: float
    """Add it to a clock to get seconds since 1970."""
    unread_bytes: int
    """Bytes at the end that are not a whole chunk: 0 unless the file was cut or damaged."""
    motion_spec: Spec | None = None
    """The second stream, as of an inertial unit; None where the source had none."""
    motion: tuple[Chunk, ...] = ()
    """Its chunks, on the same clock."""


def create_recording(
    path: Path | str, spec: Spec, source: str, motion_spec: Spec | None = None
) -> Writer:
    """A new recording to write into. Refuses to touch a file that is there."""
    motion = None if motion_spec is None else motion_spec.to_json()
    return Writer(open_new(path), spec.to_json(), source, motion)


def open_new(path: Path | str) -> io.FileIO:
    """An unbuffered new file. Refuses, in a sentence, what cannot be created."""
    try:
        return Path(path).open("xb", buffering=0)
    except FileExistsError:
        raise Refused(f"{path} exists, and a recording never overwrites; name another.") from None
    except OSError as error:
        raise Refused(f"{path} cannot be created: {error.strerror}.") from None


def read_recording(path: Path | str) -> Recording:
    """Everything that is whole in the XDF file at `path`, a cut one too.

    Reads recordings of ours only. pyxdf reads them as well (a test compares both), but where a
    file was cut it may raise, or make up the end of the sample that was cut.
    Refuses a missing file, a file of another kind and an XDF file without our EMG stream.
    """
    try:
        data = memoryview(Path(path).read_bytes())
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None
    if bytes(data[:4]) != xdf.MAGIC:
        raise Refused(f'{path} is not an XDF file: it does not begin with "XDF:".')
    reader = _Reader()
    intact = len(xdf.MAGIC)
    for tag, content, end in xdf.walk(data):
        try:
            reader.take(tag, content)
        except (ValueError, KeyError, IndexError, struct.error, ElementTree.ParseError):
            break
        intact = end
    if Stream.EMG not in reader.specs:
        raise Refused(_nothing_of_ours(path, reader.names))
    return Recording(
        reader.specs[Stream.EMG],
        reader.source,
        tuple(reader.chunks[Stream.EMG]),
        tuple(reader.markers),
        tuple(reader.entries[Stream.INTENTS]),
        tuple(reader.entries[Stream.COMMANDS]),
        reader.wall_offset_s,
        len(data) - intact,
        reader.specs.get(Stream.MOTION),
        tuple(reader.chunks[Stream.MOTION]),
    )


def _nothing_of_ours(path: Path | str, names: list[str]) -> str:
    return (
        f'{path} has no stream "{xdf.stream_name(Stream.EMG)}" '
        f"(it has {', '.join(names) or 'no stream at all'}); "
        "only recordings made by flexor can be read."
    )


_LOSES = {loss: stream for stream, loss in xdf.LOSS_OF.items()}


class _Reader:
    """What was read so far of one file."""

    def __init__(self) -> None:
        self.specs: dict[Stream, Spec] = {}
        self.source = ""
        self.wall_offset_s = 0.0
        self.names: list[str] = []
        self.streams: dict[int, Stream] = {}
        self.chunks: dict[Stream, list[Chunk]] = {stream: [] for stream in xdf.LOSS_OF}
        self.markers: list[TimedText] = []
        self.entries: dict[Stream, list[TimedEntry]] = {Stream.INTENTS: [], Stream.COMMANDS: []}
        self.lost = dict.fromkeys(xdf.LOSS_OF, 0)

    def take(self, tag: int, content: memoryview) -> None:
        if tag == Tag.FILE_HEADER:
            self.wall_offset_s = float(_xml(content).findtext("wall_minus_monotonic_s", "0"))
        elif tag == Tag.STREAM_HEADER:
            self._header(_number(content[:4]), _xml(content[4:]))
        elif tag == Tag.SAMPLES and (stream := self.streams.get(_number(content[:4]))):
            self._samples(stream, content[4:])

    def _header(self, stream_id: int, header: ElementTree.Element) -> None:
        name = header.findtext("name", "")
        self.names.append(name)
        known = {xdf.stream_name(stream): stream for stream in Stream}
        if name not in known:
            return
        self.streams[stream_id] = known[name]
        if known[name] in xdf.LOSS_OF:
            spec = Spec.from_json(json.loads(header.findtext("desc/spec", "")))
            self.specs[known[name]] = spec
            self.source = header.findtext("desc/source", "")

    def _samples(self, stream: Stream, content: memoryview) -> None:
        rows_n = _number(content[1 : 1 + content[0]])
        body = content[1 + content[0] :]
        if body[0] != 8:
            raise ValueError("The first sample has no stamp.")
        (clock_s,) = struct.unpack("<d", body[1:9])
        if stream in self.specs:
            rows = _rows(body[8:], rows_n, len(self.specs[stream].channels))
            self.chunks[stream].append(Chunk(rows, clock_s, self.lost[stream]))
            self.lost[stream] = 0
        elif stream in _LOSES:
            self.lost[_LOSES[stream]] += int(struct.unpack("<i", body[9:])[0])
        else:
            text = bytes(body[10 + body[9] :]).decode()
            if stream is Stream.MARKERS:
                self.markers.append(TimedText(clock_s, text))
            else:
                self.entries[stream].append(TimedEntry(clock_s, json.loads(text)))


def _rows(body: memoryview, rows_n: int, channels_n: int) -> Samples:
    """float32 (time, channel) from rows that one byte precedes each."""
    table = np.frombuffer(body, np.uint8).reshape(rows_n, 1 + 4 * channels_n)
    if table[1:, 0].any():
        raise ValueError("Only the first sample of a chunk of ours has a stamp.")
    return np.ascontiguousarray(table[:, 1:]).view("<f4").astype(np.float32, copy=False)


def _number(data: memoryview) -> int:
    return int.from_bytes(data, "little")


def _xml(data: memoryview) -> ElementTree.Element:
    # Python's expat bounds the expansion of entities itself.
    return ElementTree.fromstring(bytes(data))  # noqa: S314

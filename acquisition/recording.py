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
from numpy.typing import NDArray

from acquisition import xdf
from acquisition.session import Session, told_rate
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
    states: tuple[TimedEntry, ...] = ()
    """What the control loop told of itself: gate, joints, findings; and once what lasts."""


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
        tuple(reader.entries[Stream.STATES]),
    )


def read_session(path: Path, head: bytes, rate_hz: float | None) -> Session | None:
    """An XDF file of ours as one stream. Refuses one without a sample, and another rate."""
    if head[:4] != xdf.MAGIC:
        return None
    recording = read_recording(path)
    if not recording.chunks:
        raise Refused(f"{path} is a recording without a single sample.")
    told_rate(path, recording.spec.rate_hz, rate_hz)
    first_s = recording.chunks[0].clock_s
    motion = None
    if recording.motion_spec is not None and recording.motion:
        begin_s = recording.motion[0].clock_s - first_s
        motion = _one_stream(recording.motion_spec, recording.motion, (), begin_s=begin_s)
    notes: tuple[str, ...] = ()
    if recording.unread_bytes:
        notes = (f"The last {recording.unread_bytes} bytes are no whole chunk and are left out.",)
    return _one_stream(
        recording.spec,
        recording.chunks,
        recording.markers,
        motion=motion,
        wall_s=recording.wall_offset_s + first_s if recording.wall_offset_s else None,
        notes=notes,
    )


def _one_stream(
    spec: Spec, chunks: tuple[Chunk, ...], markers: tuple[TimedText, ...], **rest: Any
) -> Session:
    starts = np.cumsum([0, *(len(chunk.samples) for chunk in chunks)])
    gaps = tuple(
        (int(start), chunk.lost)
        for start, chunk in zip(starts[:-1], chunks, strict=True)
        if chunk.lost
    )
    samples = np.concatenate([chunk.samples for chunk in chunks])
    return Session(spec, samples, _indices(markers, spec, chunks, starts), gaps, **rest)


def _indices(
    markers: tuple[TimedText, ...], spec: Spec, chunks: tuple[Chunk, ...], starts: NDArray[np.int64]
) -> tuple[tuple[int, str], ...]:
    """(sample index, text) of every marker; one in a gap goes to the sample behind it.

    `starts` has the index of the first sample of every chunk, and the number of all samples.
    """
    rate_hz = spec.rate_hz
    # The clocks of a device jitter, and a search needs an order.
    clocks = np.maximum.accumulate([chunk.clock_s for chunk in chunks])
    found = []
    for marker in markers:
        # Half a sample of room, so that the rounding of a clock does not move a marker.
        i = int(np.searchsorted(clocks, marker.clock_s + 0.5 / rate_hz, side="right")) - 1
        i = max(i, 0)
        index = int(starts[i]) + max(0, round((marker.clock_s - clocks[i]) * rate_hz))
        found.append((min(index, int(starts[i + 1]), int(starts[-1]) - 1), marker.text))
    return tuple(sorted(found, key=lambda row: row[0]))


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
        entries = (Stream.INTENTS, Stream.COMMANDS, Stream.STATES)
        self.entries: dict[Stream, list[TimedEntry]] = {stream: [] for stream in entries}
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

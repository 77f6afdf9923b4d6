"""A recording survives whatever ends it, and everybody can read it."""

from __future__ import annotations

import errno
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition import xdf
from acquisition.recording import Recording, create_recording, read_recording
from acquisition.stream import Refused, Samples, Spec
from acquisition.xdf import Stream, Writer

pytestmark = pytest.mark.edge

SPEC = Spec(200.0, ("emg1", "emg2", "emg3"), "raw", 1.0, 127.0)
LONGEST_CHUNK_BYTES = 256
"""Of what `write` puts into a file; a footer."""


@dataclass(frozen=True)
class Written:
    """What went into a file, and where each piece of it ends."""

    path: Path
    chunks: list[tuple[int, float, int, Samples]]
    """(end in the file, clock_s, lost, samples)"""
    texts: list[tuple[int, Stream, float, str]]
    """(end in the file, stream, clock_s, text)"""


def write(path: Path, chunks_n: int = 12, seed: int = 0) -> Written:
    """A short recording of everything that a recording may hold."""
    rng = np.random.default_rng(seed)
    path.unlink(missing_ok=True)
    writer = create_recording(path, SPEC, "test")
    written = Written(path, [], [])
    at_n = 1000
    for i in range(chunks_n):
        lost = int(rng.integers(0, 2)) * 7
        x = rng.normal(size=(int(rng.integers(1, 9)), 3)).astype(np.float32)
        at_n += lost
        clock_s = at_n / SPEC.rate_hz
        writer.samples(clock_s, x.tobytes(), lost)
        written.chunks.append((writer.bytes_n, clock_s, lost, x))
        at_n += len(x)
        stream = (Stream.MARKERS, Stream.INTENTS, Stream.COMMANDS)[i % 3]
        text = f"hand_close – {i}" if i % 3 == 0 else json.dumps({"decision_n": i})
        writer.text(stream, clock_s, text)
        written.texts.append((writer.bytes_n, stream, clock_s, text))
    writer.close()
    return written


def assert_holds(recording: Recording, written: Written, end: int) -> None:
    """The recording holds what was whole before byte `end`, and nothing else."""
    expected = [chunk for chunk in written.chunks if chunk[0] <= end]
    assert [(c.clock_s, c.lost) for c in recording.chunks] == [(s, n) for _, s, n, _ in expected]
    for chunk, (*_, x) in zip(recording.chunks, expected, strict=True):
        np.testing.assert_array_equal(chunk.samples, x)
    texts: dict[Stream, list[tuple[float, Any]]] = {stream: [] for stream in Stream}
    for at, stream, clock_s, text in written.texts:
        if at <= end:
            value = text if stream is Stream.MARKERS else json.loads(text)
            texts[stream].append((clock_s, value))
    assert [(m.clock_s, m.text) for m in recording.markers] == texts[Stream.MARKERS]
    assert [(e.clock_s, e.fields) for e in recording.intents] == texts[Stream.INTENTS]
    assert [(e.clock_s, e.fields) for e in recording.commands] == texts[Stream.COMMANDS]


class FullDisk(io.FileIO):
    """A file on a disk with room for so many bytes; the last write is cut short, as disks do."""

    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path, "xb")
        self.room = room

    def write(self, data: Any) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = super().write(memoryview(data)[: self.room])
        self.room -= done
        return done


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = write(tmp_path / "a.xdf")
    recording = read_recording(written.path)
    assert recording.spec == SPEC
    assert recording.source == "test"
    assert recording.unread_bytes == 0
    assert_holds(recording, written, written.path.stat().st_size)


@given(st.binary(min_size=12, max_size=12 * 20), st.floats(0, 1e7), st.integers(0, 2**31 - 1))
@settings(max_examples=30)
def test_every_bit_of_a_sample_is_kept(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, clock_s: float, lost: int
) -> None:
    rows = noise[: len(noise) // 12 * 12]
    path = tmp_path_factory.mktemp("r") / "a.xdf"
    writer = create_recording(path, SPEC, "test")
    writer.samples(clock_s, rows, lost)
    writer.close()
    (chunk,) = read_recording(path).chunks
    assert chunk.samples.tobytes() == rows
    assert (chunk.clock_s, chunk.lost) == (clock_s, lost)


def test_a_file_cut_at_any_byte_loses_the_cut_chunk_and_nothing_before(tmp_path: Path) -> None:
    written = write(tmp_path / "a.xdf", chunks_n=6)
    header_end = written.chunks[0][0] - 200
    for end in range(written.path.stat().st_size, header_end, -1):
        os.truncate(written.path, end)
        recording = read_recording(written.path)
        assert_holds(recording, written, end)
        assert recording.unread_bytes < LONGEST_CHUNK_BYTES


def test_a_file_cut_before_its_header_is_refused_in_a_sentence(tmp_path: Path) -> None:
    data = write(tmp_path / "a.xdf").path.read_bytes()
    cut = tmp_path / "cut.xdf"
    for end in (0, 3, 4, 5, 11, 12, 100, 400):
        cut.write_bytes(data[:end])
        with pytest.raises(Refused, match=r"cut\.xdf"):
            read_recording(cut)


@given(st.binary(min_size=1, max_size=64))
@settings(max_examples=30)
def test_rubbish_behind_the_last_chunk_is_counted_and_not_read(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes
) -> None:
    written = write(tmp_path_factory.mktemp("r") / "a.xdf", chunks_n=3)
    size = written.path.stat().st_size
    # A length that is none, as in a block that the disk never wrote.
    written.path.write_bytes(written.path.read_bytes() + b"\0" + rubbish)
    recording = read_recording(written.path)
    assert_holds(recording, written, size)
    assert recording.unread_bytes == 1 + len(rubbish)


def test_a_gap_is_a_jump_of_the_stamps_and_a_count(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    writer = create_recording(path, SPEC, "test")
    two = np.zeros((2, 3), np.float32).tobytes()
    writer.samples(5.0, two)
    writer.samples(5.0 + 12 / 200, two, lost=10)
    writer.samples(5.0 + 14 / 200, two)
    writer.close()
    chunks = read_recording(path).chunks
    assert [chunk.lost for chunk in chunks] == [0, 10, 0]
    assert chunks[1].clock_s - chunks[0].clock_s == pytest.approx(12 / 200)


def test_a_loss_without_samples_counts_before_the_next_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    writer = create_recording(path, SPEC, "test")
    writer.samples(5.0, b"", lost=4)
    writer.samples(6.0, np.zeros((2, 3), np.float32).tobytes(), lost=3)
    writer.close()
    assert [chunk.lost for chunk in read_recording(path).chunks] == [7]


def test_names_that_xml_would_trip_over_are_kept(tmp_path: Path) -> None:
    spec = Spec(1000.0, ('<a> & "b"', "flexor carpi ulnaris µ"), "uV", 0.5, None)
    path = tmp_path / "a.xdf"
    writer = create_recording(path, spec, "replay:<x>&.xdf")
    writer.samples(0.0, np.zeros((1, 2), np.float32).tobytes())
    writer.text(Stream.MARKERS, 0.0, "line\nbreak \0 and more")
    writer.close()
    recording = read_recording(path)
    assert recording.spec == spec
    assert recording.source == "replay:<x>&.xdf"
    assert recording.markers[0].text == "line\nbreak \0 and more"


def test_the_wall_clock_is_kept_once(tmp_path: Path) -> None:
    file = (tmp_path / "a.xdf").open("xb", buffering=0)
    Writer(file, SPEC.to_json(), "", clock=lambda: 100.0, wall_clock=lambda: 1.7e9).close()
    recording = read_recording(tmp_path / "a.xdf")
    assert recording.wall_offset_s == 1.7e9 - 100.0


def test_the_file_is_made_safe_about_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, synced_s = 0.0, []
    monkeypatch.setattr(os, "fsync", lambda _: synced_s.append(now_s))
    file = (tmp_path / "a.xdf").open("xb", buffering=0)
    writer = Writer(file, SPEC.to_json(), "", clock=lambda: now_s)
    for i in range(1, 401):
        now_s = i / 100
        writer.samples(now_s, np.zeros((2, 3), np.float32).tobytes())
    assert synced_s == [0.0, 1.0, 2.0, 3.0, 4.0]
    writer.close()
    assert len(synced_s) == 6


def test_what_was_written_is_in_the_file_before_any_sync(tmp_path: Path) -> None:
    writer = create_recording(tmp_path / "a.xdf", SPEC, "test")
    writer.samples(0.0, np.ones((2, 3), np.float32).tobytes())
    assert len(read_recording(tmp_path / "a.xdf").chunks) == 1
    writer.close()


@given(st.integers(0, 900))
@settings(max_examples=40)
def test_a_full_disk_raises_and_keeps_every_whole_chunk(
    tmp_path_factory: pytest.TempPathFactory, room: int
) -> None:
    path = tmp_path_factory.mktemp("r") / "a.xdf"
    header_n = write(tmp_path_factory.mktemp("r") / "b.xdf", chunks_n=0).path.stat().st_size
    file = FullDisk(path, header_n + room)
    writer = Writer(file, SPEC.to_json(), "test")
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    taken = 0
    full = False
    while not full:
        try:
            writer.samples(float(taken), x.tobytes(), lost=1)
            taken += 1
        except OSError as error:
            full = error.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        writer.close()
    assert file.closed
    recording = read_recording(path)
    assert len(recording.chunks) == taken
    assert recording.unread_bytes == 0
    assert all(np.array_equal(chunk.samples, x) for chunk in recording.chunks)


def test_a_recording_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    path.write_text("precious")
    with pytest.raises(Refused, match="never overwrites"):
        create_recording(path, SPEC, "test")
    assert path.read_text() == "precious"


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be created: No such file or directory"):
        create_recording(tmp_path / "nowhere" / "a.xdf", SPEC, "test")


def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file"):
        read_recording(tmp_path / "absent.xdf")
    with pytest.raises(Refused, match="cannot be read: Is a directory"):
        read_recording(tmp_path)
    (tmp_path / "b.xdf").write_bytes(b"PK\3\4 not at all")
    with pytest.raises(Refused, match="not an XDF file"):
        read_recording(tmp_path / "b.xdf")


def test_an_xdf_file_of_somebody_else_is_refused_by_name(tmp_path: Path) -> None:
    xml = "<info><name>LiveAmp</name><channel_count>8</channel_count></info>"
    header = xdf.chunk(xdf.Tag.STREAM_HEADER, b"\1\0\0\0" + xml.encode())
    (tmp_path / "c.xdf").write_bytes(xdf.MAGIC + header)
    with pytest.raises(Refused, match=r'no stream "flexor\.emg" \(it has LiveAmp\)'):
        read_recording(tmp_path / "c.xdf")

"""Motion travels beside the signal, from the device into the recording, and holds nothing up."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from acquisition.recording import Recording, create_recording, read_recording
from acquisition.stream import Chunk, Device, Samples
from acquisition.synthetic import open_synthetic
from acquisition.xdf import Stream
from flexor.profile import DEMO_ARTIFACT, Profile
from flexor.reader import Inbox, Reader, room_for
from flexor.recorder import start_recorder
from flexor.run import drive
from models.artifact import open_artifact
from tests.moving import MOTION_SPEC, MovingArm, moving_arm
from tests.test_recording import SPEC, write

pytestmark = pytest.mark.edge


def rows(first: int, n: int) -> Samples:
    numbers = np.arange(first, first + n, dtype=np.float32)
    return np.stack([numbers, -numbers], axis=1)


def chunks_of(recording: Recording) -> Samples:
    return np.concatenate([chunk.samples for chunk in recording.motion])


def read_through(arm: MovingArm, inbox: Inbox) -> list[Chunk]:
    with Reader(arm, inbox):
        while not inbox.ended:
            inbox.take(1.0)
    return inbox.take_motion()


def test_motion_comes_through_the_reader_whole_and_in_order() -> None:
    arm = moving_arm(1.0, lose_at=10, lose=3)
    got = read_through(arm, room_for(arm, 10.0))
    np.testing.assert_array_equal(np.concatenate([c.samples for c in got]), rows(0, 50))
    assert [(i, c.lost) for i, c in enumerate(got) if c.lost] == [(10, 3)]


def test_motion_that_nobody_takes_drops_the_oldest_and_counts_them() -> None:
    arm = moving_arm(1.0)
    inbox = Inbox(1000, 20)
    got = read_through(arm, inbox)
    np.testing.assert_array_equal(np.concatenate([c.samples for c in got]), rows(30, 20))
    assert got[0].lost == 30
    assert inbox.dropped_motion_samples == 30
    assert inbox.dropped_samples == 0


def test_motion_that_nobody_wants_does_not_pile_up_in_the_driver() -> None:
    arm = moving_arm(1.0)
    inbox = room_for(arm, 10.0, motion=False)
    assert read_through(arm, inbox) == []
    assert arm.take_motion() == []
    assert inbox.dropped_motion_samples == 0


def test_a_source_without_motion_has_no_room_for_it() -> None:
    source = open_synthetic(seconds=1.0, fast=True)
    assert not isinstance(source, Device)
    assert not room_for(source, 1.0).keeps_motion


def test_motion_is_kept_beside_the_signal_with_its_own_rate_and_losses(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    writer = create_recording(path, SPEC, "test", MOTION_SPEC)
    writer.samples(5.0, np.zeros((4, 3), np.float32).tobytes(), lost=2)
    writer.motion(5.01, rows(0, 2).tobytes())
    writer.motion(5.15, rows(2, 3).tobytes(), lost=5)
    writer.close()
    recording = read_recording(path)
    assert recording.motion_spec == MOTION_SPEC
    assert [(c.clock_s, c.lost) for c in recording.motion] == [(5.01, 0), (5.15, 5)]
    np.testing.assert_array_equal(chunks_of(recording), rows(0, 5))
    assert [c.lost for c in recording.chunks] == [2]
    assert recording.unread_bytes == 0


def test_a_recording_without_motion_says_so(tmp_path: Path) -> None:
    recording = read_recording(write(tmp_path / "a.xdf").path)
    assert recording.motion_spec is None
    assert recording.motion == ()
    assert b"flexor.motion" not in (tmp_path / "a.xdf").read_bytes()


def test_pyxdf_reads_motion_too(tmp_path: Path) -> None:
    pyxdf = pytest.importorskip("pyxdf", reason="the second reader of recordings is not here")
    writer = create_recording(tmp_path / "a.xdf", SPEC, "test", MOTION_SPEC)
    writer.samples(5.0, np.zeros((4, 3), np.float32).tobytes())
    writer.motion(5.0, rows(0, 5).tobytes(), lost=1)
    writer.close()
    found, _ = pyxdf.load_xdf(str(tmp_path / "a.xdf"), dejitter_timestamps=False)
    streams = {stream["info"]["name"][0]: stream for stream in found}
    motion = streams["flexor.motion"]
    np.testing.assert_array_equal(motion["time_series"], rows(0, 5))
    assert float(motion["info"]["nominal_srate"][0]) == MOTION_SPEC.rate_hz
    assert streams["flexor.motion_lost"]["time_series"].ravel().tolist() == [1]


def test_a_recorder_that_was_too_slow_for_motion_says_what_it_missed(tmp_path: Path) -> None:
    feed = start_recorder(tmp_path / "a.xdf", SPEC, "test", motion_spec=MOTION_SPEC)
    send, feed.send = feed.send, lambda kind, value: False  # type: ignore[method-assign]
    feed.send_motion(Chunk(rows(0, 4), 1.0, 1))
    feed.send = send  # type: ignore[method-assign]
    feed.send_motion(Chunk(rows(4, 2), 1.1))
    feed.close()
    (chunk,) = read_recording(tmp_path / "a.xdf").motion
    assert chunk.lost == 5
    np.testing.assert_array_equal(chunk.samples, rows(4, 2))


def test_a_live_run_records_motion_and_reports_what_the_device_counted(tmp_path: Path) -> None:
    arm = MovingArm(open_synthetic(seconds=1.0))
    began_s = time.monotonic()
    report = drive(
        arm,
        open_artifact(DEMO_ARTIFACT),
        Profile(),
        source_name="moving",
        arm=False,
        record=tmp_path / "a.xdf",
        view=False,
        seconds=None,
    )
    assert time.monotonic() - began_s < 30
    assert report["device"]["samples"] == 200
    recording = read_recording(tmp_path / "a.xdf")
    np.testing.assert_array_equal(chunks_of(recording), rows(0, 50))
    assert recording.motion_spec == MOTION_SPEC


def test_a_stream_of_motion_cannot_be_written_where_the_file_began_without(tmp_path: Path) -> None:
    writer = create_recording(tmp_path / "a.xdf", SPEC, "test")
    with pytest.raises(KeyError, match="MOTION"):
        writer.motion(0.0, b"")
    writer.text(Stream.MARKERS, 0.0, "still whole")
    writer.close()
    assert read_recording(tmp_path / "a.xdf").markers[0].text == "still whole"

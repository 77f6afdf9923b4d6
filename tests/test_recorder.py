"""The recorder: whatever becomes of it, of its disk or of its control loop, what it wrote stays."""

from __future__ import annotations

import io
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from acquisition.recording import Recording, read_recording
from acquisition.stream import Chunk, Marker, Refused, Samples
from flexor.messages import CommandMessage, IntentMessage, Kind, SamplesMessage
from flexor.recorder import receive, record, start_recorder
from tests.test_feed import COMMAND, INTENT, SPEC, pair, ramp
from tests.test_recording import FullDisk


def wait_until(done: Any, limit_s: float = 10.0) -> None:
    """Waits for another process, whose pace is its own."""
    until_s = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < until_s, "the other process never got there"
        time.sleep(0.005)


def recorded(path: Path) -> tuple[Recording, Samples]:
    recording = read_recording(path)
    return recording, np.concatenate([chunk.samples for chunk in recording.chunks])


def test_a_recorder_writes_what_it_is_fed(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    feed = start_recorder(path, SPEC, "synthetic:armband")
    for i in range(20):
        feed.send_chunk(Chunk(ramp(10, 20 * i), i / 20, int(i == 7), (Marker(0, f"m{i}"),)))
    feed.send(Kind.INTENT, IntentMessage(10.02, INTENT))
    feed.send(Kind.COMMAND, CommandMessage(10.03, COMMAND))
    feed.send(Kind.STATUS, {"for": "the view"})
    said = feed.close()
    assert said[-1]["event"] == "closed"
    assert said[-1]["bytes_n"] <= path.stat().st_size
    assert feed.process is not None
    assert feed.process.returncode == 0
    recording, samples = recorded(path)
    assert (recording.spec, recording.source) == (SPEC, "synthetic:armband")
    np.testing.assert_array_equal(samples, ramp(200))
    assert [i for i, chunk in enumerate(recording.chunks) if chunk.lost] == [7]
    assert [marker.text for marker in recording.markers] == [f"m{i}" for i in range(20)]
    (intent,), (command,) = recording.intents, recording.commands
    assert intent.clock_s == 10.02
    assert intent.fields == json.loads(json.dumps(asdict(INTENT)))
    assert command.clock_s == 10.03
    assert command.fields == json.loads(json.dumps(asdict(COMMAND)))
    assert (recording.unread_bytes, feed.dropped_n) == (0, 0)


def test_a_recording_outlives_a_control_loop_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    program = f"""
import os, signal, numpy as np
from acquisition.stream import Chunk, Spec
from flexor.recorder import start_recorder
feed = start_recorder({str(path)!r}, Spec(200.0, ("emg1", "emg2")), "test")
for i in range(50):
    feed.send_chunk(Chunk(np.full((10, 2), i, np.float32), i / 20))
os.kill(os.getpid(), signal.SIGKILL)
"""
    run = subprocess.run([sys.executable, "-c", program], check=False)
    assert run.returncode == -signal.SIGKILL
    wait_until(lambda: path.read_bytes().count(b"</sample_count>") == 6)
    recording, samples = recorded(path)
    assert samples[:, 0].tolist() == [float(i) for i in range(50) for _ in range(10)]
    assert [marker.text for marker in recording.markers] == ["the control loop went away"]
    assert recording.unread_bytes == 0


def test_a_recorder_that_is_killed_is_noticed_and_leaves_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    feed = start_recorder(path, SPEC, "test")
    assert feed.process is not None
    feed.send_chunk(Chunk(ramp(10), 0.0))
    wait_until(lambda: b"flexor.lost" in path.read_bytes() and read_recording(path).chunks)
    feed.process.kill()
    feed.process.wait()
    feed.send_chunk(Chunk(ramp(10), 1.0))
    assert not feed.alive
    feed.close()
    np.testing.assert_array_equal(recorded(path)[1], ramp(10))


def test_ctrl_c_reaches_the_control_loop_alone(tmp_path: Path) -> None:
    feed = start_recorder(tmp_path / "a.xdf", SPEC, "test")
    assert feed.process is not None
    assert os.getsid(feed.process.pid) != os.getsid(0)
    feed.close()


def test_a_file_that_may_grow_no_further_ends_the_recording_and_nothing_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.xdf"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        feed = start_recorder(path, SPEC, "test")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    for i in range(60):
        feed.send_chunk(Chunk(ramp(10, 20 * i), i / 20))
    assert feed.dropped_n == 0
    said = feed.close()
    assert [status["event"] for status in said] == ["stopped"]
    assert "stays readable" in said[0]["text"]
    recording, samples = recorded(path)
    assert 0 < len(samples) < 600
    np.testing.assert_array_equal(samples, ramp(len(samples)))
    assert recording.unread_bytes == 0
    assert path.stat().st_size == said[0]["bytes_n"]


def fed(file: io.FileIO, chunks_n: int, keep_free_bytes: int = 0) -> list[dict[str, Any]]:
    """What a recorder tells that is fed so many chunks at once."""
    inbox: queue.Queue[Any] = queue.Queue()
    inbox.put((Kind.SPEC, {"spec": SPEC.to_json(), "source": "test"}))
    for i in range(chunks_n):
        inbox.put((Kind.SAMPLES, SamplesMessage(i / 20, 0, 10, 2, ramp(10, 20 * i).tobytes())))
    inbox.put((Kind.END, None))
    now_s = iter(i / 10 for i in range(10**6))
    told: list[dict[str, Any]] = []
    with file:
        record(inbox, file, lambda s: told.append(dict(s)), keep_free_bytes, clock=now_s.__next__)
    assert inbox.empty()
    return told


def test_a_full_disk_is_told_once_in_a_sentence_and_what_was_recorded_stays(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.xdf"
    told = fed(FullDisk(path, 2500), 100)
    assert [status["event"] for status in told].count("stopped") == 1
    assert told[-1]["event"] == "stopped"
    assert told[-1]["text"].startswith("The disk is full")
    samples = recorded(path)[1]
    assert 0 < len(samples) < 1000
    np.testing.assert_array_equal(samples, ramp(len(samples)))


def test_a_disk_without_room_for_a_header_is_told_as_well(tmp_path: Path) -> None:
    file = FullDisk(tmp_path / "a.xdf", 10)
    assert [status["event"] for status in fed(file, 3)] == ["stopped"]


def test_a_recording_leaves_room_for_the_rest_of_the_machine(tmp_path: Path) -> None:
    told = fed(io.FileIO(tmp_path / "a.xdf", "xb"), 100, keep_free_bytes=2**62)
    assert [status["event"] for status in told] == ["stopped"]
    assert "The disk is full" in told[0]["text"]
    assert len(recorded(tmp_path / "a.xdf")[1]) > 0


def test_a_recorder_tells_how_it_is_doing_once_a_second(tmp_path: Path) -> None:
    told = fed(io.FileIO(tmp_path / "a.xdf", "xb"), 100)
    assert told[-1]["event"] == "closed"
    assert len(told) > 3
    sizes = [status["bytes_n"] for status in told]
    assert sizes == sorted(sizes)
    assert {status["lost"] for status in told} == {0}


def test_a_full_inbox_holds_up_the_feed_and_not_the_order() -> None:
    feed, theirs = pair()
    inbox: queue.Queue[Any] = queue.Queue(2)
    for i in range(5):
        feed.send_marker(float(i), "m")
    feed.close(0.0)
    reader = Thread(target=receive, args=(theirs, inbox))
    reader.start()
    got = [inbox.get(timeout=5) for _ in range(6)]
    reader.join()
    theirs.close()
    assert [value["clock_s"] for kind, value in got[:5]] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert got[5][0] is Kind.END


def test_a_disk_with_too_little_room_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    with pytest.raises(Refused, match="make room first"):
        start_recorder(path, SPEC, start_free_bytes=2**62)
    assert not path.exists()


def test_a_recorder_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    path.write_text("precious")
    with pytest.raises(Refused, match="never overwrites"):
        start_recorder(path, SPEC)
    assert path.read_text() == "precious"


def test_the_recorder_process_loads_no_array_library() -> None:
    program = "import flexor.recorder, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

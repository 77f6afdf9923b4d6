"""Our outlet: whoever speaks LSL hears the signal, the intents and the commands of a run."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.lsl_library import library
from acquisition.recording import read_recording
from acquisition.stream import Chunk, DeviceRefused, Spec
from firmware_bridge.command import Command, Mode
from flexor.capture import record_source
from flexor.messages import CommandMessage, IntentMessage, Kind
from flexor.outlet import start_outlet
from models.intent import Intent

pytestmark = pytest.mark.slow

SPEC = Spec(500.0, ("biceps", "triceps"))
MOTION = Spec(50.0, ("accel_x_g",), "named")
INTENT = Intent("fist", 0.5, 0.9, 12.0, 7)
COMMAND = Command(Mode.POSITION, (1.0, 2.0), 12.0, 7, 0.2, False)


@pytest.fixture
def pylsl() -> Any:
    pytest.importorskip("pylsl", reason="pylsl, the peer, is not installed")
    try:
        return library()
    except DeviceRefused as error:
        pytest.skip(str(error))


def inlet(pylsl: Any, name: str) -> Any:
    (info,) = pylsl.resolve_byprop("name", name, 1, 10.0)
    opened = pylsl.StreamInlet(info, recover=False)
    opened.open_stream(5.0)
    return opened


def test_a_stranger_reads_what_the_control_loop_fed(pylsl: Any) -> None:
    feed = start_outlet(SPEC, "test", MOTION)
    try:
        names = ("emg", "motion", "intents", "commands", "markers")
        heard = {name: inlet(pylsl, f"flexor.{name}") for name in names}
        clock_s = time.monotonic()
        rows = np.arange(40, dtype=np.float32).reshape(20, 2)
        feed.send_chunk(Chunk(rows, clock_s))
        feed.send_motion(Chunk(np.ones((3, 1), np.float32), clock_s))
        feed.send(Kind.INTENT, IntentMessage(clock_s, INTENT))
        feed.send(Kind.COMMAND, CommandMessage(clock_s, COMMAND))
        feed.send_marker(clock_s, "fist")
        samples, stamps = heard["emg"].pull_chunk(timeout=5.0, max_samples=20)
        said = {name: heard[name].pull_sample(timeout=5.0) for name in names[2:]}
        motion, _ = heard["motion"].pull_chunk(timeout=5.0, max_samples=3)
        full = heard["emg"].info(5.0)
    finally:
        feed.close()
    np.testing.assert_array_equal(samples, rows)
    ours_s = clock_s + pylsl.local_clock() - time.monotonic()
    np.testing.assert_allclose(stamps, ours_s + np.arange(20) / 500.0, atol=1e-3)
    assert full.get_channel_labels() == ["biceps", "triceps"]
    assert full.get_channel_units() == ["microvolts", "microvolts"]
    assert full.type() == "EMG"
    assert motion == [[1.0]] * 3
    assert json.loads(said["intents"][0][0]) == {**asdict(INTENT), "targets": []}
    assert json.loads(said["commands"][0][0]) == {**asdict(COMMAND), "joints": [1.0, 2.0]}
    assert said["markers"][0] == ["fist"]
    assert said["markers"][1] == pytest.approx(ours_s, abs=1e-3)


def test_an_outlet_ends_when_the_control_loop_does(pylsl: Any) -> None:
    feed = start_outlet(SPEC, "test")
    assert feed.process is not None
    inlet(pylsl, "flexor.emg")
    feed._sock.close()
    assert feed.process.wait(10.0) == 0


def test_a_recording_goes_to_the_network_as_well(pylsl: Any, tmp_path: Path) -> None:
    heard: dict[str, Any] = {}

    def listen() -> None:
        opened = inlet(pylsl, "flexor.emg")
        heard["rows"], _ = opened.pull_chunk(timeout=3.0, max_samples=200)

    stranger = threading.Thread(target=listen)
    stranger.start()
    kept = record_source(tmp_path / "a.xdf", "synthetic:armband", 3.0, "", lsl=True)
    stranger.join(20.0)
    assert kept["samples"] == 600
    recorded = np.concatenate([c.samples for c in read_recording(tmp_path / "a.xdf").chunks])
    rows = np.float32(heard["rows"])
    assert len(rows) >= 20
    first_n = int((recorded == rows[0]).all(axis=1).argmax())
    np.testing.assert_array_equal(rows, recorded[first_n : first_n + len(rows)])


def test_an_outlet_that_cannot_be_is_refused_before_a_file_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(DeviceRefused, match="pylsl is not installed"):
        record_source(tmp_path / "a.xdf", "synthetic:armband", 1.0, "", lsl=True)
    assert not list(tmp_path.iterdir())

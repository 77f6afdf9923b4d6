"""Twins in real time: behind a pseudo-terminal, behind TCP, and from the command line."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import numpy as np
import pytest

from acquisition.emulators.muscles import muscles
from acquisition.emulators.serve import serve
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import TWINS, Twin, open_twin
from acquisition.sources import open_source
from acquisition.stream import Chunk, Device, DeviceRefused, Refused
from flexor.emulate import how_to_use, twin_of

SAMPLES_N = 60
WITHOUT_BYTES = {"brainflow", "mindrove", "lsl"}
"""A vendor's library alone speaks with these."""
NEVER_STOP = {"arduino", "emager"}
"""These send for as long as they have power."""
SETTINGS = {"arduino": "channels=4"}


@contextmanager
def served(twin: Twin, at: str = "", trouble: Trouble | None = None) -> Iterator[str]:
    """Where the twin is to be found while this lasts; none of it is left behind."""
    stop, where = threading.Event(), Queue[str]()
    settings = trouble or Trouble()
    thread = threading.Thread(target=serve, args=(twin, at, settings, Injected(), stop, where.put))
    thread.start()
    try:
        yield where.get(timeout=5.0)
    finally:
        stop.set()
        thread.join(5.0)
        assert not thread.is_alive()


def some(source: Device, samples_n: int = SAMPLES_N) -> list[Chunk]:
    chunks: list[Chunk] = []
    while sum(len(chunk.samples) for chunk in chunks) < samples_n:
        chunk = source.read(2.0)
        assert chunk is not None
        if len(chunk.samples):
            chunks.append(chunk)
    return chunks


def stops_within(twin: Twin, seconds: float) -> bool:
    """Whether the twin, which runs in a thread, ends its stream."""
    tick = threading.Event()
    end_s = time.monotonic() + seconds
    while twin.next_s < np.inf and time.monotonic() < end_s:
        tick.wait(0.01)
    return twin.next_s == np.inf


def test_a_twin_behind_a_terminal_streams_to_its_driver() -> None:
    twin = open_twin("cyton")
    with served(twin) as where:
        source = open_source(f"cyton:{where}")
        source.start()
        rows = np.concatenate([chunk.samples for chunk in some(source)])
        source.stop()
        assert stops_within(twin, 2.0)
    sent = (twin.signal(0, len(rows)) * source.spec.scale).astype(np.float32)
    assert np.array_equal(rows, sent)
    assert twin.next_s == np.inf


@pytest.mark.parametrize("name", [name for name in TWINS if name not in WITHOUT_BYTES])
def test_every_twin_is_there_for_real_and_found_by_its_driver(name: str) -> None:
    settings = SETTINGS.get(name, "")
    twin = twin_of(name, settings)
    twin.signal = muscles(twin.spec, *twin.count_range)
    try:
        with served(twin) as where:
            word = how_to_use(twin, name, settings, where).partition("--source ")[2]
            source: Device = open_source(word)
            source.start()
            chunks = some(source, round(0.3 * source.spec.rate_hz))
            source.stop()
            stopped = name in NEVER_STOP or stops_within(twin, 2.0)
    except Refused as error:
        if "cannot be listened at" not in str(error):
            raise
        pytest.skip(str(error))
    assert sum(chunk.lost for chunk in chunks) == 0
    assert np.concatenate([chunk.samples for chunk in chunks]).std() > 0
    assert stopped, "it was not told to stop"


def test_a_driver_comes_back_to_a_twin_that_was_started_again(tmp_path: Path) -> None:
    link = str(tmp_path / "cyton")
    with served(open_twin("cyton"), link):
        source = open_source(f"cyton:{link}")
        source.start()
        some(source)
    with served(open_twin("cyton"), link):
        chunks = some(source, 2 * SAMPLES_N)
        source.stop()
    assert source.counts.reconnects == 1
    assert any(chunk.lost for chunk in chunks)


def test_a_link_that_is_taken_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    with pytest.raises(Refused, match="cannot be made a link"):
        serve(open_twin("cyton"), str(taken), Trouble(), Injected(), threading.Event(), print)
    assert taken.exists()


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    link = tmp_path / "board"
    main = "from flexor.cli import main; main()"
    words = [sys.executable, "-c", main, "emulate", "cyton", "--at", str(link), "--lose", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert f"--source cyton:{link}" in first
        source = open_source(f"cyton:{link}")
        source.start()
        chunks = some(source, 200)
        source.stop()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(5.0) == 0
    assert any(chunk.lost for chunk in chunks)
    assert "frames" in rest
    assert not link.exists()


def test_a_port_without_a_device_is_refused_in_a_sentence() -> None:
    with pytest.raises(DeviceRefused, match="no port /dev/nowhere"):
        open_source("cyton:/dev/nowhere").start()

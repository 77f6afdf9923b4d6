"""Boards that BrainFlow's and MindRove's libraries read: their rows, their words, our twins."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from acquisition.board_rows import (
    START,
    BoardPort,
    Library,
    Rows,
    layout_of,
    motion_spec_of,
    prepare,
    reason,
    rows_of,
    spec_of,
)
from acquisition.cyton import COUNT_UV
from acquisition.emulators.board_rows import RowsTwin
from acquisition.emulators.cyton import CytonTwin
from acquisition.emulators.serve import serve
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import Twin
from acquisition.framed import Framed
from acquisition.port import Arrival
from acquisition.sources import open_source
from acquisition.stream import Chunk, Counts, Device, DeviceLost, DeviceRefused, Refused

pytestmark = pytest.mark.edge

ROWS = Rows(250.0, 6, (1, 2), 5, counter=0, counter_step=1, accel=(3,), gyro=(4,))


class LibraryError(Exception):
    """As those of the libraries: a word, a number, a sentence."""


class StandIn:
    """A board as the libraries give one, whose rows somebody puts in."""

    def __init__(self, number: int, params: Any) -> None:
        self.number, self.params = number, params
        self.waiting: list[np.ndarray[Any, Any]] = []
        self.calls: list[str] = []
        self.broken = ""

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.broken:
            raise LibraryError(f"{self.broken}:7 unable to {name}")

    def prepare_session(self) -> None:
        self.broken = "" if self.params.__dict__.get("serial_port") else "UNABLE_TO_OPEN_PORT_ERROR"
        self._called("prepare")

    def start_stream(self, samples_n: int) -> None:
        self._called(f"start {samples_n}")

    def get_board_data(self) -> np.ndarray[Any, Any]:
        self._called("get")
        return self.waiting.pop(0) if self.waiting else np.empty((6, 0))

    def stop_stream(self) -> None:
        self._called("stop")

    def release_session(self) -> None:
        self._called("release")


class Params:
    """Settings, as the libraries take them."""


STAND_IN = Library("The library", StandIn, Params, LibraryError)


def table(numbers: list[int]) -> np.ndarray[Any, Any]:
    """(row, time) with the numbers as counter and in every channel."""
    rows = np.tile(np.float64(numbers), (6, 1))
    rows[5] = time.time()
    return rows


def test_a_table_of_rows_becomes_samples_in_their_order() -> None:
    board = StandIn(0, Params())
    port, counts = BoardPort(board, ROWS, "the board", LibraryError), Counts()
    parser = Framed(layout_of(ROWS), spec_of(ROWS), counts, motion_spec_of(ROWS))
    board.waiting = [table([254, 255, 0]), table([1, 4, 5, 5, 6])]
    chunks = [c for _ in range(2) for a in port.read(0.1) for c in parser.feed(a)]
    values = np.concatenate([c.samples for c in chunks])
    assert values[:, 0].tolist() == [254, 255, 0, 1, 4, 5, 6]
    assert [c.lost for c in chunks if c.lost] == [2]
    assert counts.duplicate_frames == 1
    assert parser.take_motion()[0].samples.tolist()[0] == [254.0, 254.0]


def test_a_board_is_asked_until_it_has_something_and_no_longer_than_told() -> None:
    board = StandIn(0, Params())
    port = BoardPort(board, ROWS, "the board", LibraryError)
    begun_s = time.monotonic()
    assert port.read(0.02) == []
    assert 0.02 <= time.monotonic() - begun_s < 0.2


def test_an_arrival_is_as_old_as_the_librarys_stamp_says() -> None:
    board = StandIn(0, Params())
    board.waiting = [table([1])]
    board.waiting[0][5] -= 0.03
    (arrival,) = BoardPort(board, ROWS, "the board", LibraryError).read(0.1)
    assert arrival.at_s == pytest.approx(time.monotonic() - 0.03, abs=0.01)


def test_a_board_that_fails_is_lost_with_the_librarys_word() -> None:
    board = StandIn(0, Params())
    port = BoardPort(board, ROWS, "the board", LibraryError)
    port.write(START)
    board.broken = "BOARD_NOT_READY_ERROR"
    with pytest.raises(DeviceLost, match=r"the board stopped \(board not ready\)"):
        port.read(0.1)
    port.close()
    port.close()
    assert board.calls == ["start 1250", "get", "release"]


def test_a_board_that_cannot_be_opened_is_refused_with_the_librarys_word() -> None:
    told = r"cannot open the board with ip_address=1 \(unable to open port\)"
    with pytest.raises(DeviceRefused, match=told):
        prepare(STAND_IN, 3, {"ip_address": "1", "serial_port": ""}, "the board")
    assert prepare(STAND_IN, 3, {"serial_port": "/dev/x"}, "the board").number == 3


def test_the_librarys_words_are_told_in_small_letters() -> None:
    assert reason(LibraryError("SYNC_TIMEOUT_ERROR:18 unable to x")) == "sync timeout"


def test_a_board_without_muscles_is_refused() -> None:
    with pytest.raises(DeviceRefused, match="measures no EMG"):
        rows_of({"num_rows": 3, "sampling_rate": 25, "timestamp_channel": 1}, 0, "The board")


def test_rows_that_are_no_rows_are_dropped_and_counted() -> None:
    counts = Counts()
    parser = Framed(layout_of(ROWS), spec_of(ROWS), counts)
    assert parser.feed(Arrival(b"x" * 50, 1.0)) == []
    rows = np.full((3, 6), np.nan)
    assert parser.feed(Arrival(rows.tobytes(), 1.0)) == []
    assert counts.damaged_frames == 4


def library_of(name: str) -> Library:
    pytest.importorskip(name, reason=f"{name} is not installed")
    try:
        loaded: Library = import_module(f"acquisition.{name}").library()
    except DeviceRefused as error:
        pytest.skip(str(error))
    return loaded


def gathered(device: Device, n: int) -> list[Chunk]:
    chunks, until_s = [], time.monotonic() + 10.0
    while sum(len(c.samples) for c in chunks) < n and time.monotonic() < until_s:
        chunk = device.read(0.2)
        assert chunk is not None
        if len(chunk.samples):
            chunks.append(chunk)
    return chunks


@pytest.mark.slow
@pytest.mark.parametrize("name", ["brainflow", "mindrove"])
def test_the_librarys_own_synthetic_board_streams_without_a_loss(name: str) -> None:
    library_of(name)
    device: Device = open_source(f"{name}:synthetic")  # type: ignore[assignment]
    device.start()
    chunks = gathered(device, 300)
    motion = device.take_motion()
    device.stop()
    assert device.spec.rate_hz == 250.0
    assert chunks[0].samples.shape[1] == len(device.spec.channels) == 16
    assert device.counts.lost_samples == 0
    assert device.motion_spec is not None
    assert motion[0].samples.shape[1] == len(device.motion_spec.channels) == 6
    last = chunks[-1]
    ends_s = last.clock_s + len(last.samples) / 250.0
    assert ends_s == pytest.approx(time.monotonic(), abs=0.5)


@contextmanager
def at_a_pty(twin: Twin) -> Iterator[str]:
    stop, where, there = threading.Event(), [], threading.Event()

    def ready(name: str) -> None:
        where.append(name)
        there.set()

    server = threading.Thread(target=serve, args=(twin, "", Trouble(), Injected(), stop, ready))
    server.start()
    assert there.wait(5.0)
    try:
        yield where[0]
    finally:
        stop.set()
        server.join(5.0)


@pytest.mark.slow
def test_a_cyton_behind_brainflow_gives_what_its_twin_sends() -> None:
    library_of("brainflow")
    twin = CytonTwin()
    with at_a_pty(twin) as port:
        device: Device = open_source(f"brainflow:cyton,serial_port={port}")  # type: ignore[assignment]
        device.start()
        chunks = gathered(device, 250)
        device.stop()
    rows = np.concatenate([c.samples for c in chunks])
    sent = (twin.signal(0, len(rows) + 300) * COUNT_UV).astype(np.float32)
    first_n = int((sent == rows[0]).all(axis=1).argmax())
    np.testing.assert_array_equal(rows, sent[first_n : first_n + len(rows)])
    assert device.counts.lost_samples == 0


@pytest.mark.slow
def test_brainflow_is_refused_with_its_own_reason() -> None:
    library_of("brainflow")
    with pytest.raises(Refused, match='Did you mean "ganglion"'):
        open_source("brainflow:ganglio")
    with pytest.raises(Refused, match=r"name one, e\.g\. brainflow:cyton"):
        open_source("brainflow")
    with pytest.raises(DeviceRefused, match=r"serial_port=/dev/nope.*unable to open port"):
        open_source("brainflow:cyton,serial_port=/dev/nope").start()


def test_mindrove_has_an_armband_and_a_stand_in() -> None:
    with pytest.raises(Refused, match="is one of armband, synthetic, not wristband"):
        open_source("mindrove:wristband")


@pytest.mark.parametrize("name", ["brainflow", "mindrove"])
def test_a_library_that_is_missing_is_told_with_its_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DeviceRefused, match=rf"pip install '\.\[{name}\]'"):
        open_source(f"{name}:synthetic")


def test_a_twin_with_rows_counts_as_its_board_does() -> None:
    twin = RowsTwin(ROWS)
    twin.hear(START, 0.0)
    frames = [np.frombuffer(said.data, "<f8") for said in twin.due(258.5 / 250)]
    assert [frame[0] for frame in frames[254:258]] == [254.0, 255.0, 0.0, 1.0]
